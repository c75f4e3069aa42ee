/**
 * The states of a mail on its way, in the words that users see everywhere.
 * Spec: docs/spec/41-client-api.md, "States of a mail".
 */
import type { OutboxItemDto } from '../api/dto.ts';
import { ClientError, isClientErrorCode } from '../client-error.ts';
import { dateText } from './text.ts';

/** How far `--wait` waits. */
export type WaitGoal = 'confirmed' | 'stored' | 'fetched';

/** Steps of the way; a mail that failed stands at none. */
const STEPS = ['queued', 'attached', 'confirmed', 'stored', 'fetched', 'read'] as const;

/** 0 queued … 5 read; what failed counts as queued, since it is tried again. */
export function stepOf({ state }: OutboxItemDto): number {
  return Math.max(
    0,
    STEPS.findIndex((step) => step === state),
  );
}

/**
 * `stepOf` with the part of the proof of work that is done. A search has no end that is known:
 * after the average number of hashes 63 % of all have ended, which is what it shows.
 */
export function progressOf(item: OutboxItemDto): number {
  const { work } = item;
  return stepOf(item) + (work === undefined ? 0 : 1 - Math.exp(-work.hashes / work.expectedHashes));
}

/** The step that a wait ends at. */
export function goalStep(goal: WaitGoal): number {
  return STEPS.indexOf(goal);
}

export function reached(item: OutboxItemDto, goal: WaitGoal): boolean {
  return stepOf(item) >= goalStep(goal);
}

/** True when nothing more will happen to a mail that did not arrive. */
export function isOver({ state, error }: OutboxItemDto): boolean {
  return (
    state === 'expired' ||
    state === 'recalled' ||
    (state === 'failed' && error?.nextTryAtMs === undefined)
  );
}

/** Why a mail that is over did not arrive, as an error of its own code where there is one. */
export function whyOver({ error, to, state }: OutboxItemDto): ClientError {
  const detail = `${to.name || to.address}: ${error?.detail ?? state}`;
  const { code } = error ?? { code: '' };
  return new ClientError(isClientErrorCode(code) ? code : 'provider-refused', detail);
}

/** The state in one clause. */
export function stateText(item: OutboxItemDto): string {
  const { state, milestoneIndex, heldCount, error } = item;
  switch (state) {
    case 'scheduled':
      return `scheduled for ${dateText(item.notBeforeMs ?? 0)}`;
    case 'queued':
      return queuedText(item);
    case 'attached':
      return 'attached (in the tangle)';
    case 'confirmed': {
      // A contact's mail is sealed again like this when no provider of its recipient watched its tag.
      const held = heldCount > 0 ? ', sent as a stranger’s mail, no receipt yet' : '';
      const proof = item.proofChecked ? ', proof checked' : '';
      return `confirmed (milestone ${milestoneIndex ?? '?'}${proof})${held}`;
    }
    case 'stored':
      return storedText(item);
    case 'failed': {
      const next = error?.nextTryAtMs;
      const again = next === undefined ? '' : `, next try at ${dateText(next)}`;
      return `failed: ${error?.detail || error?.code || 'no reason known'}${again}`;
    }
    case 'fetched':
      return 'fetched by recipient';
    case 'expired':
      return item.proofChecked ? 'expired before it was fetched' : 'expired, never confirmed';
    case 'recalled':
      return 'recalled, never sent';
    default:
      return state;
  }
}

/** What the receipts promise, which has an end. */
function storedText({ storedCount, providerCount, receipts }: OutboxItemDto): string {
  const count = `stored ${storedCount}/${providerCount}`;
  const untilMs = Math.max(0, ...receipts.map(({ until }) => until)) * 1_000;
  if (untilMs > Date.now()) return `${count} (receipts checked)`;
  return `was ${count} until ${dateText(untilMs)}, whether it was fetched is not known`;
}

function queuedText({ work, notBeforeMs, canRecall }: OutboxItemDto): string {
  if (work !== undefined) return 'queued, proof of work';
  const isResting = canRecall && notBeforeMs !== undefined && notBeforeMs > Date.now();
  return isResting ? `queued, leaves at ${dateText(notBeforeMs)}` : 'queued';
}
