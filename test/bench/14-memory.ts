/**
 * Goal 14: what the seen-filter takes per entry, and how much the memory of a node grows while it
 * takes in a million blocks, confirms them and prunes what is old. The parts are the node's own:
 * processor, rules, store, DAG, tips, confirmation; without network. The second half of the blocks
 * is measured: by then every structure has its size.
 */
import { ConfirmationEngine } from '../../apps/node/src/confirmation/confirmation-engine.ts';
import { BlockProcessor } from '../../apps/node/src/processor/block-processor.ts';
import { Intake } from '../../apps/node/src/processor/intake.ts';
import { saltedHash, SeenFilter } from '../../apps/node/src/processor/seen-filter.ts';
import { NodeStore } from '../../apps/node/src/store/node-store.ts';
import { makeMilestone } from '../../apps/node/src/testing/make-milestone.ts';
import { checkBlock, signatureClaims } from '../../libs/tangle/src/core/block/rules.ts';
import { blockIdOf } from '../../libs/tangle/src/core/codec/block.ts';
import { GENESIS_BLOCK_ID, type BlockId } from '../../libs/tangle/src/core/codec/ids.ts';
import type { Milestone } from '../../libs/tangle/src/core/codec/milestone.ts';
import { Dag } from '../../libs/tangle/src/core/dag/dag.ts';
import { signMilestone, type BuiltMilestone } from '../../libs/tangle/src/core/milestone/build.ts';
import { assembleCertificate } from '../../libs/tangle/src/core/milestone/certificate.ts';
import { NETWORK_PRESETS } from '../../libs/tangle/src/core/params/networks.ts';
import { committeeKeys } from '../../libs/tangle/src/core/testing/ledger-fixtures.ts';
import { TipPool } from '../../libs/tangle/src/core/tips/tip-pool.ts';
import { bestHasher } from '../../libs/tangle/src/io/accel/hasher.ts';
import { bestVerifier } from '../../libs/tangle/src/io/accel/verifier.ts';
import { SILENT_LOGGER } from '../../libs/tangle/src/io/logger.ts';
import { SeededRandom } from '../fuzz/random-objects.ts';
import { valueAtMost, type Bench, type BenchContext, type Measurement } from './bench.ts';
import { benchGenesis, mine, smallData } from './feed.ts';
import { inline, PACK_BLOCKS } from './intake-node.ts';
import { collect, liveBytes } from './memory.ts';

const PARAMS = NETWORK_PRESETS.test;
/** Blocks per milestone: a busy network. */
const PER_MILESTONE = 1_024;
/** Milestones that stay in the store below max depth. */
const KEPT = 10;
const SEEN_SIZE = 131_072;
const MIB = 1 << 20;
const BLOCKS = 1_000_000;

/** Bytes per entry that a full filter takes. */
function seenBytes(): number {
  const before = liveBytes();
  const filter = new SeenFilter(() => 0n, SEEN_SIZE);
  const random = new SeededRandom(1);
  const entries = 2 * SEEN_SIZE - 1;
  for (let i = 0; i < entries; i++) {
    filter.set((BigInt(random.u32()) << 32n) | BigInt(random.u32()), 'good');
  }
  const after = liveBytes();
  if (filter.get(0n) !== undefined) throw new Error('zero was not drawn');
  return (after - before) / entries;
}

/** A node without network that makes a milestone when it is told to. */
async function openNode(context: BenchContext) {
  const hasher = await bestHasher();
  const genesis = benchGenesis(1, hasher);
  const { networkId } = genesis;
  const { belowMaxDepth } = PARAMS;
  const { store, latest } = await NodeStore.open(await context.folder(), genesis, hasher);
  const random = new SeededRandom(context.seed);
  const below = (bound: number): number => random.between(0, bound - 1);
  const dag = new Dag({ belowMaxDepth });
  dag.addEntryPoint(GENESIS_BLOCK_ID, 0);
  const tips = new TipPool(
    { belowMaxDepth },
    { random: { below, bytes: (length) => random.bytes(length) } },
  );
  tips.setEntryPoints([GENESIS_BLOCK_ID]);
  const now = { ms: latest.header.timestampMs };
  const fatal = (error: unknown): never => {
    throw error;
  };
  const [seat] = committeeKeys(1);
  if (seat === undefined) throw new Error('a committee of one has a seat');
  const certify = ({ header, body }: BuiltMilestone): Milestone => {
    const by = { networkId, seat: 0, secretKey: seat.secretKey };
    const certificate = assembleCertificate([signMilestone(header, 'finalize', by, hasher)], 1);
    if (certificate === undefined) throw new Error('one of one is a quorum');
    return { header, body, certificate };
  };
  const engine = new ConfirmationEngine(
    {
      params: PARAMS,
      hasher,
      verifier: await bestVerifier(),
      store,
      dag,
      tips,
      onPruned: () => undefined,
      onConfirmed: () => undefined,
      onFatal: fatal,
    },
    latest,
  );
  const intake = new Intake({
    dag,
    store,
    requester: { want: fatal, received: () => undefined },
    onSolid: (ids) => {
      for (const id of ids) tips.add(id, dag.parentsOf(id) ?? [], now.ms);
    },
  });
  const rules = { params: PARAMS, networkId, hasher, loadBits: 0 };
  const processor = new BlockProcessor({
    check: (bytes) => checkBlock(bytes, rules),
    idOf: (bytes) => blockIdOf(bytes, hasher),
    claims: ({ block }) => signatureClaims(block, hasher),
    verifier: inline(await bestVerifier()),
    store,
    intake,
    dag,
    seen: new SeenFilter(await saltedHash(7n), SEEN_SIZE),
    logger: SILENT_LOGGER,
    onFatal: fatal,
  });
  return { store, dag, tips, engine, processor, hasher, networkId, now, random, certify };
}

type OpenNode = Awaited<ReturnType<typeof openNode>>;

async function takePack(node: OpenNode, first: number): Promise<void> {
  const { tips, engine, dag, hasher, networkId, now, processor, random } = node;
  const { index } = engine.latest.header;
  const roots = (id: BlockId) => dag.coneRoots(id);
  const pack = Array.from({ length: PACK_BLOCKS }, (_, i) => {
    const parents = tips.select(4, index, roots, now.ms).toSorted();
    const payload = smallData(first + i, random);
    return mine({ version: 1, networkId, parents, payload }, hasher);
  });
  now.ms += PACK_BLOCKS;
  const outcomes = await Promise.all(pack.map((one) => processor.submit(one, 'gossip', 'peer')));
  const failed = outcomes.find((outcome) => !outcome.ok);
  if (failed !== undefined) throw new Error(`a block of the bench was refused: ${failed.code}`);
}

/** Makes a milestone and prunes the store as far as it may. */
async function confirm(node: OpenNode): Promise<void> {
  const { engine, tips, dag, now, certify, store } = node;
  const { header } = engine.latest;
  const parents = tips.heaviest(header.index, dag);
  const proposal = { parents, timestampMs: now.ms, view: header.view + 1n };
  const made = await makeMilestone(engine, proposal, certify);
  if (!made.ok) throw new Error(`no milestone: ${made.code} ${made.detail}`);
  const target = header.index - PARAMS.belowMaxDepth - KEPT;
  while (store.prunedIndex < target) await store.pruneNext();
}

/** Resident and heap memory in MiB over the second half of `count` blocks. */
async function growth(context: BenchContext, count: number) {
  const node = await openNode(context);
  const samples: { rss: number; heap: number }[] = [];
  for (let done = 0; done < count; done += PACK_BLOCKS) {
    await takePack(node, done);
    if ((done + PACK_BLOCKS) % PER_MILESTONE !== 0) continue;
    await confirm(node);
    // Ten looks or more in the half that counts.
    if ((done + PACK_BLOCKS) % Math.max(PER_MILESTONE, Math.floor(count / 20)) >= PER_MILESTONE) {
      continue;
    }
    collect();
    const { rss, heapUsed, arrayBuffers } = process.memoryUsage();
    samples.push({ rss: rss / MIB, heap: (heapUsed + arrayBuffers) / MIB });
  }
  const held = node.dag.size;
  await node.processor.stop();
  await node.store.close();
  const half = samples.slice(samples.length >>> 1);
  const rise = (of: 'rss' | 'heap'): number => (half.at(-1)?.[of] ?? 0) - (half[0]?.[of] ?? 0);
  return { rss: rise('rss'), heap: rise('heap'), held };
}

async function run(context: BenchContext): Promise<Measurement[]> {
  const row = (name: string, value: number, unit: string, bound: number | null): Measurement => ({
    name,
    value,
    unit,
    limit: null,
    ratio: null,
    goal: bound === null ? null : valueAtMost(bound),
  });
  const perEntry = seenBytes();
  const count = context.quick ? 8 * PER_MILESTONE : BLOCKS;
  const { rss, heap, held } = await growth(context, count);
  const blocks = `${count.toLocaleString('en')} blocks under pruning`;
  return [
    row('seen-filter, full', perEntry, 'B/entry', 40),
    row(`memory growth, resident, ${blocks}`, rss, 'MiB', 64),
    row(`memory growth, heap, ${blocks}`, heap, 'MiB', 64),
    row('  … blocks in the DAG at the end', held, 'blocks', null),
  ];
}

export const memory: Bench = { name: 'memory', goal: 14, run };
