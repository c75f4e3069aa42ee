/**
 * The parameters of a network. They are part of its genesis document (codec/genesis.ts): whoever
 * has the same document computes the same network id, ledger and first committee.
 * Spec: docs/spec/06-genesis.md.
 */

/** Rules that every node of one network must share; part of the genesis. */
export interface NetworkParams {
  /** Leading zero bits asked of a block of up to 464 bytes; one more per doubling of the size. */
  readonly powBaseBits: number;
  /** Greatest load term that a milestone may add to the difficulty, in bits. */
  readonly powLoadBitsMax: number;
  /** Base units that an output must hold per virtual byte it occupies in every node's ledger. */
  readonly depositPerByte: bigint;
  /** Time between milestones while blocks wait, in milliseconds. */
  readonly milestoneIntervalMs: number;
  /** Time between milestones while nothing waits, in milliseconds. */
  readonly heartbeatMs: number;
  /** Greatest lead of a milestone's timestamp over a node's clock, in milliseconds. */
  readonly maxDriftMs: number;
  /**
   * A block whose oldest cone root is older than this many milestones can no longer be
   * confirmed.
   */
  readonly belowMaxDepth: number;
  /** Milestones of one committee's term. */
  readonly epochLength: number;
  /**
   * Base units that a validator's bond must hold to count in an election. 0: nothing is elected,
   * the committee of the genesis serves for ever.
   */
  readonly validatorBondMin: bigint;
}

const COMMON = {
  powLoadBitsMax: 6,
  depositPerByte: 1n,
  milestoneIntervalMs: 1_000,
  heartbeatMs: 10_000,
  maxDriftMs: 5_000,
  belowMaxDepth: 60,
  epochLength: 3_600,
  validatorBondMin: 0n,
} as const;

/** Ready-made parameters; `tangle-node tools genesis --preset NAME` starts from one of them. */
export const NETWORK_PRESETS = {
  /** A real network. */
  main: { ...COMMON, powBaseBits: 18 },
  /** A public network for trials. */
  testnet: { ...COMMON, powBaseBits: 16 },
  /** A network of one machine: light work, so that a laptop feels no difference. */
  devnet: { ...COMMON, powBaseBits: 12 },
  /** Unit tests: the least work, so that noble can do it. */
  test: { ...COMMON, powBaseBits: 4, milestoneIntervalMs: 200, heartbeatMs: 2_000 },
} as const satisfies Record<string, NetworkParams>;

export type NetworkPreset = keyof typeof NETWORK_PRESETS;

/** `main`: tokens have a price. `test`: they have none, and faucets may give them away. */
export type NetworkKind = 'main' | 'test';

/**
 * The kind of a network by the name in its genesis: `test` if it begins with `dev` or `test`, else
 * `main`. Addresses carry it in their prefix, so that nobody pays to the wrong network.
 */
export function networkKindOf(genesisName: string): NetworkKind {
  return /^(dev|test)/.test(genesisName) ? 'test' : 'main';
}
