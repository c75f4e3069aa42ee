/**
 * Receipts, both ways: gives the secrets of letters that were opened to whom the settings allow,
 * and holds those that others give to the letters that we sealed. Before: letter-intake.ts,
 * messages, note-router.ts; after: outbox. Spec: docs/spec/28-receipt-note.md.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import type { MailAddress } from '@tanglemail/mail/core/identity/address.ts';
import type { LetterId } from '@tanglemail/mail/core/letter/content.ts';
import {
  decodeReceiptNote,
  encodeReceiptNote,
  type LetterReceipt,
  MAX_RECEIPTS,
} from '@tanglemail/mail/core/letter/receipt-note.ts';
import { bytesToHex, hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import { errorFields, type Logger } from '@tanglemail/tangle/io/logger.ts';
import type { ClientConfig } from '../config/schema.ts';
import type { ContactBook } from '../contacts/contact-book.ts';
import type { ReceiptWish, SenderState } from '../inbox/intake-types.ts';
import type { ControlNote } from '../inbox/note-router.ts';
import type { MessageChange } from '../messages/message-change.ts';
import type { Outbox } from '../outbox/outbox.ts';
import {
  DUE_RECEIPTS,
  dueReceiptKeyOf,
  dueReceipts,
  receiptKeyOf,
  receiptKeys,
} from '../store/outbox-collections.ts';
import type { SealedBatch, SealedStore } from '../store/sealed-store.ts';
import type { WriteLock } from '../store/write-lock.ts';
import type { TangleAccess } from '../tangle/tangle-access.ts';

export type ReceiptSettings = ClientConfig['receipts'];

export interface ReceiptBookDeps {
  readonly store: SealedStore;
  readonly writes: WriteLock;
  readonly logger: Logger;
  readonly contacts: Pick<ContactBook, 'get'>;
  readonly outbox: Pick<Outbox, 'enqueueNote' | 'waitingNote' | 'acknowledge'>;
  readonly tangle: Pick<TangleAccess, 'clock' | 'random'>;
}

/** Receipts of mails that come together leave together. */
const GATHER_MS = 2_000;
/** Notes of one person that wait at the same time. */
const MAX_WAITING = 64;

export class ReceiptBook {
  readonly #settings: ReceiptSettings;
  readonly #deps: ReceiptBookDeps;

  constructor(settings: ReceiptSettings, deps: ReceiptBookDeps) {
    this.#settings = settings;
    this.#deps = deps;
  }

  /**
   * A message was filed whose letter asks for a receipt; in its batch, under the write lock. Call
   * what it gives once the batch is written.
   */
  filed(batch: SealedBatch, wish: ReceiptWish): () => void {
    const { sender, senderState, letterId, receiptSecret } = wish;
    const { store } = this.#deps;
    if (this.promisesRead(wish)) {
      const secret = bytesToHex(receiptSecret);
      const due = { sender, letterId, secret, isSeen: false };
      batch.put(dueReceipts, dueReceiptKeyOf(store, sender, letterId), due);
    }
    if (!this.#isGiven(senderState)) return () => {};
    return this.#give(batch, sender, { kind: 'fetched', letterId, secret: receiptSecret });
  }

  /** Whether this sender is told by itself that its message was read. */
  promisesRead({ senderState }: Pick<ReceiptWish, 'sender' | 'senderState'>): boolean {
    return this.#settings.read && senderState === 'accepted';
  }

  #isGiven(state: SenderState): boolean {
    const { delivery } = this.#settings;
    if (delivery === 'never') return false;
    return state === 'accepted' || (delivery === 'always' && state === 'requested');
  }

  /** The user has changed something: a first look at a message may be told to its sender. */
  changed(batch: SealedBatch, change: MessageChange): void {
    if (change.kind !== 'flags' || change.origin !== 'local') return;
    // A program has asked its user, whatever the answer was: this client says nothing any more.
    const isAnswered = change.added.includes('$MDNSent');
    if (!isAnswered && !change.added.includes('\\Seen')) return;
    const { store, logger } = this.#deps;
    const [sender, letterId] = change.messageKey.split(':') as [MailAddress, LetterId?];
    if (letterId === undefined) return;
    const key = dueReceiptKeyOf(store, sender, letterId);
    const due = store.get(dueReceipts, key);
    if (due === undefined || due.isSeen) return;
    if (isAnswered) {
      batch.del('receiptKey', key);
      return;
    }
    batch.put(dueReceipts, key, { ...due, isSeen: true });
    // Whoever changes flags holds the write lock: this runs when that batch is on the disk, or not.
    this.#giveRead(key).catch((error: unknown) => {
      logger.debug(errorFields(error), 'a read receipt waits for the next start');
    });
  }

  /** Queues the read receipts that a crash has left; call it once the outbox runs. */
  async start(): Promise<void> {
    const found = this.#deps.store.scan(dueReceipts, { prefix: DUE_RECEIPTS });
    for await (const { key, value } of found) if (value.isSeen) await this.#giveRead(key);
  }

  /** Turns a due receipt into a note, in one batch. */
  async #giveRead(key: string): Promise<void> {
    const { store, contacts, writes } = this.#deps;
    await writes.run(async () => {
      const due = store.get(dueReceipts, key);
      if (due?.isSeen !== true) return;
      const { sender } = due;
      const batch = store.batch().del('receiptKey', key);
      // What was allowed when the mail came may have been taken back: the settings of now decide.
      const isAllowed = this.#settings.read && contacts.get(sender)?.state === 'accepted';
      const receipt = {
        kind: 'read' as const,
        letterId: due.letterId as LetterId,
        secret: hexToBytes(due.secret),
      };
      const accept = isAllowed ? this.#give(batch, sender, receipt) : undefined;
      await batch.write();
      accept?.();
    });
  }

  /** Adds a receipt to the note that waits for this person, or begins another one. */
  #give(batch: SealedBatch, to: MailAddress, receipt: LetterReceipt): () => void {
    const { outbox } = this.#deps;
    for (let number = 0; number < MAX_WAITING; number += 1) {
      const dedupe = `receipts/${number}`;
      const waiting = outbox.waitingNote(to, dedupe);
      const before = waiting === undefined ? undefined : decodeReceiptNote(waiting);
      const receipts = before?.ok === true ? before.value : [];
      if (receipts.length >= MAX_RECEIPTS) continue;
      const body = encodeReceiptNote([...receipts, receipt]);
      const notBeforeMs = this.#restUntil();
      return outbox.enqueueNote(batch, { to, body, dedupe, notBeforeMs, isQuiet: true });
    }
    return () => {};
  }

  #restUntil(): number {
    const { clock, random } = this.#deps.tangle;
    const delayMs = this.#settings.delaySeconds * 1_000;
    const blur = delayMs === 0 ? 0 : random.below(delayMs);
    return clock.nowMs() + GATHER_MS + blur;
  }

  /** A note of family c3: whoever sealed it can speak only of letters that were sealed for it. */
  take(batch: SealedBatch, { sender, body }: ControlNote): () => void {
    const { store, outbox } = this.#deps;
    const decoded = decodeReceiptNote(body);
    if (!decoded.ok) return () => {};
    const applies: (() => void)[] = [];
    const best = new Map<number, LetterReceipt['kind']>();
    for (const { kind, letterId, secret } of decoded.value) {
      const expected = store.get(receiptKeys, receiptKeyOf(store, sender, letterId));
      if (expected?.hashes.includes(bytesToHex(sha256(secret))) !== true) continue;
      const { outboxId } = expected;
      best.set(outboxId, best.get(outboxId) === 'read' ? 'read' : kind);
    }
    for (const [id, kind] of best) applies.push(outbox.acknowledge(batch, id, kind));
    return () => applies.forEach((apply) => apply());
  }
}
