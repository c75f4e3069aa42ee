/**
 * What a run begins with: its options, the network's parameters, its committee and its users.
 * Path: `main.ts` → here → `world.ts`.
 */
import { faultsTolerated } from '@tanglemail/tangle/core/milestone/committee.ts';
import { genesisMilestone } from '@tanglemail/tangle/core/milestone/genesis.ts';
import { NETWORK_PRESETS, type NetworkParams } from '@tanglemail/tangle/core/params/networks.ts';
import type { Hasher } from '@tanglemail/tangle/core/ports.ts';
import type { SimNetworkRules } from './chain.ts';
import type { Measures, SimNode } from './node.ts';
import { SeededRandom } from './random.ts';
import { bondable, type Signing } from './signing.ts';
import { FIRST_WALLET, walletAddress, WALLETS } from './traffic.ts';

export interface SimOptions {
  readonly seed: number;
  /** Seats of the first committee; each is a node. */
  readonly nodes: number;
  /** Byzantine seats; by default up to f, drawn from the seed. */
  readonly byzantine?: number;
  readonly measures?: Partial<Measures>;
  /** Only the first so many faults of the schedule happen. */
  readonly faultsMax?: number;
  /** Length of the safety phase, milliseconds of virtual time. */
  readonly phaseMs?: number;
  /** Power cuts every few seconds instead of the seed's own faults. */
  readonly isStormy?: boolean;
  /** The byzantine seats are f that vote and never say again what they said before a crash. */
  readonly isForgetful?: boolean;
  /** In each power cut of a storm so many seats lose their disks, whether or not that is borne. */
  readonly wiped?: number;
  /** Only the faults of the first schedule: no wiped disks, no relays that exchange bodies. */
  readonly isPlain?: boolean;
  /** Seats are bought with bonds: more nodes than seats, and users who bond and unbond. */
  readonly isElecting?: boolean;
  /** Milestones of an epoch; 16 by default, 6 to 10 with elections. */
  readonly epochLength?: number;
  readonly print?: (line: string) => void;
  /** Breaks a node on purpose, to see the checkers find it: when it is made, at each commit. */
  readonly sabotage?: (node: SimNode, moment: 'made' | 'committed') => void;
}

/** What does not depend on the seed. */
export interface SimTools {
  readonly hasher: Hasher;
  readonly signing: Signing;
}

export const PHASE_MS = 30_000;
export const START_MS = 1_700_000_000_000;
/** A bond that counts, base units. */
const BOND_MIN = 10_000n;
/** Parts the chance of elections from the rest. */
const ELECTION_CHANCE = 0x3c6e_f372;

export const ALL_MEASURES: Measures = {
  syncsVotes: true,
  syncsCones: true,
  variesRepeats: true,
  guardsSilence: true,
  checksBodies: true,
};

const PARAMS: NetworkParams = {
  ...NETWORK_PRESETS.test,
  milestoneIntervalMs: 500,
  heartbeatMs: 2_000,
  belowMaxDepth: 15,
  epochLength: 16,
};

/** What does not change during a run. */
export interface Setup {
  readonly rules: SimNetworkRules;
  readonly signing: Signing;
  readonly hasher: Hasher;
  /** Nodes, with a seat at the beginning or without. */
  readonly size: number;
  /** Nodes that may be wrong in any way at a time: f of each committee that there may be. */
  readonly faultyMax: number;
  /** Chance of what only elections need; undefined where nobody is elected. */
  readonly elections: SeededRandom | undefined;
}

/** The beginning of a run. */
export function setUp(options: SimOptions, tools: SimTools): Setup {
  const { hasher } = tools;
  const { nodes: seats, seed, isElecting = false } = options;
  const elections = isElecting ? new SeededRandom(seed ^ ELECTION_CHANCE) : undefined;
  // Four is the smallest committee that is ever elected.
  const size = elections === undefined ? seats : seats + Math.max(3, Math.ceil(seats / 2));
  const faultyMax = faultsTolerated(elections === undefined ? seats : Math.min(seats, 4));
  const signing =
    elections === undefined ? tools.signing : bondable(tools.signing, size, FIRST_WALLET);
  const shortEpoch = elections === undefined ? {} : { epochLength: 6 + elections.below(5) };
  const { epochLength = shortEpoch.epochLength ?? PARAMS.epochLength } = options;
  const validatorBondMin = elections === undefined ? 0n : BOND_MIN;
  const params = { ...PARAMS, epochLength, validatorBondMin };
  const committee = Array.from({ length: seats }, (_, seat) => signing.publicKey(seat));
  const outputs = Array.from({ length: 2 * WALLETS }, (_, at) => ({
    address: walletAddress(at % WALLETS, signing, hasher),
    amount: 1_000_000n,
  }));
  const start = genesisMilestone(
    { name: 'test', timestampMs: START_MS, params, committee, outputs },
    hasher,
  );
  const rules = { start, params, committee, hasher, verifier: signing.verifier };
  return { rules, signing, hasher, size, faultyMax, elections };
}
