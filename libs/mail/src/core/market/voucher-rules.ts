/**
 * Which vouchers a provider accepts: the pure rule behind every sale. A voucher is the payer's
 * signature over a growing total; the provider keeps the highest and serves only after it is on
 * disk. Before: the API's payment guard. After: channel-states.ts.
 * Spec: docs/spec/31-channel-voucher.md.
 */
import type { Address, OutputId } from '@tanglemail/tangle/core/codec/ids.ts';
import { voucherMessage } from '@tanglemail/tangle/core/codec/voucher.ts';
import type { Voucher } from '@tanglemail/tangle/core/codec/voucher.ts';
import type { Outcome } from '@tanglemail/tangle/core/outcome.ts';
import type { Verifier } from '@tanglemail/tangle/core/ports.ts';
import type { MarketTimes } from './constants.ts';
import { refuse } from './problems.ts';
import type { ProblemCode } from './problems.ts';

/** Where a channel stands at the provider; text, because it goes to its own store and its API. */
export type ProviderChannelState = 'open' | 'claim-due' | 'claiming' | 'claimed' | 'lost' | 'empty';

/** What a provider keeps of one channel. */
export interface ProviderChannel {
  readonly channelId: OutputId;
  readonly state: ProviderChannelState;
  /** Deposit of the output, the part that can never be claimed included. */
  readonly amount: bigint;
  /** That part: the storage deposit of one basic output, `D` of the spec. */
  readonly reserve: bigint;
  readonly payerPublicKey: Uint8Array;
  readonly refundAddress: Address;
  /** Unix seconds of ledger time. */
  readonly expiry: number;
  /** Highest total accepted, 0 before the first voucher. */
  readonly accepted: bigint;
  /** The payer's signature over `accepted`; empty before the first voucher. */
  readonly signature: Uint8Array;
}

/** A confirmed, unspent channel output as the provider's own node reports it. */
export interface ChannelFacts {
  readonly channelId: OutputId;
  readonly amount: bigint;
  readonly reserve: bigint;
  readonly payerPublicKey: Uint8Array;
  readonly payee: Address;
  readonly refundAddress: Address;
  readonly expiry: number;
}

/** The limits that an offer sets for channels. */
export interface ChannelLimits {
  readonly payee: Address;
  readonly minChannel: bigint;
  /** Least and greatest life left when a channel is presented, in seconds. */
  readonly minTtl: number;
  readonly maxTtl: number;
}

/** What the rule needs to know of the moment. */
export interface VoucherContext {
  readonly networkId: bigint;
  /** Timestamp of the last confirmed milestone, in whole seconds. */
  readonly ledgerTime: number;
  readonly times: MarketTimes;
  readonly verifier: Verifier;
  /** Least total worth a claim: below it the claim's own output would lack its storage deposit. */
  readonly minCumulative: bigint;
}

/** The channel after a voucher, and what the voucher added. */
export interface AcceptedVoucher {
  readonly channel: ProviderChannel;
  /** Base units that this voucher adds; 0 for a repeated one. */
  readonly increase: bigint;
  /** True when exactly this total was accepted before: answer as then, charge nothing. */
  readonly isRepeated: boolean;
}

/** Checks a channel that is presented for the first time against the offer. */
export function admitChannel(
  facts: ChannelFacts,
  limits: ChannelLimits,
  ledgerTime: number,
): Outcome<ProviderChannel, ProblemCode> {
  if (facts.payee !== limits.payee) return refuse('channel-payee-wrong');
  if (facts.amount < limits.minChannel || facts.amount <= facts.reserve) {
    return refuse('channel-too-small', `least deposit ${limits.minChannel}`);
  }
  const ttl = facts.expiry - ledgerTime;
  if (ttl < limits.minTtl || ttl > limits.maxTtl) return refuse('channel-ttl', `${ttl} s left`);
  const { channelId, amount, reserve, payerPublicKey, refundAddress, expiry } = facts;
  return {
    ok: true,
    value: {
      channelId,
      state: 'open',
      amount,
      reserve,
      payerPublicKey,
      refundAddress,
      expiry,
      accepted: 0n,
      signature: new Uint8Array(0),
    },
  };
}

/** The most that vouchers of a channel can total. */
export function claimableMax(channel: { amount: bigint; reserve: bigint }): bigint {
  return channel.amount - channel.reserve;
}

/**
 * Accepts or refuses a voucher. The signature is checked last: it is the only costly step. A
 * repeated voucher (equal total, valid signature) is accepted in every state, so that a client
 * whose answer got lost can ask again even while the channel is being claimed.
 */
export function acceptVoucher(
  channel: ProviderChannel,
  voucher: Voucher,
  context: VoucherContext,
): Outcome<AcceptedVoucher, ProblemCode> {
  if (voucher.channelId !== channel.channelId) return refuse('voucher-wrong-channel');
  const isRepeated = voucher.cumulative === channel.accepted && channel.accepted > 0n;
  if (!isRepeated) {
    const refusal = checkIncrease(channel, voucher.cumulative, context);
    if (refusal) return refusal;
  }
  const message = voucherMessage(context.networkId, voucher.channelId, voucher.cumulative);
  if (!context.verifier.verify(channel.payerPublicKey, message, voucher.signature)) {
    return refuse('voucher-signature');
  }
  if (isRepeated) return { ok: true, value: { channel, increase: 0n, isRepeated: true } };
  const increase = voucher.cumulative - channel.accepted;
  const { cumulative: accepted, signature } = voucher;
  return {
    ok: true,
    value: { channel: { ...channel, accepted, signature }, increase, isRepeated: false },
  };
}

function checkIncrease(channel: ProviderChannel, cumulative: bigint, context: VoucherContext) {
  if (channel.state !== 'open') return refuse('channel-gone', channel.state);
  if (cumulative <= channel.accepted) {
    return refuse('voucher-not-increasing', `accepted ${channel.accepted}`);
  }
  const max = claimableMax(channel);
  if (cumulative > max) return refuse('voucher-over-deposit', `at most ${max}`);
  if (context.ledgerTime >= channel.expiry - context.times.sellStop) {
    return refuse('voucher-expired');
  }
  if (cumulative < context.minCumulative) {
    return refuse('voucher-too-small', `at least ${context.minCumulative}`);
  }
  return undefined;
}
