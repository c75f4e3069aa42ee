/**
 * Envelopes that came to us and that nothing opens yet: they wait for the seed of their chain,
 * bounded in number, bytes and time. Before: letter-intake.ts; after: chat/receiving-book.ts.
 * Spec: docs/spec/24-chain.md section 5.
 */
import { bytesToHex, hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import {
  addWaiting,
  askStep,
  expireWaiting,
  markAsked,
  type WaitingEnvelope,
  type WaitingRoom,
} from '@tanglemail/mail/core/chain/waiting.ts';
import { decodeEnvelope } from '@tanglemail/mail/core/envelope/envelope.ts';
import { waitingEnvelopes } from '../store/chat-collections.ts';
import { orderedKey, type SealedBatch, type SealedStore } from '../store/sealed-store.ts';

export class WaitingBook {
  /** The number under which each envelope lies on the disk. */
  readonly #numbers = new WeakMap<Uint8Array, number>();
  #room: WaitingRoom = [];
  #staged: { readonly batch: SealedBatch; readonly room: WaitingRoom } | undefined;
  #next = 0;

  private constructor() {}

  static async load(store: SealedStore): Promise<WaitingBook> {
    const book = new WaitingBook();
    for await (const { key, value } of store.scan(waitingEnvelopes, { prefix: 'w/' })) {
      const { bytes: hex, ...ask } = value;
      const bytes = hexToBytes(hex);
      const envelope = decodeEnvelope(bytes);
      if (!envelope.ok) continue;
      const number = Number(key.slice(2));
      book.#numbers.set(bytes, number);
      book.#room = [...book.#room, { envelope: envelope.value, bytes, ask }];
      book.#next = number + 1;
    }
    return book;
  }

  /** What waits, as `batch` will have it. */
  room(batch?: SealedBatch): WaitingRoom {
    return batch !== undefined && this.#staged?.batch === batch ? this.#staged.room : this.#room;
  }

  /** Lets an envelope wait; the oldest leave when there are too many. `now` in unix seconds. */
  add(batch: SealedBatch, bytes: Uint8Array, now: number): () => void {
    const added = addWaiting(this.room(batch), bytes, now);
    return added.ok ? this.replace(batch, added.value) : () => {};
  }

  /** Makes `room` what waits: writes what is new or changed, deletes what is not in it. */
  replace(batch: SealedBatch, room: WaitingRoom): () => void {
    const before = this.room(batch);
    if (room === before) return () => {};
    const kept = new Set(room);
    const stays = new Set(room.map((one) => one.bytes));
    for (const one of before) {
      if (!kept.has(one) && !stays.has(one.bytes)) batch.del('chain', this.#keyOf(one));
    }
    const known = new Set(before);
    for (const one of room) {
      if (known.has(one)) continue;
      batch.put(waitingEnvelopes, this.#keyOf(one), { bytes: bytesToHex(one.bytes), ...one.ask });
    }
    this.#staged = { batch, room };
    return () => {
      this.#room = room;
    };
  }

  /**
   * Drops what has waited too long, and gives at most `limit` tags that must be asked for now. What
   * is beyond that stays due.
   */
  tick(
    batch: SealedBatch,
    now: number,
    limit: number,
  ): { readonly ask: readonly Uint8Array[]; readonly apply: () => void } {
    const ask: Uint8Array[] = [];
    const present = expireWaiting(this.room(batch), now);
    const room = present.map((one): WaitingEnvelope => {
      const { envelope, bytes } = one;
      if (ask.length >= limit || askStep(one.ask, now) !== 'ask') return one;
      ask.push(envelope.tag);
      return { envelope, bytes, ask: markAsked(one.ask, now) };
    });
    const isSame = ask.length === 0 && room.length === this.room(batch).length;
    return { ask, apply: isSame ? () => {} : this.replace(batch, room) };
  }

  #keyOf({ bytes }: WaitingEnvelope): string {
    let number = this.#numbers.get(bytes);
    if (number === undefined) {
      number = this.#next;
      this.#next += 1;
      this.#numbers.set(bytes, number);
    }
    return `w/${orderedKey(number)}`;
  }
}
