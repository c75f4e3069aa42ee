/**
 * What a mail's delivery is called: for one recipient its state, for several how many have come how
 * far, and never a state of which there is no proof.
 */
import type { DeliveryDto } from '../../../src/api/delivery-dto.ts';
import type { OutboxItemDto } from '../../../src/api/dto.ts';
import type { Tone } from '../ui/chip.tsx';
import type { Words } from '../words/en.ts';
import { fill } from '../words/plurals.ts';

export type DeliveryState = OutboxItemDto['state'];
type DeliveryWords = Words['delivery'];

/** The states of a mail under way, each with a time of its own; they are no strict order. */
export const STEPS = ['queued', 'attached', 'confirmed', 'stored', 'fetched', 'read'] as const;
export type Step = (typeof STEPS)[number];

/** The part of a delivery that its words depend on. */
export type ShownDelivery = Omit<DeliveryDto, 'outboxId'>;

function valueOf(texts: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.entries(texts).find(([known]) => known === name)?.[1];
}

/** The state of one recipient's mail. */
export function stateText(
  words: DeliveryWords,
  state: DeliveryState,
  stored: { readonly storedCount: number; readonly providerCount: number },
): string {
  return fill(words.states[state], { n: stored.storedCount, all: stored.providerCount });
}

/** Why a mail has not gone; the code itself where we have no words for it. */
export function reasonText(words: DeliveryWords, code: string): string {
  return valueOf(words.reasons, code) ?? fill(words.failedWhy, { reason: code });
}

/** A whole mail in one clause. */
export function deliveryText(words: DeliveryWords, delivery: ShownDelivery): string {
  const { recipientCount: all, furthest, failedCount, isFailed, errorCode } = delivery;
  if (isFailed && furthest.state === 'failed' && errorCode !== undefined) {
    return reasonText(words, errorCode);
  }
  const { state, count } = furthest;
  if (count === all) {
    const whole = all === 1 ? undefined : valueOf(words.all, state);
    return whole === undefined ? stateText(words, state, delivery) : fill(whole, { all });
  }
  const partly = valueOf(words.partly, state) ?? words.states[state];
  const gone = failedCount === 0 || isFailed ? '' : `, ${fill(words.notSent, { n: failedCount })}`;
  return `${fill(partly, { n: count, all })}${gone}`;
}

/** Red only when nobody gets it. */
export function deliveryTone({ isFailed, furthest, failedCount, errorCode }: ShownDelivery): Tone {
  if (isFailed) return 'err';
  if (failedCount > 0 || errorCode !== undefined) return 'warn';
  return furthest.state === 'fetched' || furthest.state === 'read' ? 'ok' : 'plain';
}

/** When a step came true for one recipient; undefined while it has not. */
export function stepTime(
  { times, createdAtMs }: Pick<OutboxItemDto, 'times' | 'createdAtMs'>,
  step: Step,
): number | undefined {
  switch (step) {
    case 'queued':
      return createdAtMs;
    case 'attached':
      return times.attachedAtMs;
    case 'confirmed':
      return times.confirmedAtMs;
    case 'stored':
      return times.storedAtMs;
    case 'fetched':
      return times.fetchedAtMs;
    default:
      return times.readAtMs;
  }
}
