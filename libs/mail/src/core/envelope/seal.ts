/**
 * From a message to an envelope's bytes and back: chooses the padding, binds the letter to the tag.
 * Stop before: letter/letter.ts; next: envelope/envelope.ts. Spec: docs/spec/23-envelope.md.
 */
import type { Verifier } from '@tanglemail/tangle/core/ports.ts';
import { concatBytes } from '../crypto/kdf.ts';
import { contentSize } from '../letter/content.ts';
import type { LetterDraft, LetterRandomness, LetterReader } from '../letter/letter.ts';
import type { LetterRecipient, LetterSender, OpenedLetter } from '../letter/letter.ts';
import { LETTER_OVERHEAD, openLetter, sealLetter } from '../letter/letter.ts';
import { PADDED_SIZES } from '../limits.ts';
import { fail, succeed } from '../outcome.ts';
import type { MailOutcome } from '../outcome.ts';
import type { SealingSuite } from '../ports.ts';
import { boundHeader, decodeEnvelope, envelopeHeader, sealedBytes } from './envelope.ts';

/** Everything that one envelope needs. */
export interface EnvelopeInput {
  readonly networkId: bigint;
  /** From envelope/tags.ts or envelope/stranger.ts; 16 bytes. */
  readonly tag: Uint8Array;
  readonly sender: LetterSender;
  readonly recipient: LetterRecipient;
  readonly draft: LetterDraft;
  readonly randomness: LetterRandomness;
  /** The recipient's limit: a padded size, as its descriptor says. */
  readonly maxEnvelope: number;
}

/** An envelope ready to become a block's payload. */
export interface SealedEnvelope {
  /** The payload's bytes behind its type. */
  readonly bytes: Uint8Array;
  readonly sizeClass: number;
  /** Keep it to check a delivery receipt (letter/letter.ts, isReceiptFor). */
  readonly receiptSecret: Uint8Array;
}

/** Bytes of the largest message that fits an envelope of `maxEnvelope` bytes (a padded size). */
export function maxMessageSize(maxEnvelope: number, isRegistered: boolean): number {
  const sizeClass = PADDED_SIZES.findLastIndex((size) => size <= maxEnvelope);
  if (sizeClass < 0) return 0;
  return Math.max(0, sealedBytes(sizeClass) - LETTER_OVERHEAD - contentSize(0, isRegistered));
}

/** The smallest class that holds a letter with such a message; undefined if none does. */
export function letterClass(messageSize: number, isRegistered: boolean): number | undefined {
  const needed = LETTER_OVERHEAD + contentSize(messageSize, isRegistered);
  const found = PADDED_SIZES.findIndex((_, sizeClass) => sealedBytes(sizeClass) >= needed);
  return found < 0 ? undefined : found;
}

/**
 * Seals one message for one recipient. Codes: `message-too-large` (the detail gives the greatest
 * size), `recipient-key-invalid`.
 */
export function sealEnvelope(
  input: EnvelopeInput,
  suite: SealingSuite,
): MailOutcome<SealedEnvelope> {
  const isRegistered = input.draft.registerWith !== undefined;
  const limit = maxMessageSize(input.maxEnvelope, isRegistered);
  const sizeClass = letterClass(input.draft.message.length, isRegistered);
  const size = sizeClass === undefined ? Infinity : (PADDED_SIZES[sizeClass] ?? Infinity);
  if (sizeClass === undefined || size > input.maxEnvelope) {
    return fail('message-too-large', `at most ${limit} bytes`);
  }
  const { networkId, sender, recipient, draft, randomness } = input;
  const header = envelopeHeader(sizeClass, input.tag);
  const letter = sealLetter(
    {
      networkId,
      header: boundHeader(header),
      size: sealedBytes(sizeClass),
      sender,
      recipient,
      draft,
      randomness,
    },
    suite,
  );
  if (!letter.ok) return letter;
  const bytes = concatBytes(header, letter.value.bytes);
  return succeed({ bytes, sizeClass, receiptSecret: letter.value.receiptSecret });
}

/** Opens an envelope's bytes from gossip or a provider. Codes: as decodeEnvelope and openLetter. */
export function openEnvelope(
  bytes: Uint8Array,
  networkId: bigint,
  reader: LetterReader,
  suite: SealingSuite,
  verifier: Verifier,
): MailOutcome<OpenedLetter> {
  const envelope = decodeEnvelope(bytes);
  if (!envelope.ok) return envelope;
  const { header, sealed } = envelope.value;
  const input = { networkId, header: boundHeader(header), bytes: sealed };
  return openLetter(input, reader, suite, verifier);
}
