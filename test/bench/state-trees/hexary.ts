/**
 * A persistent trie of sixteen-fold branches by the hex digits of the key: the storage that
 * hexary-trie.ts (Ethereum's way of hashing) and jellyfish-tree.ts (Diem's) share. A leaf stands as
 * high as it is alone. Keys are hashes, so a branch with a single branch below it is rare and gets
 * no node of its own kind (Ethereum's extension).
 */
import { assert } from '../../../libs/tangle/src/core/outcome.ts';
import type { Leaf, Text32 } from './structure.ts';

export interface Branch {
  /** Sixteen places. */
  readonly children: readonly (Node | undefined)[];
  /** Computed when first asked for. */
  hash: Text32 | undefined;
}

export type Node = Leaf | Branch;

export function isBranch(node: Node): node is Branch {
  return 'children' in node;
}

/** Hex digit `depth` of a key, from 0. */
export function digit(key: Text32, depth: number): number {
  const byte = key.charCodeAt(depth >>> 1);
  return (depth & 1) === 0 ? byte >>> 4 : byte & 15;
}

/** The trie of sorted leaves that share their first `depth` digits. */
export function buildTrie(leaves: readonly Leaf[], depth = 0): Node | undefined {
  if (leaves.length < 2) return leaves[0];
  const groups = grouped(leaves, (leaf) => leaf.key, depth);
  return { children: groups.map((group) => buildTrie(group, depth + 1)), hash: undefined };
}

/** The trie after leaves entered that it lacks and keys left that it has, both sorted. */
export function changeTrie(
  node: Node | undefined,
  added: readonly Leaf[],
  removed: readonly Text32[],
  depth = 0,
): Node | undefined {
  if (added.length === 0 && removed.length === 0) return node;
  if (node === undefined || !isBranch(node)) {
    const stays = node !== undefined && removed.length === 0;
    const leaves = stays ? [...added, node].toSorted(byKey) : added;
    return buildTrie(leaves, depth);
  }
  const entering = grouped(added, (leaf) => leaf.key, depth);
  const leaving = grouped(removed, (key) => key, depth);
  const children = node.children.map((child, at) =>
    changeTrie(child, entering[at] ?? [], leaving[at] ?? [], depth + 1),
  );
  const held = children.filter((child) => child !== undefined);
  const [only] = held;
  // A leaf that is alone again rises.
  if (held.length < 2 && (only === undefined || !isBranch(only))) return only;
  return { children, hash: undefined };
}

/** The branches on the way of `key`, from the root, and where it ends. */
export function walk(root: Node | undefined, key: Text32) {
  const branches: Branch[] = [];
  let node = root;
  while (node !== undefined && isBranch(node)) {
    branches.push(node);
    node = node.children[digit(key, branches.length - 1)];
  }
  return { branches, end: node };
}

function byKey(one: Leaf, other: Leaf): number {
  if (one.key === other.key) return 0;
  return one.key < other.key ? -1 : 1;
}

export function sortLeaves(leaves: readonly Leaf[]): Leaf[] {
  return leaves.toSorted(byKey);
}

const NOTHING: readonly never[] = [];

/** Sorted items by their digit: sixteen lists. */
function grouped<T>(
  items: readonly T[],
  keyOf: (item: T) => Text32,
  depth: number,
): (readonly T[])[] {
  const groups: (readonly T[])[] = Array.from({ length: 16 }, () => NOTHING);
  let from = 0;
  while (from < items.length) {
    const at = digit(keyOf(items[from] as T), depth);
    let to = from + 1;
    while (to < items.length && digit(keyOf(items[to] as T), depth) === at) to++;
    assert(to - from < 2 || depth < 64, 'keys differ');
    groups[at] = items.slice(from, to);
    from = to;
  }
  return groups;
}
