/**
 * Merkle trees of TIP-4 (the shape of RFC 6962 with BLAKE2b-256): leaf = H(00 ‖ data),
 * node = H(01 ‖ left ‖ right), split at the largest power of two below the number of leaves, and
 * H("") for no leaf. Milestone headers carry their roots; audit paths are what a light client
 * checks. Spec: docs/spec/01-block.md, section "Merkle trees".
 */
import { decodeWith, refuse, type Reader } from '../codec/reader.ts';
import { Writer } from '../codec/writer.ts';
import { assert, type Outcome } from '../outcome.ts';
import { MAX_AUDIT_PATH } from '../params/limits.ts';
import type { Hasher } from '../ports.ts';

const LEAF_PREFIX = 0;
const NODE_PREFIX = 1;
const HASH_LENGTH = 32;
const EMPTY = new Uint8Array(0);

/** Why a leaf belongs to a root. */
export interface AuditPath {
  /** Position of the leaf, from 0, below `size`. */
  readonly index: number;
  /** Leaves of the tree, u32, at least 1. */
  readonly size: number;
  /** Hashes of 32 bytes beside the way from the leaf up to the root. */
  readonly siblings: readonly Uint8Array[];
}

function hashLeaf(leaf: Uint8Array, hasher: Hasher): Uint8Array {
  const input = new Uint8Array(1 + leaf.length);
  input[0] = LEAF_PREFIX;
  input.set(leaf, 1);
  return hasher.blake2b256(input);
}

/**
 * The input of every node in turn: engines keep arrays of more than 64 bytes outside their heap,
 * and making one costs as much as hashing it. No call leaves anything here for the next.
 */
const NODE_INPUT = new Uint8Array(1 + 2 * HASH_LENGTH);
NODE_INPUT[0] = NODE_PREFIX;

function hashNode(left: Uint8Array, right: Uint8Array, hasher: Hasher): Uint8Array {
  NODE_INPUT.set(left, 1);
  NODE_INPUT.set(right, 1 + HASH_LENGTH);
  return hasher.blake2b256(NODE_INPUT);
}

/**
 * The level above: neighbours pair up, an odd last one rises as it is. Repeated, this gives the
 * same tree as splitting at the largest power of two.
 */
function levelAbove(level: readonly Uint8Array[], hasher: Hasher): Uint8Array[] {
  const above: Uint8Array[] = [];
  for (let i = 0; i + 1 < level.length; i += 2) {
    above.push(hashNode(level[i]!, level[i + 1]!, hasher));
  }
  if (level.length % 2 === 1) above.push(level.at(-1)!);
  return above;
}

/** The root over `leaves` (any bytes, in the given order), 32 bytes. */
export function merkleRoot(leaves: readonly Uint8Array[], hasher: Hasher): Uint8Array {
  let level = leaves.map((leaf) => hashLeaf(leaf, hasher));
  while (level.length > 1) level = levelAbove(level, hasher);
  return level[0] ?? hasher.blake2b256(EMPTY);
}

/** All levels of a tree, from the hashes of the leaves up to the root, each 32 bytes a node. */
export type MerkleLevels = readonly Uint8Array[];

/** Hashes after which `growMerkleLevels` stops: a few milliseconds. */
const HASHES_PER_STEP = 1_024;

/** The whole tree over `leaves`: for whoever makes many audit paths of one tree. */
export function merkleLevels(leaves: readonly Uint8Array[], hasher: Hasher): MerkleLevels {
  const growing = growMerkleLevels(leaves, hasher);
  for (;;) {
    const step = growing.next();
    if (step.done === true) return step.value;
  }
}

/** The same in steps, so that the caller can do something else in between. */
export function* growMerkleLevels(
  leaves: readonly Uint8Array[],
  hasher: Hasher,
): Generator<undefined, MerkleLevels> {
  let hashes = 0;
  let level = new Uint8Array(leaves.length * HASH_LENGTH);
  for (const [i, leaf] of leaves.entries()) {
    level.set(hashLeaf(leaf, hasher), i * HASH_LENGTH);
    if (++hashes % HASHES_PER_STEP === 0) yield;
  }
  const levels = [level];
  while (level.length > HASH_LENGTH) {
    const above = new Uint8Array(Math.ceil(level.length / (2 * HASH_LENGTH)) * HASH_LENGTH);
    for (let to = 0; to < above.length; to += HASH_LENGTH) {
      const left = level.subarray(2 * to, 2 * to + HASH_LENGTH);
      const right = level.subarray(2 * to + HASH_LENGTH, 2 * to + 2 * HASH_LENGTH);
      above.set(right.length === 0 ? left : hashNode(left, right, hasher), to);
      if (++hashes % HASHES_PER_STEP === 0) yield;
    }
    levels.push(above);
    level = above;
  }
  return levels;
}

/** The audit path of leaf `index`, which must exist, in a tree of `merkleLevels`. */
export function auditPathIn(levels: MerkleLevels, index: number): AuditPath {
  const size = (levels[0]?.length ?? 0) / HASH_LENGTH;
  assert(index >= 0 && index < size, 'an audit path starts at a leaf');
  const siblings: Uint8Array[] = [];
  let at = index;
  for (const level of levels) {
    const from = (at ^ 1) * HASH_LENGTH;
    if (from < level.length) siblings.push(level.slice(from, from + HASH_LENGTH));
    at >>>= 1;
  }
  return { index, size, siblings };
}

/** The audit path of leaf `index`, which must exist. */
export function auditPath(leaves: readonly Uint8Array[], index: number, hasher: Hasher): AuditPath {
  return auditPathIn(merkleLevels(leaves, hasher), index);
}

/**
 * The levels at which leaf `index` of `size` has a sibling, from the leaf up: true if that sibling
 * is on the left. At a level where it is the odd last one it has none.
 */
function siblingSides(index: number, size: number): boolean[] {
  const sides: boolean[] = [];
  let at = index;
  for (let width = size; width > 1; width = Math.ceil(width / 2)) {
    const isLeft = at % 2 === 1;
    if (isLeft || at + 1 < width) sides.push(isLeft);
    at = Math.floor(at / 2);
  }
  return sides;
}

/**
 * True if `leaf` (the data, not its hash) belongs to the tree with `root`. A path proves
 * membership; `size` is no more than its shape, because trees of several sizes share shapes.
 */
export function verifyAuditPath(
  leaf: Uint8Array,
  path: AuditPath,
  root: Uint8Array,
  hasher: Hasher,
): boolean {
  const { index, size, siblings } = path;
  if (!(size >= 1 && index >= 0 && index < size)) return false;
  const sides = siblingSides(index, size);
  if (sides.length !== siblings.length) return false;
  let hash = hashLeaf(leaf, hasher);
  for (const [level, sibling] of siblings.entries()) {
    if (sibling.length !== HASH_LENGTH) return false;
    hash = sides[level]! ? hashNode(sibling, hash, hasher) : hashNode(hash, sibling, hasher);
  }
  return root.length === HASH_LENGTH && hash.every((byte, i) => byte === root[i]);
}

/** `size u32 | index u32 | siblings 32 each`; their number follows from size and index. */
export function encodeAuditPath(path: AuditPath): Uint8Array {
  const { index, size, siblings } = path;
  assert(siblings.length === siblingSides(index, size).length, 'an audit path is complete');
  const writer = new Writer(8 + siblings.length * HASH_LENGTH);
  writer.u32(size);
  writer.u32(index);
  for (const sibling of siblings) writer.fixed(sibling, HASH_LENGTH);
  return writer.finish();
}

/** Decodes an audit path; 'number-out-of-range' unless index < size. */
export function decodeAuditPath(bytes: Uint8Array): Outcome<AuditPath> {
  return decodeWith(bytes, 8 + MAX_AUDIT_PATH * HASH_LENGTH, readAuditPath);
}

function readAuditPath(reader: Reader): AuditPath {
  const size = reader.u32();
  const index = reader.u32();
  if (index >= size) refuse('number-out-of-range');
  const siblings = siblingSides(index, size).map(() => reader.bytes(HASH_LENGTH));
  return { index, size, siblings };
}
