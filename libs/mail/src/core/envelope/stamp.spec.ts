import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { bytesToHex } from '@noble/hashes/utils.js';
import { searchNonce } from '@tanglemail/tangle/core/block/pow.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { nobleVerifier } from '@tanglemail/tangle/core/crypto/ed25519-strict.ts';
import { readVectors, fromHex, valueOf } from '../../testing/vectors.ts';
import { nobleSuite } from '../crypto/noble-suite.ts';
import type { MailAddress } from '../identity/address.ts';
import { deriveEpochKeys } from '../identity/epoch.ts';
import { succeed } from '../outcome.ts';
import { boundHeader, ENVELOPE_HEADER_LENGTH, TAG_NONCE_OFFSET } from './envelope.ts';
import { openEnvelope } from './seal.ts';
import { stampBase, stampBitsAt, stampDigest, withStamp } from './stamp.ts';
import { DAY_SECONDS } from './stranger.ts';

const vector = readVectors('stamp') as Record<'envelope' | 'base' | 'digest' | 'tag', string> & {
  networkId: string;
  day: number;
  nonce: string;
  bits: number;
};
const networkId = BigInt(vector.networkId);
const { day } = vector;
const noon = day * DAY_SECONDS + DAY_SECONDS / 2;
const plain = fromHex(vector.envelope);
const base = stampBase(plain);
const stamped = withStamp(plain, BigInt(vector.nonce));
const tagIn = (envelope: Uint8Array): Uint8Array => envelope.slice(2, ENVELOPE_HEADER_LENGTH);

function bitsOf(envelope: Uint8Array, arrivedAt: number, network = networkId): number {
  const at = { networkId: network, arrivedAt };
  return stampBitsAt(stampBase(envelope), tagIn(envelope), at, nobleHasher);
}

describe('stamp', () => {
  it('is that of the vectors, byte for byte', () => {
    expect(bytesToHex(base)).toBe(vector.base);
    const digest = stampDigest(base, networkId, day);
    expect(bytesToHex(digest)).toBe(vector.digest);
    expect(searchNonce(digest, 16, 0n, 10_000, nobleHasher)).toBe(BigInt(vector.nonce));
    expect(bytesToHex(tagIn(stamped))).toBe(vector.tag);
    expect(bitsOf(stamped, noon)).toBe(vector.bits);
  });

  it('counts on its day, the day before and the day after', () => {
    const seconds = [-2, -1, 0, 1, 2].map((offset) => noon + offset * DAY_SECONDS);
    const isStamped = seconds.map((arrivedAt) => bitsOf(stamped, arrivedAt) === vector.bits);
    expect(isStamped).toEqual([false, true, true, true, false]);
    expect(bitsOf(stamped, (day - 1) * DAY_SECONDS)).toBe(vector.bits);
    expect(bitsOf(stamped, (day + 2) * DAY_SECONDS - 1)).toBe(vector.bits);
    expect(bitsOf(stamped, (day + 2) * DAY_SECONDS)).toBeLessThan(vector.bits);
  });

  it('is worth nothing on another network', () => {
    expect(bitsOf(stamped, noon, networkId + 1n)).toBeLessThan(vector.bits);
  });

  it('is lost by a change of any byte but the nonce, which its base does not hold', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: plain.length - 1 }),
        fc.integer({ min: 1, max: 255 }),
        (position, change) => {
          const other = stamped.with(position, (stamped[position] ?? 0) ^ change);
          const isNonce = position >= TAG_NONCE_OFFSET && position < ENVELOPE_HEADER_LENGTH;
          expect(bytesToHex(stampBase(other)) === vector.base).toBe(isNonce);
          expect(bitsOf(other, noon)).toBeLessThan(vector.bits);
        },
      ),
    );
  });

  it('does not change what a letter is bound to: it opens under every nonce', () => {
    const letters = readVectors('letter') as {
      recipient: {
        address: MailAddress;
        identitySecret: string;
        epoch: number;
        epochSecret: string;
      };
    };
    const { address, identitySecret, epoch, epochSecret } = letters.recipient;
    const keys = deriveEpochKeys(fromHex(epochSecret), epoch, nobleSuite);
    const secretKey = fromHex(identitySecret);
    const identity = { secretKey, publicKey: nobleSuite.x25519PublicKey(secretKey) };
    const reader = { address, identity, keyring: { keysOf: () => succeed([keys]) } };
    const open = (bytes: Uint8Array) =>
      openEnvelope(bytes, networkId, reader, nobleSuite, nobleVerifier);
    const text = valueOf(open(plain)).message;
    for (const nonce of [0n, 1n, 2n ** 63n, 2n ** 64n - 1n]) {
      expect(valueOf(open(withStamp(plain, nonce))).message).toEqual(text);
    }
    // Every other bit of version, class and tag is bound.
    for (let bit = 16; bit < TAG_NONCE_OFFSET * 8; bit++) {
      const position = bit >>> 3;
      const other = plain.with(position, (plain[position] ?? 0) ^ (0x80 >>> (bit & 7)));
      expect(open(other).ok).toBe(false);
    }
  });

  it('leaves the part of the header that tells recipients apart', () => {
    const header = fromHex('010200112233445566778899aabbccddeeff');
    expect(bytesToHex(boundHeader(header))).toBe('010200112233445566770000000000000000');
  });

  it('holds by chance about as often as it says', () => {
    // 3 days × 2^-4: of 1,600 envelopes without work some 283 reach 4 bits or more.
    let count = 0;
    for (let nonce = 0n; nonce < 1_600n; nonce++) {
      const tag = tagIn(withStamp(plain, nonce * 7_919n));
      const bits = stampBitsAt(base, tag, { networkId, arrivedAt: noon }, nobleHasher);
      if (bits >= 4) count += 1;
    }
    expect(count).toBeGreaterThan(200);
    expect(count).toBeLessThan(380);
  });
});
