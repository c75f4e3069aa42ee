/**
 * What stands inside a sealed letter: who wrote it, when, under which id, and the message byte for
 * byte, padded with zeros. Stop before: message/check.ts; next: letter/letter.ts.
 * Spec: docs/spec/22-letter.md.
 */
import { bytesToHex } from '@noble/hashes/utils.js';
import type { Reader } from '@tanglemail/tangle/core/codec/reader.ts';
import { decodeWith, refuse } from '@tanglemail/tangle/core/codec/reader.ts';
import { Writer } from '@tanglemail/tangle/core/codec/writer.ts';
import { fail, succeed } from '../outcome.ts';
import type { MailOutcome } from '../outcome.ts';

declare const brand: unique symbol;
/** The sender's random id of a message, 16 bytes as 32 lowercase hex digits. */
export type LetterId = string & { readonly [brand]: 'LetterId' };

const CONTENT_VERSION = 1;
const FLAG_REGISTERED = 1;
const FLAG_RECEIPT = 2;
export const LETTER_ID_LENGTH = 16;
/** version, kind, flags, account key, certificate, id, time, length. */
export const CONTENT_OVERHEAD = 1 + 1 + 1 + 32 + 64 + LETTER_ID_LENGTH + 4 + 4;
/** A registered letter holds this much more. */
export const REGISTERED_OVERHEAD = 64;
const KIND_CODES = { message: 1, control: 2, parcel: 3 } as const;
const KINDS = Object.keys(KIND_CODES) as LetterKind[];

/**
 * `message` holds an RFC 5322 message, `control` a note between clients that nobody reads, `parcel`
 * what opens a message that providers keep in parts (parcel/letter.ts).
 */
export type LetterKind = keyof typeof KIND_CODES;

/** The content of a letter as the sender states it; what is proven stands in letter.ts. */
export interface LetterContent {
  readonly kind: LetterKind;
  /** The sender asks that the receipt secret be given back once the letter is opened. */
  readonly wantsReceipt: boolean;
  /** Ed25519, 32 bytes. */
  readonly accountKey: Uint8Array;
  /** identity/certificate.ts, 64 bytes. */
  readonly certificate: Uint8Array;
  /** The same id from the same sender is the same message, however often it arrives. */
  readonly letterId: LetterId;
  /** Unix seconds by the sender's clock. */
  readonly sentAt: number;
  /** The bytes of the message, never changed. */
  readonly message: Uint8Array;
  /**
   * Ed25519 by the account key over letter.ts's registered message; absent in a deniable letter.
   */
  readonly signature?: Uint8Array;
}

export function letterIdFromBytes(bytes: Uint8Array): LetterId {
  return bytesToHex(bytes) as LetterId;
}

/** Bytes of plaintext that a message of `messageSize` needs before padding. */
export function contentSize(messageSize: number, isRegistered: boolean): number {
  return CONTENT_OVERHEAD + messageSize + (isRegistered ? REGISTERED_OVERHEAD : 0);
}

/** The content without signature and padding: what a registered letter signs. */
export function encodeUnsigned(content: LetterContent, isRegistered: boolean): Uint8Array {
  const writer = new Writer(contentSize(content.message.length, false));
  writer.u8(CONTENT_VERSION);
  writer.u8(KIND_CODES[content.kind]);
  writer.u8((isRegistered ? FLAG_REGISTERED : 0) | (content.wantsReceipt ? FLAG_RECEIPT : 0));
  writer.fixed(content.accountKey, 32);
  writer.fixed(content.certificate, 64);
  writer.hex(content.letterId, LETTER_ID_LENGTH);
  writer.u32(content.sentAt);
  writer.u32(content.message.length);
  writer.raw(content.message);
  return writer.finish();
}

/** The whole plaintext, padded with zeros to `paddedSize` bytes. */
export function encodeContent(content: LetterContent, paddedSize: number): Uint8Array {
  const unsigned = encodeUnsigned(content, content.signature !== undefined);
  const writer = new Writer(paddedSize);
  writer.raw(unsigned);
  if (content.signature) writer.fixed(content.signature, REGISTERED_OVERHEAD);
  writer.raw(new Uint8Array(paddedSize - contentSize(content.message.length, !!content.signature)));
  return writer.finish();
}

/** Codes: `letter-kind-unknown` for a later version or kind, `letter-malformed` for the rest. */
export function decodeContent(plaintext: Uint8Array): MailOutcome<LetterContent> {
  const version = plaintext[0];
  const kind = KINDS.find((one) => KIND_CODES[one] === plaintext[1]);
  if (version !== CONTENT_VERSION || kind === undefined) return fail('letter-kind-unknown');
  const decoded = decodeWith(plaintext, plaintext.length, (reader) => readContent(reader, kind));
  return decoded.ok ? succeed(decoded.value) : fail('letter-malformed', decoded.code);
}

function readContent(reader: Reader, kind: LetterKind): LetterContent {
  reader.view(2);
  const flags = reader.u8();
  if ((flags & ~(FLAG_REGISTERED | FLAG_RECEIPT)) !== 0) refuse('not-canonical');
  const accountKey = reader.bytes(32);
  const certificate = reader.bytes(64);
  const letterId = letterIdFromBytes(reader.view(LETTER_ID_LENGTH));
  const sentAt = reader.u32();
  const message = reader.bytes(reader.u32());
  const isRegistered = (flags & FLAG_REGISTERED) !== 0;
  const signature = isRegistered ? { signature: reader.bytes(REGISTERED_OVERHEAD) } : {};
  const padding = reader.view(reader.remaining);
  if (padding.some((byte) => byte !== 0)) refuse('not-canonical');
  const wantsReceipt = (flags & FLAG_RECEIPT) !== 0;
  const sender = { accountKey, certificate };
  return { kind, wantsReceipt, ...sender, letterId, sentAt, message, ...signature };
}
