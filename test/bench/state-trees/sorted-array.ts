/**
 * A Merkle tree (TIP-4, RFC 6962) over the outputs in the order of their ids, in flat arrays: what
 * the first design had in mind. It takes the least memory and proves absence by two neighbours, but
 * one output that enters or leaves moves all behind it, and every pair of them is hashed anew.
 */
import type { OutputId } from '../../../libs/tangle/src/core/codec/ids.ts';
import { bytesToHex, idToBytes } from '../../../libs/tangle/src/core/codec/ids.ts';
import { hashStateLeaf } from '../../../libs/tangle/src/core/ledger/state-proof.ts';
import type { StateEntry } from '../../../libs/tangle/src/core/ledger/state-tree.ts';
import type { Hasher } from '../../../libs/tangle/src/core/ports.ts';
import { compareBytes, type StateStructure, type StructureKind } from './structure.ts';

const ID = 34;
const INPUT = Uint8Array.of(1, ...new Uint8Array(64));

/** `ids`, 34 bytes each and ascending, and their leaf hashes, 32 each. */
interface Rows {
  readonly ids: Uint8Array;
  readonly leaves: Uint8Array;
  readonly size: number;
}

function emptyRows(size: number): Rows {
  return { ids: new Uint8Array(size * ID), leaves: new Uint8Array(size * 32), size };
}

/** All levels from the leaves up to the root; an odd last node rises as it is. */
function levelsOf({ leaves }: Rows, hasher: Hasher): Uint8Array[] {
  const levels = [leaves];
  for (let level = leaves; level.length > 32;) {
    const count = level.length / 32;
    const above = new Uint8Array(Math.ceil(count / 2) * 32);
    for (let pair = 0; pair + 1 < count; pair += 2) {
      INPUT.set(level.subarray(pair * 32, pair * 32 + 64), 1);
      above.set(hasher.blake2b256(INPUT), pair * 16);
    }
    if (count % 2 === 1) above.set(level.subarray(-32), above.length - 32);
    levels.push(above);
    level = above;
  }
  return levels;
}

function idAt({ ids }: Rows, index: number): Uint8Array {
  return ids.subarray(index * ID, index * ID + ID);
}

/** How many ids come before `id`. */
function positionOf(rows: Rows, id: Uint8Array): number {
  let [low, high] = [0, rows.size];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareBytes(idAt(rows, middle), id) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The rows after a milestone: runs between two changes are copied whole. */
function changedRows(
  old: Rows,
  created: readonly StateEntry[],
  consumed: readonly OutputId[],
  hasher: Hasher,
): Rows {
  const entering = created.map((entry) => ({ id: idToBytes(entry.outputId), entry }));
  const changes = [
    ...entering,
    ...consumed.map((id) => ({ id: idToBytes(id), entry: undefined })),
  ].toSorted((one, other) => compareBytes(one.id, other.id));
  const rows = emptyRows(old.size + created.length - consumed.length);
  let [from, to] = [0, 0];
  const copyUpTo = (end: number): void => {
    rows.ids.set(old.ids.subarray(from * ID, end * ID), to * ID);
    rows.leaves.set(old.leaves.subarray(from * 32, end * 32), to * 32);
    to += end - from;
    from = end;
  };
  for (const { id, entry } of changes) {
    copyUpTo(positionOf(old, id));
    if (entry === undefined) {
      from++;
      continue;
    }
    rows.ids.set(id, to * ID);
    rows.leaves.set(hashStateLeaf(id, entry.outputHash, hasher), to * 32);
    to++;
  }
  copyUpTo(old.size);
  return rows;
}

/** `size u32 | index u32 | siblings 32 each`, as an audit path of docs/spec/01-block.md. */
function pathOf(levels: readonly Uint8Array[], size: number, index: number): Uint8Array {
  const siblings: Uint8Array[] = [];
  let at = index;
  for (const level of levels.slice(0, -1)) {
    const sibling = (at ^ 1) * 32;
    if (sibling < level.length) siblings.push(level.subarray(sibling, sibling + 32));
    at >>>= 1;
  }
  const head = new DataView(new ArrayBuffer(8));
  head.setUint32(0, size, true);
  head.setUint32(4, index, true);
  return new Uint8Array(Buffer.concat([new Uint8Array(head.buffer), ...siblings]));
}

/** The root that a path gives; `used` is how many bytes of it belong to the path. */
function rootOfPath(leaf: Uint8Array, path: Uint8Array, hasher: Hasher) {
  const head = new DataView(path.buffer, path.byteOffset);
  let [at, last] = [head.getUint32(4, true), head.getUint32(0, true) - 1];
  let [hash, used] = [leaf, 8];
  for (; last > 0; at >>>= 1, last >>>= 1) {
    if (at === last && (at & 1) === 0) continue;
    const sibling = path.subarray(used, used + 32);
    INPUT.set((at & 1) === 1 ? sibling : hash, 1);
    INPUT.set((at & 1) === 1 ? hash : sibling, 33);
    hash = hasher.blake2b256(INPUT);
    used += 32;
  }
  return { hash, used };
}

function wrap(rows: Rows, hasher: Hasher): StateStructure {
  let levels: Uint8Array[] | undefined;
  const tree = (): Uint8Array[] => (levels ??= levelsOf(rows, hasher));
  return {
    size: rows.size,
    apply: (created, consumed) => wrap(changedRows(rows, created, consumed, hasher), hasher),
    root: () => tree().at(-1)?.slice() ?? hasher.blake2b256(new Uint8Array(0)),
    proof: (outputId) => pathOf(tree(), rows.size, positionOf(rows, idToBytes(outputId))),
  };
}

export const sortedArray: StructureKind = {
  name: 'sorted array',
  build: (entries, hasher) => {
    const order = entries.map(({ outputId }, at) => ({ outputId, at }));
    order.sort((one, other) => (one.outputId < other.outputId ? -1 : 1));
    const rows = emptyRows(entries.length);
    for (const [to, { outputId, at }] of order.entries()) {
      const id = idToBytes(outputId);
      rows.ids.set(id, to * ID);
      rows.leaves.set(hashStateLeaf(id, (entries[at] as StateEntry).outputHash, hasher), to * 32);
    }
    return wrap(rows, hasher);
  },
  verify: (root, { outputId, outputHash }, proof, hasher) => {
    const leaf = hashStateLeaf(idToBytes(outputId), outputHash, hasher);
    const { hash, used } = rootOfPath(leaf, proof, hasher);
    return used === proof.length && bytesToHex(hash) === bytesToHex(root);
  },
};
