/** Outputs for the benchmark of the state tree: the same ones for every structure, from a seed. */
import { bytesToHex, type OutputId } from '../../../libs/tangle/src/core/codec/ids.ts';
import type { StateEntry } from '../../../libs/tangle/src/core/ledger/state-tree.ts';
import type { Hasher } from '../../../libs/tangle/src/core/ports.ts';
import { SeededRandom } from '../../fuzz/random-objects.ts';

/** Output number `index`; transaction ids are hashes, so these are too. */
export function outputNumber(index: number, hasher: Hasher): StateEntry {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setUint32(0, index, true);
  const outputId = `${bytesToHex(hasher.blake2b256(bytes))}0000` as OutputId;
  bytes[7] = 1;
  return { outputId, outputHash: hasher.blake2b256(bytes) };
}

export interface Changes {
  readonly created: StateEntry[];
  readonly consumed: OutputId[];
}

/** Milestones after a first state: each creates new outputs and consumes as many at random. */
export class Milestones {
  readonly #live: Uint32Array;
  readonly #random: SeededRandom;
  readonly #hasher: Hasher;
  #next: number;

  /** The first state holds the outputs numbered 0 to `size` − 1. */
  constructor(size: number, seed: number, hasher: Hasher) {
    this.#live = Uint32Array.from({ length: size }, (_, index) => index);
    this.#random = new SeededRandom(seed);
    this.#hasher = hasher;
    this.#next = size;
  }

  /** `count` outputs come and `count` older ones go, so that the size stays. */
  next(count: number): Changes {
    const places = new Set<number>();
    while (places.size < count) places.add(this.#random.between(0, this.#live.length - 1));
    const created: StateEntry[] = [];
    const consumed: OutputId[] = [];
    for (const place of places) {
      consumed.push(outputNumber(this.#live[place] ?? 0, this.#hasher).outputId);
      this.#live[place] = this.#next;
      created.push(outputNumber(this.#next++, this.#hasher));
    }
    return { created, consumed };
  }

  /** `count` of the outputs that are unspent now, each once. */
  sample(count: number): StateEntry[] {
    const step = Math.max(1, Math.floor(this.#live.length / count));
    const found: StateEntry[] = [];
    for (let at = 0; at < this.#live.length && found.length < count; at += step) {
      found.push(outputNumber(this.#live[at] ?? 0, this.#hasher));
    }
    return found;
  }
}
