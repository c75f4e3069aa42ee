/**
 * The states of a mail on its way, in the words that users see everywhere.
 * Spec: docs/spec/41-client-api.md, "States of a mail".
 */
import type { OutboxItemDto } from '../api/dto.ts';
import { ClientError, isClientErrorCode } from '../client-error.ts';
import { dateText } from './text.ts';

/** How far `--wait` waits. */
export type WaitGoal = 'confirmed' | 'stored';

/** Steps of the way; a mail that failed stands at none. */
const STEPS = ['queued', 'attached', 'confirmed', 'stored', 'fetched'] as const;

/** 0 queued … 4 fetched; what failed counts as queued, since it is tried again. */
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

export function reached(item: OutboxItemDto, goal: WaitGoal): boolean {
  return stepOf(item) >= STEPS.indexOf(goal);
}

/** True when nothing more will happen to a mail that did not arrive. */
export function isOver({ state, error }: OutboxItemDto): boolean {
  return state === 'expired' || (state === 'failed' && error?.nextTryAtMs === undefined);
}

/** Why a mail that is over did not arrive, as an error of its own code where there is one. */
export function whyOver({ error, to, state }: OutboxItemDto): ClientError {
  const detail = `${to.name || to.address}: ${error?.detail ?? state}`;
  const { code } = error ?? { code: '' };
  return new ClientError(isClientErrorCode(code) ? code : 'provider-refused', detail);
}

/** The state in one clause. */
export function stateText(item: OutboxItemDto): string {
  const { state, milestoneIndex, storedCount, providerCount, heldCount, error } = item;
  switch (state) {
    case 'queued':
      return item.work === undefined ? state : 'queued, proof of work';
    case 'attached':
      return 'attached (in the tangle)';
    case 'confirmed': {
      const held = heldCount > 0 ? ', the recipient does not know you yet' : '';
      const proof = item.proofChecked ? ', proof checked' : '';
      return `confirmed (milestone ${milestoneIndex ?? '?'}${proof})${held}`;
    }
    case 'stored':
      return `stored ${storedCount}/${providerCount} (receipts checked)`;
    case 'failed': {
      const next = error?.nextTryAtMs;
      const again = next === undefined ? '' : `, next try at ${dateText(next)}`;
      return `failed: ${error?.detail || error?.code || 'no reason known'}${again}`;
    }
    default:
      return state;
  }
}
