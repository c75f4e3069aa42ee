/**
 * Fields that stand in front of a received mail when a mail program reads it: by whose seal it
 * came. The mail's own bytes stay as they are, so signatures in it hold. The name under which they
 * are said is one that nobody else knows, so no mail can bring such a field of its own. Before:
 * bridge-store.ts. Source: RFC 5321 §4.4, RFC 8601. Spec: docs/spec/45-mail-programs.md.
 */
import { dateText } from '@tanglemail/mail/core/message/message-date.ts';
import { type Account, emailText } from '../account/account.ts';
import type { MessageEntry } from '../store/collections.ts';

/** The fields of a mail; none for own copies and for what was imported. */
export function traceFields(account: Account, entry: MessageEntry, serverName: string): string {
  const { sender, internalDate, isRegistered } = entry;
  if (sender === undefined || entry.importedFrom !== undefined) return '';
  const from = emailText(account, sender);
  const seal = isRegistered ? 'signed' : 'sealed';
  return (
    `Return-Path: <${from}>\r\n` +
    `Received: by ${serverName} with TANGLE; ${dateText(internalDate * 1_000)}\r\n` +
    `Authentication-Results: ${serverName};\r\n x-tangle=pass (${seal}) smtp.mailfrom=${from}\r\n`
  );
}
