import { describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { bytesToHex } from '@noble/hashes/utils.js';
import fc from 'fast-check';
import { nativeSuite } from '../../io/crypto/native-suite.ts';
import { codeOf, fromHex, valueOf } from '../../testing/vectors.ts';
import { nobleSuite } from '../crypto/noble-suite.ts';
import { sha256 } from '../crypto/kdf.ts';
import { segmentRoot } from '../market/segment-tree.ts';
import {
  contentRange,
  MAX_PARCEL_SIZE,
  MAX_PARTS,
  PART_CAPACITY,
  PART_SIZE,
  parcelLayout,
} from './layout.ts';
import type { ParcelManifest } from './manifest.ts';
import { checkPart, checkParcelSize, openPart, resealPart, sealParcel, sealPart } from './seal.ts';
import { exampleContent, VECTORS } from '../../testing/parcels.ts';

const KEY = new Uint8Array(32).fill(0xa1);
const nativeSha256 = (bytes: Uint8Array): Uint8Array =>
  new Uint8Array(createHash('sha256').update(bytes).digest());

function seal(
  content: Uint8Array,
  key = KEY,
): { manifest: ParcelManifest; parts: readonly Uint8Array[] } {
  return valueOf(sealParcel(content, key, nativeSuite, nativeSha256));
}

function open(manifest: ParcelManifest, index: number, bytes: Uint8Array): string {
  return codeOf(openPart(manifest, index, bytes, nativeSuite, nativeSha256));
}

/** The same parcel with `bytes` as part `index` and a root that fits: what a sender may forge. */
function forged(manifest: ParcelManifest, index: number, bytes: Uint8Array): ParcelManifest {
  return { ...manifest, roots: manifest.roots.with(index, segmentRoot(bytes, nativeSha256)) };
}

/** Three parts, the last one with content and padding. */
const content = exampleContent(2 * PART_CAPACITY + 5_000, 9);
const { manifest, parts } = seal(content);
const partAt = (index: number): Uint8Array => {
  const part = parts[index];
  if (!part) throw new Error('no such part');
  return part;
};

describe('sealing a parcel', () => {
  it.each([
    ['noble', nobleSuite, sha256],
    ['native', nativeSuite, nativeSha256],
  ] as const)('gives the bytes of the vectors with the %s suite', (_, suite, hash) => {
    for (const one of VECTORS.cases) {
      const plain = exampleContent(one.size, one.seed);
      const sealed = valueOf(sealParcel(plain, fromHex(one.key), suite, hash));
      expect(bytesToHex(sealed.manifest.contentHash)).toBe(one.contentHash);
      expect(
        sealed.parts.map((bytes, index) => ({
          size: bytes.length,
          root: bytesToHex(sealed.manifest.roots[index] ?? new Uint8Array(0)),
          first: bytesToHex(bytes.subarray(0, 32)),
          tag: bytesToHex(bytes.subarray(-16)),
        })),
      ).toEqual(one.parts);
    }
  });

  it('has its worked example on the page', () => {
    const url = new URL('../../../../../docs/spec/25-parcel.md', import.meta.url);
    const page = readFileSync(url, 'utf8').replaceAll(/\s/g, '');
    const [one] = VECTORS.cases;
    const [part] = one?.parts ?? [];
    for (const hex of [one?.contentHash, part?.root, part?.first, part?.tag]) {
      expect(hex).toMatch(/^[0-9a-f]{32,64}$/);
      expect(page).toContain(hex);
    }
  });

  it('gives the content back byte for byte, of any size', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.integer({ min: 1, max: 40_000 }), fc.integer({ min: 1, max: 3_000_000 })),
        fc.nat({ max: 255 }),
        (size, seed) => {
          const plain = exampleContent(size, seed);
          const sealed = seal(plain, new Uint8Array(32).fill(seed));
          const opened = sealed.parts.map((bytes, index) =>
            valueOf(openPart(sealed.manifest, index, bytes, nativeSuite, nativeSha256)),
          );
          expect(Buffer.concat(opened).equals(plain)).toBe(true);
        },
      ),
      { numRuns: 20 },
    );
  });

  it('gives 35 MiB back byte for byte, in 36 parts of 1 MiB', () => {
    const plain = exampleContent(MAX_PARCEL_SIZE, 1);
    const sealed = seal(plain);
    expect(sealed.parts.map(({ length }) => length)).toEqual(
      Array.from({ length: MAX_PARTS }, () => PART_SIZE),
    );
    const opened = sealed.parts.map((bytes, index) =>
      valueOf(openPart(sealed.manifest, index, bytes, nativeSuite, nativeSha256)),
    );
    expect(Buffer.concat(opened).equals(plain)).toBe(true);
  });

  it('gives two contents different keys under one parcel key', () => {
    const [a, b] = [seal(exampleContent(1_000, 1)), seal(exampleContent(1_000, 2))];
    const stream = (sealed: typeof a, plain: Uint8Array): string =>
      bytesToHex(plain.map((byte, index) => byte ^ (sealed.parts[0]?.[index] ?? 0)));
    expect(stream(a, exampleContent(1_000, 1))).not.toBe(stream(b, exampleContent(1_000, 2)));
  });

  it('parcel-empty and parcel-too-large', () => {
    expect(codeOf(checkParcelSize(0))).toBe('parcel-empty');
    expect(codeOf(checkParcelSize(MAX_PARCEL_SIZE))).toBe('ok');
    expect(codeOf(checkParcelSize(MAX_PARCEL_SIZE + 1))).toBe('parcel-too-large');
    expect(codeOf(sealParcel(new Uint8Array(0), KEY, nobleSuite))).toBe('parcel-empty');
  });

  it('wants the bytes of the range', () => {
    expect(() => sealPart(manifest, 0, new Uint8Array(3), nobleSuite)).toThrow('range');
  });
});

describe('sealing a part again', () => {
  const range = contentRange(parcelLayout(manifest.size), 1);

  it('gives the same bytes', () => {
    const again = resealPart(manifest, 1, content.subarray(range.from, range.to), nativeSuite);
    expect(Buffer.from(valueOf(again)).equals(partAt(1))).toBe(true);
  });

  it('parcel-content-changed: another byte, another length', () => {
    const other = content.slice(range.from, range.to);
    other[77] = (other[77] ?? 0) ^ 1;
    expect(codeOf(resealPart(manifest, 1, other, nativeSuite))).toBe('parcel-content-changed');
    const shorter = other.subarray(1);
    expect(codeOf(resealPart(manifest, 1, shorter, nativeSuite))).toBe('parcel-content-changed');
  });
});

describe('a provider that gives wrong bytes', () => {
  it('parcel-part-size: shorter, longer, none', () => {
    expect(open(manifest, 0, partAt(0).subarray(1))).toBe('parcel-part-size');
    expect(open(manifest, 0, new Uint8Array(PART_SIZE + 1))).toBe('parcel-part-size');
    expect(open(manifest, 2, new Uint8Array(0))).toBe('parcel-part-size');
  });

  it('parcel-part-root: any byte changed, or another part', () => {
    fc.assert(
      fc.property(fc.nat({ max: partAt(2).length - 1 }), (at) => {
        const bytes = partAt(2).with(at, (partAt(2)[at] ?? 0) ^ 0x10);
        expect(codeOf(checkPart(manifest, 2, bytes, nativeSha256))).toBe('parcel-part-root');
      }),
      { numRuns: 20 },
    );
    expect(open(manifest, 0, partAt(1))).toBe('parcel-part-root');
  });
});

describe('a sender that lies', () => {
  it('parcel-part-damaged: parts reordered', () => {
    const swapped = forged(forged(manifest, 0, partAt(1)), 1, partAt(0));
    expect(open(swapped, 0, partAt(1))).toBe('parcel-part-damaged');
    expect(open(swapped, 1, partAt(0))).toBe('parcel-part-damaged');
  });

  it('parcel-part-damaged: a part of another parcel, even under the same key', () => {
    const other = seal(exampleContent(content.length, 10)).parts[1] ?? new Uint8Array(0);
    expect(other.length).toBe(partAt(1).length);
    expect(open(forged(manifest, 1, other), 1, other)).toBe('parcel-part-damaged');
  });

  it('parcel-part-damaged: cut off after a part, or said to go on', () => {
    // Two full parts pass for a parcel of their own, had size and last part not been bound.
    const size = 8 * PART_CAPACITY;
    const { manifest: long, parts: eight } = seal(exampleContent(size, 3));
    expect(eight.length).toBe(8);
    const cut = { ...long, size: 7 * PART_CAPACITY, roots: long.roots.slice(0, 7) };
    expect(parcelLayout(cut.size).partCount).toBe(7);
    for (const index of [0, 6]) {
      expect(open(cut, index, eight[index] ?? new Uint8Array(0))).toBe('parcel-part-damaged');
    }
  });

  it('parcel-part-damaged: the flag of the last part alone tells a cut', () => {
    // The same derived key and index, sealed as if more parts followed.
    const nonce = new Uint8Array(12);
    nonce[7] = 2;
    const spy: Uint8Array[] = [];
    const recording = {
      ...nativeSuite,
      chacha20poly1305Seal: (
        key: Uint8Array,
        at: Uint8Array,
        plain: Uint8Array,
        aad: Uint8Array,
      ) => {
        spy.push(key, at);
        return nativeSuite.chacha20poly1305Seal(key, at, plain, aad);
      },
    };
    const { from, to } = contentRange(parcelLayout(manifest.size), 2);
    sealPart(manifest, 2, content.subarray(from, to), recording, nativeSha256);
    const [key, at] = spy;
    expect(at && bytesToHex(at)).toBe('000000000000000200000001');
    const plain = new Uint8Array(partAt(2).length - 16);
    plain.set(content.subarray(from, to));
    const bytes = nativeSuite.chacha20poly1305Seal(
      key ?? new Uint8Array(32),
      nonce,
      plain,
      new Uint8Array(0),
    );
    expect(open(forged(manifest, 2, bytes), 2, bytes)).toBe('parcel-part-damaged');
  });

  it('parcel-part-damaged: padding that is not zero', () => {
    // The content of a longer parcel stands where the shorter one, said to be it, has padding.
    const long = exampleContent(1_001, 1);
    const short = { size: 1_000, contentHash: sha256(long.subarray(0, 1_000)), key: KEY };
    const keys: Uint8Array[][] = [];
    const forging = {
      ...nativeSuite,
      chacha20poly1305Seal: (...args: Parameters<typeof nativeSuite.chacha20poly1305Seal>) => {
        const [key, nonce, plain, aad] = args;
        plain[1_000] = 7;
        keys.push([key, nonce]);
        return nativeSuite.chacha20poly1305Seal(key, nonce, plain, aad);
      },
    };
    const part = sealPart(short, 0, long.subarray(0, 1_000), forging);
    expect(keys.length).toBe(1);
    expect(open({ ...short, roots: [part.root] }, 0, part.bytes)).toBe('parcel-part-damaged');
  });
});
