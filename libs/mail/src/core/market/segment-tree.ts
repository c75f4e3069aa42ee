/**
 * The segment tree: a Merkle tree over the 1,024-byte segments of an object, in the shape of
 * RFC 6962 §2.1 with SHA-256 (native and fast on both sides). Its root binds the size, so a root
 * names an object completely; a range proof shows that a provider still holds chosen segments.
 * Next on the path: receipt.ts signs the root. Spec: docs/spec/32-receipt.md.
 */
import { equalBytes } from '@noble/curves/utils.js';
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';
import { concatBytes } from '@noble/hashes/utils.js';

/** Bytes of one segment; the last one of an object may be shorter. */
export const SEGMENT_SIZE = 1_024;
/** Sizes are u32 on the wire, so a tree has at most 2^22 leaves and a range two paths of 22. */
export const MAX_PROOF_SIBLINGS = 44;

/** SHA-256 of some bytes; a provider passes the native one. */
export type Sha256 = (bytes: Uint8Array) => Uint8Array;

/** Segments `from … from + segments.length − 1` of an object and what leads to its root. */
export interface SegmentProof {
  /** Bytes of the whole object, 1 … 2^32 − 1. */
  readonly size: number;
  /** Index of the first segment. */
  readonly from: number;
  readonly segments: readonly Uint8Array[];
  /** Roots of the subtrees outside the range, in the order of a left-to-right walk. */
  readonly siblings: readonly Uint8Array[];
}

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);
const ROOT = Uint8Array.of(2);

/** Number of segments of an object of `size` bytes. */
export function segmentCount(size: number): number {
  return Math.ceil(size / SEGMENT_SIZE);
}

/** Segment `index` of an object. */
export function segmentAt(bytes: Uint8Array, index: number): Uint8Array {
  return bytes.subarray(index * SEGMENT_SIZE, (index + 1) * SEGMENT_SIZE);
}

/** `H(02 ‖ u32 size ‖ tree)` of an object of 1 … 2^32 − 1 bytes. */
export function segmentRoot(bytes: Uint8Array, sha256: Sha256 = nobleSha256): Uint8Array {
  const tree = subtree(bytes, 0, segmentCount(bytes.length), sha256);
  return bindSize(bytes.length, tree, sha256);
}

/** The proof for `count` ≥ 1 segments from `from`; the caller keeps both inside the object. */
export function proveSegments(
  bytes: Uint8Array,
  from: number,
  count: number,
  sha256: Sha256 = nobleSha256,
): SegmentProof {
  const siblings: Uint8Array[] = [];
  const collect = (low: number, high: number): void => {
    if (high <= from || low >= from + count) siblings.push(subtree(bytes, low, high, sha256));
    else if (high - low > 1) {
      const middle = low + splitAt(high - low);
      collect(low, middle);
      collect(middle, high);
    }
  };
  collect(0, segmentCount(bytes.length));
  const segments = Array.from({ length: count }, (_, index) => segmentAt(bytes, from + index));
  return { size: bytes.length, from, segments, siblings };
}

/** True when the proof's segments are those of the object with this root. Never throws. */
export function verifySegments(
  root: Uint8Array,
  proof: SegmentProof,
  sha256: Sha256 = nobleSha256,
): boolean {
  if (!hasSaneShape(proof)) return false;
  let next = 0;
  const end = proof.from + proof.segments.length;
  const walk = (low: number, high: number): Uint8Array | undefined => {
    if (high <= proof.from || low >= end) return proof.siblings[next++];
    if (high - low === 1) return leafOf(proof.segments[low - proof.from] as Uint8Array, sha256);
    const middle = low + splitAt(high - low);
    const left = walk(low, middle);
    const right = walk(middle, high);
    return left && right ? sha256(concatBytes(NODE, left, right)) : undefined;
  };
  const tree = walk(0, segmentCount(proof.size));
  if (!tree || next !== proof.siblings.length) return false;
  return equalBytes(bindSize(proof.size, tree, sha256), root);
}

/** Lengths and counts that an honest proof has; everything else is refused before any hash. */
function hasSaneShape(proof: SegmentProof): boolean {
  const { size, from, segments, siblings } = proof;
  if (!Number.isInteger(size) || size < 1 || size > 0xffff_ffff) return false;
  const count = segmentCount(size);
  if (!Number.isInteger(from) || from < 0 || segments.length < 1) return false;
  if (from + segments.length > count || siblings.length > MAX_PROOF_SIBLINGS) return false;
  if (siblings.some((one) => one.length !== 32)) return false;
  return segments.every((segment, index) => {
    const isLast = from + index === count - 1;
    return segment.length === (isLast ? size - (count - 1) * SEGMENT_SIZE : SEGMENT_SIZE);
  });
}

/** RFC 6962: the greatest power of two below `count` (≥ 2). */
function splitAt(count: number): number {
  return 1 << (31 - Math.clz32(count - 1));
}

function subtree(bytes: Uint8Array, low: number, high: number, sha256: Sha256): Uint8Array {
  if (high - low === 1) return leafOf(segmentAt(bytes, low), sha256);
  const middle = low + splitAt(high - low);
  const left = subtree(bytes, low, middle, sha256);
  return sha256(concatBytes(NODE, left, subtree(bytes, middle, high, sha256)));
}

function leafOf(segment: Uint8Array, sha256: Sha256): Uint8Array {
  return sha256(concatBytes(LEAF, segment));
}

function bindSize(size: number, tree: Uint8Array, sha256: Sha256): Uint8Array {
  const sizeBytes = new Uint8Array(4);
  new DataView(sizeBytes.buffer).setUint32(0, size, true);
  return sha256(concatBytes(ROOT, sizeBytes, tree));
}
