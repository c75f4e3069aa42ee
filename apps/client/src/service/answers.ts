/**
 * What an answer or a forwarded message is made of: whom it goes to, its thread, the quoted text,
 * the attachments that go along. Before: mail-sender.ts; after: mail core, message/answer.ts.
 */
import {
  forwardSubject,
  forwardText,
  quoteText,
  replySubject,
  threadOf,
} from '@tanglemail/mail/core/message/answer.ts';
import { readFacts, readHeaders } from '@tanglemail/mail/core/message/headers.ts';
import { type MailAddress, parseMailAddress } from '@tanglemail/mail/core/identity/address.ts';
import type { ComposeAttachment } from '@tanglemail/mail/io/compose.ts';
import type { ShownAddress, ShownMessage } from '@tanglemail/mail/io/parse.ts';
import { type Account, emailText } from '../account/account.ts';
import type { ListedMail } from '../messages/listed-mail.ts';

/** What a new message takes over from its parent. */
export interface Answer {
  readonly subject: string;
  /** To stand below what the user writes; empty or ends in a line end. */
  readonly text: string;
  readonly inReplyTo?: string;
  readonly references: readonly string[];
  readonly to: readonly MailAddress[];
  readonly cc: readonly MailAddress[];
  readonly attachments: readonly ComposeAttachment[];
}

/** A message that is there, and how it reads. */
export interface Parent {
  readonly mail: ListedMail;
  readonly raw: Uint8Array;
  readonly shown: ShownMessage;
}

/**
 * An answer goes to whom the seal proves, never to whom a header names; to all, also to everybody
 * else in To and Cc who has an address of this network.
 */
export function answerTo(
  account: Account,
  parent: Parent,
  { isToAll, isQuoted }: { readonly isToAll: boolean; readonly isQuoted: boolean },
): Answer {
  const { mail, raw, shown } = parent;
  const sender = mail.entry.sender ?? account.address;
  const isOwn = sender === account.address;
  const others = (list: readonly ShownAddress[]): MailAddress[] =>
    addressesOf(account, list).filter((one) => one !== account.address && one !== sender);
  const to = isOwn ? others(shown.to) : [sender];
  const more = isOwn ? others(shown.cc) : [...others(shown.to), ...others(shown.cc)];
  const headers = readHeaders(raw);
  const thread = headers.ok ? threadOf(readFacts(headers.value)) : { references: [] };
  const intro = `On ${dateOf(parent)}, ${nameOf(account, parent)} wrote:`;
  return {
    ...thread,
    subject: replySubject(shown.subject),
    text: isQuoted && shown.text.trim() !== '' ? `\n\n${quoteText(shown.text, intro)}` : '',
    to: to.length === 0 ? [sender] : to,
    cc: isToAll ? more.filter((one) => !to.includes(one)) : [],
    attachments: [],
  };
}

/**
 * A forwarded message begins a thread of its own and keeps the attachments; its text stands in the
 * new one already unless `isQuoted`.
 */
export function forwardOf(account: Account, parent: Parent, isQuoted: boolean): Answer {
  const { shown } = parent;
  const head = {
    from: nameOf(account, parent),
    date: dateOf(parent),
    subject: shown.subject,
    to: shown.to.map((one) => one.address).join(', '),
  };
  return {
    subject: forwardSubject(shown.subject),
    text: isQuoted ? `\n\n${forwardText(shown.text, head)}` : '',
    references: [],
    to: [],
    cc: [],
    attachments: shown.attachments.map(({ filename, contentType, content }, index) => ({
      filename: filename === '' ? `attachment-${index + 1}` : filename,
      contentType,
      content,
    })),
  };
}

function addressesOf(account: Account, list: readonly ShownAddress[]): MailAddress[] {
  const parsed = list.map((one) => parseMailAddress(one.address, account.network));
  return [...new Set(parsed.flatMap((one) => (one.ok ? [one.value.address] : [])))];
}

function dateOf({ mail }: Parent): string {
  const date = new Date(mail.entry.internalDate * 1_000).toISOString();
  return `${date.slice(0, 16).replace('T', ' ')} UTC`;
}

/** Who sealed the parent; a display name is only the sender's word and stands beside it. */
function nameOf(account: Account, { mail }: Parent): string {
  const { sender, fromName } = mail.entry;
  const email = emailText(account, sender ?? account.address);
  const name = fromName.replaceAll(/[\r\n]+/g, ' ').trim();
  return name === '' ? email : `${name} <${email}>`;
}
