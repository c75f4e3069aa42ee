/**
 * The labels of an account: flags that a user gave (RFC 9051, keywords), each counted once for a
 * message that lies in several folders. Before: the mailbox service; after: message-store.ts.
 */
import type { ListedMail } from './listed-mail.ts';

/** More names than a person has use for are left out: a hostile archive may bring any number. */
const MAX_LABELS = 1_000;

export interface Label {
  readonly name: string;
  readonly total: number;
  readonly unread: number;
}

/** By name, whatever its case; spelt as first met. `$…` are marks of mail programs. */
export function labelsOf(mails: Iterable<ListedMail>): Label[] {
  const counted = new Set<string>();
  const found = new Map<string, { name: string; total: number; unread: number }>();
  for (const { entry } of mails) {
    const names = entry.flags.filter((flag) => !/^[\\$]/.test(flag));
    if (names.length === 0 || counted.has(entry.messageKey)) continue;
    counted.add(entry.messageKey);
    for (const name of names) {
      const label = found.get(name.toLowerCase()) ?? { name, total: 0, unread: 0 };
      if (label.total === 0 && found.size >= MAX_LABELS) continue;
      label.total += 1;
      if (!entry.flags.includes('\\Seen')) label.unread += 1;
      found.set(name.toLowerCase(), label);
    }
  }
  return [...found.values()].toSorted((a, b) => a.name.localeCompare(b.name, 'en'));
}
