/** Merkle trees against the published vectors of TIP-4, and audit paths against the trees. */
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { bytesToHex, hexToBytes } from '../codec/ids.ts';
import { nobleHasher } from './blake2b.ts';
import {
  auditPath,
  decodeAuditPath,
  encodeAuditPath,
  merkleRoot,
  verifyAuditPath,
  type AuditPath,
} from './merkle.ts';

interface Vectors {
  readonly merkle_blake2b256: {
    readonly cases: readonly {
      readonly name: string;
      readonly leaves: readonly string[];
      readonly root: string;
    }[];
  };
}

const vectors = JSON.parse(
  readFileSync(new URL('../../../../../test/vectors/tangle.json', import.meta.url), 'utf8'),
) as Vectors;

function leavesOf(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => Uint8Array.of(i & 0xff, i >> 8));
}

/** The root by the definition: split at the largest power of two below the number of leaves. */
function rootByDefinition(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 0) return nobleHasher.blake2b256(new Uint8Array(0));
  if (leaves.length === 1) return nobleHasher.blake2b256(Uint8Array.of(0, ...leaves[0]!));
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  const left = rootByDefinition(leaves.slice(0, split));
  const right = rootByDefinition(leaves.slice(split));
  return nobleHasher.blake2b256(Uint8Array.of(1, ...left, ...right));
}

function codeOf(bytes: Uint8Array): string {
  const outcome = decodeAuditPath(bytes);
  return outcome.ok ? 'ok' : outcome.code;
}

describe('merkleRoot', () => {
  it.each(vectors.merkle_blake2b256.cases)('published: $name', ({ leaves, root }) => {
    const bytes = leaves.map((leaf) => hexToBytes(leaf));
    expect(bytesToHex(merkleRoot(bytes, nobleHasher))).toBe(root);
  });

  it('is the tree of the definition for every size up to 33', () => {
    for (let size = 0; size <= 33; size++) {
      const leaves = leavesOf(size);
      expect(merkleRoot(leaves, nobleHasher)).toEqual(rootByDefinition(leaves));
    }
  });

  it('takes a leaf for nothing but a leaf', () => {
    const [a, b] = leavesOf(2).map((leaf) => nobleHasher.blake2b256(Uint8Array.of(0, ...leaf)));
    const forged = [Uint8Array.of(...a!, ...b!)];
    expect(merkleRoot(forged, nobleHasher)).not.toEqual(merkleRoot(leavesOf(2), nobleHasher));
  });
});

describe('audit path', () => {
  it('leads every leaf of every size up to 20 to the root, and no other leaf', () => {
    for (let size = 1; size <= 20; size++) {
      const leaves = leavesOf(size);
      const root = merkleRoot(leaves, nobleHasher);
      for (let index = 0; index < size; index++) {
        const path = auditPath(leaves, index, nobleHasher);
        const good = verifyAuditPath(leaves[index]!, path, root, nobleHasher);
        const other = verifyAuditPath(Uint8Array.of(index, 7), path, root, nobleHasher);
        expect([size, index, good, other]).toEqual([size, index, true, false]);
      }
    }
  });

  it('does not fit another position, size, sibling or root', () => {
    const leaves = leavesOf(7);
    const root = merkleRoot(leaves, nobleHasher);
    const path = auditPath(leaves, 4, nobleHasher);
    const { siblings } = path;
    const turned = siblings.map((one) => one.map((byte) => byte ^ 1));
    const wrong: AuditPath[] = [
      { ...path, index: 5 },
      { ...path, index: 7 },
      { ...path, size: 0, index: 0 },
      { ...path, size: 5 },
      { ...path, siblings: siblings.slice(1) },
      { ...path, siblings: [...siblings, siblings[0]!] },
      { ...path, siblings: [siblings[0]!.subarray(1), ...siblings.slice(1)] },
      { ...path, siblings: turned },
    ];
    const verify = (one: AuditPath): boolean => verifyAuditPath(leaves[4]!, one, root, nobleHasher);
    expect(verify(path)).toBe(true);
    expect(wrong.map(verify)).toEqual(wrong.map(() => false));
    expect(verifyAuditPath(leaves[4]!, path, root.subarray(1), nobleHasher)).toBe(false);
    expect(verifyAuditPath(leaves[4]!, path, new Uint8Array(32), nobleHasher)).toBe(false);
  });

  it('comes back from its bytes', () => {
    const sizes = fc.integer({ min: 1, max: 70 });
    const property = fc.property(sizes, fc.nat(), (size, n) => {
      const path = auditPath(leavesOf(size), n % size, nobleHasher);
      expect(decodeAuditPath(encodeAuditPath(path))).toEqual({ ok: true, value: path });
    });
    expect(() => fc.assert(property, { numRuns: 30 })).not.toThrow();
  });

  it('reads the largest tree that a u32 can name', () => {
    const head = hexToBytes('fffffffffeffffff');
    expect(codeOf(head)).toBe('truncated');
    const siblings = Array.from({ length: 31 }, () => new Uint8Array(32));
    const path = { size: 0xffff_ffff, index: 0xffff_fffe, siblings };
    expect(decodeAuditPath(encodeAuditPath(path))).toEqual({ ok: true, value: path });
  });

  it('number-out-of-range', () => {
    expect(codeOf(hexToBytes('0000000000000000'))).toBe('number-out-of-range');
    expect(codeOf(hexToBytes('0300000003000000'))).toBe('number-out-of-range');
  });

  it('truncated and trailing-bytes', () => {
    expect(codeOf(hexToBytes('0200000001000000'))).toBe('truncated');
    expect(codeOf(hexToBytes('010000000000000000'))).toBe('trailing-bytes');
  });

  it('too-large', () => {
    expect(codeOf(new Uint8Array(8 + 33 * 32))).toBe('too-large');
  });
});
