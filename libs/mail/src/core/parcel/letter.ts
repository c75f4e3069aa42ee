/**
 * What a letter of kind `parcel` carries in place of a message: the manifest of the one parcel that
 * holds its bytes, how the message is put together from them, and a short preview, so that the
 * recipient sees what comes before anything is fetched. Before: seal.ts, repeats.ts. After:
 * letter/letter.ts. Spec: docs/spec/25-parcel.md, section 4.
 */
import { bytesToUtf8 } from '@noble/ciphers/utils.js';
import { decodeWith, refuse } from '@tanglemail/tangle/core/codec/reader.ts';
import type { Reader } from '@tanglemail/tangle/core/codec/reader.ts';
import { Writer } from '@tanglemail/tangle/core/codec/writer.ts';
import { equalBytes, sha256 as nobleSha256, utf8ToBytes } from '../crypto/kdf.ts';
import type { Sha256 } from '../market/segment-tree.ts';
import { assert, fail, succeed } from '../outcome.ts';
import type { MailOutcome } from '../outcome.ts';
import { isParcelSize, MAX_PARTS } from './layout.ts';
import { manifestFault, manifestSize, readManifest, writeManifest } from './manifest.ts';
import type { ParcelManifest } from './manifest.ts';
import { MAX_SPANS, messageSize, takeApart } from './repeats.ts';
import type { Span } from './repeats.ts';

const VERSION = 1;
/** Bytes of UTF-8 that a preview shows of each field. */
export const PREVIEW_LIMITS = { from: 255, subject: 512, text: 512 } as const;
const SPAN_SIZE = 8;
/** Bytes of the largest: every field at its limit. */
export const MAX_PARCEL_LETTER_SIZE =
  1 +
  manifestSize(MAX_PARTS) +
  1 +
  MAX_SPANS * SPAN_SIZE +
  4 +
  (1 + PREVIEW_LIMITS.from) +
  (2 + PREVIEW_LIMITS.subject) +
  (2 + PREVIEW_LIMITS.text);

/** What is shown before the message is there: the sender's word. */
export interface ParcelPreview {
  /** Display name or address of the author. */
  readonly from: string;
  readonly subject: string;
  /** Unix seconds; 0 when the message has none. */
  readonly date: number;
  /** How its text begins. */
  readonly text: string;
}

/** A message that travels as a parcel. */
export interface ParcelLetter {
  readonly manifest: ParcelManifest;
  /** The message is these pieces of the parcel's content, one after another. */
  readonly spans: readonly Span[];
  readonly preview: ParcelPreview;
}

/** Whether a letter that names a parcel was written for exactly this message. */
export function isMessageOf(
  { manifest, spans }: ParcelLetter,
  message: Uint8Array,
  sha256: Sha256 = nobleSha256,
): boolean {
  const content = takeApart(message, spans);
  return content?.length === manifest.size && equalBytes(sha256(content), manifest.contentHash);
}

/** The text cut to at most `limit` bytes of UTF-8, never inside a character, without a BOM. */
export function cutText(text: string, limit: number): string {
  const bytes = utf8ToBytes(text.slice(0, limit).replace(/^\ufeff+/, ''));
  let end = Math.min(bytes.length, limit);
  while (end < bytes.length && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytesToUtf8(bytes.subarray(0, end));
}

/** The bytes for the letter; texts of the preview are cut to their limits. */
export function encodeParcelLetter({ manifest, spans, preview }: ParcelLetter): Uint8Array {
  const fault = manifestFault(manifest) ?? spansFault(spans, manifest.size);
  assert(fault === undefined, `a parcel letter keeps its rules (${fault})`);
  const writer = new Writer(1_024);
  writer.u8(VERSION);
  writeManifest(writer, manifest);
  writer.count8(spans.length, 1, MAX_SPANS);
  for (const { from, length } of spans) {
    writer.u32(from);
    writer.u32(length);
  }
  writer.u32(preview.date);
  const from = textBytes(preview.from, PREVIEW_LIMITS.from);
  writer.u8(from.length);
  writer.raw(from);
  for (const field of ['subject', 'text'] as const) {
    const bytes = textBytes(preview[field], PREVIEW_LIMITS[field]);
    writer.u16(bytes.length);
    writer.raw(bytes);
  }
  return writer.finish();
}

/**
 * Decodes and checks what a letter carries. Codes: those of form, `parcel-version-unknown`,
 * `parcel-manifest` (the detail names the field).
 */
export function decodeParcelLetter(bytes: Uint8Array): MailOutcome<ParcelLetter> {
  if (bytes.length > 0 && bytes[0] !== VERSION) return fail('parcel-version-unknown');
  const decoded = decodeWith(bytes, MAX_PARCEL_LETTER_SIZE, readLetter);
  if (!decoded.ok) return decoded;
  const { manifest, spans } = decoded.value;
  const fault = manifestFault(manifest) ?? spansFault(spans, manifest.size);
  return fault === undefined ? succeed(decoded.value) : fail('parcel-manifest', fault);
}

function readLetter(reader: Reader): ParcelLetter {
  reader.u8();
  const manifest = readManifest(reader);
  const count = reader.count8(1, MAX_SPANS);
  const spans = Array.from({ length: count }, () => ({ from: reader.u32(), length: reader.u32() }));
  const date = reader.u32();
  const from = readText(reader, reader.u8(), PREVIEW_LIMITS.from);
  const subject = readText(reader, reader.u16(), PREVIEW_LIMITS.subject);
  const text = readText(reader, reader.u16(), PREVIEW_LIMITS.text);
  return { manifest, spans, preview: { from, subject, date, text } };
}

function textBytes(text: string, limit: number): Uint8Array {
  return utf8ToBytes(cutText(text, limit));
}

function readText(reader: Reader, length: number, limit: number): string {
  if (length > limit) refuse('count-out-of-range', 'preview');
  const bytes = reader.bytes(length);
  const text = bytesToUtf8(bytes);
  return equalBytes(utf8ToBytes(text), bytes) ? text : refuse('not-canonical', 'preview');
}

/**
 * Spans take the content from its beginning to its end, and beside that only repeat what they have
 * taken: a few bytes that claim to be gigabytes are stopped here, before anything is fetched.
 */
function spansFault(spans: readonly Span[], size: number): string | undefined {
  let taken = 0;
  for (const { from, length } of spans) {
    if (length < 1) return 'spans';
    if (from === taken) taken += length;
    else if (from > taken || from + length > taken) return 'spans';
    if (taken > size) return 'spans';
  }
  return taken === size && isParcelSize(messageSize(spans)) ? undefined : 'spans';
}
