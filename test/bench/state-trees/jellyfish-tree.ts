/**
 * A Jellyfish Merkle tree (Diem, Aptos): stored in branches of sixteen, hashed as a binary tree in
 * which a part with a single leaf is that leaf and an empty part is zero. Every update hashes the
 * inside of its branches anew, as theirs do.
 */
import type { OutputId } from '../../../libs/tangle/src/core/codec/ids.ts';
import { keyBit } from '../../../libs/tangle/src/core/ledger/state-proof.ts';
import type { Hasher } from '../../../libs/tangle/src/core/ports.ts';
import { buildTrie, changeTrie, digit, isBranch, sortLeaves, walk } from './hexary.ts';
import type { Branch, Node } from './hexary.ts';
import {
  bytesOf,
  compareBytes,
  keyOf,
  leafBytesOf,
  leafOf,
  textOf,
  writeText,
} from './structure.ts';
import type { StateStructure, StructureKind, Text32 } from './structure.ts';

const EMPTY: Text32 = '\0'.repeat(32);
const INPUT = Buffer.of(1, ...new Uint8Array(64));

function hashPair(left: Text32, right: Text32, hasher: Hasher): Text32 {
  writeText(INPUT, left, 1);
  writeText(INPUT, right, 33);
  return textOf(hasher.blake2b256(INPUT));
}

/** The single leaf in places [from, to), if nothing else is there; `undefined` else. */
function onlyLeaf({ children }: Branch, from: number, to: number): Node | 'empty' | undefined {
  let only: Node | 'empty' = 'empty';
  for (let place = from; place < to; place++) {
    const child = children[place];
    if (child === undefined) continue;
    if (only !== 'empty' || isBranch(child)) return undefined;
    only = child;
  }
  return only;
}

/** The binary tree over places [from, to) of a branch. */
function hashRange(branch: Branch, from: number, to: number, hasher: Hasher): Text32 {
  const only = onlyLeaf(branch, from, to);
  if (only === 'empty') return EMPTY;
  if (only !== undefined) return hashOf(only, hasher);
  if (to - from === 1) return hashOf(branch.children[from] as Node, hasher);
  const middle = (from + to) >>> 1;
  const left = hashRange(branch, from, middle, hasher);
  return hashPair(left, hashRange(branch, middle, to, hasher), hasher);
}

function hashOf(node: Node, hasher: Hasher): Text32 {
  if (!isBranch(node)) return node.hash;
  node.hash ??= hashRange(node, 0, 16, hasher);
  return node.hash;
}

/** Siblings of the way of `key` from the root to the last part that is not a single leaf. */
function siblingsOf(branches: readonly Branch[], key: Text32, hasher: Hasher): Text32[] {
  const siblings: Text32[] = [];
  for (const [depth, branch] of branches.entries()) {
    const place = digit(key, depth);
    let [from, to] = [0, 16];
    while (to - from > 1 && onlyLeaf(branch, from, to) === undefined) {
      const middle = (from + to) >>> 1;
      const [low, high] = place < middle ? [middle, to] : [from, middle];
      siblings.push(hashRange(branch, low, high, hasher));
      [from, to] = place < middle ? [from, middle] : [middle, to];
    }
  }
  return siblings;
}

/** `count u8 | bitmap of the siblings that are not empty | those, 32 each`, from the root. */
function encodeSiblings(siblings: readonly Text32[]): Uint8Array {
  const bitmap = new Uint8Array(Math.ceil(siblings.length / 8));
  const present = siblings.filter((hash, at) => {
    if (hash === EMPTY) return false;
    bitmap[at >>> 3] = (bitmap[at >>> 3] ?? 0) | (1 << (at & 7));
    return true;
  });
  const hashes = present.map((hash) => bytesOf(hash));
  return new Uint8Array(Buffer.concat([Uint8Array.of(siblings.length), bitmap, ...hashes]));
}

const EMPTY_BYTES = new Uint8Array(32);

function decodeSiblings(bytes: Uint8Array): Uint8Array[] {
  const count = bytes[0] ?? 0;
  let at = 1 + Math.ceil(count / 8);
  return Array.from({ length: count }, (_, level) => {
    if (((bytes[1 + (level >>> 3)] ?? 0) & (1 << (level & 7))) === 0) return EMPTY_BYTES;
    at += 32;
    return bytes.subarray(at - 32, at);
  });
}

function rootOfProof(
  { key, hash: leaf }: { readonly key: Uint8Array; readonly hash: Uint8Array },
  siblings: readonly Uint8Array[],
  hasher: Hasher,
): Uint8Array {
  let hash = leaf;
  for (let level = siblings.length - 1; level >= 0; level--) {
    const sibling = siblings[level] ?? EMPTY_BYTES;
    const isRight = keyBit(key, level) === 1;
    INPUT.set(isRight ? sibling : hash, 1);
    INPUT.set(isRight ? hash : sibling, 33);
    hash = hasher.blake2b256(INPUT);
  }
  return hash;
}

function wrap(node: Node | undefined, size: number, hasher: Hasher): StateStructure {
  const proofOf = (outputId: OutputId): Uint8Array => {
    const key = keyOf(outputId, hasher);
    return encodeSiblings(siblingsOf(walk(node, key).branches, key, hasher));
  };
  return {
    size,
    apply: (created, consumed) => {
      const added = sortLeaves(created.map((entry) => leafOf(entry, hasher)));
      const removed = consumed.map((id) => keyOf(id, hasher)).toSorted();
      const next = changeTrie(node, added, removed);
      return wrap(next, size + added.length - removed.length, hasher);
    },
    root: () => bytesOf(node === undefined ? EMPTY : hashOf(node, hasher)),
    proof: proofOf,
  };
}

export const jellyfishTree: StructureKind = {
  name: 'Jellyfish tree',
  build: (entries, hasher) => {
    const leaves = sortLeaves(entries.map((entry) => leafOf(entry, hasher)));
    return wrap(buildTrie(leaves), leaves.length, hasher);
  },
  verify: (root, entry, proof, hasher) => {
    const found = rootOfProof(leafBytesOf(entry, hasher), decodeSiblings(proof), hasher);
    return compareBytes(found, root) === 0;
  },
};
