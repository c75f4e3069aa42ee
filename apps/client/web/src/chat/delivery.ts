/**
 * How far an own line has come: with several people the furthest state that any of them has, and
 * how many have it. Pure. Words: interface §5 by words/en/chat.ts.
 */
import type { ChatRecipientDto } from '../../../src/api/chat-dto.ts';

export type DeliveryState = ChatRecipientDto['state'];

export interface Delivery {
  readonly state: DeliveryState;
  /** People for whom it has come this far, of all. */
  readonly count: number;
  readonly all: number;
  /** Whom it will not reach. */
  readonly lost: readonly ChatRecipientDto[];
  /** It reaches nobody. */
  readonly isLost: boolean;
}

const ORDER = ['scheduled', 'queued', 'attached', 'confirmed', 'stored', 'fetched', 'read'];

/** -1 for what goes no further. */
function rankOf({ state }: ChatRecipientDto): number {
  return ORDER.indexOf(state);
}

/** Undefined when there is nobody to reach. */
export function deliveryOf(recipients: readonly ChatRecipientDto[]): Delivery | undefined {
  const lost = recipients.filter((one) => rankOf(one) < 0);
  const all = recipients.length;
  const [furthest] = recipients.toSorted((a, b) => rankOf(b) - rankOf(a));
  if (furthest === undefined) return undefined;
  const rank = rankOf(furthest);
  // Of those who have gone no further, each may have stopped for another reason.
  const count = recipients.filter((one) => rankOf(one) === rank).length;
  return { state: furthest.state, count, all, lost, isLost: lost.length === all };
}
