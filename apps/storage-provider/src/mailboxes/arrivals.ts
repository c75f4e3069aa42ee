/**
 * Mail comes in: the envelopes of one milestone against the filters of all mailboxes. Objects,
 * debits, log entries and the feed's cursor go to disk in one batch, so a crash neither loses mail
 * nor charges for it twice. Before: feed/feed.ts. After: stranger-hold.ts, object-desk.ts,
 * sweeper.ts, push/push-desk.ts. Spec: docs/spec/33-mailbox.md, section "Arrival".
 */
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import type { Hasher } from '@tanglemail/tangle/core/ports.ts';
import { MAX_TAG_COPIES, TAG_LENGTH, TICKET_LIFE } from '@tanglemail/mail/core/market/constants.ts';
import { debitArrival, takeUnsolicited } from '@tanglemail/mail/core/market/mailbox.ts';
import type { Mailbox } from '@tanglemail/mail/core/market/mailbox.ts';
import { segmentRoot } from '@tanglemail/mail/core/market/segment-tree.ts';
import { holdObject, storeObject } from '@tanglemail/mail/core/market/stored-object.ts';
import type { ArrivedObject, StoredObject } from '@tanglemail/mail/core/market/stored-object.ts';
import { nativeSha256 } from '../native-sha256.ts';
import type { LedgerPoint } from '../ledger-clock.ts';
import { noteTagSeen } from '../parts/upload-rows.ts';
import { idKey, keyOf } from '../store/buckets.ts';
import type { GroupStore, StoreTransaction } from '../store/group-store.ts';
import {
  logEvent,
  readMailbox,
  readRecord,
  readRoot,
  readWatchers,
  writeMailbox,
  writeObject,
  writeRecord,
  writeRoot,
} from '../store/rows.ts';
import { readTagUse, writeTagUse } from '../store/stranger-rows.ts';
import type { Terms } from '../terms.ts';
import { StrangerHold } from './stranger-hold.ts';
import type { Arrived } from './stranger-hold.ts';

/** Bytes before the tag in an envelope: version and class (mail.md §4). */
const TAG_OFFSET = 2;
const CURSOR_KEY = keyOf('meta', new TextEncoder().encode('cursor'));

/** What became of the envelopes of one milestone, for metrics. */
export const ARRIVAL_OUTCOMES = [
  'stored',
  'held',
  /** Held, and another one with less work was dropped for it. */
  'displaced',
  /** Watched, but beyond the free quota or too large. */
  'dropped',
  /** One more under an exact tag that has brought its envelope and enough others. */
  'copy',
  /** In a watched bucket, with less work than anybody asks. */
  'unstamped',
  /** The same envelope again. */
  'known',
  /** Nobody here watches them. */
  'unwatched',
] as const;
export type ArrivalOutcome = (typeof ARRIVAL_OUTCOMES)[number];
export type ArrivalCounts = Record<ArrivalOutcome, number>;

/** What a milestone changed for readers who are told at once (push/push-desk.ts). */
export interface ArrivalNews {
  /** Mailboxes with new log entries. */
  readonly mailboxes: ReadonlySet<string>;
  /** Tags (16 bytes) of strangers' mail that is held now. */
  readonly heldTags: readonly Uint8Array[];
}

/** Work on one milestone. */
interface Round {
  readonly transaction: StoreTransaction;
  /** As it has changed them; each is written once, at the end. */
  readonly mailboxes: Map<string, Mailbox>;
}

/** Of outcomes for several mailboxes, the first of these counts. */
const BEST_FIRST: readonly ArrivalOutcome[] = ['stored', 'held', 'known', 'copy', 'dropped'];

export class Arrivals {
  readonly #store: GroupStore;
  readonly #terms: Terms;
  readonly #strangers: StrangerHold;
  readonly #onNews: (news: ArrivalNews) => void;

  /** @param onNews is told once the batch of a milestone is on disk. */
  constructor(
    store: GroupStore,
    terms: Terms,
    deps: { readonly hasher: Hasher; readonly onNews?: (news: ArrivalNews) => void },
  ) {
    this.#store = store;
    this.#terms = terms;
    this.#strangers = new StrangerHold(terms, deps.hasher);
    this.#onNews = deps.onNews ?? (() => undefined);
  }

  /** The last milestone that was worked off, from disk. */
  cursor(): LedgerPoint | undefined {
    return readRecord(this.#store, CURSOR_KEY) as LedgerPoint | undefined;
  }

  /** Works off one milestone: its envelopes (bytes behind the payload type) and the cursor. */
  async take(point: LedgerPoint, envelopes: readonly Uint8Array[]): Promise<ArrivalCounts> {
    const arrivedAt = Math.floor(point.timestampMs / 1_000);
    const arrived = envelopes
      .filter((bytes) => bytes.length >= TAG_OFFSET + TAG_LENGTH)
      .map((bytes) => this.#measure(bytes, arrivedAt));
    const counts = noArrivals();
    const mailboxes = new Map<string, Mailbox>();
    const heldTags: Uint8Array[] = [];
    await this.#store.transact((transaction) => {
      const known = readRecord(transaction, CURSOR_KEY) as LedgerPoint | undefined;
      // The same milestone again, after a restart between batch and acknowledgement.
      if (known && known.index >= point.index) return;
      for (const one of arrived) {
        const outcome = this.#route({ transaction, mailboxes }, one);
        counts[outcome] += 1;
        const isHeld = outcome === 'held' || outcome === 'displaced';
        if (isHeld) heldTags.push(one.tagBytes);
      }
      for (const mailbox of mailboxes.values()) writeMailbox(transaction, mailbox);
      writeRecord(transaction, CURSOR_KEY, point);
    });
    if (mailboxes.size > 0 || heldTags.length > 0)
      this.#onNews({ mailboxes: new Set(mailboxes.keys()), heldTags });
    return counts;
  }

  #measure(bytes: Uint8Array, arrivedAt: number): Arrived {
    const tagBytes = bytes.slice(TAG_OFFSET, TAG_OFFSET + TAG_LENGTH);
    return {
      root: bytesToHex(segmentRoot(bytes, nativeSha256)),
      tag: bytesToHex(tagBytes),
      tagBytes,
      sizeBytes: bytes.length,
      arrivedAt,
      bytes,
    };
  }

  #route(round: Round, arrived: Arrived): ArrivalOutcome {
    const { transaction, mailboxes } = round;
    if (arrived.sizeBytes > this.#terms.offer.maxObject) return 'dropped';
    const watchers = readWatchers(transaction, arrived.tag);
    if (watchers.length === 0) {
      const held = this.#strangers.take(transaction, arrived);
      return held === 'full' ? 'dropped' : held;
    }
    noteTagSeen(transaction, watchers, arrived.tag, arrived.arrivedAt, this.#terms.times);
    const outcomes = new Set<ArrivalOutcome>(['dropped']);
    for (const mailboxId of watchers) {
      const mailbox = mailboxes.get(mailboxId) ?? readMailbox(transaction, mailboxId);
      if (!mailbox) continue;
      outcomes.add(this.#takeTicket(round, mailbox, arrived));
    }
    return BEST_FIRST.find((outcome) => outcomes.has(outcome)) ?? 'dropped';
  }

  /**
   * The tag is the ticket: it was unguessable, and it is spent by the first envelope under it, the
   * only one that may cost the owner something. Whoever saw it on its way can put others under it;
   * a few of them are held free, since the first need not have been the right one.
   */
  #takeTicket(round: Round, mailbox: Mailbox, arrived: Arrived): ArrivalOutcome {
    const { transaction } = round;
    const { mailboxId } = mailbox;
    const { root, tag, arrivedAt } = arrived;
    // The same root again: nothing is charged, nothing is extended.
    if (readRoot(transaction, root)?.holders.includes(mailboxId)) return 'known';
    const use = readTagUse(transaction, mailboxId, tag);
    if (use?.root === root) return 'known';
    if (!use) {
      const outcome = this.#keepFor(round, mailbox, arrived);
      // What was dropped has not used the ticket: the sender may try again.
      if (outcome === 'dropped') return outcome;
      const first = { root, usedAt: arrivedAt, copies: 0 };
      writeTagUse(transaction, mailboxId, tag, first, arrivedAt + TICKET_LIFE);
      return outcome;
    }
    if (use.copies >= MAX_TAG_COPIES) return 'copy';
    const outcome = this.#holdFor(round, mailbox, arrived);
    if (outcome === 'held') {
      writeTagUse(transaction, mailboxId, tag, { ...use, copies: use.copies + 1 });
    }
    return outcome;
  }

  /** Stores at the mailbox's cost, else holds within its free quota, else drops. */
  #keepFor(round: Round, mailbox: Mailbox, arrived: Arrived): 'stored' | 'held' | 'dropped' {
    const { offer } = this.#terms;
    const { sizeBytes, arrivedAt } = arrived;
    if (sizeBytes <= mailbox.policy.maxObject) {
      const wanted = Math.max(mailbox.policy.retentionDays, offer.minRetentionDays);
      const days = Math.min(wanted, offer.maxRetentionDays);
      const stored = storeObject(objectOf(mailbox, arrived), days, offer, arrivedAt);
      const debited = debitArrival(mailbox, stored.cost, arrivedAt);
      if (debited.ok) {
        this.#write(round, debited.value, arrived, stored.object, stored.cost);
        return 'stored';
      }
    }
    return this.#holdFor(round, mailbox, arrived);
  }

  /** Holds within the mailbox's free quota, else drops. */
  #holdFor(round: Round, mailbox: Mailbox, arrived: Arrived): 'held' | 'dropped' {
    const { offer, times } = this.#terms;
    const { sizeBytes, arrivedAt } = arrived;
    const quota = { perDay: offer.unsolicitedPerDay, maxSize: offer.unsolicitedMax };
    const unsolicited = takeUnsolicited(mailbox.unsolicited, sizeBytes, quota, arrivedAt);
    if (!unsolicited.ok) return 'dropped';
    const counted = { ...mailbox, unsolicited: unsolicited.value };
    this.#write(round, counted, arrived, holdObject(objectOf(mailbox, arrived), times), 0n);
    return 'held';
  }

  #write(
    { transaction, mailboxes }: Round,
    mailbox: Mailbox,
    arrived: Arrived,
    object: StoredObject,
    cost: bigint,
  ): void {
    const event = { state: object.state, cost, time: arrived.arrivedAt };
    const logged = logEvent(transaction, mailbox, arrived, event);
    mailboxes.set(mailbox.mailboxId, { ...logged, objectCount: logged.objectCount + 1 });
    writeObject(transaction, object);
    this.#addHolder(transaction, arrived, mailbox.mailboxId);
  }

  #addHolder(transaction: StoreTransaction, arrived: Arrived, mailboxId: string): void {
    const { root, sizeBytes, tag, arrivedAt } = arrived;
    const record = readRoot(transaction, root);
    if (!record) transaction.put(idKey('body', root), arrived.bytes);
    const holders = [...(record?.holders ?? []), mailboxId];
    writeRoot(transaction, root, { sizeBytes, tag, arrivedAt, heldUntil: 0, ...record, holders });
  }
}

/** All outcomes with the count 0. */
export function noArrivals(): ArrivalCounts {
  const entries = ARRIVAL_OUTCOMES.map((outcome) => [outcome, 0] as const);
  return Object.fromEntries(entries) as ArrivalCounts;
}

function objectOf({ mailboxId }: Mailbox, arrived: Arrived): ArrivedObject {
  const { root, tag, sizeBytes, arrivedAt } = arrived;
  return { mailboxId, root, tag, sizeBytes, arrivedAt };
}
