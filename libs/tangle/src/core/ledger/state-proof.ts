/**
 * Proof that an output is unspent: the path of its leaf to a milestone's state root. A browser
 * checks it with one hash per level. Path: `ledger/state-tree.ts` makes it, `milestone/
 * light-client.ts` checks it. Spec: docs/spec/08-ledger.md §5.
 *
 * ```
 * key   = BLAKE2b-256(outputId 34)
 * leaf  = BLAKE2b-256(00 | outputId 34 | BLAKE2b-256(output bytes) 32)
 * inner = BLAKE2b-256(01 | bitIndex u16 | left 32 | right 32)     bit 0 = top bit of byte 0
 * PROOF   count u16 ≤ 256 | (bitIndex u16 | sibling 32) × count, from the root to the leaf
 * ```
 */
import { equalBytes } from '@noble/curves/utils.js';
import type { OutputId } from '../codec/ids.ts';
import { idToBytes, OUTPUT_ID_LENGTH } from '../codec/ids.ts';
import { decodeWith, refuse } from '../codec/reader.ts';
import { Writer } from '../codec/writer.ts';
import { assert, type Outcome } from '../outcome.ts';
import { MAX_STATE_PROOF_SIZE, MAX_STATE_PROOF_STEPS } from '../params/limits.ts';
import type { Hasher } from '../ports.ts';

/** One level: the bit that decides between the two children, and the child that is not ours. */
export interface StateProofStep {
  /** 0–255, growing from the root to the leaf. */
  readonly bitIndex: number;
  /** 32 bytes. */
  readonly sibling: Uint8Array;
}

/** The path of one leaf, from the root to the leaf. */
export interface StateProof {
  readonly steps: readonly StateProofStep[];
}

/** The place of an output in the trie: 32 bytes. */
export function stateKey(outputId: OutputId, hasher: Hasher): Uint8Array {
  return hasher.blake2b256(idToBytes(outputId));
}

/** Bit `bitIndex` (0–255) of a key; 0 is the most significant bit of the first byte. */
export function keyBit(key: Uint8Array, bitIndex: number): 0 | 1 {
  return (((key[bitIndex >>> 3] as number) >>> (7 - (bitIndex & 7))) & 1) as 0 | 1;
}

/**
 * The inputs of all leaves and of all inner nodes in turn: engines keep arrays of more than 64
 * bytes outside their heap, and making one costs as much as hashing it. Every call writes all
 * bytes but the first, which tells leaf and node apart.
 */
const LEAF_INPUT = new Uint8Array(67);
const INNER_INPUT = Uint8Array.of(1, ...new Uint8Array(66));

/** `outputId` 34 bytes, `outputHash` 32 bytes. */
export function hashStateLeaf(
  outputId: Uint8Array,
  outputHash: Uint8Array,
  hasher: Hasher,
): Uint8Array {
  assert(outputId.length === OUTPUT_ID_LENGTH, 'an output id has 34 bytes');
  LEAF_INPUT.set(outputId, 1);
  LEAF_INPUT.set(outputHash, 35);
  return hasher.blake2b256(LEAF_INPUT);
}

/** The bit index is hashed as well: a proof cannot move a subtree to another level. */
export function hashStateInner(
  bitIndex: number,
  left: Uint8Array,
  right: Uint8Array,
  hasher: Hasher,
): Uint8Array {
  assert(left.length === 32 && right.length === 32, 'a node hashes two hashes');
  INNER_INPUT[1] = bitIndex & 0xff;
  INNER_INPUT[2] = bitIndex >>> 8;
  INNER_INPUT.set(left, 3);
  INNER_INPUT.set(right, 35);
  return hasher.blake2b256(INNER_INPUT);
}

/**
 * True when the output with this id and hash is in the tree with this root. Never throws on a proof
 * that `decodeStateProof` gave.
 */
export function verifyStateProof(
  root: Uint8Array,
  outputId: OutputId,
  outputHash: Uint8Array,
  proof: StateProof,
  hasher: Hasher,
): boolean {
  const idBytes = idToBytes(outputId);
  const key = hasher.blake2b256(idBytes);
  let hash = hashStateLeaf(idBytes, outputHash, hasher);
  for (const { bitIndex, sibling } of proof.steps.toReversed()) {
    hash =
      keyBit(key, bitIndex) === 1
        ? hashStateInner(bitIndex, sibling, hash, hasher)
        : hashStateInner(bitIndex, hash, sibling, hasher);
  }
  return equalBytes(root, hash);
}

/** The proof's bytes, at most `MAX_STATE_PROOF_SIZE`. */
export function encodeStateProof(proof: StateProof): Uint8Array {
  const writer = new Writer(2 + proof.steps.length * 34);
  writer.count16(proof.steps.length, 0, MAX_STATE_PROOF_STEPS);
  for (const { bitIndex, sibling } of proof.steps) {
    writer.u16(bitIndex);
    writer.fixed(sibling, 32);
  }
  return writer.finish();
}

/**
 * Decodes a proof. Bit indexes above 255, or that do not grow, are 'proof-invalid': no tree has
 * such a path.
 */
export function decodeStateProof(bytes: Uint8Array): Outcome<StateProof> {
  return decodeWith(bytes, MAX_STATE_PROOF_SIZE, (reader) => {
    const count = reader.count16(0, MAX_STATE_PROOF_STEPS);
    const steps: StateProofStep[] = [];
    let previous = -1;
    for (let index = 0; index < count; index++) {
      const bitIndex = reader.u16();
      if (bitIndex <= previous || bitIndex > 255) refuse('proof-invalid');
      previous = bitIndex;
      steps.push({ bitIndex, sibling: reader.bytes(32) });
    }
    return { steps };
  });
}
