/**
 * The life of a channel on both sides as two pure state machines (storage-market §5.5). An event
 * that does not belong to a state leaves the record as it is: events arrive late, twice, or after
 * a restart. Before: voucher-rules.ts. Spec: docs/spec/31-channel-voucher.md.
 */
import type { OutputId } from '@tanglemail/tangle/core/codec/ids.ts';
import type { Outcome } from '@tanglemail/tangle/core/outcome.ts';
import type { MarketTimes } from './constants.ts';
import { refuse } from './problems.ts';
import type { ProblemCode } from './problems.ts';
import { claimableMax } from './voucher-rules.ts';
import type { ProviderChannel } from './voucher-rules.ts';

/** What happens to a channel at the provider. */
export type ProviderChannelEvent =
  | { readonly kind: 'close-requested' }
  | { readonly kind: 'value-reached' }
  | { readonly kind: 'clock'; readonly ledgerTime: number }
  | { readonly kind: 'claim-sent' }
  | { readonly kind: 'claim-confirmed' }
  /** The claim transaction is in conflict and can never be applied; another one must be built. */
  | { readonly kind: 'claim-failed' };

/** The provider's channel after an event. `lost` and `claimed` are final, `empty` too. */
export function stepProviderChannel(
  channel: ProviderChannel,
  event: ProviderChannelEvent,
  times: MarketTimes,
): ProviderChannel {
  const { state } = channel;
  if (event.kind === 'clock') return onClock(channel, event.ledgerTime, times);
  if (event.kind === 'claim-confirmed' && isUnsettled(channel)) return to(channel, 'claimed');
  if (state === 'open' && (event.kind === 'close-requested' || event.kind === 'value-reached')) {
    return to(channel, channel.accepted > 0n ? 'claim-due' : 'open');
  }
  if (state === 'claim-due' && event.kind === 'claim-sent') return to(channel, 'claiming');
  if (state === 'claiming' && event.kind === 'claim-failed') return to(channel, 'claim-due');
  return channel;
}

/** True while money of this channel may still come. */
export function isUnsettled(channel: ProviderChannel): boolean {
  return channel.state === 'open' || channel.state === 'claim-due' || channel.state === 'claiming';
}

function onClock(channel: ProviderChannel, now: number, times: MarketTimes): ProviderChannel {
  if (!isUnsettled(channel)) return channel;
  if (now >= channel.expiry) return to(channel, channel.accepted > 0n ? 'lost' : 'empty');
  const isDue = now >= channel.expiry - times.claimStart;
  return isDue && channel.state === 'open' && channel.accepted > 0n
    ? to(channel, 'claim-due')
    : channel;
}

function to(channel: ProviderChannel, state: ProviderChannel['state']): ProviderChannel {
  return state === channel.state ? channel : { ...channel, state };
}

/** Where a channel stands at the payer. */
export type ClientChannelState =
  | 'draft'
  | 'sent'
  | 'open'
  | 'closing'
  | 'closed'
  | 'expired'
  | 'refunded';

/** What a payer keeps of one channel; a plain object without secrets. */
export interface ClientChannel {
  readonly state: ClientChannelState;
  /** Bond id of the provider, 64 hex digits. */
  readonly bondId: string;
  /** Index of the channel key in the wallet's derivation. */
  readonly keyIndex: number;
  /** Known once the funding transaction is built. */
  readonly channelId?: OutputId;
  readonly amount: bigint;
  readonly reserve: bigint;
  readonly expiry: number;
  /** Highest total signed: what the provider can take at most. Persisted before it is sent. */
  readonly signed: bigint;
  /** Highest total that the provider has acknowledged. */
  readonly acknowledged: bigint;
}

/** What happens to a channel at the payer. */
export type ClientChannelEvent =
  | { readonly kind: 'sent'; readonly channelId: OutputId }
  | { readonly kind: 'confirmed' }
  | { readonly kind: 'conflict' }
  | { readonly kind: 'close-requested' }
  | { readonly kind: 'claim-confirmed' }
  | { readonly kind: 'clock'; readonly ledgerTime: number }
  | { readonly kind: 'refund-confirmed' };

/** Event → states in which it counts → next state. `sent` and `clock` carry facts, see below. */
const CLIENT_STEPS: Readonly<
  Record<string, { from: readonly ClientChannelState[]; to: ClientChannelState }>
> = {
  sent: { from: ['draft'], to: 'sent' },
  confirmed: { from: ['sent'], to: 'open' },
  conflict: { from: ['sent'], to: 'draft' },
  'close-requested': { from: ['open'], to: 'closing' },
  'claim-confirmed': { from: ['open', 'closing', 'expired'], to: 'closed' },
  'refund-confirmed': { from: ['open', 'closing', 'expired'], to: 'refunded' },
};

/** The payer's channel after an event. */
export function stepClientChannel(
  channel: ClientChannel,
  event: ClientChannelEvent,
): ClientChannel {
  if (event.kind === 'clock') {
    const isWaiting = channel.state === 'open' || channel.state === 'closing';
    const isOver = isWaiting && event.ledgerTime >= channel.expiry;
    return isOver ? { ...channel, state: 'expired' } : channel;
  }
  const step = CLIENT_STEPS[event.kind];
  if (!step || !step.from.includes(channel.state)) return channel;
  if (event.kind === 'conflict') {
    const { channelId: _conflicting, ...rest } = channel;
    return { ...rest, state: step.to };
  }
  const next = { ...channel, state: step.to };
  return event.kind === 'sent' ? { ...next, channelId: event.channelId } : next;
}

/**
 * The total of the voucher that pays `amount` more than what the provider has acknowledged. Where
 * an acknowledgement got lost the provider answers `voucher-not-increasing` with the voucher that
 * it holds, and the next total builds on that; a voucher that it refused is simply replaced.
 */
export function nextCumulative(
  channel: ClientChannel,
  amount: bigint,
  context: { readonly ledgerTime: number; readonly times: MarketTimes },
): Outcome<bigint, ProblemCode> {
  if (channel.state !== 'open') return refuse('channel-gone', channel.state);
  if (context.ledgerTime >= channel.expiry - context.times.sellStop) {
    return refuse('voucher-expired');
  }
  const cumulative = channel.acknowledged + amount;
  if (cumulative > claimableMax(channel)) return refuse('voucher-over-deposit');
  return { ok: true, value: cumulative };
}

/** The payer's record after it signed, and after the provider acknowledged, a total. */
export function noteSigned(channel: ClientChannel, cumulative: bigint): ClientChannel {
  return cumulative > channel.signed ? { ...channel, signed: cumulative } : channel;
}

export function noteAcknowledged(channel: ClientChannel, cumulative: bigint): ClientChannel {
  const isNews = cumulative > channel.acknowledged && cumulative <= channel.signed;
  return isNews ? { ...channel, acknowledged: cumulative } : channel;
}
