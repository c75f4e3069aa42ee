/**
 * The channel output that a payer creates for an offer, and the record it starts with.
 * After: channel-states.ts. Spec: docs/spec/31-channel-voucher.md, section "Opening".
 */
import { bytesToHex } from '@noble/hashes/utils.js';
import type { Address } from '@tanglemail/tangle/core/codec/ids.ts';
import type { ChannelOutput } from '@tanglemail/tangle/core/codec/output.ts';
import type { Outcome } from '@tanglemail/tangle/core/outcome.ts';
import type { ClientChannel } from './channel-states.ts';
import { DEFAULT_CHANNEL_TTL } from './constants.ts';
import type { Offer } from './offer.ts';
import { refuse } from './problems.ts';
import type { ProblemCode } from './problems.ts';

export interface ChannelPlanRequest {
  readonly offer: Offer;
  /** 32 bytes, fresh for each channel, and its index in the wallet's derivation. */
  readonly payerPublicKey: Uint8Array;
  readonly keyIndex: number;
  readonly refundAddress: Address;
  /** Base units that vouchers may total; the reserve comes on top. */
  readonly spendable: bigint;
  /** Storage deposit of the basic output that a refund makes, `D`. */
  readonly reserve: bigint;
  /** Seconds of life; 60 days, or the offer's greatest, when absent. */
  readonly ttl?: number;
  /** Unix seconds. */
  readonly ledgerTime: number;
}

export interface ChannelPlan {
  readonly output: ChannelOutput;
  readonly channel: ClientChannel;
}

/**
 * Codes: `channel-too-small`, `channel-ttl`. A margin of ten minutes is left on both ends of the
 * life, because the provider measures it when the channel is confirmed and presented.
 */
export function planChannel(request: ChannelPlanRequest): Outcome<ChannelPlan, ProblemCode> {
  const { offer, payerPublicKey, keyIndex, refundAddress, reserve } = request;
  const amount = request.spendable + reserve;
  if (amount < offer.minChannel || request.spendable <= 0n) {
    return refuse('channel-too-small', `least deposit ${offer.minChannel}`);
  }
  const margin = Math.min(600, Math.floor((offer.maxTtl - offer.minTtl) / 2));
  const wanted = request.ttl ?? DEFAULT_CHANNEL_TTL;
  const ttl = request.ttl === undefined ? Math.min(wanted, offer.maxTtl) : wanted;
  if (ttl < offer.minTtl + margin || ttl > offer.maxTtl) return refuse('channel-ttl');
  const expiry = request.ledgerTime + ttl;
  const { payee } = offer;
  return {
    ok: true,
    value: {
      output: { kind: 'channel', amount, payerPublicKey, payee, refundAddress, expiry },
      channel: {
        state: 'draft',
        bondId: bytesToHex(offer.bondId),
        keyIndex,
        amount,
        reserve,
        expiry,
        signed: 0n,
        acknowledged: 0n,
      },
    },
  };
}
