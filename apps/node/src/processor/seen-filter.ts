/**
 * Remembers what became of recent blocks by a salted 64-bit hash of their bytes, the cheapest check
 * of the path: most gossip arrives more than once. The salt is fresh per process, so nobody can
 * prepare two blocks with one hash. Bounded: two generations of `size` entries each.
 */
import xxhash from 'xxhash-wasm';

export type SeenKey = bigint;

/** A map from recent blocks to `V` that forgets the older half when the newer half is full. */
export class SeenFilter<V> {
  readonly #hash: (bytes: Uint8Array) => bigint;
  readonly #size: number;
  #young = new Map<SeenKey, V>();
  #old = new Map<SeenKey, V>();

  /** `hash` is keyed and well mixed; `size` bounds one generation. */
  constructor(hash: (bytes: Uint8Array) => bigint, size: number) {
    this.#hash = hash;
    this.#size = size;
  }

  keyOf(bytes: Uint8Array): SeenKey {
    return this.#hash(bytes);
  }

  get(key: SeenKey): V | undefined {
    return this.#young.get(key) ?? this.#old.get(key);
  }

  set(key: SeenKey, value: V): void {
    this.#young.set(key, value);
    if (this.#young.size < this.#size) return;
    this.#old = this.#young;
    this.#young = new Map();
  }
}

/** xxhash64 with `salt` (8 bytes of randomness as a number). */
export async function saltedHash(salt: bigint): Promise<(bytes: Uint8Array) => bigint> {
  const hasher = await xxhash();
  return (bytes) => hasher.h64Raw(bytes, salt);
}
