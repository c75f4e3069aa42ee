/**
 * What the core needs from the world around it: interfaces only, all synchronous. The shell loads
 * what a rule needs beforehand and passes it in; `libs/tangle/src/io/accel` offers fast backends,
 * `core/crypto` the portable reference that a browser uses.
 */
import type { BlockId, OutputId } from './codec/ids.ts';

/** Hashing. Every backend is held to the reference by a self-test when a process starts. */
export interface Hasher {
  /**
   * BLAKE2b with a 32-byte digest and no key (RFC 7693). `bytes` may be written over after the
   * call, the digest belongs to the caller.
   */
  blake2b256(bytes: Uint8Array): Uint8Array;
  /** Where a backend has them. The core does without, with the same results. */
  readonly quick?: QuickHashes;
}

/** What a node hashes most, each in one call. */
export interface QuickHashes {
  /** Id and proof-of-work score (block/pow.ts) of a whole block: nonce length to MAX_BLOCK_SIZE. */
  hashBlock(bytes: Uint8Array): { readonly id: BlockId; readonly powScore: number };
  /** The Merkle root over ids in the order given (ledger/apply-milestone.ts). */
  rootOfIds(ids: readonly BlockId[]): Uint8Array;
}

/** Ed25519 by the STRICT rule (docs/spec/02-transaction.md), the same verdict on every backend. */
export interface Verifier {
  /** `publicKey` 32 bytes, `signature` 64 bytes. False for any other length; never throws. */
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
}

/** One signature to check; what a block's unlocks ask of a verifier. */
export interface SignatureClaim {
  readonly publicKey: Uint8Array;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
}

/** Wall clock, for shells and for the simulation's virtual time. */
export interface Clock {
  /** Milliseconds since 1970, an integer below 2^53. */
  nowMs(): number;
}

/** Randomness. Consensus rules never use it; tip selection and keys do. */
export interface Random {
  /** `length` uniform random bytes. */
  bytes(length: number): Uint8Array;
  /** A uniform integer in [0, bound), bound from 1 to 2^32. */
  below(bound: number): number;
}

/** Blocks by id, as far as the caller has loaded them. */
export interface BlockSource<B> {
  get(id: BlockId): B | undefined;
}

/** Outputs by id, as far as the caller has loaded them. */
export interface OutputSource<O> {
  get(id: OutputId): O | undefined;
}
