/**
 * Takes the parts of a parcel for the mailboxes that wait for its letter: first the announcement,
 * under a tag that nobody has seen yet, then each part, paid by the mailbox within its policy.
 * Before: api/part-controller.ts. After: upload-rows.ts, receipts/.
 * Spec: docs/spec/33-mailbox.md, section "Parts".
 */
import type { Outcome } from '@tanglemail/tangle/core/outcome.ts';
import { debitArrival } from '@tanglemail/mail/core/market/mailbox.ts';
import type { Mailbox } from '@tanglemail/mail/core/market/mailbox.ts';
import { requestCost } from '@tanglemail/mail/core/market/prices.ts';
import { refuse } from '@tanglemail/mail/core/market/problems.ts';
import type { ProblemCode } from '@tanglemail/mail/core/market/problems.ts';
import type { StoredObject } from '@tanglemail/mail/core/market/stored-object.ts';
import {
  announcedPart,
  checkAnnouncement,
  isSameUpload,
  storePart,
  uploadCost,
} from '@tanglemail/mail/core/market/upload.ts';
import type { Upload, UploadPart } from '@tanglemail/mail/core/market/upload.ts';
import type { LedgerClock } from '../ledger-clock.ts';
import { orRefuse, refuseWith } from '../refused.ts';
import type { GroupStore, StoreTransaction, StoreView } from '../store/group-store.ts';
import {
  logEvent,
  readMailbox,
  readObject,
  readWatchers,
  writeMailbox,
  writeObject,
} from '../store/rows.ts';
import type { Terms } from '../terms.ts';
import { addPartHolder, isTagSeen, readUpload, writeUpload } from './upload-rows.ts';

/** What an announcement is answered with. */
export interface UploadState {
  /** Roots of the parts that have still to be sent, in order. */
  readonly missing: readonly string[];
  /** Ledger time at which the upload ends, unix seconds. */
  readonly closesAt: number;
}

/** Bytes that stay free on the provider's disk whatever is sent to it. */
export interface RoomLimits {
  readonly minFreeBytes: number;
  readonly freeBytes: () => Promise<number>;
}

export class PartDesk {
  readonly #store: GroupStore;
  readonly #terms: Terms;
  readonly #clock: LedgerClock;
  readonly #room: RoomLimits;

  constructor(store: GroupStore, terms: Terms, clock: LedgerClock, room: RoomLimits) {
    this.#store = store;
    this.#terms = terms;
    this.#clock = clock;
    this.#room = room;
  }

  /**
   * Announces the parts of one parcel, or asks which are still missing. Refuses with
   * `tag-unwatched`, `upload-closed`, `upload-too-large`, `mailbox-cannot-pay`, `storage-full`.
   */
  async announce(tag: string, parts: readonly UploadPart[]): Promise<UploadState> {
    const now = this.#clock.time;
    const known = readUpload(this.#store, tag);
    if (!known) await this.requireRoom(parts.reduce((sum, { size }) => sum + size, 0));
    return this.#store.transact((transaction) => {
      const upload = readUpload(transaction, tag) ?? this.#open(transaction, tag, parts, now);
      if (!isSameUpload(upload, parts)) refuseWith('state-conflict', {}, 'other parts');
      if (now >= upload.closesAt) refuseWith('upload-closed');
      const missing = upload.parts.filter((part) => !isStored(transaction, upload, part));
      return { missing: missing.map(({ root }) => root), closesAt: upload.closesAt };
    });
  }

  /** Writes the announcement down for every mailbox that watches the tag and agrees. */
  #open(
    transaction: StoreTransaction,
    tag: string,
    parts: readonly UploadPart[],
    now: number,
  ): Upload {
    const watchers = readWatchers(transaction, tag);
    let refusal: Outcome<never, ProblemCode> = refuse('tag-unwatched');
    const mailboxes: string[] = [];
    for (const mailboxId of watchers) {
      const mailbox = readMailbox(transaction, mailboxId);
      const agreed = mailbox && this.#agree(transaction, mailbox, tag, parts, now);
      if (agreed && !agreed.ok) refusal = agreed;
      if (!agreed?.ok) continue;
      writeMailbox(transaction, agreed.value);
      mailboxes.push(mailboxId);
    }
    if (mailboxes.length === 0) return orRefuse(refusal);
    const closesAt = now + this.#terms.times.uploadLife;
    const upload: Upload = { mailboxes, parts, closesAt, envelopeAt: 0 };
    writeUpload(transaction, tag, upload);
    return upload;
  }

  /** The mailbox with the price of the announcement taken, if it can pay for the parts too. */
  #agree(
    view: StoreView,
    mailbox: Mailbox,
    tag: string,
    parts: readonly UploadPart[],
    now: number,
  ): Outcome<Mailbox, ProblemCode> {
    const { offer } = this.#terms;
    if (isTagSeen(view, mailbox.mailboxId, tag)) return refuse('upload-closed');
    const { maxUpload } = mailbox.policy;
    const checked = checkAnnouncement(parts, { maxPart: offer.maxPart, maxUpload });
    if (!checked.ok) return checked;
    const asked = debitArrival(mailbox, requestCost(offer), now);
    const cost = uploadCost(parts, offer, this.#daysOf(mailbox));
    const isPayable = asked.ok && debitArrival(asked.value, cost, now).ok;
    return isPayable ? asked : refuse('mailbox-cannot-pay');
  }

  /**
   * Whether a part may be sent now, before its bytes are read: true when it is stored already.
   * Refuses with `upload-unknown`, `upload-closed`, `part-unannounced`, `storage-full`.
   */
  async expect(tag: string, part: UploadPart): Promise<boolean> {
    const upload = readUpload(this.#store, tag) ?? refuseWith('upload-unknown');
    orRefuse(announcedPart(upload, part, this.#clock.time));
    if (isStored(this.#store, upload, part)) return true;
    await this.requireRoom(part.size);
    return false;
  }

  /** Stores a part whose root was checked; `mailbox-cannot-pay` when no mailbox pays for it. */
  store(tag: string, root: string, bytes: Uint8Array): Promise<void> {
    const now = this.#clock.time;
    const part = { root, size: bytes.length };
    return this.#store.transact((transaction) => {
      const upload = readUpload(transaction, tag) ?? refuseWith('upload-unknown');
      orRefuse(announcedPart(upload, part, now));
      const kept = upload.mailboxes.map((mailboxId) =>
        this.#storeFor(transaction, mailboxId, { tag, root, bytes, upload, now }),
      );
      if (!kept.includes(true)) refuseWith('mailbox-cannot-pay');
    });
  }

  #storeFor(
    transaction: StoreTransaction,
    mailboxId: string,
    part: { tag: string; root: string; bytes: Uint8Array; upload: Upload; now: number },
  ): boolean {
    const { tag, root, bytes, upload, now } = part;
    const mailbox = readMailbox(transaction, mailboxId);
    if (!mailbox) return false;
    // The same part again: nothing is charged, nothing is extended.
    if (readObject(transaction, mailboxId, root)) return true;
    const arrived = { mailboxId, root, tag, sizeBytes: bytes.length, arrivedAt: now };
    const { offer } = this.#terms;
    const { object, cost } = storePart(arrived, this.#daysOf(mailbox), offer, upload);
    const debited = debitArrival(mailbox, cost, now);
    if (!debited.ok) return false;
    this.#write(transaction, debited.value, object, bytes, cost);
    return true;
  }

  #write(
    transaction: StoreTransaction,
    mailbox: Mailbox,
    object: StoredObject,
    bytes: Uint8Array,
    cost: bigint,
  ): void {
    const event = { state: 'part', cost, time: object.arrivedAt } as const;
    const logged = logEvent(transaction, mailbox, object, event);
    writeMailbox(transaction, { ...logged, objectCount: logged.objectCount + 1 });
    writeObject(transaction, object);
    addPartHolder(transaction, object, bytes);
  }

  /** Refuses with `storage-full` when `bytes` more would leave too little on the disk. */
  async requireRoom(bytes: number): Promise<void> {
    const { freeBytes, minFreeBytes } = this.#room;
    if ((await freeBytes()) - bytes < minFreeBytes) refuseWith('storage-full');
  }

  #daysOf(mailbox: Mailbox): number {
    const { minRetentionDays, maxRetentionDays } = this.#terms.offer;
    const wanted = Math.max(mailbox.policy.retentionDays, minRetentionDays);
    return Math.min(wanted, maxRetentionDays);
  }
}

/** Whether some mailbox of the upload has the part, or had it and gave it up. */
function isStored(view: StoreView, { mailboxes }: Upload, { root }: UploadPart): boolean {
  return mailboxes.some((mailboxId) => readObject(view, mailboxId, root) !== undefined);
}
