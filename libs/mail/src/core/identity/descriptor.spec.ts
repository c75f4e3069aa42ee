import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { bytesToHex } from '@noble/hashes/utils.js';
import { nobleVerifier } from '@tanglemail/tangle/core/crypto/ed25519-strict.ts';
import { makePerson, TEST_NETWORK, TEST_NOW } from '../../testing/people.ts';
import { codeOf, fromHex, readVectors, valueOf } from '../../testing/vectors.ts';
import { sha256 } from '../crypto/kdf.ts';
import type { MailAddress } from './address.ts';
import type { Descriptor, DescriptorBody } from './descriptor.ts';
import {
  addressOfDescriptorTag,
  chooseBundle,
  decodeDescriptor,
  descriptorTag,
  encodeDescriptor,
  isEndpoint,
  MAX_CLOCK_LEAD_SECONDS,
  MAX_DESCRIPTOR_SIZE,
  newerDescriptor,
  openDescriptor,
  signDescriptor,
  verifyDescriptor,
} from './descriptor.ts';
import { epochStart } from './epoch.ts';
import { sortSubAddresses } from './sub-address.ts';

const vectors = readVectors('descriptor') as {
  address: MailAddress;
  tag: string;
  small: string;
  fullSize: number;
  fullSha256: string;
};
const bob = makePerson(1);
const full = bob.descriptor;
const secret = bob.keys.account.secretKey;
const small = valueOf(decodeDescriptor(fromHex(vectors.small)));
const expected = { networkId: TEST_NETWORK, address: bob.address, nowSeconds: TEST_NOW };

function resigned(change: Partial<DescriptorBody>): Descriptor {
  const { signature: _, ...body } = small;
  return signDescriptor({ ...body, ...change }, secret);
}

/** The small descriptor with bytes replaced at an offset. */
function patched(offset: number, ...values: number[]): Uint8Array {
  const bytes = fromHex(vectors.small);
  bytes.set(values, offset);
  return bytes;
}

const anyBytes = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length });

const anySubAddresses = fc
  .uniqueArray(
    fc.record({
      id: anyBytes(16),
      introKey: anyBytes(32),
      policy: fc.record({
        stampBits: fc.integer({ min: 0, max: 28 }),
        contactsOnly: fc.boolean(),
      }),
    }),
    { maxLength: 16, selector: (one) => bytesToHex(one.id) },
  )
  .map(sortSubAddresses);

function twice<T>(list: readonly T[]): T[] {
  return list.slice(0, 1).flatMap((one) => [one, one]);
}

describe('descriptor', () => {
  it('is that of the vectors', () => {
    expect(bytesToHex(encodeDescriptor(small))).toBe(vectors.small);
    expect(bytesToHex(descriptorTag(bob.address))).toBe(vectors.tag);
    const bytes = encodeDescriptor(full);
    expect([bytes.length, bytesToHex(sha256(bytes))]).toEqual([
      vectors.fullSize,
      vectors.fullSha256,
    ]);
    const taggedData = { tag: fromHex(vectors.tag), data: fromHex(vectors.small) };
    expect(valueOf(openDescriptor(taggedData, expected, nobleVerifier))).toEqual(small);
  });

  it('fits its limit with eight bundles, three long endpoints, all sub-addresses', () => {
    expect(encodeDescriptor(full).length).toBeLessThan(MAX_DESCRIPTOR_SIZE);
    expect(valueOf(decodeDescriptor(encodeDescriptor(full)))).toEqual(full);
  });

  it('round-trips with any values', () => {
    const anyChange = fc.record({
      sequence: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      issuedAt: fc.integer({ min: 0, max: 0xffff_ffff }),
      firstEpoch: fc.integer({ min: 0, max: 0xffff_fff0 }),
      policy: fc.record({
        stampBits: fc.integer({ min: 0, max: 28 }),
        contactsOnly: fc.boolean(),
      }),
      maxEnvelope: fc.constantFrom(512, 2_048, 24_576),
      maxMail: fc.integer({ min: 1_024, max: 36_700_160 }),
      subAddresses: anySubAddresses,
      formatVersions: fc
        .uniqueArray(fc.integer({ min: 0, max: 255 }), { minLength: 1, maxLength: 8 })
        .map((list) => list.toSorted((a, b) => a - b)),
    });
    fc.assert(
      fc.property(anyChange, (change) => {
        const descriptor = { ...small, ...change };
        expect(valueOf(decodeDescriptor(encodeDescriptor(descriptor)))).toEqual(descriptor);
      }),
    );
  });

  it('descriptor-tag: published under another tag', () => {
    const data = fromHex(vectors.small);
    const check = (tag: Uint8Array): string =>
      codeOf(openDescriptor({ tag, data }, expected, nobleVerifier));
    expect(check(descriptorTag(makePerson(0).address))).toBe('descriptor-tag');
    expect(check(new Uint8Array(34))).toBe('descriptor-tag');
    expect(addressOfDescriptorTag(new Uint8Array(33))).toBeUndefined();
  });

  it('descriptor-network', () => {
    const other = { ...expected, networkId: 1n };
    expect(codeOf(verifyDescriptor(small, other, nobleVerifier))).toBe('descriptor-network');
  });

  it('descriptor-account: somebody else’s descriptor under this address', () => {
    const alice = makePerson(0);
    const check = codeOf(verifyDescriptor(alice.descriptor, expected, nobleVerifier));
    expect(check).toBe('descriptor-account');
    expect(codeOf(newerDescriptor(small, alice.descriptor))).toBe('descriptor-account');
  });

  it('descriptor-from-future', () => {
    const limit = TEST_NOW + MAX_CLOCK_LEAD_SECONDS;
    const check = (issuedAt: number): string =>
      codeOf(verifyDescriptor(resigned({ issuedAt }), expected, nobleVerifier));
    expect(check(limit)).toBe('ok');
    expect(check(limit + 1)).toBe('descriptor-from-future');
  });

  it('descriptor-signature: any change of the signed bytes', () => {
    const bytes = fromHex(vectors.small);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const changed = bytes.with(at, (bytes[at] ?? 0) ^ mask);
        const decoded = decodeDescriptor(changed);
        const verdict = decoded.ok
          ? verifyDescriptor(decoded.value, { ...expected, nowSeconds: 2 ** 32 }, nobleVerifier)
          : decoded;
        expect(verdict.ok).toBe(false);
      }),
      { numRuns: 60 },
    );
    const wrong = { ...small, signature: new Uint8Array(64) };
    expect(codeOf(verifyDescriptor(wrong, expected, nobleVerifier))).toBe('descriptor-signature');
  });

  it('descriptor-field: a value outside its range, even when signed', () => {
    // Offsets of docs/spec/21-descriptor.md: stampBits 118, maxEnvelope 119, maxMail 123, endpoint
    // 163, sub-addresses from 191.
    expect(decodeDescriptor(patched(118, 29))).toMatchObject({ detail: 'stampBits' });
    expect(decodeDescriptor(patched(119, 1))).toMatchObject({ detail: 'maxEnvelope' });
    expect(decodeDescriptor(patched(163, 0x20))).toMatchObject({ detail: 'endpoint' });
    expect(decodeDescriptor(patched(123, 0xff, 3, 0, 0))).toMatchObject({ detail: 'maxMail' });
    expect(decodeDescriptor(patched(126, 2))).toMatchObject({ detail: 'maxMail' });
    expect(decodeDescriptor(patched(191 + 49, 29))).toMatchObject({ detail: 'stampBits' });
    for (const subAddresses of [small.subAddresses.toReversed(), twice(small.subAddresses)]) {
      const wrong = encodeDescriptor({ ...small, subAddresses });
      expect(decodeDescriptor(wrong)).toMatchObject({ detail: 'subAddresses' });
    }
    const body = { ...small, formatVersions: [2, 1] };
    expect(decodeDescriptor(encodeDescriptor(body))).toMatchObject({
      code: 'descriptor-field',
      detail: 'formatVersions',
    });
    const late = { ...small, firstEpoch: 0xffff_ffff };
    expect(decodeDescriptor(encodeDescriptor(late))).toMatchObject({ detail: 'firstEpoch' });
    expect(() => signDescriptor(body, secret)).toThrow('formatVersions');
  });

  it('breaks off at other versions, unknown flags and wrong counts', () => {
    expect(codeOf(decodeDescriptor(patched(0, 2)))).toBe('version-unknown');
    expect(codeOf(decodeDescriptor(patched(117, 2)))).toBe('not-canonical');
    expect(codeOf(decodeDescriptor(patched(191 + 48, 2)))).toBe('not-canonical');
    expect(codeOf(decodeDescriptor(patched(190, 17)))).toBe('count-out-of-range');
    expect(codeOf(decodeDescriptor(patched(127, 9)))).toBe('count-out-of-range');
    expect(codeOf(decodeDescriptor(new Uint8Array(16_384)))).toBe('too-large');
    expect(codeOf(decodeDescriptor(fromHex(`${vectors.small}00`)))).toBe('trailing-bytes');
    expect(codeOf(decodeDescriptor(fromHex(vectors.small).subarray(0, -1)))).toBe('truncated');
  });

  it('takes only addresses of the web and multiaddrs as endpoints', () => {
    expect(isEndpoint('https://a')).toBe(true);
    expect(isEndpoint('/dns4/a/tcp/1/p2p/x')).toBe(true);
    for (const bad of ['', 'ftp://a', 'https://', 'https://ä', `https://${'a'.repeat(121)}`]) {
      expect([bad, isEndpoint(bad)]).toEqual([bad, false]);
    }
  });

  it('never throws at any bytes, and has one encoding', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2_000 }), (any) => {
        const decoded = decodeDescriptor(any);
        const again = decoded.ok ? encodeDescriptor(decoded.value) : Uint8Array.from(any);
        expect(again).toEqual(Uint8Array.from(any));
      }),
    );
  });
});

describe('newer descriptor', () => {
  it('wins, and the same one is no conflict', () => {
    const next = resigned({ sequence: small.sequence + 1n });
    expect(valueOf(newerDescriptor(undefined, small))).toBe(small);
    expect(valueOf(newerDescriptor(small, next))).toBe(next);
    expect(valueOf(newerDescriptor(small, { ...small }))).toBe(small);
  });

  it('descriptor-rollback: an older sequence is refused', () => {
    const next = resigned({ sequence: small.sequence + 1n });
    expect(newerDescriptor(next, small)).toMatchObject({
      code: 'descriptor-rollback',
      action: 'ignore',
    });
  });

  it('descriptor-conflict: the same sequence with other contents', () => {
    const other = resigned({ issuedAt: small.issuedAt - 1 });
    expect(codeOf(newerDescriptor(small, other))).toBe('descriptor-conflict');
  });
});

describe('bundle to seal to', () => {
  it('is that of the epoch, the first before it and the last after it', () => {
    const { firstEpoch, bundles } = full;
    const at = (epoch: number): unknown => chooseBundle(full, epochStart(epoch));
    expect(at(firstEpoch + 3)).toEqual({
      epoch: firstEpoch + 3,
      bundle: bundles[3],
      isReduced: false,
    });
    expect(at(firstEpoch - 5)).toMatchObject({ epoch: firstEpoch, isReduced: false });
    expect(at(firstEpoch + 8)).toMatchObject({ epoch: firstEpoch + 7, isReduced: true });
  });
});
