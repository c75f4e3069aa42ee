/**
 * What stands inside a chain message: kind, time and the bytes, padded with zeros. Who wrote it is
 * known from the seed's letter. Stop before: message/check.ts; next: chain/sending.ts.
 * Spec: docs/spec/24-chain.md.
 */
import type { Reader } from '@tanglemail/tangle/core/codec/reader.ts';
import { decodeWith, refuse } from '@tanglemail/tangle/core/codec/reader.ts';
import { Writer } from '@tanglemail/tangle/core/codec/writer.ts';
import type { LetterId } from '../letter/content.ts';
import { LETTER_ID_LENGTH, letterIdFromBytes } from '../letter/content.ts';
import { assert, fail, succeed } from '../outcome.ts';
import type { MailOutcome } from '../outcome.ts';

const CONTENT_VERSION = 1;
const FLAG_NAMED = 1;
const KIND_CODES = { message: 1, control: 2, text: 3 } as const;
const KINDS = ['message', 'control', 'text'] as const;
/** version u8, kind u8, flags u8, sentAt u32, length u16. */
export const CHAIN_CONTENT_OVERHEAD = 9;

/**
 * `message` holds an RFC 5322 message, `control` a note between clients, `text` the UTF-8 bytes of
 * a line of chat, which the reader shows as untrusted text.
 */
export type ChainKind = (typeof KINDS)[number];

/** The content as the sender states it. */
export interface ChainContent {
  readonly kind: ChainKind;
  /** Unix seconds by the sender's clock. */
  readonly sentAt: number;
  /** Given for a message that is sent again: the id that it had. Else it follows from the key. */
  readonly letterId?: LetterId;
  readonly message: Uint8Array;
}

/** Bytes of plaintext before padding. */
export function chainContentSize(messageSize: number, isNamed: boolean): number {
  return CHAIN_CONTENT_OVERHEAD + messageSize + (isNamed ? LETTER_ID_LENGTH : 0);
}

/** The plaintext, padded with zeros to `paddedSize` bytes. */
export function encodeChainContent(content: ChainContent, paddedSize: number): Uint8Array {
  const { kind, sentAt, letterId, message } = content;
  const size = chainContentSize(message.length, letterId !== undefined);
  assert(size <= paddedSize, 'a chain content fits its padding');
  const writer = new Writer(paddedSize);
  writer.u8(CONTENT_VERSION);
  writer.u8(KIND_CODES[kind]);
  writer.u8(letterId === undefined ? 0 : FLAG_NAMED);
  writer.u32(sentAt);
  writer.u16(message.length);
  if (letterId !== undefined) writer.hex(letterId, LETTER_ID_LENGTH);
  writer.raw(message);
  writer.raw(new Uint8Array(paddedSize - size));
  return writer.finish();
}

/** Codes: `chain-content-unknown` for a later version or kind, `chain-malformed` for the rest. */
export function decodeChainContent(plaintext: Uint8Array): MailOutcome<ChainContent> {
  const kind = KINDS.find((one) => KIND_CODES[one] === plaintext[1]);
  if (plaintext[0] !== CONTENT_VERSION || !kind) return fail('chain-content-unknown');
  const decoded = decodeWith(plaintext, plaintext.length, (reader) => readContent(reader, kind));
  return decoded.ok ? succeed(decoded.value) : fail('chain-malformed', decoded.code);
}

function readContent(reader: Reader, kind: ChainKind): ChainContent {
  reader.view(2);
  const flags = reader.u8();
  if ((flags & ~FLAG_NAMED) !== 0) refuse('not-canonical');
  const sentAt = reader.u32();
  const length = reader.u16();
  const named =
    flags === FLAG_NAMED ? { letterId: letterIdFromBytes(reader.view(LETTER_ID_LENGTH)) } : {};
  const message = reader.bytes(length);
  const padding = reader.view(reader.remaining);
  if (padding.some((byte) => byte !== 0)) refuse('not-canonical');
  return { kind, sentAt, ...named, message };
}
