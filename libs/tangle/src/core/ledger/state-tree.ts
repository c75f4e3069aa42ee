/**
 * The commitment to the ledger: a compressed binary Merkle trie over all unspent outputs. Its root
 * stands in every milestone header, so that one certificate proves every balance. The tree is
 * persistent: a change copies the path to the root and shares the rest, so that the state after
 * each unconfirmed milestone costs some twenty small objects per changed output.
 * Path: `ledger/apply-milestone.ts` → here → `milestone/rules.ts`. Spec: docs/spec/08-ledger.md §5.
 *
 * The key of an output is BLAKE2b-256 of its id: nobody can make the trie deep without grinding
 * hashes, and no depth exceeds 256. An inner node names the first bit in which the keys below it
 * differ. The shape therefore depends on the set of keys alone, never on the history of changes.
 */
import type { OutputId } from '../codec/ids.ts';
import { idToBytes } from '../codec/ids.ts';
import { assert } from '../outcome.ts';
import type { Hasher } from '../ports.ts';
import type { StateProof } from './state-proof.ts';
import { hashStateInner, hashStateLeaf, stateKey } from './state-proof.ts';

/**
 * 32 bytes as a string of 32 characters below 256. There are three for each output: engines spend
 * 48 bytes on such a string and some 250 on an array, and compare strings faster.
 */
type Text32 = string;

interface Leaf {
  readonly key: Text32;
  readonly hash: Text32;
}

interface Inner {
  readonly bitIndex: number;
  readonly left: Node;
  readonly right: Node;
  /** Computed when a root or a proof first asks; many changes then share one hash. */
  hash: Text32 | undefined;
}

type Node = Leaf | Inner;

/** What a tree commits to for one unspent output. */
export interface StateEntry {
  readonly outputId: OutputId;
  /** BLAKE2b-256 of the encoded output, 32 bytes. */
  readonly outputHash: Uint8Array;
}

/** An immutable set of unspent outputs with a 32-byte root. */
export class StateTree {
  /** Number of unspent outputs. */
  readonly size: number;
  readonly #node: Node | undefined;
  readonly #hasher: Hasher;

  private constructor(node: Node | undefined, size: number, hasher: Hasher) {
    this.#node = node;
    this.size = size;
    this.#hasher = hasher;
  }

  /** The tree of no outputs; its root is BLAKE2b-256 of the empty string, as in TIP-4. */
  static empty(hasher: Hasher): StateTree {
    return new StateTree(undefined, 0, hasher);
  }

  /** The tree of `entries` in one pass, for a start from disk or a snapshot. Ids are distinct. */
  static build(entries: Iterable<StateEntry>, hasher: Hasher): StateTree {
    const leaves = Array.from(entries, (entry) => leafOf(entry, hasher));
    leaves.sort(byKey);
    const node = leaves.length === 0 ? undefined : buildRange(leaves, 0, leaves.length);
    return new StateTree(node, leaves.length, hasher);
  }

  /** The tree with `entry` added. Its id must not be in the tree (an invariant of the ledger). */
  insert(entry: StateEntry): StateTree {
    const leaf = leafOf(entry, this.#hasher);
    const nearest = nearestLeaf(this.#node, leaf.key);
    if (nearest === undefined) return new StateTree(leaf, 1, this.#hasher);
    const bitIndex = firstDifferingBit(nearest.key, leaf.key);
    assert(bitIndex !== undefined, 'an output enters the state tree once');
    const node = insertAt(this.#node as Node, leaf, bitIndex);
    return new StateTree(node, this.size + 1, this.#hasher);
  }

  /** The tree without `outputId`, which must be in it (an invariant of the ledger). */
  delete(outputId: OutputId): StateTree {
    const key = keyOf(outputId, this.#hasher);
    assert(this.#contains(key), 'only an unspent output leaves the state tree');
    const node = deleteAt(this.#node as Node, key);
    return new StateTree(node, this.size - 1, this.#hasher);
  }

  /**
   * The tree after a diff: everything created enters, then everything consumed leaves. All changes
   * go down together, so each inner node that changes is copied once, not once per change.
   */
  apply(created: readonly StateEntry[], consumed: readonly OutputId[]): StateTree {
    const entering = new Map(created.map((entry) => [entry.outputId, entry]));
    assert(entering.size === created.length, 'an output enters the state tree once');
    const leaving = consumed.filter((outputId) => !entering.delete(outputId));
    const added = Array.from(entering.values(), (entry) => leafOf(entry, this.#hasher));
    const removed = leaving.map((outputId) => keyOf(outputId, this.#hasher));
    added.sort(byKey);
    removed.sort();
    const sample = this.#node === undefined ? '' : leftmostKey(this.#node);
    const node = change(this.#node, sample, added, removed);
    return new StateTree(node, this.size + added.length - removed.length, this.#hasher);
  }

  has(outputId: OutputId): boolean {
    return this.#contains(keyOf(outputId, this.#hasher));
  }

  /** The root, 32 bytes. */
  root(): Uint8Array {
    return this.#node === undefined
      ? this.#hasher.blake2b256(new Uint8Array(0))
      : bytesOf(hashOf(this.#node, this.#hasher));
  }

  /** Proof that `outputId` is unspent in this tree; undefined when it is not. */
  proof(outputId: OutputId): StateProof | undefined {
    const key = keyOf(outputId, this.#hasher);
    if (!this.#contains(key)) return undefined;
    const steps: { bitIndex: number; sibling: Uint8Array }[] = [];
    let node = this.#node as Node;
    while (isInner(node)) {
      const right = bitOf(key, node.bitIndex) === 1;
      const sibling = bytesOf(hashOf(right ? node.left : node.right, this.#hasher));
      steps.push({ bitIndex: node.bitIndex, sibling });
      node = right ? node.right : node.left;
    }
    return { steps };
  }

  #contains(key: Text32): boolean {
    return nearestLeaf(this.#node, key)?.key === key;
  }
}

function isInner(node: Node): node is Inner {
  return 'bitIndex' in node;
}

function leafOf({ outputId, outputHash }: StateEntry, hasher: Hasher): Leaf {
  const hash = hashStateLeaf(idToBytes(outputId), outputHash, hasher);
  return { key: keyOf(outputId, hasher), hash: textOf(hash) };
}

function innerOf(bitIndex: number, left: Node, right: Node): Inner {
  return { bitIndex, left, right, hash: undefined };
}

/** Depth is at most 256, so recursion is safe; each hash is computed once and kept. */
function hashOf(node: Node, hasher: Hasher): Text32 {
  if (!isInner(node) || node.hash !== undefined) return node.hash as Text32;
  const left = hashOf(node.left, hasher);
  const right = hashOf(node.right, hasher);
  writeBytes(LEFT, left);
  writeBytes(RIGHT, right);
  node.hash = textOf(hashStateInner(node.bitIndex, LEFT, RIGHT, hasher));
  return node.hash;
}

/** The leaf at which a walk by the bits of `key` ends; it shares the longest prefix with `key`. */
function nearestLeaf(root: Node | undefined, key: Text32): Leaf | undefined {
  let node = root;
  while (node !== undefined && isInner(node)) {
    node = bitOf(key, node.bitIndex) === 1 ? node.right : node.left;
  }
  return node;
}

function insertAt(node: Node, leaf: Leaf, bitIndex: number): Node {
  if (isInner(node) && node.bitIndex < bitIndex) {
    return bitOf(leaf.key, node.bitIndex) === 1
      ? innerOf(node.bitIndex, node.left, insertAt(node.right, leaf, bitIndex))
      : innerOf(node.bitIndex, insertAt(node.left, leaf, bitIndex), node.right);
  }
  return bitOf(leaf.key, bitIndex) === 1
    ? innerOf(bitIndex, node, leaf)
    : innerOf(bitIndex, leaf, node);
}

/** The caller made sure that `key` is below `node`. */
function deleteAt(node: Node, key: Text32): Node | undefined {
  if (!isInner(node)) return undefined;
  if (bitOf(key, node.bitIndex) === 1) {
    const right = deleteAt(node.right, key);
    return right === undefined ? node.left : innerOf(node.bitIndex, node.left, right);
  }
  const left = deleteAt(node.left, key);
  return left === undefined ? node.right : innerOf(node.bitIndex, left, node.right);
}

/**
 * The subtree after leaves entered that it lacks and keys left that it has, both sorted; undefined
 * when nothing is left. `sample` is any key below `node`: it shows the prefix that all share.
 */
function change(
  node: Node | undefined,
  sample: Text32,
  added: readonly Leaf[],
  removed: readonly Text32[],
): Node | undefined {
  if (added.length === 0 && removed.length === 0) return node;
  if (node === undefined) {
    assert(removed.length === 0, 'only an unspent output leaves the state tree');
    return rangeOrNothing(added);
  }
  if (!isInner(node) && removed.length > 0) {
    const [key] = removed;
    const isIt = removed.length === 1 && key === node.key;
    assert(isIt, 'only an unspent output leaves the state tree');
    return rangeOrNothing(added);
  }
  const branch = branchOf(sample, added);
  if (isInner(node) && branch >= node.bitIndex) return changeBelow(node, sample, added, removed);
  // What enters leaves the common prefix above this node: there is a new inner node.
  assert(branch < Infinity, 'an output enters the state tree once');
  const at = split(added, (leaf) => leaf.key, branch);
  const [left, right] = [added.slice(0, at), added.slice(at)];
  return bitOf(sample, branch) === 1
    ? joined(branch, rangeOrNothing(left), change(node, sample, right, removed))
    : joined(branch, change(node, sample, left, removed), rangeOrNothing(right));
}

function changeBelow(
  node: Inner,
  sample: Text32,
  added: readonly Leaf[],
  removed: readonly Text32[],
): Node | undefined {
  const addedAt = split(added, (leaf) => leaf.key, node.bitIndex);
  const removedAt = split(removed, (key) => key, node.bitIndex);
  const addedRight = added.slice(addedAt);
  const sampleRight = addedRight.length === 0 ? sample : leftmostKey(node.right);
  const left = change(node.left, sample, added.slice(0, addedAt), removed.slice(0, removedAt));
  const right = change(node.right, sampleRight, addedRight, removed.slice(removedAt));
  return joined(node.bitIndex, left, right);
}

/** The first bit in which one of the sorted leaves differs from `sample`; Infinity if none does. */
function branchOf(sample: Text32, added: readonly Leaf[]): number {
  const [first, last] = [added[0], added.at(-1)];
  if (first === undefined || last === undefined) return Infinity;
  const [low, high] = [first, last].map(({ key }) => firstDifferingBit(sample, key) ?? Infinity);
  return Math.min(low ?? Infinity, high ?? Infinity);
}

function joined(bitIndex: number, left: Node | undefined, right: Node | undefined) {
  if (left === undefined) return right;
  return right === undefined ? left : innerOf(bitIndex, left, right);
}

function leftmostKey(start: Node): Text32 {
  let node = start;
  while (isInner(node)) node = node.left;
  return node.key;
}

/** How many of the sorted items have a 0 at the bit; the keys agree in all bits before it. */
function split<T>(items: readonly T[], keyOfItem: (item: T) => Text32, bitIndex: number): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (bitOf(keyOfItem(items[middle] as T), bitIndex) === 1) high = middle;
    else low = middle + 1;
  }
  return low;
}

function rangeOrNothing(leaves: readonly Leaf[]): Node | undefined {
  return leaves.length === 0 ? undefined : buildRange(leaves, 0, leaves.length);
}

/** Builds the trie of the sorted leaves [from, to). */
function buildRange(leaves: readonly Leaf[], from: number, to: number): Node {
  const first = leaves[from] as Leaf;
  if (to - from === 1) return first;
  const bitIndex = firstDifferingBit(first.key, (leaves[to - 1] as Leaf).key);
  assert(bitIndex !== undefined, 'an output enters the state tree once');
  let low = from;
  let high = to;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (bitOf((leaves[middle] as Leaf).key, bitIndex) === 1) high = middle;
    else low = middle + 1;
  }
  return innerOf(bitIndex, buildRange(leaves, from, low), buildRange(leaves, low, to));
}

function firstDifferingBit(a: Text32, b: Text32): number | undefined {
  for (let index = 0; index < a.length; index++) {
    const difference = a.charCodeAt(index) ^ b.charCodeAt(index);
    if (difference !== 0) return index * 8 + Math.clz32(difference) - 24;
  }
  return undefined;
}

function byKey(one: Leaf, other: Leaf): number {
  if (one.key === other.key) return 0;
  return one.key < other.key ? -1 : 1;
}

function keyOf(outputId: OutputId, hasher: Hasher): Text32 {
  return textOf(stateKey(outputId, hasher));
}

/** As `keyBit` of state-proof.ts. */
function bitOf(key: Text32, bitIndex: number): number {
  return (key.charCodeAt(bitIndex >>> 3) >>> (7 - (bitIndex & 7))) & 1;
}

/** The hashes of two children in turn; no call leaves anything here for the next. */
const LEFT = new Uint8Array(32);
const RIGHT = new Uint8Array(32);

/** By `apply`: the spread of an array goes through an iterator and takes twice as long. */
function textOf(bytes: Uint8Array): Text32 {
  return Reflect.apply(String.fromCharCode, undefined, bytes);
}

function writeBytes(target: Uint8Array, text: Text32): void {
  for (let index = 0; index < 32; index++) target[index] = text.charCodeAt(index);
}

function bytesOf(text: Text32): Uint8Array {
  const bytes = new Uint8Array(32);
  writeBytes(bytes, text);
  return bytes;
}
