import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { bytesToHex } from '@noble/hashes/utils.js';
import { fromHex, readVectors, valueOf } from '../../testing/vectors.ts';
import { nobleSuite } from '../crypto/noble-suite.ts';
import type { MailEnvelope } from './envelope.ts';
import { decodeEnvelope, envelopeHeader, sealedBytes } from './envelope.ts';
import {
  bucketOf,
  bucketOfTag,
  DAY_SECONDS,
  dayOf,
  matchesStranger,
  scanDays,
  strangerTag,
} from './stranger.ts';

const vectors = readVectors('tags') as {
  introSecret: string;
  introKey: string;
  ephemeralSecret: string;
  filler: string;
  day: number;
  strangers: { bucketBits: number; bucket: number; tag: string }[];
};
const { day } = vectors;
const intro = { secretKey: fromHex(vectors.introSecret), publicKey: fromHex(vectors.introKey) };
const ephemeralSecret = fromHex(vectors.ephemeralSecret);
const filler = fromHex(vectors.filler);

function envelopeWith(tag: Uint8Array): MailEnvelope {
  const bytes = new Uint8Array(18 + sealedBytes(2));
  bytes.set(envelopeHeader(2, tag));
  bytes.set(nobleSuite.x25519PublicKey(ephemeralSecret), 18);
  return valueOf(decodeEnvelope(bytes));
}

function tagFor(bucketBits: number, onDay = day): Uint8Array {
  const input = { introKey: intro.publicKey, ephemeralSecret, day: onDay, bucketBits, filler };
  const tag = strangerTag(input, nobleSuite);
  if (!tag) throw new Error('no tag');
  return tag;
}

describe('stranger tag', () => {
  it('is that of the vectors', () => {
    for (const { bucketBits, bucket, tag } of vectors.strangers) {
      expect(bytesToHex(tagFor(bucketBits))).toBe(tag);
      expect(bucketOf(intro.publicKey, day, bucketBits)).toBe(bucket);
      expect(bucketOfTag(fromHex(tag), bucketBits)).toBe(bucket);
    }
  });

  it('is recognised on the day before and after, with any size of bucket', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 24 }), fc.constantFrom(-1, 0, 1), (bits, offset) => {
        const envelope = envelopeWith(tagFor(bits, day + offset));
        const days = scanDays(day * DAY_SECONDS);
        expect(matchesStranger(envelope, intro, days, bits, nobleSuite)).toBe(true);
      }),
      { numRuns: 20 },
    );
  });

  it('is not recognised by another intro key, another view tag or weeks later', () => {
    const secretKey = new Uint8Array(32).fill(3);
    const other = { secretKey, publicKey: nobleSuite.x25519PublicKey(secretKey) };
    const matches = (tag: Uint8Array, key = intro, days = [day]): boolean =>
      matchesStranger(envelopeWith(tag), key, days, 7, nobleSuite);
    const tag = tagFor(7);
    expect(matches(tag)).toBe(true);
    expect(matches(tag, other)).toBe(false);
    expect(matches(tag, intro, [day + 14])).toBe(false);
    expect(matches(tag.with(1, (tag[1] ?? 0) ^ 1))).toBe(false);
    expect(matchesStranger(envelopeWith(tag), other, [day], 0, nobleSuite)).toBe(false);
  });

  it('does without an X25519 outside its bucket', () => {
    let count = 0;
    const counting = {
      ...nobleSuite,
      x25519: (a: Uint8Array, b: Uint8Array) => {
        count++;
        return nobleSuite.x25519(a, b);
      },
    };
    const tag = tagFor(7);
    matchesStranger(envelopeWith(tag.with(0, (tag[0] ?? 0) ^ 0x80)), intro, [day], 7, counting);
    expect(count).toBe(0);
    matchesStranger(envelopeWith(tag), intro, [day], 7, counting);
    expect(count).toBe(1);
  });

  it('cannot be made for a low-order intro key, nor matched with a low-order ephemeral key', () => {
    const zero = new Uint8Array(32);
    const input = { introKey: zero, ephemeralSecret, day, bucketBits: 7, filler };
    expect(strangerTag(input, nobleSuite)).toBeUndefined();
    const envelope = { ...envelopeWith(tagFor(0)), sealed: new Uint8Array(sealedBytes(2)) };
    expect(matchesStranger(envelope, intro, [day], 0, nobleSuite)).toBe(false);
  });

  it('counts days from 1970', () => {
    expect(dayOf(DAY_SECONDS - 1)).toBe(0);
    expect(scanDays(0)).toEqual([0, 1]);
  });
});
