/**
 * Who is told at once that mail has come, and what that costs: a day of push is paid when the first
 * socket of a mailbox opens on it, and again when ledger time enters the next day. Before:
 * mailboxes/arrivals.ts brings the news, api/push.gateway.ts the sockets.
 * Spec: docs/spec/34-provider-api.md, section "Push".
 */
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { bucketOf, dayOf } from '@tanglemail/mail/core/market/mailbox.ts';
import type { PushTopic } from '@tanglemail/mail/io/provider/push-dto.ts';
import type { LedgerClock } from '../ledger-clock.ts';
import type { ArrivalNews } from '../mailboxes/arrivals.ts';
import { chargeMailbox, requireMailbox } from '../mailboxes/mailbox-desk.ts';
import { Refused } from '../refused.ts';
import { idKey } from '../store/buckets.ts';
import type { GroupStore } from '../store/group-store.ts';
import { readMailbox, readRecord, writeRecord } from '../store/rows.ts';
import type { Terms } from '../terms.ts';

/** One open socket that has shown its session. */
export interface PushReader {
  send(topic: PushTopic): void;
  /** The day is not paid: the socket is closed. */
  endUnpaid(): void;
}

/** Sockets of one mailbox: its owner's devices. */
export const MAX_READERS = 8;

export class PushDesk {
  readonly #store: GroupStore;
  readonly #terms: Terms;
  readonly #clock: LedgerClock;
  readonly #readers = new Map<string, Set<PushReader>>();
  #renewedDay = 0;

  constructor(store: GroupStore, terms: Terms, clock: LedgerClock) {
    this.#store = store;
    this.#terms = terms;
    this.#clock = clock;
  }

  /** Sockets that are told. */
  get readers(): number {
    let count = 0;
    for (const readers of this.#readers.values()) count += readers.size;
    return count;
  }

  /**
   * Pays for today unless that is done, and tells `reader` from then on until the returned function
   * is called. Undefined when the mailbox has enough sockets. Throws Refused: `mailbox-unknown`,
   * `balance-insufficient`.
   */
  async enter(mailboxId: string, reader: PushReader): Promise<(() => void) | undefined> {
    requireMailbox(this.#store, mailboxId);
    const readers = this.#readers.get(mailboxId) ?? new Set();
    if (readers.size >= MAX_READERS) return undefined;
    // In the list first: what comes while the payment is written is told too.
    this.#readers.set(mailboxId, readers.add(reader));
    const leave = (): void => this.#leave(mailboxId, reader);
    try {
      await this.#pay(mailboxId);
    } catch (error) {
      leave();
      throw error;
    }
    return leave;
  }

  #leave(mailboxId: string, reader: PushReader): void {
    const readers = this.#readers.get(mailboxId);
    readers?.delete(reader);
    if (readers?.size === 0) this.#readers.delete(mailboxId);
  }

  /** What a milestone brought; each mailbox hears of its own. */
  tell({ mailboxes, heldTags }: ArrivalNews): void {
    const names = new Map<number, Set<string>>();
    for (const [mailboxId, readers] of this.#readers) {
      if (mailboxes.has(mailboxId)) send(readers, 'log');
      if (heldTags.length > 0 && this.#watches(mailboxId, heldTags, names)) send(readers, 'held');
    }
  }

  /** Whether one of the tags is in a bucket of the mailbox; `names` is shared by all of them. */
  #watches(
    mailboxId: string,
    heldTags: readonly Uint8Array[],
    names: Map<number, Set<string>>,
  ): boolean {
    const mailbox = readMailbox(this.#store, mailboxId);
    if (!mailbox?.policy.unsolicited) return false;
    return mailbox.buckets.some(({ bits, prefix }) => {
      const known = names.get(bits);
      const prefixes =
        known ?? new Set(heldTags.map((tag) => bytesToHex(bucketOf(tag, bits).prefix)));
      if (!known) names.set(bits, prefixes);
      return prefixes.has(bytesToHex(prefix));
    });
  }

  /** After each round of milestones: whoever still listens pays for a new day, or is ended. */
  async renew(): Promise<void> {
    const day = dayOf(this.#clock.time);
    if (day === this.#renewedDay) return;
    this.#renewedDay = day;
    for (const [mailboxId, readers] of this.#readers) {
      try {
        await this.#pay(mailboxId);
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        for (const reader of readers) reader.endUnpaid();
      }
    }
  }

  /** Debits a day once, with the note that it is paid. */
  async #pay(mailboxId: string): Promise<void> {
    const { time } = this.#clock;
    const cost = BigInt(this.#terms.offer.perPushDay);
    const day = dayOf(time);
    if (cost === 0n) return;
    await this.#store.transact((transaction) => {
      const key = idKey('pushDay', mailboxId);
      const paid = readRecord(transaction, key) as { day: number } | undefined;
      if (paid?.day === day) return;
      chargeMailbox(transaction, mailboxId, cost, time);
      writeRecord(transaction, key, { day });
    });
  }
}

function send(readers: ReadonlySet<PushReader>, topic: PushTopic): void {
  for (const reader of readers) reader.send(topic);
}
