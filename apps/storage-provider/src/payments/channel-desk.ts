/**
 * What the payer of a channel may ask for: the highest voucher that the provider holds, and a claim
 * before the expiry. Both are signed by the channel key. Before: api/channel-controller.ts.
 * Spec: docs/spec/34-provider-api.md.
 */
import type { OutputId, TransactionId } from '@tanglemail/tangle/core/codec/ids.ts';
import type { Clock, Verifier } from '@tanglemail/tangle/core/ports.ts';
import { stepProviderChannel } from '@tanglemail/mail/core/market/channel-states.ts';
import { closeMessage, snapshotMessage } from '@tanglemail/mail/core/market/signed-requests.ts';
import type { ProviderChannel } from '@tanglemail/mail/core/market/voucher-rules.ts';
import { refuseWith } from '../refused.ts';
import type { GroupStore } from '../store/group-store.ts';
import type { Terms } from '../terms.ts';
import { readChannel, writeChannel } from './channel-rows.ts';
import type { ClaimScheduler } from './claim-scheduler.ts';

export interface ClosedChannel {
  readonly channel: ProviderChannel;
  readonly claimId?: TransactionId;
}

export interface ChannelDeskDeps {
  readonly store: GroupStore;
  readonly verifier: Verifier;
  readonly clock: Clock;
  readonly claims: ClaimScheduler;
}

export class ChannelDesk {
  readonly #terms: Terms;
  readonly #deps: ChannelDeskDeps;

  constructor(terms: Terms, deps: ChannelDeskDeps) {
    this.#terms = terms;
    this.#deps = deps;
  }

  /** @param time unix seconds of the caller's wall clock, signed; ±120 s are tolerated. */
  snapshot(channelId: OutputId, time: number, signature: Uint8Array): ProviderChannel {
    const record = readChannel(this.#deps.store, channelId) ?? refuseWith('not-found');
    const skew = Math.abs(this.#deps.clock.nowMs() / 1_000 - time);
    const message = snapshotMessage(this.#terms, channelId, time);
    const isSigned = this.#deps.verifier.verify(record.channel.payerPublicKey, message, signature);
    if (skew > this.#terms.times.maxClockSkew || !isSigned) refuseWith('channel-signature');
    return record.channel;
  }

  /** Makes the channel due and starts the claim. */
  async close(channelId: OutputId, signature: Uint8Array): Promise<ClosedChannel> {
    const { store, verifier, claims } = this.#deps;
    const known = readChannel(store, channelId) ?? refuseWith('not-found');
    const message = closeMessage(this.#terms, channelId);
    if (!verifier.verify(known.channel.payerPublicKey, message, signature)) {
      refuseWith('channel-signature');
    }
    await store.transact((transaction) => {
      const record = readChannel(transaction, channelId) ?? known;
      const event = { kind: 'close-requested' } as const;
      const channel = stepProviderChannel(record.channel, event, this.#terms.times);
      writeChannel(transaction, { ...record, channel });
    });
    claims.wake();
    await claims.tick();
    const closed = readChannel(store, channelId) ?? known;
    const { channel, claimId } = closed;
    return claimId === undefined ? { channel } : { channel, claimId };
  }
}
