/**
 * The memory of a node over a store, as node.ts wires it, without network, on a clock of its own: a
 * test issues blocks and makes milestones one by one.
 */
import { checkBlock, type CheckedBlock } from '@tanglemail/tangle/core/block/rules.ts';
import { encodeBlock, encodeBlockWithoutNonce } from '@tanglemail/tangle/core/codec/block.ts';
import type { BlockId } from '@tanglemail/tangle/core/codec/ids.ts';
import type { Payload } from '@tanglemail/tangle/core/codec/payload.ts';
import { powDifficulty, powDigest } from '@tanglemail/tangle/core/block/pow.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { nobleVerifier } from '@tanglemail/tangle/core/crypto/ed25519-strict.ts';
import { Dag } from '@tanglemail/tangle/core/dag/dag.ts';
import { signMilestone, type BuiltMilestone } from '@tanglemail/tangle/core/milestone/build.ts';
import { assembleCertificate } from '@tanglemail/tangle/core/milestone/certificate.ts';
import { genesisMilestone } from '@tanglemail/tangle/core/milestone/genesis.ts';
import type { Hasher } from '@tanglemail/tangle/core/ports.ts';
import { TipPool } from '@tanglemail/tangle/core/tips/tip-pool.ts';
import {
  ConfirmationEngine,
  type ConfirmedMilestone,
} from '../confirmation/confirmation-engine.ts';
import { Intake } from '../processor/intake.ts';
import type { NodeStore, OpenedStore } from '../store/node-store.ts';
import { rebuild } from '../store/rebuild.ts';
import { makeMilestone } from './make-milestone.ts';
import { TEST_PARAMS, TEST_POW, testGenesis, VALIDATOR_KEY } from './test-network.ts';

/** Max depth of eight milestones, so that tests cross it. */
export const GENESIS = {
  ...testGenesis(),
  params: { ...TEST_PARAMS, belowMaxDepth: 8, powBaseBits: 1 },
};
export const ROOT = genesisMilestone(GENESIS, nobleHasher);
export const DEPTH = GENESIS.params.belowMaxDepth;
/** A small seeded generator of integers below a bound, so that a failure can be repeated. */
export function randomOf(seed: number) {
  let state = seed;
  return (bound: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * bound);
  };
}

/** The memory of a node over a store, as node.ts wires it, on a clock of its own. */
export class MemoryNode {
  readonly dag = new Dag({ belowMaxDepth: DEPTH });
  readonly tips: TipPool;
  readonly wanted: BlockId[] = [];
  readonly intake: Intake;
  readonly engine: ConfirmationEngine;
  nowMs = GENESIS.timestampMs;
  readonly store: NodeStore;
  readonly #hasher: Hasher;

  constructor({ store, latest }: OpenedStore, seed: number, hasher: Hasher = nobleHasher) {
    this.store = store;
    this.#hasher = hasher;
    const random = { bytes: (length: number) => new Uint8Array(length), below: randomOf(seed) };
    this.tips = new TipPool({ belowMaxDepth: DEPTH }, { random });
    this.intake = new Intake({
      dag: this.dag,
      store,
      requester: { want: (ids) => this.wanted.push(...ids), received: () => undefined },
      onSolid: (ids) => {
        for (const id of ids) this.tips.add(id, this.dag.parentsOf(id) ?? [], this.nowMs);
      },
    });
    this.engine = new ConfirmationEngine(
      {
        params: GENESIS.params,
        hasher,
        verifier: nobleVerifier,
        store,
        dag: this.dag,
        tips: this.tips,
        onPruned: () => undefined,
        onConfirmed: () => undefined,
        onFatal: (error) => {
          throw error;
        },
      },
      latest,
    );
  }

  /** Fills the memory from the store, as a start does. */
  rebuild() {
    const { dag, tips, intake } = this;
    return rebuild({ store: this.store, dag, tips, intake }, this.index, DEPTH);
  }

  /** The last confirmed milestone. */
  get index(): number {
    return this.engine.latest.header.index;
  }

  /** Makes a block on tips and takes it in. */
  async issue(payload: Payload): Promise<CheckedBlock> {
    const roots = (id: BlockId) => this.dag.coneRoots(id);
    const parents = this.tips.select(2, this.index, roots, this.nowMs).toSorted();
    const base = { version: 1, networkId: ROOT.networkId, parents, payload } as const;
    const digest = powDigest(encodeBlockWithoutNonce(base), this.#hasher);
    const bits = powDifficulty(encodeBlock({ ...base, nonce: 0n }).length, GENESIS.params, 0);
    const found = await TEST_POW.solve(digest, bits);
    const checked = checkBlock(encodeBlock({ ...base, nonce: found.nonce }), {
      params: GENESIS.params,
      networkId: ROOT.networkId,
      loadBits: 0,
      hasher: this.#hasher,
    });
    if (!checked.ok) throw new Error(checked.code);
    await this.take(checked.value);
    return checked.value;
  }

  /** Takes in a block that another node made. */
  async take(block: CheckedBlock): Promise<void> {
    await this.store.save([block]);
    const added = await this.intake.add(block.id, block.block.parents, '');
    if (!added.ok) throw new Error(added.code);
  }

  /** Makes the next milestone of the tips that there are. */
  async milestone(): Promise<ConfirmedMilestone> {
    const { view } = this.engine.latest.header;
    const parents = this.tips.heaviest(this.index, this.dag);
    const proposal = { parents, timestampMs: this.nowMs, view: view + 1n };
    const made = await makeMilestone(this.engine, proposal, certify);
    if (!made.ok) throw new Error(made.code);
    return made.value;
  }
}

function certify({ header, body }: BuiltMilestone) {
  const signer = { networkId: ROOT.networkId, seat: 0, secretKey: VALIDATOR_KEY.secretKey };
  const vote = signMilestone(header, 'finalize', signer, nobleHasher);
  const certificate = assembleCertificate([vote], 1);
  if (certificate === undefined) throw new Error('one of one is a quorum');
  return { header, body, certificate };
}
