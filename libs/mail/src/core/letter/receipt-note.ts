/**
 * The note by which a recipient's client tells a sender that its letters were opened, or read: each
 * receipt reveals the secret whose hash stands in that letter. It travels in a letter of kind
 * `control`. Stop before: letter/letter.ts, which gives the secret; next: the sender's outbox.
 * Spec: docs/spec/28-receipt-note.md.
 */
import type { Reader } from '@tanglemail/tangle/core/codec/reader.ts';
import { decodeWith, refuse } from '@tanglemail/tangle/core/codec/reader.ts';
import { Writer } from '@tanglemail/tangle/core/codec/writer.ts';
import { assert, fail } from '../outcome.ts';
import type { MailOutcome } from '../outcome.ts';
import type { LetterId } from './content.ts';
import { LETTER_ID_LENGTH, letterIdFromBytes } from './content.ts';
import { RECEIPT_LENGTH } from './letter.ts';

/** First byte of every note with receipts. */
export const RECEIPT_NOTE_FAMILY = 0xc3;
const NOTE_VERSION = 1;
/** family, version, count. */
const HEAD_SIZE = 3;
/** kind, letter id, secret. */
export const RECEIPT_ENTRY_SIZE = 1 + LETTER_ID_LENGTH + RECEIPT_LENGTH;
/**
 * What the smallest letter holds: a note with one receipt and one with many are of the same size on
 * the wire.
 */
export const MAX_RECEIPTS = 13;
export const MAX_RECEIPT_NOTE_SIZE = HEAD_SIZE + MAX_RECEIPTS * RECEIPT_ENTRY_SIZE;

const KIND_CODES = { fetched: 1, read: 2 } as const;
const KINDS = ['fetched', 'read'] as const;

/** `fetched`: a device has opened the letter. `read`: its user has, says that user's client. */
export type ReceiptKind = (typeof KINDS)[number];

export interface LetterReceipt {
  readonly kind: ReceiptKind;
  readonly letterId: LetterId;
  /** 32 bytes: SHA-256 of it stands in the letter. */
  readonly secret: Uint8Array;
}

/** Encodes 1 to 13 receipts; any other number is a broken invariant. */
export function encodeReceiptNote(receipts: readonly LetterReceipt[]): Uint8Array {
  const isFit = receipts.length > 0 && receipts.length <= MAX_RECEIPTS;
  assert(isFit, 'a note has 1 to 13 receipts');
  const writer = new Writer(HEAD_SIZE + receipts.length * RECEIPT_ENTRY_SIZE);
  writer.u8(RECEIPT_NOTE_FAMILY);
  writer.u8(NOTE_VERSION);
  writer.u8(receipts.length);
  for (const { kind, letterId, secret } of receipts) {
    writer.u8(KIND_CODES[kind]);
    writer.hex(letterId, LETTER_ID_LENGTH);
    writer.fixed(secret, RECEIPT_LENGTH);
  }
  return writer.finish();
}

/** Codes: `receipt-note-unknown` for another family or version, the decoder's for the rest. */
export function decodeReceiptNote(bytes: Uint8Array): MailOutcome<LetterReceipt[]> {
  const isKnown = bytes[0] === RECEIPT_NOTE_FAMILY && bytes[1] === NOTE_VERSION;
  if (!isKnown) return fail('receipt-note-unknown');
  return decodeWith(bytes, MAX_RECEIPT_NOTE_SIZE, readNote);
}

function readNote(reader: Reader): LetterReceipt[] {
  reader.view(2);
  const count = reader.u8();
  if (count === 0 || count > MAX_RECEIPTS) refuse('count-out-of-range');
  return Array.from({ length: count }, () => {
    const code = reader.u8();
    const kind = KINDS.find((one) => KIND_CODES[one] === code) ?? refuse('not-canonical');
    const letterId = letterIdFromBytes(reader.view(LETTER_ID_LENGTH));
    return { kind, letterId, secret: reader.bytes(RECEIPT_LENGTH) };
  });
}
