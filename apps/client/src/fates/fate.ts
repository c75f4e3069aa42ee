/**
 * What a mail program's user is to be told of a mail, decided from the states of the outbox: what
 * is due for a recipient, in the words of RFC 3464, and the keywords of the copy in Sent. Nothing
 * is asked here and nothing written. Before: fate-book.ts. Spec: docs/spec/45-mail-programs.md §8.
 */
import { EXPIRY_MS, RECEIPT_PATIENCE_MS } from '../outbox/outbox-entry.ts';
import { reportOf } from '../outbox/report.ts';
import type { Fate, Notify } from '../store/bridge-collections.ts';
import type { OutboxEntry } from '../store/outbox-collections.ts';

/** A mail that is not stored so long after it was to leave is delayed. */
export const DELAY_MS = 4 * 3_600_000;

type State = OutboxEntry['state'];
/** Of an entry; specs give no more than this. */
export type FateFacts = Pick<
  OutboxEntry,
  'createdAtMs' | 'deliveries' | 'isDone' | 'notBeforeMs' | 'state'
>;

/** What the program asked for, and what was told before. */
export interface FateWishes {
  readonly notify?: readonly Notify[] | undefined;
  readonly asksRead: boolean;
  readonly told: readonly Fate[];
}

/** When it is delayed unless something happens; undefined for what is decided. */
export function delayedAt({
  state,
  isDone,
  createdAtMs,
  notBeforeMs,
}: FateFacts): number | undefined {
  const isUnderWay = ['scheduled', 'queued', 'attached', 'confirmed'].includes(state);
  return isUnderWay && !isDone ? Math.max(createdAtMs, notBeforeMs ?? 0) + DELAY_MS : undefined;
}

/** Until when it is tried. */
export function retryUntil({ state, createdAtMs, notBeforeMs }: FateFacts): number {
  const patience = state === 'confirmed' ? RECEIPT_PATIENCE_MS : EXPIRY_MS;
  return Math.max(createdAtMs, notBeforeMs ?? 0) + patience;
}

/** What is to be told now, the weaker first; each once. */
export function dueFates(entry: FateFacts, wishes: FateWishes, nowMs: number): Fate[] {
  const { told, asksRead } = wishes;
  const due: Fate[] = [];
  const fate = fateOf(entry, nowMs);
  if (fate !== undefined && isWanted(fate, wishes.notify) && !told.includes(fate)) {
    // What is decided is not called on its way, or late, behind that.
    const isOld = RANK[fate] < Math.max(0, ...told.map((one) => RANK[one]));
    if (!isOld) due.push(fate);
  }
  if (asksRead && entry.state === 'read' && !told.includes('displayed')) due.push('displayed');
  return due;
}

const RANK: Readonly<Record<Fate, number>> = {
  delayed: 1,
  relayed: 2,
  failed: 3,
  delivered: 4,
  displayed: 0,
};

/** Without NOTIFY: failures and long delays alone (RFC 3461 §4.1). */
function isWanted(fate: Fate, notify: readonly Notify[] = ['FAILURE', 'DELAY']): boolean {
  if (fate === 'failed') return notify.includes('FAILURE');
  return notify.includes(fate === 'delayed' ? 'DELAY' : 'SUCCESS');
}

function fateOf(entry: FateFacts, nowMs: number): Fate | undefined {
  const { state, isDone, deliveries } = entry;
  switch (state) {
    case 'failed':
    case 'expired':
      return 'failed';
    case 'recalled':
      return undefined;
    case 'fetched':
    case 'read':
      return 'delivered';
    case 'stored':
      return 'relayed';
    default: {
      // Nobody is left who could say more: it went into the tangle, and perhaps no further.
      if (isDone) return deliveries.length === 0 ? 'relayed' : 'failed';
      const lateMs = delayedAt(entry);
      return lateMs !== undefined && nowMs >= lateMs ? 'delayed' : undefined;
    }
  }
}

const KEYWORDS: Readonly<Partial<Record<State, string>>> = {
  scheduled: '$Scheduled',
  queued: '$Queued',
  attached: '$Queued',
  confirmed: '$Confirmed',
  stored: '$Stored',
  fetched: '$Fetched',
  read: '$Read',
};
const FAILED = '$Failed';

/** All that a copy in Sent can get, and lose again. */
export const FATE_KEYWORDS: readonly string[] = [...new Set(Object.values(KEYWORDS)), FAILED];

/** What holds for every recipient that the mail can reach, and whether it failed for some. */
export function keywordsOf(entries: readonly FateFacts[]): string[] {
  const kept = entries.filter((one) => one.state !== 'recalled');
  if (kept.length === 0) return [];
  const isFailed = (one: FateFacts): boolean => fateOf(one, 0) === 'failed';
  const alive = kept.filter((one) => !isFailed(one));
  const weakest = alive.length === 0 ? undefined : KEYWORDS[reportOf(alive).weakest];
  return [
    ...(weakest === undefined ? [] : [weakest]),
    ...(alive.length < kept.length ? [FAILED] : []),
  ];
}
