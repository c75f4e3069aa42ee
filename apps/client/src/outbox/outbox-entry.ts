/**
 * The life of one mail to one recipient as pure transitions; the words are those that a user reads.
 * `queued → attached → confirmed → stored n/m`, beside them `failed` and `expired`. Before:
 * outbox.ts drives it. Spec: docs/spec/42-delivery.md.
 */
import type { OutboxEntry } from '../store/outbox-collections.ts';

/** Longest time in which a mail can be undone. */
export const MAX_UNDO_SECONDS = 600;
/** A mail that no milestone took within this time is given up. */
export const EXPIRY_MS = 30 * 86_400_000;
/** Receipts are asked for this long after the confirmation. */
export const RECEIPT_PATIENCE_MS = 72 * 3_600_000;
/** An exact tag under which nobody stores a mail for this long is not watched by its recipient. */
export const RESEND_AFTER_MS = 3_600_000;
/** As long is waited for a provider that cannot be asked. */
export const RESEND_PATIENCE_MS = 24 * 3_600_000;
/** Between attempts at the same step, doubled each time. */
export const RETRY_MS = { first: 1_000, last: 300_000 } as const;
/** Between questions for receipts, doubled each time. */
export const RECEIPT_POLL_MS = { first: 500, last: 600_000 } as const;
const MAX_HISTORY = 64;

/** What the user's list of mails shows: neither notes nor chat, which has views of its own. */
export function isMail({ form = 'message' }: OutboxEntry): boolean {
  return form === 'message' || form === 'parcel';
}

/** What the program sends by itself: nobody looks at it again once it is done. */
export function isSilent({ form }: OutboxEntry): boolean {
  return form === 'note' || form === 'copy';
}

/** Moves to another state and writes it into the history. */
export function enter(
  entry: OutboxEntry,
  state: OutboxEntry['state'],
  nowMs: number,
  detail?: string,
): OutboxEntry {
  const line = detail === undefined ? { state, atMs: nowMs } : { state, atMs: nowMs, detail };
  const history = [...entry.history, line].slice(-MAX_HISTORY);
  const { error: _settled, ...rest } = entry;
  const moved = { ...rest, ...firstTime(entry, state, nowMs) };
  return { ...moved, state, history, attempts: 0, nextTryAtMs: nowMs };
}

/** Each of these has a time of its own, the first at which it was true. */
function firstTime(
  entry: OutboxEntry,
  state: OutboxEntry['state'],
  nowMs: number,
): Partial<OutboxEntry> {
  switch (state) {
    case 'attached':
      return { attachedAtMs: entry.attachedAtMs ?? nowMs };
    case 'confirmed':
      return { confirmedAtMs: entry.confirmedAtMs ?? nowMs };
    case 'stored':
      return { storedAtMs: entry.storedAtMs ?? nowMs };
    case 'fetched':
      return { fetchedAtMs: entry.fetchedAtMs ?? nowMs };
    case 'read':
      return { fetchedAtMs: entry.fetchedAtMs ?? nowMs, readAtMs: entry.readAtMs ?? nowMs };
    default:
      return {};
  }
}

/** A failure that may pass: the same step again, later and later. */
export function postpone(
  entry: OutboxEntry,
  error: { readonly code: string; readonly detail: string },
  nowMs: number,
): OutboxEntry {
  if (entry.milestoneIndex === undefined && nowMs - leavesAt(entry) > EXPIRY_MS) {
    return finish(enter(entry, 'expired', nowMs, 'not confirmed within 30 days'));
  }
  const waitMs = Math.min(RETRY_MS.first * 2 ** Math.min(entry.attempts, 20), RETRY_MS.last);
  const { code, detail } = error;
  return {
    ...entry,
    attempts: entry.attempts + 1,
    nextTryAtMs: nowMs + waitMs,
    error: { code: code.slice(0, 64), detail: detail.slice(0, 512) },
  };
}

/** A failure that will not pass: the user must do something. */
export function giveUp(
  entry: OutboxEntry,
  error: { readonly code: string; readonly detail: string },
  nowMs: number,
): OutboxEntry {
  const code = error.code.slice(0, 64);
  const failed = finish(enter(entry, 'failed', nowMs, code));
  return { ...failed, error: { code, detail: error.detail.slice(0, 512) } };
}

const UNWATCHED = 'no provider has stored it; it is sealed again with a stranger’s tag';

/**
 * Back to the start with a stranger's tag: the same letter, so a recipient that has it after all
 * shows it once.
 */
export function sendAgain(entry: OutboxEntry, nowMs: number, detail = UNWATCHED): OutboxEntry {
  const {
    root: _root,
    envelopeBytes: _envelopeBytes,
    tagKind: _tagKind,
    blockId: _blockId,
    powMs: _powMs,
    milestoneIndex: _milestoneIndex,
    isLeaving: _isLeaving,
    attachedAtMs: _attachedAtMs,
    confirmedAtMs: _confirmedAtMs,
    stampBits: _stampBits,
    stampDay: _stampDay,
    ...kept
  } = enter(entry, 'queued', nowMs, detail);
  return { ...kept, deliveries: [], isResent: true };
}

/** Whether the recipient's providers have had their time to store a mail with an exact tag. */
export function isUnwatched(entry: OutboxEntry, nowMs: number): boolean {
  const isExact = entry.tagKind === 'contact' || entry.tagKind === 'invite';
  const answers = new Set(entry.deliveries.map((one) => one.state));
  if (!isExact || answers.has('stored') || !answers.has('absent')) return false;
  const waitedMs = nowMs - confirmedAt(entry, nowMs);
  return waitedMs > (answers.has('waiting') ? RESEND_PATIENCE_MS : RESEND_AFTER_MS);
}

function confirmedAt(entry: OutboxEntry, nowMs: number): number {
  return entry.confirmedAtMs ?? nowMs;
}

/** When the user wanted it to leave. */
function leavesAt({ createdAtMs, notBeforeMs }: OutboxEntry): number {
  return Math.max(createdAtMs, notBeforeMs ?? 0);
}

/** A scheduled mail whose time has come. */
export function begin(entry: OutboxEntry, nowMs: number): OutboxEntry {
  return enter(entry, 'queued', nowMs, 'its time has come');
}

/** Whether it is still on this device alone, as far as the record tells. */
export function isHere(entry: OutboxEntry): boolean {
  const isWaiting = entry.state === 'queued' || entry.state === 'scheduled';
  // What was sealed again has left once before.
  return isWaiting && !entry.isDone && entry.isLeaving !== true && entry.isResent !== true;
}

/** Taken back before it left. */
export function recall(entry: OutboxEntry, nowMs: number): OutboxEntry {
  return finish(enter(entry, 'recalled', nowMs));
}

/**
 * The recipient's client has proven that it opened the letter, or says that its user has read it.
 * Nothing else about the entry matters any more.
 */
export function acknowledge(
  entry: OutboxEntry,
  what: 'fetched' | 'read',
  nowMs: number,
): OutboxEntry {
  if (entry.state === 'read' || entry.state === what) return entry;
  return finish(enter(entry, what, nowMs));
}

/** Nothing is left to do. */
export function finish(entry: OutboxEntry): OutboxEntry {
  return { ...entry, isDone: true };
}

/** Receipts that were checked. */
export function storedCount(entry: OutboxEntry): number {
  return entry.deliveries.filter((one) => one.state === 'stored').length;
}

/** Nothing is left to do, but to see whether the recipient comes for it before storage ends. */
function awaitFetch(entry: OutboxEntry): OutboxEntry {
  const untils = entry.deliveries.map((one) => one.until ?? 0);
  const endsAtMs = Math.max(0, ...untils) * 1_000;
  if (entry.wantsReceipt !== true || endsAtMs === 0) return finish(entry);
  return { ...entry, awaitsFetchUntilMs: endsAtMs, nextTryAtMs: endsAtMs };
}

/** The storage that was paid for is over, and the recipient has not said that it has the mail. */
export function expireUnfetched(entry: OutboxEntry, nowMs: number): OutboxEntry {
  return finish(enter(entry, 'expired', nowMs, 'storage ended before it was fetched'));
}

/**
 * After a look at the providers: `stored` from the first receipt on; done when every provider has
 * given one, when there is none to ask, or when patience has ended.
 */
export function afterReceipts(
  entry: OutboxEntry,
  deliveries: OutboxEntry['deliveries'],
  nowMs: number,
): OutboxEntry {
  const before = storedCount(entry);
  const updated = { ...entry, deliveries };
  const count = storedCount(updated);
  const detail = `${count}/${deliveries.length}`;
  const moved = count > before ? enter(updated, 'stored', nowMs, detail) : updated;
  const isOver = nowMs - confirmedAt(entry, nowMs) > RECEIPT_PATIENCE_MS;
  if (count === deliveries.length || isOver) return awaitFetch(moved);
  const waitMs = RECEIPT_POLL_MS.first * 2 ** Math.min(moved.attempts, 16);
  const nextTryAtMs = nowMs + Math.min(waitMs, RECEIPT_POLL_MS.last);
  return { ...moved, attempts: moved.attempts + 1, nextTryAtMs };
}
