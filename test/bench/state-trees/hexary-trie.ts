/**
 * A hexary Merkle trie as Ethereum's, with our hash and without its encodings: a branch hashes a
 * bitmap and all its children, and a proof shows the siblings of every branch on the way.
 */
import type { Hasher } from '../../../libs/tangle/src/core/ports.ts';
import { buildTrie, changeTrie, digit, isBranch, sortLeaves, walk, type Node } from './hexary.ts';
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

/** The input of every branch in turn: 01, a bitmap of the children, their hashes. */
const INPUT = Buffer.of(1, ...new Uint8Array(2 + 16 * 32));

/** `children` by their digit; the hash of those that are there. */
function hashBranch(children: readonly (Text32 | undefined)[], hasher: Hasher): Text32 {
  let bitmap = 0;
  let at = 3;
  for (const [place, hash] of children.entries()) {
    if (hash === undefined) continue;
    bitmap |= 1 << place;
    writeText(INPUT, hash, at);
    at += 32;
  }
  INPUT[1] = bitmap & 0xff;
  INPUT[2] = bitmap >>> 8;
  return textOf(hasher.blake2b256(INPUT.subarray(0, at)));
}

function hashOf(node: Node, hasher: Hasher): Text32 {
  if (!isBranch(node)) return node.hash;
  node.hash ??= hashBranch(
    node.children.map((child) => child && hashOf(child, hasher)),
    hasher,
  );
  return node.hash;
}

/** `count u8 | (bitmap u16 of the siblings | siblings 32 each) each`, from the root. */
function encodeProof(root: Node | undefined, key: Text32, hasher: Hasher): Uint8Array {
  const { branches } = walk(root, key);
  const parts: Uint8Array[] = [Uint8Array.of(branches.length)];
  for (const [depth, { children }] of branches.entries()) {
    let bitmap = 0;
    const siblings: Uint8Array[] = [];
    for (const [place, child] of children.entries()) {
      if (child === undefined || place === digit(key, depth)) continue;
      bitmap |= 1 << place;
      siblings.push(bytesOf(hashOf(child, hasher)));
    }
    parts.push(Uint8Array.of(bitmap & 0xff, bitmap >>> 8), ...siblings);
  }
  return new Uint8Array(Buffer.concat(parts));
}

function rootOfProof(
  { key, hash: leaf }: { readonly key: Uint8Array; readonly hash: Uint8Array },
  proof: Uint8Array,
  hasher: Hasher,
): Uint8Array {
  const starts: number[] = [];
  for (let depth = 0, at = 1; depth < (proof[0] ?? 0); depth++) {
    starts.push(at);
    at += 2 + 32 * bitsOf((proof[at] ?? 0) | ((proof[at + 1] ?? 0) << 8));
  }
  let hash = leaf;
  for (let depth = starts.length - 1; depth >= 0; depth--) {
    const start = starts[depth] ?? 0;
    const siblings = (proof[start] ?? 0) | ((proof[start + 1] ?? 0) << 8);
    const place = keyBits(key, depth);
    const below = 32 * bitsOf(siblings & ((1 << place) - 1));
    const length = 32 * bitsOf(siblings);
    const own = siblings | (1 << place);
    INPUT[1] = own & 0xff;
    INPUT[2] = own >>> 8;
    INPUT.set(proof.subarray(start + 2, start + 2 + below), 3);
    INPUT.set(hash, 3 + below);
    INPUT.set(proof.subarray(start + 2 + below, start + 2 + length), 35 + below);
    hash = hasher.blake2b256(INPUT.subarray(0, 35 + length));
  }
  return hash;
}

/** How many bits of a u16 are set. */
function bitsOf(bitmap: number): number {
  let count = 0;
  for (let rest = bitmap; rest !== 0; rest &= rest - 1) count++;
  return count;
}

/** Hex digit `depth` of a key. */
function keyBits(key: Uint8Array, depth: number): number {
  const byte = key[depth >>> 1] ?? 0;
  return (depth & 1) === 0 ? byte >>> 4 : byte & 15;
}

function wrap(node: Node | undefined, size: number, hasher: Hasher): StateStructure {
  return {
    size,
    apply: (created, consumed) => {
      const added = sortLeaves(created.map((entry) => leafOf(entry, hasher)));
      const removed = consumed.map((id) => keyOf(id, hasher)).toSorted();
      const next = changeTrie(node, added, removed);
      return wrap(next, size + added.length - removed.length, hasher);
    },
    root: () =>
      node === undefined ? hasher.blake2b256(new Uint8Array(0)) : bytesOf(hashOf(node, hasher)),
    proof: (outputId) => encodeProof(node, keyOf(outputId, hasher), hasher),
  };
}

export const hexaryTrie: StructureKind = {
  name: 'hexary trie',
  build: (entries, hasher) => {
    const leaves = sortLeaves(entries.map((entry) => leafOf(entry, hasher)));
    return wrap(buildTrie(leaves), leaves.length, hasher);
  },
  verify: (root, entry, proof, hasher) => {
    return compareBytes(rootOfProof(leafBytesOf(entry, hasher), proof, hasher), root) === 0;
  },
};
