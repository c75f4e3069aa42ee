/**
 * What SORT and THREAD look at in a message: its header, decoded as far as they need it. Before: a
 * message's bytes; next: core/thread/references.ts, sort-key.ts. Source: RFC 5256 §2.
 */
import { decodeWords } from 'postal-mime';
import { readEnvelopeAddresses } from '../../../core/mime/envelope-fields.ts';
import { fieldValue, listFields } from '../../../core/mime/fields.ts';
import { readDate } from '../../../core/message/message-date.ts';
import type { Referring } from '../../../core/thread/references.ts';
import { utf8Of } from './arguments.ts';

/** References of one message that count. */
const MAX_REFERENCES = 100;

/** How SORT sees the people of a field. */
export interface FirstAddress {
  /** The local part, as it stands. */
  readonly mailbox: string;
  /** The name, decoded, or the whole address (RFC 5957 §3). */
  readonly shown: string;
}

export interface MessageFacts extends Referring {
  /** Of the first address: empty where there is none. */
  readonly from: FirstAddress;
  readonly to: FirstAddress;
  readonly cc: FirstAddress;
}

/** `number` and `internalDate` are those of the message in its folder. */
export function readMessageFacts(
  bytes: Uint8Array,
  { number, internalDate }: { readonly number: number; readonly internalDate: number },
): MessageFacts {
  const list = listFields(bytes, 0, bytes.length);
  const value = (name: string): string => fieldValue(bytes, list, name) ?? '';
  const references = readIds(value('references'));
  return {
    number,
    messageId: readIds(value('message-id'))[0] ?? '',
    // Of In-Reply-To only the first counts: people write all kinds of things there.
    references:
      references.length > 0
        ? references.slice(-MAX_REFERENCES)
        : readIds(value('in-reply-to')).slice(0, 1),
    subject: decoded(value('subject')),
    date: readDate(value('date')) ?? internalDate,
    from: firstAddress(value('from')),
    to: firstAddress(value('to')),
    cc: firstAddress(value('cc')),
  };
}

function firstAddress(value: string): FirstAddress {
  const { name, mailbox = '', host = '' } = readEnvelopeAddresses(value)[0] ?? {};
  const address = host === '' ? mailbox : `${mailbox}@${host}`;
  return { mailbox, shown: name === undefined ? address : decoded(name) };
}

function readIds(value: string): string[] {
  return Array.from(value.matchAll(/<([^<>\s]{1,998})>/g), (match) => match[1] ?? '');
}

/** Encoded words, or UTF-8 as it stands. */
function decoded(octets: string): string {
  return decodeWords(utf8Of(octets) ?? octets);
}
