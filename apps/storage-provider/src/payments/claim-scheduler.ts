/**
 * Turns accepted vouchers into money: gathers due channels into claim transactions of up to 64,
 * brings them into the tangle and repeats that until a milestone has applied them. What is on its
 * way is on disk before it is sent, so a restart goes on where it stopped. Before: feed/feed.ts
 * calls `tick` after each milestone. Spec: docs/spec/31-channel-voucher.md, section "Claiming".
 */
import type { BlockId, OutputId } from '@tanglemail/tangle/core/codec/ids.ts';
import { assert } from '@tanglemail/tangle/core/outcome.ts';
import type { Clock } from '@tanglemail/tangle/core/ports.ts';
import { errorFields } from '@tanglemail/tangle/io/logger.ts';
import type { Logger } from '@tanglemail/tangle/io/logger.ts';
import { isUnsettled, stepProviderChannel } from '@tanglemail/mail/core/market/channel-states.ts';
import type { ProviderChannelEvent } from '@tanglemail/mail/core/market/channel-states.ts';
import { MAX_CLAIM_CHANNELS } from '@tanglemail/mail/core/market/constants.ts';
import type { LedgerClock } from '../ledger-clock.ts';
import type { GroupStore, StoreTransaction } from '../store/group-store.ts';
import type { Terms } from '../terms.ts';
import {
  deleteClaim,
  pendingClaims,
  readChannel,
  unsettledChannels,
  writeChannel,
  writeClaim,
} from './channel-rows.ts';
import type { ChannelRecord, ClaimRecord } from './channel-rows.ts';
import type { ClaimBuilder } from './claim-transaction.ts';
import type { LedgerPort } from './ledger-port.ts';

/** A claim that is still unreferenced after this time is attached again in a new block. */
const REATTACH_MS = 60_000;

/** Channels are looked through at least this often, in seconds of ledger time. */
const SCAN_SECONDS = 60;

/** The alarm is repeated this often, in seconds of ledger time: not with every milestone. */
const ALARM_SECONDS = 600;

/** For metrics and alarms. */
export interface ClaimReport {
  readonly pendingClaims: number;
  readonly unsettledChannels: number;
  /** Base units accepted and not yet claimed. */
  readonly unclaimed: bigint;
  /** Seconds of ledger time until the first channel with money expires; undefined without one. */
  readonly marginSeconds?: number;
}

export interface ClaimDeps {
  readonly store: GroupStore;
  readonly ledger: LedgerPort;
  readonly ledgerClock: LedgerClock;
  readonly clock: Clock;
  readonly build: ClaimBuilder;
  readonly logger: Logger;
}

export class ClaimScheduler {
  readonly #terms: Terms;
  readonly #deps: ClaimDeps;
  #running: Promise<ClaimReport> | undefined;
  /** Ledger time of the next look through all channels, or of the first deadline before it. */
  #nextScan = 0;
  #open: readonly ChannelRecord[] = [];
  #nextAlarm = 0;
  #stopped = false;

  constructor(terms: Terms, deps: ClaimDeps) {
    this.#terms = terms;
    this.#deps = deps;
  }

  /**
   * A channel is to be claimed from ledger time `dueAt` on, by default now: the first round then
   * looks through all channels.
   */
  wake(dueAt = 0): void {
    this.#nextScan = Math.min(this.#nextScan, dueAt);
  }

  /** Lets the round under way end at its next claim; a restart goes on with the rest. */
  stop(): void {
    this.#stopped = true;
  }

  /** One round; calls during a round share it. Never throws for a node that is away. */
  tick(): Promise<ClaimReport> {
    this.#running ??= this.#round().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #round(): Promise<ClaimReport> {
    const { time } = this.#deps.ledgerClock;
    if (time >= this.#nextScan) await this.#scan(time);
    for (const claim of await pendingClaims(this.#deps.store)) {
      if (this.#stopped) break;
      try {
        await this.#advance(claim);
      } catch (error) {
        this.#deps.logger.warn(errorFields(error), 'a claim could not be advanced; trying again');
      }
    }
    return this.#report();
  }

  /** Lets the clock act on every channel and gathers what is due. */
  async #scan(ledgerTime: number): Promise<void> {
    const { claimStart } = this.#terms.times;
    this.#nextScan = ledgerTime + SCAN_SECONDS;
    const open: ChannelRecord[] = [];
    for await (const { channel } of unsettledChannels(this.#deps.store)) {
      const aged = await this.#step(channel.channelId, { kind: 'clock', ledgerTime });
      if (aged && isUnsettled(aged.channel)) open.push(aged);
    }
    this.#open = open;
    await this.#gather(open.filter(({ channel }) => channel.state === 'claim-due'));
    const deadlines = open.flatMap(({ channel: { expiry } }) => [expiry - claimStart, expiry]);
    const ahead = deadlines.filter((deadline) => deadline > ledgerTime);
    this.#nextScan = ahead.reduce((first, one) => Math.min(first, one), this.#nextScan);
  }

  /** Applies one event and writes the record when it changed anything. */
  async #step(
    channelId: OutputId,
    event: ProviderChannelEvent,
  ): Promise<ChannelRecord | undefined> {
    const { store } = this.#deps;
    const known = readChannel(store, channelId);
    if (!known) return undefined;
    const next = stepProviderChannel(known.channel, event, this.#terms.times);
    if (next === known.channel) return known;
    if (next.state === 'lost') {
      const facts = { channelId, accepted: `${next.accepted}` };
      this.#deps.logger.error(facts, 'a channel expired before its claim was confirmed');
    }
    return store.transact((transaction) => {
      const record = readChannel(transaction, channelId);
      assert(record, 'a channel record is never deleted');
      const channel = stepProviderChannel(record.channel, event, this.#terms.times);
      const stepped = { ...record, channel };
      writeChannel(transaction, stepped);
      return stepped;
    });
  }

  /** Builds claims for due channels and writes them down; sending comes after. */
  async #gather(due: readonly ChannelRecord[]): Promise<void> {
    for (let at = 0; at < due.length; at += MAX_CLAIM_CHANNELS) {
      const group = due.slice(at, at + MAX_CLAIM_CHANNELS);
      const built = this.#deps.build(group.map(({ channel }) => channel));
      if (!built.ok) {
        const facts = { code: built.code, channels: group.length };
        this.#deps.logger.warn(facts, 'a claim cannot be built yet');
        continue;
      }
      const { transactionId, payload } = built.value;
      const channelIds = group.map(({ channel }) => channel.channelId);
      await this.#deps.store.transact((transaction) => {
        writeClaim(transaction, {
          transactionId,
          payload,
          channelIds,
          blockId: '',
          attachedAtMs: 0,
        });
        this.#stepAll(transaction, channelIds, { kind: 'claim-sent' }, transactionId);
      });
    }
  }

  #stepAll(
    transaction: StoreTransaction,
    channelIds: readonly OutputId[],
    event: ProviderChannelEvent,
    claimId?: ClaimRecord['transactionId'],
  ): void {
    for (const channelId of channelIds) {
      const record = readChannel(transaction, channelId);
      if (!record) continue;
      const channel = stepProviderChannel(record.channel, event, this.#terms.times);
      writeChannel(transaction, { ...record, channel, ...(claimId ? { claimId } : {}) });
    }
  }

  /** Looks at one claim: confirmed, in conflict, or to be attached (again). */
  async #advance(claim: ClaimRecord): Promise<void> {
    const { store, ledger, clock } = this.#deps;
    const spenders = await Promise.all(
      claim.channelIds.map(async (id) => (await ledger.output(id))?.spentBy),
    );
    if (spenders.every((spentBy) => spentBy === claim.transactionId)) {
      await store.transact((transaction) => {
        this.#stepAll(transaction, claim.channelIds, { kind: 'claim-confirmed' });
        deleteClaim(transaction, claim.transactionId);
      });
      this.wake();
      const facts = { transactionId: claim.transactionId, channels: claim.channelIds.length };
      this.#deps.logger.info(facts, 'claim confirmed');
      return;
    }
    const state = claim.blockId === '' ? 'lost' : await ledger.blockState(claim.blockId as BlockId);
    const gone = claim.channelIds.filter((_, at) => spenders[at] !== undefined);
    if (state === 'conflicting' || gone.length > 0) {
      await this.#abandon(claim, gone);
      return;
    }
    // Either way: a clock that was set back must not delay it.
    const isOld = Math.abs(clock.nowMs() - claim.attachedAtMs) >= REATTACH_MS;
    if (state === 'lost' || (state === 'pending' && isOld)) await this.#attach(claim);
  }

  /**
   * The transaction can never be applied: its channels are due again, in another one. Those that
   * are `gone` were spent by some other transaction and must not enter one again, or no claim with
   * them would ever succeed. Before the expiry only a claim with our key can have done that (of
   * another process, or before a restored backup); after it, the payer took it back.
   */
  async #abandon(claim: ClaimRecord, gone: readonly OutputId[]): Promise<void> {
    const ledgerTime = this.#deps.ledgerClock.time;
    const facts = { transactionId: claim.transactionId, gone: gone.length };
    this.#deps.logger.warn(facts, 'a claim is in conflict');
    await this.#deps.store.transact((transaction) => {
      this.#stepAll(transaction, gone, { kind: 'clock', ledgerTime });
      this.#stepAll(transaction, gone, { kind: 'claim-confirmed' });
      this.#stepAll(transaction, claim.channelIds, { kind: 'claim-failed' });
      deleteClaim(transaction, claim.transactionId);
    });
    this.wake();
  }

  async #attach(claim: ClaimRecord): Promise<void> {
    const { store, ledger, clock } = this.#deps;
    const blockId = await ledger.attach(claim.payload);
    const attachedAtMs = clock.nowMs();
    await store.transact((transaction) =>
      writeClaim(transaction, { ...claim, blockId, attachedAtMs }),
    );
  }

  async #report(): Promise<ClaimReport> {
    const open = this.#open;
    const now = this.#deps.ledgerClock.time;
    const rich = open.filter(({ channel }) => channel.accepted > 0n);
    const margins = rich.map(({ channel }) => channel.expiry - now);
    const marginSeconds = margins.length > 0 ? Math.min(...margins) : undefined;
    this.#warnOf(marginSeconds, now);
    const claims = await pendingClaims(this.#deps.store);
    return {
      pendingClaims: claims.length,
      unsettledChannels: open.length,
      unclaimed: rich.reduce((sum, { channel }) => sum + channel.accepted, 0n),
      ...(marginSeconds === undefined ? {} : { marginSeconds }),
    };
  }

  #warnOf(marginSeconds: number | undefined, now: number): void {
    if (marginSeconds === undefined || marginSeconds >= this.#terms.times.claimAlarm) return;
    if (now < this.#nextAlarm) return;
    this.#nextAlarm = now + ALARM_SECONDS;
    this.#deps.logger.error({ marginSeconds }, 'a channel is about to expire unclaimed');
  }
}
