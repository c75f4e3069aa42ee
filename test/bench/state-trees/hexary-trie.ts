/**
 * A hexary Merkle trie as Ethereum's, with our hash and without its encodings: a branch hashes a
 * bitmap and all its children, and a proof shows the siblings of every branch on the way.
 */
import type { Hasher } from '../../../libs/tangle/src/core/ports.ts';
import { buildTrie, changeTrie, digit, isBranch, sortLeaves, walk, type Node } from './hexary.ts';
import { bytesOf, keyOf, leafOf, textOf, writeText } from './structure.ts';
import type { Leaf, StateStructure, StructureKind, Text32 } from './structure.ts';

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

function rootOfProof({ key, hash: leaf }: Leaf, proof: Uint8Array, hasher: Hasher) {
  const levels: (Text32 | undefined)[][] = [];
  let at = 1;
  for (let depth = 0; depth < (proof[0] ?? 0); depth++) {
    const bitmap = (proof[at] ?? 0) | ((proof[at + 1] ?? 0) << 8);
    at += 2;
    const children = Array.from({ length: 16 }, (_, place) => {
      if ((bitmap & (1 << place)) === 0) return undefined;
      at += 32;
      return textOf(proof.subarray(at - 32, at));
    });
    levels.push(children);
  }
  let hash = leaf;
  for (let depth = levels.length - 1; depth >= 0; depth--) {
    const children = levels[depth] ?? [];
    children[digit(key, depth)] = hash;
    hash = hashBranch(children, hasher);
  }
  return hash;
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
    return rootOfProof(leafOf(entry, hasher), proof, hasher) === textOf(root);
  },
};
