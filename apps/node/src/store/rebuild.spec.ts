import { afterEach, describe, expect, it } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkBlock } from '@tanglemail/tangle/core/block/rules.ts';
import { encodeBlock, encodeBlockWithoutNonce } from '@tanglemail/tangle/core/codec/block.ts';
import type { BlockId } from '@tanglemail/tangle/core/codec/ids.ts';
import { powDigest } from '@tanglemail/tangle/core/block/pow.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { nobleVerifier } from '@tanglemail/tangle/core/crypto/ed25519-strict.ts';
import { Dag } from '@tanglemail/tangle/core/dag/dag.ts';
import { signMilestone, type BuiltMilestone } from '@tanglemail/tangle/core/milestone/build.ts';
import { assembleCertificate } from '@tanglemail/tangle/core/milestone/certificate.ts';
import { genesisMilestone } from '@tanglemail/tangle/core/milestone/genesis.ts';
import { TipPool } from '@tanglemail/tangle/core/tips/tip-pool.ts';
import { ConfirmationEngine } from '../confirmation/confirmation-engine.ts';
import { Intake } from '../processor/intake.ts';
import { TEST_PARAMS, TEST_POW, testGenesis, VALIDATOR_KEY } from '../testing/test-network.ts';
import { NodeStore } from './node-store.ts';
import { rebuild } from './rebuild.ts';

const GENESIS = { ...testGenesis(), params: { ...TEST_PARAMS, belowMaxDepth: 8, powBaseBits: 1 } };
const ROOT = genesisMilestone(GENESIS, nobleHasher);
const DEPTH = GENESIS.params.belowMaxDepth;
const rules = {
  params: GENESIS.params,
  networkId: ROOT.networkId,
  loadBits: 0,
  hasher: nobleHasher,
};

let folder: string;
afterEach(() => rm(folder, { recursive: true }));

/** A small seeded generator, so that a failure can be repeated. */
function randomOf(seed: number) {
  let state = seed;
  return (bound: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * bound);
  };
}

/** The memory of a node over a store, as node.ts wires it, on a clock of its own. */
class Memory {
  readonly dag = new Dag({ belowMaxDepth: DEPTH });
  readonly tips: TipPool;
  readonly wanted: BlockId[] = [];
  readonly intake: Intake;
  readonly engine: ConfirmationEngine;
  nowMs = GENESIS.timestampMs;
  readonly #store: NodeStore;

  constructor(store: NodeStore, latest: ConfirmationEngine['latest'], seed: number) {
    this.#store = store;
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
        committee: GENESIS.committee,
        hasher: nobleHasher,
        verifier: nobleVerifier,
        clock: { nowMs: () => this.nowMs },
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

  rebuild() {
    const { dag, tips, intake } = this;
    return rebuild({ store: this.#store, dag, tips, intake }, this.index, DEPTH);
  }

  get index(): number {
    return this.engine.latest.header.index;
  }

  async issue(nonce: number): Promise<BlockId> {
    const roots = (id: BlockId) => this.dag.coneRoots(id);
    const parents = this.tips.select(2, this.index, roots, this.nowMs).toSorted();
    const data = Buffer.from(`${nonce}`);
    const payload = { kind: 'tagged-data', tag: Buffer.from('t'), data } as const;
    const base = { version: 1, networkId: ROOT.networkId, parents, payload } as const;
    const digest = powDigest(encodeBlockWithoutNonce(base), nobleHasher);
    const found = await TEST_POW.solve(digest, 3);
    const checked = checkBlock(encodeBlock({ ...base, nonce: found.nonce }), rules);
    if (!checked.ok) throw new Error(checked.code);
    await this.#store.save([checked.value]);
    const added = await this.intake.add(checked.value.id, parents, '');
    if (!added.ok) throw new Error(added.code);
    return checked.value.id;
  }

  async milestone(): Promise<void> {
    const made = await this.engine.propose(
      () => ({
        parents: this.tips.heaviest(this.index, this.dag, this.nowMs),
        timestampMs: this.nowMs,
        view: this.engine.latest.header.view + 1n,
      }),
      (built) => Promise.resolve(certify(built)),
    );
    if (!made.ok) throw new Error(made.code);
  }
}

function certify({ header, body }: BuiltMilestone) {
  const signer = { networkId: ROOT.networkId, seat: 0, secretKey: VALIDATOR_KEY.secretKey };
  const vote = signMilestone(header, 'finalize', signer, nobleHasher);
  const certificate = assembleCertificate([vote], 1);
  if (certificate === undefined) throw new Error('one of one is a quorum');
  return { header, body, certificate };
}

describe('rebuild', () => {
  it.each([1, 2, 3])('makes the same DAG of the store as before (seed %i)', async (seed) => {
    folder = await mkdtemp(join(tmpdir(), 'rebuild-'));
    const path = join(folder, 'store');
    const random = randomOf(seed);
    const first = await NodeStore.open(path, ROOT, nobleHasher);
    const before = new Memory(first.store, first.latest, seed);
    await before.rebuild();
    let count = 0;
    for (let round = 0; round < 30; round++) {
      before.nowMs += GENESIS.params.heartbeatMs;
      // Every third round is a heartbeat, and there is a long silence in the middle.
      const isQuiet = round % 3 === 2 || (round > 10 && round < 22);
      for (let left = isQuiet ? 0 : 1 + random(5); left > 0; left--) await before.issue(count++);
      await before.milestone();
    }
    for (let left = 0; left < 4; left++) await before.issue(count++);
    await first.store.close();

    const second = await NodeStore.open(path, ROOT, nobleHasher);
    const after = new Memory(second.store, second.latest, seed);
    after.nowMs = before.nowMs;
    const rebuilt = await after.rebuild();
    expect(rebuilt.unreferenced).toBe(4);
    expect(after.index).toBe(before.index);
    expect(after.engine.latest.stateTree.root()).toEqual(before.engine.latest.stateTree.root());
    expect([...after.dag.unreferenced()].toSorted()).toEqual(
      [...before.dag.unreferenced()].toSorted(),
    );
    for (const id of before.dag.unreferenced()) {
      expect(after.dag.coneRoots(id)).toEqual(before.dag.coneRoots(id));
      for (const parent of before.dag.parentsOf(id) ?? []) {
        expect(after.dag.rootIndexOf(parent)).toBe(before.dag.rootIndexOf(parent));
      }
    }
    expect(after.wanted).toEqual([]);

    for (const one of [before, after]) one.nowMs += GENESIS.params.heartbeatMs;
    await after.milestone();
    await after.issue(count);
    await second.store.close();
  });
});
