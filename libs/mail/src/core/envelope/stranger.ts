/**
 * Tags of strangers: a few bits that name a crowd of recipients for a day, and 16 bits by which one
 * of them recognises its envelope after one X25519. Stop before: identity/descriptor.ts (intro
 * key); next: envelope/seal.ts. Spec: docs/spec/23-envelope.md.
 */
import { concatBytes, deriveKey, domain, sha256, u32Bytes } from '../crypto/kdf.ts';
import { assert } from '../outcome.ts';
import type { KeyPair, SealingSuite } from '../ports.ts';
import type { MailEnvelope } from './envelope.ts';
import { ephemeralKeyOf, TAG_LENGTH } from './envelope.ts';

/** Seconds of a bucket's day. */
export const DAY_SECONDS = 86_400;
/** The most bits of a bucket; with more, a bucket would name single people. */
export const MAX_BUCKET_BITS = 24;
const VIEW_TAG_BITS = 16;

/** The day of a time in unix seconds. */
export function dayOf(unixSeconds: number): number {
  return Math.floor(unixSeconds / DAY_SECONDS);
}

/**
 * The days that a scan at `unixSeconds` looks for: yesterday, today and tomorrow, for slow clocks.
 */
export function scanDays(unixSeconds: number): number[] {
  const today = dayOf(unixSeconds);
  return [today - 1, today, today + 1].filter((day) => day >= 0);
}

/**
 * The bucket of an intro key (32 bytes) on a day: the first `bucketBits` (0–24) bits of
 * SHA-256("tmail/bucket/v1\0" ‖ intro key ‖ day u32), as a number.
 */
export function bucketOf(introKey: Uint8Array, day: number, bucketBits: number): number {
  assert(bucketBits >= 0 && bucketBits <= MAX_BUCKET_BITS, 'a bucket has 0 to 24 bits');
  return readBits(
    sha256(concatBytes(domain('tmail/bucket/v1'), introKey, u32Bytes(day))),
    0,
    bucketBits,
  );
}

/** The bucket that a tag names. */
export function bucketOfTag(tag: Uint8Array, bucketBits: number): number {
  return readBits(tag, 0, bucketBits);
}

/** 16 bits from DH(ek, intro_r); undefined for a low-order key. */
function viewTag(
  secret: Uint8Array,
  publicKey: Uint8Array,
  suite: SealingSuite,
): number | undefined {
  const shared = suite.x25519(secret, publicKey);
  return shared && readBits(deriveKey(shared, 'tmail/view-tag/v1', [], 2), 0, VIEW_TAG_BITS);
}

/**
 * The tag of a letter to somebody who does not know the sender: bucket, view tag, and the rest of
 * `filler` (16 random bytes). `ephemeralSecret` must be the one that seals the letter. Undefined
 * for a low-order intro key.
 */
export function strangerTag(
  input: {
    readonly introKey: Uint8Array;
    readonly ephemeralSecret: Uint8Array;
    readonly day: number;
    readonly bucketBits: number;
    readonly filler: Uint8Array;
  },
  suite: SealingSuite,
): Uint8Array | undefined {
  assert(input.filler.length === TAG_LENGTH, 'a filler has 16 bytes');
  const view = viewTag(input.ephemeralSecret, input.introKey, suite);
  if (view === undefined) return undefined;
  const tag = input.filler.slice();
  writeBits(tag, 0, input.bucketBits, bucketOf(input.introKey, input.day, input.bucketBits));
  writeBits(tag, input.bucketBits, VIEW_TAG_BITS, view);
  return tag;
}

/**
 * Whether an envelope may be a stranger's letter to this intro key on one of `days`. Free for other
 * buckets, one X25519 inside its own; true by chance once in 65,536, which opening then settles.
 */
export function matchesStranger(
  envelope: MailEnvelope,
  intro: KeyPair,
  days: readonly number[],
  bucketBits: number,
  suite: SealingSuite,
): boolean {
  const bucket = bucketOfTag(envelope.tag, bucketBits);
  if (!days.some((day) => bucketOf(intro.publicKey, day, bucketBits) === bucket)) return false;
  const view = viewTag(intro.secretKey, ephemeralKeyOf(envelope), suite);
  return view === readBits(envelope.tag, bucketBits, VIEW_TAG_BITS);
}

/** `count` (0–24) bits from bit `start` on, most significant first, as a number. */
function readBits(bytes: Uint8Array, start: number, count: number): number {
  let value = 0;
  for (let bit = start; bit < start + count; bit++) {
    value = value * 2 + (((bytes[bit >>> 3] ?? 0) >>> (7 - (bit & 7))) & 1);
  }
  return value;
}

function writeBits(bytes: Uint8Array, start: number, count: number, value: number): void {
  for (let offset = 0; offset < count; offset++) {
    const bit = start + offset;
    const mask = 0x80 >>> (bit & 7);
    const isSet = Math.floor(value / 2 ** (count - 1 - offset)) % 2 === 1;
    const byte = bytes[bit >>> 3] ?? 0;
    bytes[bit >>> 3] = isSet ? byte | mask : byte & ~mask;
  }
}
