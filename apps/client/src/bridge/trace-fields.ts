/**
 * Fields that stand in front of a received mail when a mail program reads it: by whose seal it
 * came. The mail's own bytes stay as they are, so signatures in it hold. The name under which they
 * are said is one that nobody else knows, so no mail can bring such a field of its own. Before:
 * bridge-store.ts. Source: RFC 5321 §4.4, RFC 8601. Spec: docs/spec/45-mail-programs.md.
 */
import { type Account, emailText } from '../account/account.ts';
import type { MessageEntry } from '../store/collections.ts';

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** The fields of a mail; none for own copies and for what was imported. */
export function traceFields(account: Account, entry: MessageEntry, serverName: string): string {
  const { sender, internalDate, isRegistered } = entry;
  if (sender === undefined || entry.importedFrom !== undefined) return '';
  const from = emailText(account, sender);
  const seal = isRegistered ? 'signed' : 'sealed';
  return (
    `Return-Path: <${from}>\r\n` +
    `Received: by ${serverName} with TANGLE; ${dateText(internalDate)}\r\n` +
    `Authentication-Results: ${serverName};\r\n x-tangle=pass (${seal}) smtp.mailfrom=${from}\r\n`
  );
}

/** RFC 5322 §3.3, in UTC. */
function dateText(seconds: number): string {
  const date = new Date(seconds * 1_000);
  const time = date.toISOString().slice(11, 19);
  const day = `${DAYS[date.getUTCDay()]}, ${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]}`;
  return `${day} ${date.getUTCFullYear()} ${time} +0000`;
}
