/**
 * Remembers what became of recent blocks by a salted 64-bit hash of their bytes, the cheapest check
 * of the path: most gossip arrives more than once. The salt is fresh per process, so nobody can
 * prepare two blocks with one hash. Bounded: two generations of `size` entries each, in typed
 * arrays with open addressing, half full at most: 18 bytes per entry, 36 after a generation has
 * just begun, and nothing for the garbage collector to walk. Spec: docs/spec/14-load.md.
 */
import { assert, ERROR_CODES, type ErrorCode } from '@tanglemail/tangle/core/outcome.ts';
import xxhash from 'xxhash-wasm';

export type SeenKey = bigint;

/** What became of a block: it was good, or the code that refused it. */
export type Seen = 'good' | ErrorCode;

const CODES: readonly Seen[] = ['good', ...(Object.keys(ERROR_CODES) as ErrorCode[])];
const NUMBER_OF = new Map(CODES.map((code, index) => [code, index + 1]));
const LOW_32 = 0xffff_ffffn;

/** One generation: slot → low and high half of the key, and number of the outcome, 0 for empty. */
class Generation {
  readonly #low: Uint32Array;
  readonly #high: Uint32Array;
  readonly #outcomes: Uint8Array;
  readonly #mask: number;
  size = 0;

  constructor(slots: number) {
    this.#low = new Uint32Array(slots);
    this.#high = new Uint32Array(slots);
    this.#outcomes = new Uint8Array(slots);
    this.#mask = slots - 1;
  }

  get(low: number, high: number): Seen | undefined {
    return CODES[(this.#outcomes[this.#slotOf(low, high)] as number) - 1];
  }

  set(low: number, high: number, outcome: number): void {
    const slot = this.#slotOf(low, high);
    if (this.#outcomes[slot] === 0) this.size += 1;
    this.#low[slot] = low;
    this.#high[slot] = high;
    this.#outcomes[slot] = outcome;
  }

  clear(): void {
    this.#outcomes.fill(0);
    this.size = 0;
  }

  /** Where the key is, or the empty slot where it belongs. There always is an empty slot. */
  #slotOf(low: number, high: number): number {
    let slot = low & this.#mask;
    while (this.#outcomes[slot] !== 0) {
      if (this.#low[slot] === low && this.#high[slot] === high) break;
      slot = (slot + 1) & this.#mask;
    }
    return slot;
  }
}

/** Outcomes of recent blocks; forgets the older half when the newer half is full. */
export class SeenFilter {
  readonly #hash: (bytes: Uint8Array) => bigint;
  readonly #size: number;
  #young: Generation;
  #old: Generation;

  /** `hash` is keyed and well mixed; `size` bounds one generation. */
  constructor(hash: (bytes: Uint8Array) => bigint, size: number) {
    assert(size >= 1, 'a generation holds something');
    const slots = 2 ** Math.ceil(Math.log2(size * 2));
    this.#hash = hash;
    this.#size = size;
    this.#young = new Generation(slots);
    this.#old = new Generation(slots);
  }

  keyOf(bytes: Uint8Array): SeenKey {
    return this.#hash(bytes);
  }

  get(key: SeenKey): Seen | undefined {
    const [low, high] = halves(key);
    return this.#young.get(low, high) ?? this.#old.get(low, high);
  }

  set(key: SeenKey, seen: Seen): void {
    const [low, high] = halves(key);
    this.#young.set(low, high, NUMBER_OF.get(seen) ?? 0);
    if (this.#young.size < this.#size) return;
    const emptied = this.#old;
    emptied.clear();
    this.#old = this.#young;
    this.#young = emptied;
  }
}

function halves(key: SeenKey): [low: number, high: number] {
  return [Number(key & LOW_32), Number((key >> 32n) & LOW_32)];
}

/** xxhash64 with `salt` (8 bytes of randomness as a number). */
export async function saltedHash(salt: bigint): Promise<(bytes: Uint8Array) => bigint> {
  const hasher = await xxhash();
  return (bytes) => hasher.h64Raw(bytes, salt);
}
