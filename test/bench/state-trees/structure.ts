/**
 * What the benchmark of the state tree asks of a structure: a set of unspent outputs with a root,
 * changed once per milestone, and proofs that a light client checks. All structures here share the
 * leaves of the ledger (docs/spec/08-ledger.md §5) and its hash, so that only their shape differs.
 */
import type { OutputId } from '../../../libs/tangle/src/core/codec/ids.ts';
import { idToBytes } from '../../../libs/tangle/src/core/codec/ids.ts';
import { hashStateLeaf } from '../../../libs/tangle/src/core/ledger/state-proof.ts';
import type { StateEntry } from '../../../libs/tangle/src/core/ledger/state-tree.ts';
import type { Hasher } from '../../../libs/tangle/src/core/ports.ts';

/** One state of the set. Changes give a new one and leave this one readable. */
export interface StateStructure {
  readonly size: number;
  /** The set after one milestone: `created` is not in it, `consumed` is. */
  apply(created: readonly StateEntry[], consumed: readonly OutputId[]): StateStructure;
  root(): Uint8Array;
  /** The encoded proof that an output is in the set. */
  proof(outputId: OutputId): Uint8Array;
}

/** A way to commit to the set. */
export interface StructureKind {
  readonly name: string;
  build(this: void, entries: readonly StateEntry[], hasher: Hasher): StateStructure;
  /** What a light client does. `proof` is of the right form. */
  verify(
    this: void,
    root: Uint8Array,
    entry: StateEntry,
    proof: Uint8Array,
    hasher: Hasher,
  ): boolean;
}

/** 32 bytes as 32 characters below 256, as state-tree.ts keeps them: a fifth of the memory. */
export type Text32 = string;

export function textOf(bytes: Uint8Array): Text32 {
  return Reflect.apply(String.fromCharCode, undefined, bytes);
}

/** The bytes of `text`, at `at` of `target`. */
export function writeText(target: Buffer, text: Text32, at: number): void {
  target.write(text, at, 32, 'latin1');
}

export function bytesOf(text: Text32): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'latin1'));
}

/** A leaf of the tries. The id is not kept: a node finds it in its ledger. */
export interface Leaf {
  readonly key: Text32;
  readonly hash: Text32;
}

/** The key of an output: BLAKE2b-256 of its id. */
export function keyOf(outputId: OutputId, hasher: Hasher): Text32 {
  return textOf(hasher.blake2b256(idToBytes(outputId)));
}

/** The same as bytes, for checking a proof. */
export function leafBytesOf({ outputId, outputHash }: StateEntry, hasher: Hasher) {
  const idBytes = idToBytes(outputId);
  return { key: hasher.blake2b256(idBytes), hash: hashStateLeaf(idBytes, outputHash, hasher) };
}

export function leafOf({ outputId, outputHash }: StateEntry, hasher: Hasher): Leaf {
  const hash = hashStateLeaf(idToBytes(outputId), outputHash, hasher);
  return { key: keyOf(outputId, hasher), hash: textOf(hash) };
}

/** Order of bytes. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  return Buffer.compare(a, b);
}
