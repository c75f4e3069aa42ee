import { describe, expect, it } from '@jest/globals';
import { sha256 } from '@noble/hashes/sha2.js';
import { concatBytes } from '@noble/hashes/utils.js';
import fc from 'fast-check';
import {
  proveSegments,
  SEGMENT_SIZE,
  segmentAt,
  segmentCount,
  segmentRoot,
  verifySegments,
} from './segment-tree.ts';

/** RFC 6962 §2.1 written as the RFC writes it, over segments. */
function reference(segments: readonly Uint8Array[]): Uint8Array {
  const [only] = segments;
  if (segments.length === 1 && only) return sha256(concatBytes(Uint8Array.of(0), only));
  let split = 1;
  while (split * 2 < segments.length) split *= 2;
  const [left, right] = [segments.slice(0, split), segments.slice(split)];
  return sha256(concatBytes(Uint8Array.of(1), reference(left), reference(right)));
}

function bytesOf(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 31 + (index >> 8)) & 0xff);
}

const sizes = fc.integer({ min: 1, max: 40 * SEGMENT_SIZE });

describe('segmentRoot', () => {
  it('has the shape of RFC 6962 and binds the size', () => {
    fc.assert(
      fc.property(sizes, (size) => {
        const bytes = bytesOf(size);
        const count = segmentCount(size);
        const segments = Array.from({ length: count }, (_, index) => segmentAt(bytes, index));
        const sizeBytes = new Uint8Array(4);
        new DataView(sizeBytes.buffer).setUint32(0, size, true);
        const root = sha256(concatBytes(Uint8Array.of(2), sizeBytes, reference(segments)));
        expect(segmentRoot(bytes)).toEqual(root);
      }),
      { numRuns: 40 },
    );
  });
});

describe('segment proofs', () => {
  const ranges = sizes.chain((size) =>
    fc.integer({ min: 0, max: segmentCount(size) - 1 }).chain((from) =>
      fc.record({
        size: fc.constant(size),
        from: fc.constant(from),
        count: fc.integer({ min: 1, max: segmentCount(size) - from }),
      }),
    ),
  );

  it('verify for every range', () => {
    fc.assert(
      fc.property(ranges, ({ size, from, count }) => {
        const bytes = bytesOf(size);
        const proof = proveSegments(bytes, from, count);
        expect(verifySegments(segmentRoot(bytes), proof)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it('fail with another byte, size, place, sibling, or length', () => {
    fc.assert(
      fc.property(ranges, ({ size, from, count }) => {
        const bytes = bytesOf(size);
        const root = segmentRoot(bytes);
        const proof = proveSegments(bytes, from, count);
        const [first] = proof.segments;
        if (!first) throw new Error('no segment');
        const flipped = first.map((byte, index) => (index === 0 ? byte ^ 1 : byte));
        const forged = [
          { ...proof, segments: [flipped, ...proof.segments.slice(1)] },
          { ...proof, size: size + 1 },
          { ...proof, from: from + 1 },
          { ...proof, segments: [...proof.segments, first] },
          { ...proof, segments: [] },
          { ...proof, siblings: [...proof.siblings, root] },
          { ...proof, siblings: proof.siblings.slice(1).concat(new Uint8Array(31)) },
        ];
        for (const one of forged) expect(verifySegments(root, one)).toBe(false);
      }),
      { numRuns: 40 },
    );
  });

  it('refuse sizes and places that no object has', () => {
    const proof = proveSegments(bytesOf(10), 0, 1);
    const root = segmentRoot(bytesOf(10));
    for (const size of [0, -1, 1.5, 2 ** 32, Number.NaN]) {
      expect(verifySegments(root, { ...proof, size })).toBe(false);
    }
    expect(verifySegments(root, { ...proof, from: -1 })).toBe(false);
    const siblings = Array.from({ length: 45 }, () => root);
    expect(verifySegments(root, { ...proof, siblings })).toBe(false);
  });
});
