/**
 * Fields that stand in front of a received mail when a mail program reads it: by whose seal it
 * came. The mail's own bytes stay as they are, so signatures in it hold. The name under which they
 * are said is one that nobody else knows, so no mail can bring such a field of its own. Before:
 * bridge-store.ts. Source: RFC 5321 §4.4, RFC 8601. Spec: docs/spec/45-mail-programs.md.
 */
import type { MailAddress } from '@tanglemail/mail/core/identity/address.ts';
import { dateText } from '@tanglemail/mail/core/message/message-date.ts';
import { type Account, emailText } from '../account/account.ts';
import type { MessageEntry } from '../store/collections.ts';

/** Senders whose address as text is remembered: to write it takes longer than all the rest. */
const MAX_REMEMBERED = 1_000;

export class TraceFields {
  readonly #account: Account;
  readonly #serverName: string;
  readonly #emailTexts = new Map<MailAddress, string>();

  constructor(account: Account, serverName: string) {
    this.#account = account;
    this.#serverName = serverName;
  }

  /** The fields of a mail; none for own copies and for what was imported. */
  of({ sender, internalDate, isRegistered, importedFrom }: MessageEntry): string {
    if (sender === undefined || importedFrom !== undefined) return '';
    const from = this.#emailText(sender);
    const name = this.#serverName;
    const seal = isRegistered ? 'signed' : 'sealed';
    return (
      `Return-Path: <${from}>\r\n` +
      `Received: by ${name} with TANGLE; ${dateText(internalDate * 1_000)}\r\n` +
      `Authentication-Results: ${name};\r\n x-tangle=pass (${seal}) smtp.mailfrom=${from}\r\n`
    );
  }

  #emailText(sender: MailAddress): string {
    const known = this.#emailTexts.get(sender);
    if (known !== undefined) return known;
    if (this.#emailTexts.size >= MAX_REMEMBERED) this.#emailTexts.clear();
    const text = emailText(this.#account, sender);
    this.#emailTexts.set(sender, text);
    return text;
  }
}
