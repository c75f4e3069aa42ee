/**
 * Hands notes between clients (letters of kind `control`) to whoever understands their family,
 * which is their first byte. Before: letter-intake.ts; after: chains, groups, receipts, the
 * self-log. Spec: docs/spec/42-delivery.md.
 */
import type { MailAddress } from '@tanglemail/mail/core/identity/address.ts';
import type { LetterId } from '@tanglemail/mail/core/letter/content.ts';
import type { SealedBatch } from '../store/sealed-store.ts';

/** First bytes of notes. */
export const NOTE_FAMILIES = {
  chain: 0xc1,
  group: 0xc2,
  receipt: 0xc3,
  selfLog: 0xc4,
  devices: 0xc5,
} as const;

/** A note, and who is proven to have written it. */
export interface ControlNote {
  readonly sender: MailAddress;
  readonly accountKey: Uint8Array;
  readonly identityKey: Uint8Array;
  readonly letterId: LetterId;
  /** Unix seconds by the sender's clock. */
  readonly sentAt: number;
  readonly receivedAtMs: number;
  /** All bytes of the note, the family's first. */
  readonly body: Uint8Array;
}

/**
 * Puts what the note changes into the batch; the function it gives is called once the batch is
 * written. Never throws for bad input: nobody but the sender's program can repair a note.
 */
export type NoteHandler = (batch: SealedBatch, note: ControlNote) => () => void;

export class NoteRouter {
  readonly #handlers = new Map<number, NoteHandler>();

  /** Registers who takes the notes of one family; each family has one taker. */
  on(family: number, handler: NoteHandler): void {
    if (this.#handlers.has(family)) throw new Error('broken invariant: one taker for each family');
    this.#handlers.set(family, handler);
  }

  /** A note of a family that nobody takes changes nothing: a later program wrote it. */
  take(batch: SealedBatch, note: ControlNote): () => void {
    const family = note.body[0];
    const handler = family === undefined ? undefined : this.#handlers.get(family);
    return handler === undefined ? () => {} : handler(batch, note);
  }
}
