import { describe, expect, it } from '@jest/globals';
import { bytesToHex } from '@noble/hashes/utils.js';
import fc from 'fast-check';
import { anyManifest, mutantsOf, numbered, VECTORS } from '../../testing/parcels.ts';
import { codeOf, fromHex, valueOf } from '../../testing/vectors.ts';
import { MAX_PARCEL_SIZE, parcelLayout } from './layout.ts';
import {
  cutText,
  decodeParcelLetter,
  encodeParcelLetter,
  MAX_PARCEL_LETTER_SIZE,
  PREVIEW_LIMITS,
} from './letter.ts';
import type { ParcelLetter } from './letter.ts';
import { manifestSize } from './manifest.ts';
import type { ParcelManifest } from './manifest.ts';
import { MAX_SPANS } from './repeats.ts';
import type { Span } from './repeats.ts';

function manifestOf(size: number, number: number): ParcelManifest {
  const filled = (value: number): Uint8Array => new Uint8Array(32).fill(value);
  const { partCount } = parcelLayout(size);
  const roots = Array.from({ length: partCount }, (_, index) => numbered(filled(number), index));
  return { size, contentHash: filled(number), key: filled(number + 100), roots };
}

const PREVIEW = { from: 'Zoë', subject: 'Räume', date: 1_700_000_000, text: 'Hallo …' };
const example: ParcelLetter = {
  manifest: manifestOf(1_100_000, 2),
  spans: [{ from: 0, length: 1_100_000 }],
  preview: PREVIEW,
};
const bytes = encodeParcelLetter(example);
const SPANS = 1 + manifestSize(2);

function faultOf(spans: readonly Span[], size = 1_000): string {
  const plain = { ...example, manifest: manifestOf(size, 3), spans: [{ from: 0, length: size }] };
  const encoded = encodeParcelLetter(plain);
  const at = 1 + manifestSize(parcelLayout(size).partCount);
  const list = new Uint8Array(spans.length * 8);
  const view = new DataView(list.buffer);
  spans.forEach(({ from, length }, index) => {
    view.setUint32(index * 8, from, true);
    view.setUint32(index * 8 + 4, length, true);
  });
  const head = encoded.subarray(0, at);
  const changed = Uint8Array.of(...head, spans.length, ...list, ...encoded.subarray(at + 9));
  const decoded = decodeParcelLetter(changed);
  return decoded.ok ? 'ok' : `${decoded.code} ${decoded.detail ?? ''}`.trim();
}

describe('a letter of kind parcel', () => {
  it('is that of the vectors', () => {
    const letter = valueOf(decodeParcelLetter(fromHex(VECTORS.letter)));
    expect(letter.manifest.size).toBe(VECTORS.cases[1]?.size);
    expect(letter.manifest.roots.map((root) => bytesToHex(root))).toEqual(
      VECTORS.cases[1]?.parts.map(({ root }) => root),
    );
    expect(letter.preview).toEqual(PREVIEW);
    expect(letter.spans).toEqual([
      { from: 0, length: 1_000_000 },
      { from: 500, length: 5_000 },
      { from: 1_000_000, length: 100_000 },
    ]);
    expect(bytesToHex(encodeParcelLetter(letter))).toBe(VECTORS.letter);
  });

  it('comes back as it was written', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 80 });
    const preview = fc.record({ from: text, subject: text, date: fc.nat(), text });
    fc.assert(
      fc.property(anyManifest, preview, (manifest, shown) => {
        const spans = [{ from: 0, length: manifest.size }];
        const letter = { manifest, spans, preview: shown };
        expect(decodeParcelLetter(encodeParcelLetter(letter))).toEqual({ ok: true, value: letter });
      }),
    );
  });

  it('is refused or canonical, whatever the bytes, and nothing is thrown', () => {
    let refused = 0;
    fc.assert(
      fc.property(mutantsOf(bytes), (mutant) => {
        const decoded = decodeParcelLetter(mutant);
        if (!decoded.ok) refused += 1;
        expect(decoded.ok ? encodeParcelLetter(decoded.value) : mutant).toEqual(mutant);
      }),
      { numRuns: 500 },
    );
    expect(refused).toBeGreaterThan(100);
  });

  it('parcel-version-unknown and parcel-manifest', () => {
    expect(codeOf(decodeParcelLetter(bytes.with(0, 2)))).toBe('parcel-version-unknown');
    const detail = (copy: Uint8Array): string => {
      const decoded = decodeParcelLetter(copy);
      return decoded.ok ? 'ok' : (decoded.detail ?? decoded.code);
    };
    expect(detail(bytes.slice().fill(0, 1, 5))).toBe('size');
    expect(detail(bytes.slice().fill(0xff, 1, 5))).toBe('size');
    expect(detail(bytes.with(3, 0x20))).toBe('partCount');
    const root = 1 + 69;
    expect(detail(bytes.slice().copyWithin(root + 32, root, root + 32))).toBe('roots');
    expect(detail(bytes.with(SPANS + 1, 1))).toBe('spans');
  });

  it('parcel-manifest: spans that leave something out, look ahead, or blow up', () => {
    expect(faultOf([{ from: 0, length: 1_000 }])).toBe('ok');
    const spans = 'parcel-manifest spans';
    expect(faultOf([{ from: 0, length: 999 }])).toBe(spans);
    expect(faultOf([{ from: 0, length: 1_001 }])).toBe(spans);
    expect(faultOf([{ from: 1, length: 999 }])).toBe(spans);
    const half = { from: 0, length: 500 };
    const rest = { from: 500, length: 500 };
    expect(faultOf([half, { from: 100, length: 400 }, rest])).toBe('ok');
    expect(faultOf([half, { from: 100, length: 401 }, rest])).toBe(spans);
    expect(faultOf([half, { from: 100, length: 0 }, rest])).toBe(spans);
    const bomb = Array.from({ length: 100 }, () => ({ from: 0, length: 1_000_000 }));
    expect(faultOf([{ from: 0, length: 1_000_000 }, ...bomb], 1_000_000)).toBe(spans);
  });

  it('refuses form: empty, cut off, too long, texts that are no UTF-8', () => {
    expect(codeOf(decodeParcelLetter(new Uint8Array(0)))).toBe('truncated');
    expect(codeOf(decodeParcelLetter(bytes.slice(0, -1)))).toBe('truncated');
    expect(codeOf(decodeParcelLetter(Uint8Array.of(...bytes, 0)))).toBe('trailing-bytes');
    expect(codeOf(decodeParcelLetter(bytes.with(SPANS, 0)))).toBe('count-out-of-range');
    expect(codeOf(decodeParcelLetter(bytes.with(SPANS, 130)))).toBe('count-out-of-range');
    expect(codeOf(decodeParcelLetter(bytes.with(bytes.length - 1, 0xff)))).toBe('not-canonical');
    const long = new Uint8Array(MAX_PARCEL_LETTER_SIZE + 1).fill(1);
    expect(codeOf(decodeParcelLetter(long))).toBe('too-large');
  });

  it('stays within its greatest size at its worst', () => {
    const size = MAX_PARCEL_SIZE - MAX_SPANS;
    const again = Array.from({ length: MAX_SPANS - 1 }, () => ({ from: 0, length: 1 }));
    const long = 'ä'.repeat(600);
    const letter = {
      manifest: manifestOf(size, 9),
      spans: [{ from: 0, length: size }, ...again],
      preview: { from: long, subject: long, date: 1, text: long },
    };
    const encoded = encodeParcelLetter(letter);
    // An odd limit leaves half a character out.
    expect(encoded).toHaveLength(MAX_PARCEL_LETTER_SIZE - 1);
    expect(valueOf(decodeParcelLetter(encoded)).spans).toHaveLength(MAX_SPANS);
  });

  it('cuts texts between characters', () => {
    expect(cutText('abc', 2)).toBe('ab');
    expect(cutText('aää', 4)).toBe('aä');
    expect(cutText('a😀', 4)).toBe('a');
    expect(cutText('x'.repeat(999), PREVIEW_LIMITS.text)).toHaveLength(512);
  });
});
