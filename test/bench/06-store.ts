/**
 * Goal 6: the node's store under a long stream of blocks, saved in packs and referenced by one
 * milestone per thousand. What it writes and what it takes on the disk is compared with the bytes
 * of the blocks themselves, its longest commit with the median one. Bytes written are counted by
 * the kernel for this process (`wchar` of /proc/self/io: all that was passed to writing calls), so
 * LevelDB's log and compaction are in it. `BENCH_STORE_BLOCKS=5000000` gives the full run.
 */
import { randomFillSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { NodeStore } from '../../apps/node/src/store/node-store.ts';
import { blockIdOf, encodeBlock } from '../../libs/tangle/src/core/codec/block.ts';
import type { BlockId } from '../../libs/tangle/src/core/codec/ids.ts';
import { encodeMilestone, milestoneIdOf } from '../../libs/tangle/src/core/codec/milestone.ts';
import type { LedgerBlock } from '../../libs/tangle/src/core/ledger/apply-milestone.ts';
import type { GenesisMilestone } from '../../libs/tangle/src/core/milestone/genesis.ts';
import type { Hasher } from '../../libs/tangle/src/core/ports.ts';
import { bestHasher } from '../../libs/tangle/src/io/accel/hasher.ts';
import type { StorableBlock } from '../../libs/tangle/src/io/level/block-repository.ts';
import { atMost, type Bench, type BenchContext, type Goal, type Measurement } from './bench.ts';
import { benchGenesis } from './feed.ts';
import { median } from './measure.ts';

const PACK_BLOCKS = 64;
const PACKS_PER_MILESTONE = 16;
const PARENTS = 4;
/** Parents are among so many of the last blocks. */
const WINDOW = 256;
const NORMAL_BLOCKS = 200_000;
const QUICK_BLOCKS = 8_192;
/** The second size only explains the first. */
const MAX_SMALL_BLOCKS = 200_000;

/** Makes blocks of `size` bytes that differ from each other; none has done proof of work. */
class BlockStream {
  readonly #hasher: Hasher;
  readonly #template: Uint8Array;
  readonly #recent: BlockId[];
  #count = 0;

  constructor(networkId: bigint, size: number, hasher: Hasher) {
    this.#hasher = hasher;
    const parents = Array.from({ length: PARENTS }, (_, i) => `${i}`.repeat(64) as BlockId);
    this.#recent = [...parents];
    const rest = encodeBlock({ version: 1, networkId, parents, payload: null, nonce: 0n }).length;
    const bytes = randomFillSync(new Uint8Array(size - rest - 4));
    const payload = { kind: 'envelope', bytes } as const;
    this.#template = encodeBlock({ version: 1, networkId, parents, payload, nonce: 0n });
  }

  pack(): StorableBlock[] {
    return Array.from({ length: PACK_BLOCKS }, () => this.#next());
  }

  #next(): StorableBlock {
    const bytes = Buffer.from(this.#template);
    const step = Math.max(1, Math.floor(this.#recent.length / PARENTS));
    const chosen = this.#recent.filter((_, i) => i % step === 0).slice(0, PARENTS);
    const parents = chosen.toSorted();
    parents.forEach((id, i) => bytes.write(id, 10 + i * 32, 'hex'));
    bytes.writeBigUInt64LE(BigInt(this.#count++), bytes.length - 8);
    const id = blockIdOf(bytes, this.#hasher);
    this.#recent.unshift(id);
    if (this.#recent.length > WINDOW) this.#recent.pop();
    return { id, bytes, block: { parents } };
  }
}

/** Bytes that this process has passed to writing calls, and those that dirtied the disk's pages. */
function bytesWritten(): { calls: number; pages: number } {
  const text = readFileSync('/proc/self/io', 'utf8');
  const valueOf = (name: string) => Number(new RegExp(`^${name}: (\\d+)$`, 'm').exec(text)?.[1]);
  return { calls: valueOf('wchar'), pages: valueOf('write_bytes') };
}

/** Commits a milestone that references these blocks and nothing else; returns its milliseconds. */
async function commit(
  store: NodeStore,
  genesis: GenesisMilestone,
  index: number,
  included: readonly BlockId[],
  hasher: Hasher,
): Promise<number> {
  const timestampMs = genesis.header.timestampMs + index;
  const header = { ...genesis.header, index, timestampMs };
  const milestone = { ...genesis.milestone, header };
  const bytes = encodeMilestone(milestone);
  const block = { version: 1, networkId: 1n, parents: [], payload: null, nonce: 0n } as const;
  const blocks = new Map(included.map((id): [BlockId, LedgerBlock] => [id, { block }]));
  const { stateTree } = genesis;
  const startedMs = performance.now();
  await store.commit({
    id: milestoneIdOf(header, hasher),
    header,
    body: milestone.body,
    bytes,
    blocks,
    result: {
      included: [...included],
      applied: [],
      conflicts: new Map(),
      diff: { index, timestampMs, created: [], consumed: [] },
      inclusionRoot: header.inclusionRoot,
      appliedRoot: header.appliedRoot,
      stateTree,
    },
  });
  return performance.now() - startedMs;
}

interface Run {
  readonly rawBytes: number;
  readonly written: { readonly calls: number; readonly pages: number };
  readonly diskBytes: number;
  readonly commitsMs: readonly number[];
  readonly savesMs: readonly number[];
  readonly prunedDiskBytes: number;
  readonly prunesMs: readonly number[];
}

/** Fills a store with `count` blocks, closes it, and prunes the older half. */
async function fill(context: BenchContext, count: number, size: number): Promise<Run> {
  const hasher = await bestHasher();
  const genesis = benchGenesis(1, hasher);
  const folder = await context.folder();
  const { store } = await NodeStore.open(folder, genesis, hasher);
  const stream = new BlockStream(genesis.networkId, size, hasher);
  const before = bytesWritten();
  const [commitsMs, savesMs]: [number[], number[]] = [[], []];
  let rawBytes = 0;
  for (let index = 1; rawBytes < count * size; index++) {
    const included: BlockId[] = [];
    for (let pack = 0; pack < PACKS_PER_MILESTONE; pack++) {
      const blocks = stream.pack();
      for (const { id, bytes } of blocks) {
        included.push(id);
        rawBytes += bytes.length;
      }
      const startedMs = performance.now();
      await store.save(blocks);
      savesMs.push(performance.now() - startedMs);
    }
    commitsMs.push(await commit(store, genesis, index, included, hasher));
  }
  await store.close();
  const after = bytesWritten();
  const again = (await NodeStore.open(folder, genesis, hasher)).store;
  const diskBytes = await again.sizeBytes();
  const prunesMs: number[] = [];
  while (again.prunedIndex < commitsMs.length / 2) {
    const startedMs = performance.now();
    await again.pruneNext();
    prunesMs.push(performance.now() - startedMs);
  }
  const prunedDiskBytes = await again.sizeBytes();
  await again.close();
  const written = { calls: after.calls - before.calls, pages: after.pages - before.pages };
  return { rawBytes, written, diskBytes, commitsMs, savesMs, prunedDiskBytes, prunesMs };
}

const MEBIBYTE = 1_048_576;

function rowsOf(run: Run, kind: string, isGoal: boolean): Measurement[] {
  const bytesRow = (name: string, bytes: number, goal: Goal | null) => ({
    name: `${name}, ${kind}`,
    value: bytes / MEBIBYTE,
    limit: run.rawBytes / MEBIBYTE,
    unit: 'MiB',
    ratio: bytes / run.rawBytes,
    goal: isGoal ? goal : null,
  });
  const stallRow = (name: string, times: readonly number[], goal: Goal | null) => ({
    name: `${name}, ${kind}`,
    value: Math.max(...times),
    limit: median(times),
    unit: 'ms',
    ratio: Math.max(...times) / median(times),
    goal: isGoal ? goal : null,
  });
  return [
    bytesRow('store, written / blocks', run.written.calls, atMost(2)),
    bytesRow('  … pages dirtied / blocks', run.written.pages, null),
    bytesRow('store, on disk / blocks', run.diskBytes, atMost(1.1)),
    bytesRow('  … after pruning half', run.prunedDiskBytes, null),
    stallRow('store, longest / median commit', run.commitsMs, atMost(20)),
    stallRow('  … save of a pack', run.savesMs, null),
    stallRow('  … pruning of a milestone', run.prunesMs, null),
  ];
}

export const store: Bench = {
  name: 'store',
  goal: 6,
  run: async (context) => {
    const wanted = Number(process.env['BENCH_STORE_BLOCKS'] ?? NORMAL_BLOCKS);
    const count = context.quick ? QUICK_BLOCKS : wanted;
    const large = await fill(context, count, 2_300);
    const small = await fill(context, Math.min(count, MAX_SMALL_BLOCKS), 512);
    return [...rowsOf(large, '2.3 kB blocks', true), ...rowsOf(small, '512 B blocks', false)];
  },
};
