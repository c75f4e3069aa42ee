import { describe, expect, it } from '@jest/globals';
import { bytesToHex } from '@noble/hashes/utils.js';
import fc from 'fast-check';
import { codeOf, fromHex, valueOf } from '../../testing/vectors.ts';
import { MAX_PARCEL_SIZE, parcelLayout } from './layout.ts';
import {
  decodeParcelList,
  encodeParcelList,
  MAX_ATTACHMENTS,
  MAX_PARCEL_LIST_SIZE,
  manifestSize,
  uniteContents,
} from './manifest.ts';
import type { ParcelList, ParcelManifest } from './manifest.ts';
import { anyManifest, mutantsOf, numbered, VECTORS } from '../../testing/parcels.ts';

function manifestOf(size: number, number: number): ParcelManifest {
  const filled = (value: number): Uint8Array => new Uint8Array(32).fill(value);
  const { partCount } = parcelLayout(size);
  const roots = Array.from({ length: partCount }, (_, index) => numbered(filled(number), index));
  return { size, contentHash: filled(number), key: filled(number + 100), roots };
}

const example: ParcelList = {
  parcels: [manifestOf(1_000, 1), manifestOf(1_100_000, 2)],
  uses: [0, 1, 0],
};
const bytes = encodeParcelList(example);

/** The detail of a refusal of a list that was encoded past its own checks. */
function faultOf(change: (copy: Uint8Array) => void): string {
  const copy = bytes.slice();
  change(copy);
  const decoded = decodeParcelList(copy);
  return decoded.ok ? 'ok' : `${decoded.code} ${decoded.detail ?? ''}`.trim();
}

/** Where the second manifest, and the uses, begin in `bytes`. */
const SECOND = 2 + manifestSize(1);
const USES = SECOND + manifestSize(2);

describe('the list of parcels in a letter', () => {
  it('is that of the vectors', () => {
    const list = valueOf(decodeParcelList(fromHex(VECTORS.list)));
    expect(list.uses).toEqual([0, 1, 0]);
    expect(list.parcels.map(({ size }) => size)).toEqual(VECTORS.cases.map(({ size }) => size));
    expect(list.parcels.map(({ roots }) => roots.map((root) => bytesToHex(root)))).toEqual(
      VECTORS.cases.map(({ parts }) => parts.map(({ root }) => root)),
    );
    expect(bytesToHex(encodeParcelList(list))).toBe(VECTORS.list);
  });

  it('comes back as it was written', () => {
    fc.assert(
      fc.property(anyManifest, fc.integer({ min: 1, max: 64 }), (manifest, count) => {
        const list = { parcels: [manifest], uses: Array.from({ length: count }, () => 0) };
        expect(decodeParcelList(encodeParcelList(list))).toEqual({ ok: true, value: list });
      }),
    );
  });

  it('is refused or canonical, whatever the bytes, and nothing is thrown', () => {
    let refused = 0;
    fc.assert(
      fc.property(mutantsOf(bytes), (mutant) => {
        const decoded = decodeParcelList(mutant);
        if (!decoded.ok) refused += 1;
        expect(decoded.ok ? encodeParcelList(decoded.value) : mutant).toEqual(mutant);
      }),
      { numRuns: 500 },
    );
    expect(refused).toBeGreaterThan(100);
  });

  it('parcel-version-unknown: written by a later program', () => {
    expect(faultOf((copy) => copy.fill(2, 0, 1))).toBe('parcel-version-unknown');
  });

  it('parcel-manifest: each field that breaks a rule', () => {
    expect(faultOf(() => undefined)).toBe('ok');
    expect(faultOf((copy) => copy.fill(0, 2, 6))).toBe('parcel-manifest size');
    expect(faultOf((copy) => copy.fill(0xff, 2, 6))).toBe('parcel-manifest size');
    // 1,100,000 bytes need two parts; 0x20 in the third byte says some 2 MB, which need three.
    expect(faultOf((copy) => copy.fill(0x20, SECOND + 2, SECOND + 3))).toBe(
      'parcel-manifest partCount',
    );
    const root = SECOND + 69;
    expect(faultOf((copy) => copy.copyWithin(root + 32, root, root + 32))).toBe(
      'parcel-manifest roots',
    );
    expect(faultOf((copy) => copy.copyWithin(root, 2 + 69, 2 + 69 + 32))).toBe(
      'parcel-manifest roots',
    );
    expect(faultOf((copy) => copy.copyWithin(SECOND + 4, 6, 6 + 32))).toBe(
      'parcel-manifest contentHash',
    );
    expect(faultOf((copy) => copy.fill(1, USES + 1, USES + 2))).toBe('parcel-manifest uses');
    expect(faultOf((copy) => copy.fill(0, USES + 2, USES + 3))).toBe('parcel-manifest uses');
    expect(faultOf((copy) => copy.fill(2, USES + 3, USES + 4))).toBe('parcel-manifest uses');
  });

  it('parcel-manifest: parcels that are too large together', () => {
    const half = MAX_PARCEL_SIZE / 2;
    const list = { parcels: [manifestOf(half, 1), manifestOf(half, 2)], uses: [0, 1] };
    const encoded = encodeParcelList(list);
    expect(codeOf(decodeParcelList(encoded))).toBe('ok');
    // One byte more in the first parcel keeps its part count and breaks the sum.
    encoded[2] = (encoded[2] ?? 0) + 1;
    expect(parcelLayout(half + 1).partCount).toBe(parcelLayout(half).partCount);
    expect(decodeParcelList(encoded)).toMatchObject({ code: 'parcel-manifest', detail: 'size' });
  });

  it('refuses form: empty, cut off, too long, too many', () => {
    expect(codeOf(decodeParcelList(new Uint8Array(0)))).toBe('truncated');
    expect(codeOf(decodeParcelList(bytes.slice(0, -1)))).toBe('truncated');
    expect(codeOf(decodeParcelList(Uint8Array.of(...bytes, 0)))).toBe('trailing-bytes');
    expect(codeOf(decodeParcelList(Uint8Array.of(1, 65)))).toBe('count-out-of-range');
    expect(codeOf(decodeParcelList(Uint8Array.of(1, 0)))).toBe('count-out-of-range');
    const long = new Uint8Array(MAX_PARCEL_LIST_SIZE + 1).fill(1);
    expect(codeOf(decodeParcelList(long))).toBe('too-large');
  });

  it('stays within its greatest size at its worst', () => {
    // The least content of two parts, as often as the sum allows, and single bytes beside.
    const twoParts = 1_048_561;
    const many = Math.floor((MAX_PARCEL_SIZE - MAX_ATTACHMENTS) / twoParts);
    const parcels = Array.from({ length: MAX_ATTACHMENTS }, (_, index): ParcelManifest => {
      const { roots, ...rest } = manifestOf(index < many ? twoParts : 1, index + 1);
      return { ...rest, roots: roots.map((root) => root.with(1, index)) };
    });
    const list = { parcels, uses: parcels.map((_, index) => index) };
    const encoded = encodeParcelList(list);
    expect(encoded.length).toBeLessThanOrEqual(MAX_PARCEL_LIST_SIZE);
    expect(decodeParcelList(encoded)).toEqual({ ok: true, value: list });
  });

  it('is not written when it breaks a rule', () => {
    expect(() => encodeParcelList({ ...example, uses: [1, 0] })).toThrow('uses');
    expect(() => encodeParcelList({ parcels: [], uses: [] })).toThrow('range');
  });
});

describe('attachments with the same bytes', () => {
  it('become one parcel, numbered by first use', () => {
    const [a, b] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
    expect(uniteContents([a, b, a.slice(), a])).toEqual({ firsts: [0, 1], uses: [0, 1, 0, 0] });
    expect(uniteContents([])).toEqual({ firsts: [], uses: [] });
  });

  it('always give uses that a list accepts', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 64 }),
        (names) => {
          const { firsts, uses } = uniteContents(names.map((n) => new Uint8Array(32).fill(n)));
          const parcels = firsts.map((at) => manifestOf(10, names[at] ?? 0));
          expect(uses.map((use) => names[firsts[use] ?? -1])).toEqual(names);
          expect(codeOf(decodeParcelList(encodeParcelList({ parcels, uses })))).toBe('ok');
        },
      ),
    );
  });
});
