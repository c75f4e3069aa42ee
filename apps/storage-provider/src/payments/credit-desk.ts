/**
 * Vouchers become balance: the one place where money enters a mailbox in direct mode. Voucher,
 * balance and stored answer go to disk in one batch before the answer leaves, so a crash neither
 * loses a payment nor credits it twice. Before: api/payment-guard.ts. After: store/.
 * Spec: docs/spec/31-channel-voucher.md and 33-mailbox.md.
 */
import { randomBytes } from 'node:crypto';
import type { OutputId } from '@tanglemail/tangle/core/codec/ids.ts';
import type { ChannelOutput } from '@tanglemail/tangle/core/codec/output.ts';
import type { Voucher } from '@tanglemail/tangle/core/codec/voucher.ts';
import type { Verifier } from '@tanglemail/tangle/core/ports.ts';
import { stepProviderChannel } from '@tanglemail/mail/core/market/channel-states.ts';
import { LOG_ID_LENGTH } from '@tanglemail/mail/core/market/constants.ts';
import { creditMailbox, newMailbox } from '@tanglemail/mail/core/market/mailbox.ts';
import type { Mailbox, MailboxPolicy } from '@tanglemail/mail/core/market/mailbox.ts';
import { refuse } from '@tanglemail/mail/core/market/problems.ts';
import {
  acceptVoucher,
  admitChannel,
  claimableMax,
} from '@tanglemail/mail/core/market/voucher-rules.ts';
import type { AcceptedVoucher } from '@tanglemail/mail/core/market/voucher-rules.ts';
import type { LedgerClock } from '../ledger-clock.ts';
import { orRefuse, Refused, refuseWith } from '../refused.ts';
import type { GroupStore, StoreTransaction } from '../store/group-store.ts';
import { findAnswer, keepAnswer } from '../store/once.ts';
import type { OnceKey } from '../store/once.ts';
import { readMailbox, writeMailbox } from '../store/rows.ts';
import type { Terms } from '../terms.ts';
import { readChannel, writeChannel } from './channel-rows.ts';
import type { ChannelRecord, CreditAnswer } from './channel-rows.ts';
import type { LedgerPort } from './ledger-port.ts';

export interface CreditRequest {
  readonly mailboxId: string;
  /** Present when the mailbox is to be created with this credit. */
  readonly create?: { readonly publicKey: Uint8Array; readonly policy: MailboxPolicy };
  /** Base units that the caller asked to add; the voucher may add more. */
  readonly amount: bigint;
  readonly voucher: Voucher;
  /** `close` asks for a claim after this voucher. */
  readonly action: 'open' | 'voucher' | 'close';
  readonly once: OnceKey;
}

export interface CreditDeps {
  readonly store: GroupStore;
  readonly clock: LedgerClock;
  readonly ledger: LedgerPort;
  readonly verifier: Verifier;
  /** Told from which ledger time on a channel with a new voucher is to be claimed; 0 means now. */
  readonly onDue: (dueAt: number) => void;
}

/** Channels that are not asked for again; beyond it all of them are, once more. */
const MAX_UNSPENT_REMEMBERED = 65_536;

export class CreditDesk {
  readonly #store: GroupStore;
  readonly #terms: Terms;
  readonly #clock: LedgerClock;
  readonly #ledger: LedgerPort;
  readonly #verifier: Verifier;
  readonly #onDue: (dueAt: number) => void;
  /** Channels that the ledger showed unspent since the process began. */
  readonly #unspent = new Set<OutputId>();

  constructor(terms: Terms, deps: CreditDeps) {
    this.#terms = terms;
    this.#store = deps.store;
    this.#clock = deps.clock;
    this.#ledger = deps.ledger;
    this.#verifier = deps.verifier;
    this.#onDue = deps.onDue;
  }

  /** The answer that this request got before, if any: no payment is asked for again. */
  repeated(once: OnceKey): CreditAnswer | undefined {
    return findAnswer(this.#store, once, this.#clock.time) as CreditAnswer | undefined;
  }

  /** The mailbox if it exists. */
  mailbox(mailboxId: string): Mailbox | undefined {
    return readMailbox(this.#store, mailboxId);
  }

  /** Accepts a voucher and credits what it adds. */
  async credit(request: CreditRequest): Promise<CreditAnswer> {
    this.#clock.requireSynced();
    const { voucher } = request;
    const admitted = await this.#channel(voucher.channelId, request);
    return this.#store.transact((transaction) => {
      const known = findAnswer(transaction, request.once, this.#clock.time);
      if (known) return known as CreditAnswer;
      const record = readChannel(transaction, voucher.channelId) ?? admitted;
      const accepted = this.#accept(record, request);
      if (accepted.isRepeated) return answerRepeated(record, request);
      return this.#credit(transaction, accepted, request);
    });
  }

  /**
   * The channel from our books or, when it was never seen before, from the ledger. The ledger is
   * asked once per channel and process in either case: books that come from a backup may hold a
   * channel that was claimed since, and a voucher on it is worth nothing.
   */
  async #channel(channelId: OutputId, request: CreditRequest): Promise<ChannelRecord> {
    const known = readChannel(this.#store, channelId);
    if (known && this.#unspent.has(channelId)) return known;
    const output = await this.#unspentChannel(channelId, request);
    if (this.#unspent.size >= MAX_UNSPENT_REMEMBERED) this.#unspent.clear();
    this.#unspent.add(channelId);
    return known ?? this.#admit(channelId, output, request);
  }

  async #unspentChannel(channelId: OutputId, request: CreditRequest): Promise<ChannelOutput> {
    const facts = { charge: request.amount, channelId };
    const found = await this.#ledger.output(channelId).catch((cause: unknown) => {
      throw new Refused(refuse('ledger-unsynced', 'the node does not answer'), facts, cause);
    });
    if (!found || found.output.kind !== 'channel') return refuseWith('channel-unconfirmed', facts);
    if (found.spentBy !== undefined) return refuseWith('channel-gone', facts, 'spent');
    return found.output;
  }

  #admit(channelId: OutputId, output: ChannelOutput, request: CreditRequest): ChannelRecord {
    const facts = { charge: request.amount, channelId };
    const { reserve, payee, offer } = this.#terms;
    const limits = { ...offer, payee };
    const channel = admitChannel({ ...output, channelId, reserve }, limits, this.#clock.time);
    return { channel: orRefuse(channel, facts) };
  }

  #accept({ channel }: ChannelRecord, request: CreditRequest): AcceptedVoucher {
    const { networkId, times, minCredit } = this.#terms;
    const outcome = acceptVoucher(channel, request.voucher, {
      networkId,
      ledgerTime: this.#clock.time,
      times,
      verifier: this.#verifier,
      minCumulative: minCredit,
    });
    const facts = { charge: request.amount, channelId: channel.channelId };
    if (!outcome.ok && outcome.code === 'voucher-not-increasing') {
      throw new Refused(outcome, { ...facts, ...highestVoucher(channel) });
    }
    const accepted = orRefuse(outcome, facts);
    if (!accepted.isRepeated && accepted.increase < request.amount) {
      const required = channel.accepted + request.amount;
      refuseWith('voucher-too-small', { ...facts, required });
    }
    return accepted;
  }

  #credit(
    transaction: StoreTransaction,
    accepted: AcceptedVoucher,
    request: CreditRequest,
  ): CreditAnswer {
    const { times, offer, claimThreshold } = this.#terms;
    const now = this.#clock.time;
    const { mailboxId, create } = request;
    const known = readMailbox(transaction, mailboxId);
    const mailbox = known ?? (create && opened(mailboxId, create, now));
    if (!mailbox) return refuseWith('mailbox-unknown');
    const { increase } = accepted;
    const credited = orRefuse(creditMailbox(mailbox, increase, offer.maxBalance, now));
    writeMailbox(transaction, credited);
    const answer: CreditAnswer = {
      mailboxId,
      balance: `${credited.balance}`,
      credited: `${increase}`,
    };
    const { channel } = accepted;
    const isFull = channel.accepted >= claimThreshold || channel.accepted === claimableMax(channel);
    const closed = request.action === 'close' ? 'close-requested' : 'value-reached';
    const isDue = isFull || request.action === 'close';
    const next = isDue ? stepProviderChannel(channel, { kind: closed }, times) : channel;
    writeChannel(transaction, { channel: next, last: { purpose: purposeOf(request), answer } });
    keepAnswer(transaction, request.once, answer, now, times.idempotencyLife);
    this.#onDue(isDue ? 0 : channel.expiry - times.claimStart);
    return answer;
  }
}

/** A mailbox whose log cannot be taken for one that was here before. */
function opened(
  mailboxId: string,
  { publicKey, policy }: NonNullable<CreditRequest['create']>,
  now: number,
): Mailbox {
  const logId = new Uint8Array(randomBytes(LOG_ID_LENGTH));
  return { ...newMailbox(mailboxId, publicKey, policy, now), logId };
}

/** What a voucher is shown for; the same voucher for the same purpose is the same payment. */
function purposeOf({ mailboxId, amount }: CreditRequest): string {
  return `${mailboxId}:${amount}`;
}

/** Equal total: the stored answer for the same purpose, else the client has to sign a new one. */
function answerRepeated(record: ChannelRecord, request: CreditRequest): CreditAnswer {
  if (record.last?.purpose === purposeOf(request)) return record.last.answer;
  const { channel } = record;
  const facts = { charge: request.amount, channelId: channel.channelId };
  return refuseWith('voucher-not-increasing', { ...facts, ...highestVoucher(channel) });
}

function highestVoucher(channel: { accepted: bigint; signature: Uint8Array }): object {
  if (channel.accepted === 0n) return {};
  return { voucher: { cumulative: channel.accepted, signature: channel.signature } };
}
