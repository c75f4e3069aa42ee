/**
 * The Merkle trees of milestones' cones, kept so that a proof costs a few copies instead of
 * hashing up to 20,000 leaves: the least used leave when the bytes are up, one milestone is built
 * once however many ask, and few are built at a time. Path: node-query.ts → here → core/crypto.
 * Spec: docs/spec/11-node-api.md, "Limits".
 */
import { setTimeout } from 'node:timers/promises';
import { idToBytes, type BlockId } from '@tanglemail/tangle/core/codec/ids.ts';
import {
  auditPathIn,
  encodeAuditPath,
  growMerkleLevels,
  type MerkleLevels,
} from '@tanglemail/tangle/core/crypto/merkle.ts';
import type { Hasher } from '@tanglemail/tangle/core/ports.ts';
import type { BlockState } from '@tanglemail/tangle/io/level/block-repository.ts';
import { WorkGate } from './work-gate.ts';

/** What the trees are built from: the store. */
export interface ConeSource {
  /** Undefined when unknown or pruned. */
  cone(index: number): readonly BlockId[] | undefined;
  /** What became of blocks; unknown ones are left out. */
  statesOf(ids: readonly BlockId[]): Promise<ReadonlyMap<BlockId, { state: BlockState }>>;
}

export interface ProofTreesOptions {
  /** Bytes of trees that are kept; one of 20,000 blocks has up to 2.6 MB. */
  readonly maxBytes: number;
  readonly maxBuilding: number;
  readonly maxWaiting: number;
}

const DEFAULTS: ProofTreesOptions = { maxBytes: 32 << 20, maxBuilding: 1, maxWaiting: 256 };

/** The two trees of one milestone. */
export interface ConeTrees {
  readonly inclusion: MerkleLevels;
  readonly applied: MerkleLevels;
  /** White-flag positions of the applied blocks, ascending. */
  readonly appliedPositions: Uint32Array;
  readonly sizeBytes: number;
}

export class ProofTrees {
  readonly #source: ConeSource;
  readonly #hasher: Hasher;
  readonly #options: ProofTreesOptions;
  readonly #gate: WorkGate;
  /** In the order of use, the least lately used first. */
  readonly #kept = new Map<number, ConeTrees>();
  readonly #building = new Map<number, Promise<ConeTrees | undefined>>();
  #bytes = 0;
  #built = 0;

  constructor(source: ConeSource, hasher: Hasher, options: Partial<ProofTreesOptions> = {}) {
    this.#source = source;
    this.#hasher = hasher;
    this.#options = { ...DEFAULTS, ...options };
    const { maxBuilding, maxWaiting } = this.#options;
    this.#gate = new WorkGate({ maxActive: maxBuilding, maxWaiting });
  }

  /** Bytes that are kept. */
  get sizeBytes(): number {
    return this.#bytes;
  }

  /** Trees built since the start. */
  get built(): number {
    return this.#built;
  }

  /** The trees of milestone `index`; undefined when it is not stored. Throws BusyError. */
  async of(index: number): Promise<ConeTrees | undefined> {
    const kept = this.#kept.get(index);
    if (kept !== undefined) {
      this.#kept.delete(index);
      this.#kept.set(index, kept);
      return kept;
    }
    const underWay = this.#building.get(index);
    if (underWay !== undefined) return await underWay;
    const building = this.#gate.run(() => this.#build(index));
    this.#building.set(index, building);
    try {
      return await building;
    } finally {
      this.#building.delete(index);
    }
  }

  async #build(index: number): Promise<ConeTrees | undefined> {
    const cone = this.#source.cone(index);
    if (cone === undefined) return undefined;
    const states = await this.#source.statesOf(cone);
    const positions = cone.flatMap((id, at) => (states.get(id)?.state === 'applied' ? [at] : []));
    const leaves = cone.map((id) => idToBytes(id));
    const inclusion = await this.#grow(leaves);
    const applied = await this.#grow(positions.map((at) => leaves[at] as Uint8Array));
    const appliedPositions = Uint32Array.from(positions);
    const sizeBytes =
      bytesOf(inclusion) + bytesOf(applied) + appliedPositions.byteLength + OVERHEAD_BYTES;
    const trees: ConeTrees = { inclusion, applied, appliedPositions, sizeBytes };
    this.#built += 1;
    this.#keep(index, trees);
    return trees;
  }

  /** Between two steps everything else gets as much time as the step took, and a turn. */
  async #grow(leaves: readonly Uint8Array[]): Promise<MerkleLevels> {
    const growing = growMerkleLevels(leaves, this.#hasher);
    for (;;) {
      const startedMs = performance.now();
      const step = growing.next();
      if (step.done === true) return step.value;
      await setTimeout(performance.now() - startedMs);
    }
  }

  #keep(index: number, trees: ConeTrees): void {
    if (trees.sizeBytes > this.#options.maxBytes) return;
    this.#kept.set(index, trees);
    this.#bytes += trees.sizeBytes;
    for (const [oldest, { sizeBytes }] of this.#kept) {
      if (this.#bytes <= this.#options.maxBytes) return;
      this.#kept.delete(oldest);
      this.#bytes -= sizeBytes;
    }
  }
}

/** What a small entry costs besides its bytes. */
const OVERHEAD_BYTES = 1_024;

function bytesOf(levels: MerkleLevels): number {
  return levels.reduce((sum, level) => sum + level.length, 0);
}

/** The encoded audit path of the block at a white-flag position. */
export function inclusionPathAt({ inclusion }: ConeTrees, position: number): Uint8Array {
  return encodeAuditPath(auditPathIn(inclusion, position));
}

/** The same among the applied ones; undefined for a block that was not applied. */
export function appliedPathAt(trees: ConeTrees, position: number): Uint8Array | undefined {
  const { applied, appliedPositions } = trees;
  let [low, high] = [0, appliedPositions.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((appliedPositions[middle] as number) < position) low = middle + 1;
    else high = middle;
  }
  if (appliedPositions[low] !== position) return undefined;
  return encodeAuditPath(auditPathIn(applied, low));
}
