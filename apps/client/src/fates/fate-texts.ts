/**
 * What a report says of one recipient's mail: the status of RFC 3463 for each reason, and a
 * sentence for people. Before: fate-book.ts. Spec: docs/spec/45-mail-programs.md §8.
 */
import type { RecipientStatus } from '@tanglemail/mail/core/report/fields.ts';
import type { Fate } from '../store/bridge-collections.ts';
import type { OutboxEntry } from '../store/outbox-collections.ts';
import { retryUntil } from './fate.ts';

type Told = Exclude<Fate, 'displayed'>;
type Row = readonly [detail: string, text: string];

/** Subject and detail of the status, by the reason that the outbox gives. */
const REASONS: Readonly<Record<string, Row>> = {
  'contacts-only': ['7.1', 'the recipient takes mail of contacts only'],
  'descriptor-not-found': ['4.4', 'the recipient has not published its keys yet'],
  'envelope-version-unknown': ['7.6', 'the recipient’s program is too old or too new'],
  'form-unknown': ['3.5', 'another version of this program queued it'],
  'key-changed': ['7.1', 'the recipient shows other keys than before: compare, then accept them'],
  'message-too-large': ['3.4', 'it is larger than the recipient takes'],
  'node-unreachable': ['4.1', 'no node of the network can be reached from here'],
  'parcel-cannot-pay': ['2.2', 'the recipient’s mailbox cannot pay for a mail of this size now'],
  'parcel-no-provider': ['3.3', 'the recipient keeps no large mails'],
  'parcel-not-accepted': ['7.1', 'the recipient takes large mails of people who know each other'],
  'parcel-part-limit': ['3.4', 'it is larger than the recipient’s providers take'],
  'parcel-recipient-limit': ['3.4', 'it is larger than the recipient takes'],
  'parcel-storage-full': ['2.2', 'the recipient’s providers are full'],
  'parcel-to-self': ['3.3', 'large mails to oneself are not sent'],
  'recipient-key-invalid': ['7.5', 'the recipient’s keys cannot be used'],
  'sub-address-unknown': ['1.1', 'the recipient has no such sub-address (any more)'],
};
const LATE: Row = ['4.7', 'it has not reached the recipient’s providers in time'];

/** What the fields say of one recipient. */
export function statusOf(
  entry: OutboxEntry,
  told: Told,
  recipient: { readonly finalRecipient: string; readonly originalRecipient?: string | undefined },
): RecipientStatus & { readonly text: string } {
  const { finalRecipient, originalRecipient } = recipient;
  const common = {
    finalRecipient,
    ...(originalRecipient === undefined ? {} : { originalRecipient }),
    action: told,
    lastAttemptMs: entry.history.at(-1)?.atMs ?? entry.createdAtMs,
  };
  if (told === 'relayed' || told === 'delivered') {
    return { ...common, status: '2.0.0', text: successText(entry, told) };
  }
  const { code, detail } = reasonOf(entry);
  const [digits, text] = REASONS[code] ?? (entry.state === 'failed' ? ['0.0', detail] : LATE);
  const diagnostic = `${code} (${detail})`;
  if (told === 'failed') return { ...common, status: `5.${digits}`, diagnostic, text };
  const retryUntilMs = retryUntil(entry);
  return { ...common, status: `4.${digits}`, diagnostic, text, retryUntilMs };
}

function successText(entry: OutboxEntry, told: 'delivered' | 'relayed'): string {
  if (told === 'delivered') return 'the recipient’s program has proven that it opened the mail';
  const count = entry.deliveries.filter((one) => one.state === 'stored').length;
  return count === 0
    ? 'it is final in the tangle; the recipient names no provider that could say more'
    : `${count} of ${entry.deliveries.length} providers of the recipient have signed for it`;
}

function reasonOf({ error, state, history }: OutboxEntry): { code: string; detail: string } {
  if (error !== undefined) return error;
  if (state === 'expired') return { code: state, detail: history.at(-1)?.detail ?? state };
  const isConfirmed = state === 'confirmed';
  return { code: state, detail: isConfirmed ? 'no provider has confirmed it' : 'it waits' };
}

const HEADLINES: Readonly<Record<Told, string>> = {
  delayed: 'Delayed',
  delivered: 'Delivered',
  failed: 'Not delivered',
  relayed: 'On its way',
};
const INTRODUCTIONS: Readonly<Record<Told, string>> = {
  delayed: 'This mail has not been delivered yet. It is tried further; there is nothing to do.',
  delivered: 'This mail was delivered.',
  failed: 'This mail could not be delivered, and is not tried any more.',
  relayed: 'This mail is stored for its recipient.',
};

/** Subject of a report; of several fates the one that matters most names it. */
export function subjectOf(fates: readonly Told[], subject: string): string {
  const order = ['failed', 'delayed', 'delivered', 'relayed'] as const;
  const first = order.find((one) => fates.includes(one)) ?? 'failed';
  return `${HEADLINES[first]}: ${subject}`.slice(0, 998);
}

/** The part for people. */
export function textOf(statuses: readonly (RecipientStatus & { readonly text: string })[]): string {
  const blocks = Object.entries(INTRODUCTIONS).flatMap(([action, introduction]) => {
    const lines = statuses.filter((one) => one.action === action);
    const people = lines.map(
      ({ finalRecipient, status, text }) => `  ${finalRecipient}\n    ${text} (${status})\n`,
    );
    return people.length === 0 ? [] : [`${introduction}\n\n${people.join('\n')}`];
  });
  return blocks.join('\n');
}
