/**
 * Goal 10, in a node of the committee: a milestone that is judged before it is final and committed
 * after it (`check`, then `confirm`) against one that comes final and is judged as it is committed.
 * Both nodes have the same blocks in real stores; a third one leads. What is executed once differs
 * by the second reading of the blocks only. Executions are counted by the questions for inputs.
 */
import { genesisCommittees } from '../../apps/node/src/committees.ts';
import { ConfirmationEngine } from '../../apps/node/src/confirmation/confirmation-engine.ts';
import { NodeStore } from '../../apps/node/src/store/node-store.ts';
import { checkBlock, type CheckedBlock } from '../../libs/tangle/src/core/block/rules.ts';
import { GENESIS_BLOCK_ID, type BlockId } from '../../libs/tangle/src/core/codec/ids.ts';
import type { Milestone } from '../../libs/tangle/src/core/codec/milestone.ts';
import { Dag } from '../../libs/tangle/src/core/dag/dag.ts';
import { signMilestone, type BuiltMilestone } from '../../libs/tangle/src/core/milestone/build.ts';
import { assembleCertificate } from '../../libs/tangle/src/core/milestone/certificate.ts';
import type { GenesisMilestone } from '../../libs/tangle/src/core/milestone/genesis.ts';
import type { Outcome } from '../../libs/tangle/src/core/outcome.ts';
import { NETWORK_PRESETS } from '../../libs/tangle/src/core/params/networks.ts';
import type { Hasher } from '../../libs/tangle/src/core/ports.ts';
import { ACCEPT_ALL, committeeKeys } from '../../libs/tangle/src/core/testing/ledger-fixtures.ts';
import { TipPool } from '../../libs/tangle/src/core/tips/tip-pool.ts';
import { bestHasher } from '../../libs/tangle/src/io/accel/hasher.ts';
import { atMost, valueAtMost, type Bench, type BenchContext, type Measurement } from './bench.ts';
import { benchGenesis, genesisDocument, makeBlocks, smallData, transfers } from './feed.ts';
import { compare, interleave, type Cost } from './measure.ts';

const PARAMS = NETWORK_PRESETS.test;
const BLOCKS = 4_096;
const QUICK_BLOCKS = 512;
/** Every so many blocks one carries a transaction. */
const TRANSACTION_EVERY = 10;
/** Tips that a milestone names. */
const NAMED = 8;

/** What the engine needs of a node, over a real store. */
class EngineNode {
  readonly engine: ConfirmationEngine;
  readonly store: NodeStore;
  readonly #dag: Dag;
  /** Milestones that were executed. */
  executions = 0;

  private constructor({ store, latest }: Awaited<ReturnType<typeof NodeStore.open>>, by: Hasher) {
    const { belowMaxDepth } = PARAMS;
    const random = { bytes: (length: number) => new Uint8Array(length), below: () => 0 };
    this.store = store;
    this.#dag = new Dag({ belowMaxDepth });
    this.#dag.addEntryPoint(GENESIS_BLOCK_ID, 0);
    const load = store.loadOutputs.bind(store);
    store.loadOutputs = (ids) => {
      this.executions += 1;
      return load(ids);
    };
    const deps = {
      params: PARAMS,
      committees: genesisCommittees(genesisDocument(1).committee),
      hasher: by,
      verifier: ACCEPT_ALL,
      store,
      dag: this.#dag,
      tips: new TipPool({ belowMaxDepth }, { random }),
      onPruned: () => undefined,
      onConfirmed: () => undefined,
      onFatal: (error: unknown) => {
        throw error;
      },
    };
    this.engine = new ConfirmationEngine(deps, latest);
  }

  static async open(folder: string, start: GenesisMilestone, by: Hasher): Promise<EngineNode> {
    return new EngineNode(await NodeStore.open(folder, start, by), by);
  }

  async take(blocks: readonly CheckedBlock[]): Promise<void> {
    await this.store.save(blocks);
    for (const { id, block } of blocks) {
      if (!this.#dag.add(id, block.parents).ok) throw new Error('blocks come after their parents');
    }
  }
}

function valueOf<T>(outcome: Outcome<T>): T {
  if (!outcome.ok) throw new Error(`${outcome.code} ${outcome.detail}`);
  return outcome.value;
}

/** The same blocks on several nodes, `count` more for each milestone. */
class Rounds {
  readonly #count: number;
  readonly #blocks: readonly CheckedBlock[];
  readonly #start: GenesisMilestone;
  readonly #hasher: Hasher;
  readonly #tips = new Set<BlockId>();
  #taken = 0;

  constructor({ rounds, quick, seed }: BenchContext, hasher: Hasher) {
    this.#count = quick ? QUICK_BLOCKS : BLOCKS;
    const total = this.#count * (rounds + 1);
    this.#start = benchGenesis(Math.ceil(total / TRANSACTION_EVERY), hasher);
    this.#hasher = hasher;
    const transfer = transfers(this.#start, hasher);
    const { networkId } = this.#start;
    const rules = { params: PARAMS, networkId, hasher, loadBits: 0 };
    const all = makeBlocks(
      total,
      networkId,
      (index, random) =>
        index % TRANSACTION_EVERY === 0
          ? transfer(index / TRANSACTION_EVERY, random)
          : smallData(index, random),
      { seed, hasher },
    );
    this.#blocks = all.map((bytes) => valueOf(checkBlock(bytes, rules)));
  }

  async open(context: BenchContext): Promise<EngineNode> {
    return await EngineNode.open(await context.folder(), this.#start, this.#hasher);
  }

  /** Hands the next blocks to all, and has the leader make a milestone of them. */
  async next(leader: EngineNode, others: readonly EngineNode[]): Promise<BuiltMilestone> {
    const blocks = this.#blocks.slice(this.#taken, this.#taken + this.#count);
    this.#taken += blocks.length;
    for (const { id, block } of blocks) {
      for (const parent of block.parents) this.#tips.delete(parent);
      this.#tips.add(id);
    }
    for (const node of [leader, ...others]) await node.take(blocks);
    const { engine } = leader;
    const parents = [...this.#tips].slice(-NAMED);
    const built = await engine.build(engine.latest.id, BigInt(this.#taken), ({ header }) => ({
      parents,
      timestampMs: header.timestampMs + 1_000,
    }));
    return valueOf(built);
  }

  /** The milestone with the certificate of the only seat. */
  certify({ header, body }: BuiltMilestone): Milestone {
    const [seat] = committeeKeys(1);
    if (seat === undefined) throw new Error('a committee of one has a seat');
    const signer = { networkId: this.#start.networkId, seat: 0, secretKey: seat.secretKey };
    const vote = signMilestone(header, 'finalize', signer, this.#hasher);
    const certificate = assembleCertificate([vote], 1);
    if (certificate === undefined) throw new Error('one of one is a quorum');
    return { header, body, certificate };
  }
}

function sumOf(one: readonly Cost[], other: readonly Cost[]): Cost[] {
  return one.map((cost, round) => ({
    thread: cost.thread + (other[round]?.thread ?? Number.NaN),
    process: cost.process + (other[round]?.process ?? Number.NaN),
  }));
}

async function run(context: BenchContext): Promise<Measurement[]> {
  const rounds = new Rounds(context, await bestHasher());
  const leader = await rounds.open(context);
  const [voter, follower] = [await rounds.open(context), await rounds.open(context)];
  let built: BuiltMilestone | undefined;
  const current = (): BuiltMilestone => {
    if (built === undefined) throw new Error('a round begins with its milestone');
    return built;
  };
  const confirmBy = async ({ engine }: EngineNode): Promise<number> => {
    return valueOf(await engine.confirm(rounds.certify(current()))).result.included.length;
  };
  const costs = await interleave(context.rounds, {
    straight: {
      prepare: async () => {
        built = await rounds.next(leader, [voter, follower]);
      },
      run: () => confirmBy(follower),
    },
    check: {
      run: async () => {
        const { id, header, body, result } = current();
        valueOf(await voter.engine.check(id, { header, body }));
        return result.included.length;
      },
    },
    commit: {
      run: () => confirmBy(voter),
      finish: async () => {
        await confirmBy(leader);
      },
    },
  });
  const milestones = leader.engine.latest.header.index;
  for (const { store } of [leader, voter, follower]) await store.close();
  const rowOf = (name: string, contender: readonly Cost[], bound: number | null): Measurement => {
    const compared = compare(contender, costs.straight, 'thread');
    return {
      name,
      value: compared.value,
      limit: compared.limit,
      unit: 'µs/block',
      ratio: compared.costRatio,
      goal: bound === null ? null : atMost(bound),
    };
  };
  const size = current().result.included.length;
  return [
    rowOf(
      `milestone of ${size}, check + commit / both at once`,
      sumOf(costs.check, costs.commit),
      1.3,
    ),
    rowOf('  … check before it is final', costs.check, null),
    rowOf('  … commit of what was checked', costs.commit, null),
    {
      name: '  … executions of a milestone, by the leader and by a voter',
      value: Math.max(leader.executions, voter.executions) / milestones,
      limit: null,
      unit: '',
      ratio: null,
      goal: valueAtMost(1),
    },
  ];
}

export const speculation: Bench = { name: 'speculation', goal: 10, run };
