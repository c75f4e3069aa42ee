/**
 * The envelope: the sealed object on the wire, as the mail library lays it out inside an envelope
 * payload. All envelopes of a class look alike. Stop before: envelope/seal.ts; next: the node's API
 * and gossip, then the provider. Spec: docs/spec/23-envelope.md.
 */
import { concatBytes } from '../crypto/kdf.ts';
import { PADDED_SIZES } from '../limits.ts';
import { assert, fail, succeed } from '../outcome.ts';
import type { MailOutcome } from '../outcome.ts';
import { X25519_KEY_LENGTH } from '../ports.ts';

export const ENVELOPE_VERSION = 1;
export const TAG_LENGTH = 16;
/** version u8, class u8, tag 16. */
export const ENVELOPE_HEADER_LENGTH = 2 + TAG_LENGTH;
/** The last bytes of a tag: free in a stranger's, where the nonce of its stamp stands. */
export const TAG_NONCE_LENGTH = 8;
/** Where they begin in an envelope. */
export const TAG_NONCE_OFFSET = ENVELOPE_HEADER_LENGTH - TAG_NONCE_LENGTH;
/** The payload's type u32, which a padded size counts and the envelope's bytes do not. */
export const PAYLOAD_TYPE_LENGTH = 4;

/** An envelope as everybody sees it. The byte fields share memory with what was decoded. */
export interface MailEnvelope {
  readonly version: number;
  /** Index into PADDED_SIZES. */
  readonly sizeClass: number;
  /** 16 bytes that mean something only to the recipient. */
  readonly tag: Uint8Array;
  /** version, class and tag, 18 bytes: what the sealing of a chain message is bound to. */
  readonly header: Uint8Array;
  /** Letter or chain message. */
  readonly sealed: Uint8Array;
}

/** Bytes of an envelope of this class: its padded size without the payload's type. */
export function envelopeBytes(sizeClass: number): number {
  const size = PADDED_SIZES[sizeClass];
  assert(size, 'an envelope class is in the table');
  return size - PAYLOAD_TYPE_LENGTH;
}

/** Bytes of `sealed` in an envelope of this class. */
export function sealedBytes(sizeClass: number): number {
  return envelopeBytes(sizeClass) - ENVELOPE_HEADER_LENGTH;
}

/** The first 18 bytes. */
export function envelopeHeader(sizeClass: number, tag: Uint8Array): Uint8Array {
  assert(tag.length === TAG_LENGTH, 'a tag has 16 bytes');
  return concatBytes(Uint8Array.of(ENVELOPE_VERSION, sizeClass), tag);
}

/**
 * What a letter is bound to: the header (18 bytes) with zero for the last 8 bytes of the tag. A
 * stamp is sought there once the letter is sealed. The first 8 bytes are 64 bits of the tag, too
 * many for anybody to turn a letter's tag into another one that its recipient watches.
 */
export function boundHeader(header: Uint8Array): Uint8Array {
  const bound = header.slice();
  bound.fill(0, TAG_NONCE_OFFSET);
  return bound;
}

/**
 * Reads an envelope payload's bytes (behind the type). Codes: `truncated`,
 * `envelope-version-unknown`, `envelope-class-unknown`, `envelope-size` when the length is not the
 * one of its class.
 */
export function decodeEnvelope(bytes: Uint8Array): MailOutcome<MailEnvelope> {
  if (bytes.length < ENVELOPE_HEADER_LENGTH) return fail('truncated');
  const [version = 0, sizeClass = 0] = bytes;
  if (version !== ENVELOPE_VERSION) return fail('envelope-version-unknown', `version ${version}`);
  if (sizeClass >= PADDED_SIZES.length) return fail('envelope-class-unknown');
  if (bytes.length !== envelopeBytes(sizeClass)) return fail('envelope-size');
  return succeed({
    version,
    sizeClass,
    tag: bytes.subarray(2, ENVELOPE_HEADER_LENGTH),
    header: bytes.subarray(0, ENVELOPE_HEADER_LENGTH),
    sealed: bytes.subarray(ENVELOPE_HEADER_LENGTH),
  });
}

/**
 * The ephemeral X25519 key of a letter, found without opening it. In an envelope that holds no
 * letter these are 32 other bytes; nobody can tell, and a scan finds nothing in them.
 */
export function ephemeralKeyOf(envelope: MailEnvelope): Uint8Array {
  return envelope.sealed.slice(0, X25519_KEY_LENGTH);
}
