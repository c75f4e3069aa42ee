/**
 * Goal 1: taking in unsigned blocks, from bytes to the DAG and the store, against the bare store
 * that is given the same batches ready made. What lies between is decoding, hashing, proof of work,
 * dedupe, parents and tips.
 */
import { checkBlock, type CheckedBlock } from '../../libs/tangle/src/core/block/rules.ts';
import type { GenesisMilestone } from '../../libs/tangle/src/core/milestone/genesis.ts';
import { NETWORK_PRESETS } from '../../libs/tangle/src/core/params/networks.ts';
import type { Hasher } from '../../libs/tangle/src/core/ports.ts';
import { bestHasher } from '../../libs/tangle/src/io/accel/hasher.ts';
import { bestVerifier } from '../../libs/tangle/src/io/accel/verifier.ts';
import { BlockRepository } from '../../libs/tangle/src/io/level/block-repository.ts';
import { keyOf } from '../../libs/tangle/src/io/level/buckets.ts';
import { openKvStore, type KvStore } from '../../libs/tangle/src/io/level/kv-store.ts';
import { atLeast, type Bench, type BenchContext, type Goal, type Measurement } from './bench.ts';
import { benchGenesis, envelopes, makeBlocks, smallData, type PayloadMaker } from './feed.ts';
import { inline, IntakeNode, PACK_BLOCKS } from './intake-node.ts';
import { compare, interleave, perSecond, type Contender, type Cost } from './measure.ts';

type Entry = readonly [key: Uint8Array, value: Uint8Array];

/** Whole blocks under their ids, a pack in each batch: what a store without segments is given. */
function batchesOf(blocks: readonly CheckedBlock[]): Entry[][] {
  const batches: Entry[][] = [];
  for (let at = 0; at < blocks.length; at += PACK_BLOCKS) {
    const pack = blocks.slice(at, at + PACK_BLOCKS);
    batches.push(pack.map(({ id, bytes }) => [keyOf('blocks', id), bytes]));
  }
  return batches;
}

/** An empty store for one round. */
async function freshStore(context: BenchContext): Promise<KvStore> {
  return await openKvStore(await context.folder(), { kind: 'bench', networkId: 1n, schema: 1 });
}

/** Writes ready-made batches and waits for the store's work in the background. */
function bareStore(
  context: BenchContext,
  batches: readonly (readonly Entry[])[],
  count: number,
): Contender {
  let store: KvStore;
  return {
    prepare: async () => {
      store = await freshStore(context);
    },
    run: async () => {
      for (const entries of batches) {
        const batch = store.batch();
        for (const [key, value] of entries) batch.put(key, value);
        await batch.write({ sync: false });
      }
      await store.close();
      return count;
    },
  };
}

/** The node's repository alone, which appends packs to segments. */
function repositoryOnly(
  context: BenchContext,
  blocks: readonly CheckedBlock[],
  hasher: Hasher,
): Contender {
  let store: KvStore;
  let repository: BlockRepository;
  return {
    prepare: async () => {
      store = await freshStore(context);
      repository = await BlockRepository.open(store, await context.folder(), hasher);
    },
    run: async () => {
      for (let at = 0; at < blocks.length; at += PACK_BLOCKS) {
        await repository.save(blocks.slice(at, at + PACK_BLOCKS));
      }
      await repository.close();
      await store.close();
      return blocks.length;
    },
  };
}

/** The node's own way, from bytes to the last batch. */
function fullIntake(
  context: BenchContext,
  genesis: GenesisMilestone,
  blocks: readonly Uint8Array[],
  deps: { readonly hasher: Hasher; readonly verifier: ReturnType<typeof inline> },
): Contender {
  let node: IntakeNode;
  return {
    prepare: async () => {
      node = await IntakeNode.open({ folder: await context.folder(), genesis, ...deps });
    },
    run: async () => {
      const count = await node.takeIn(blocks);
      await node.close();
      return count;
    },
  };
}

async function measureKind(
  context: BenchContext,
  kind: string,
  payloadOf: PayloadMaker,
): Promise<Measurement[]> {
  const hasher = await bestHasher();
  const verifier = inline(await bestVerifier());
  const genesis = benchGenesis(1, hasher);
  const { networkId } = genesis;
  const count = context.quick ? 1_024 : 16_384;
  const blocks = makeBlocks(count, networkId, payloadOf, { seed: context.seed, hasher });
  const rules = { params: NETWORK_PRESETS.test, networkId, hasher, loadBits: 0 };
  const checked = blocks.map((bytes) => {
    const outcome = checkBlock(bytes, rules);
    if (!outcome.ok) throw new Error(outcome.code);
    return outcome.value;
  });
  const batches = batchesOf(checked);
  const costs = await interleave(context.rounds, {
    bare: bareStore(context, batches, count),
    ingest: fullIntake(context, genesis, blocks, { hasher, verifier }),
    repository: repositoryOnly(context, checked, hasher),
  });
  const row = (name: string, of: keyof Cost, limit: readonly Cost[], goal: Goal | null) => {
    const compared = compare(costs.ingest, limit, of);
    return {
      name: `${name}, ${kind}`,
      value: perSecond(compared.value),
      limit: perSecond(compared.limit),
      unit: 'blocks/CPU s',
      ratio: compared.speedRatio,
      goal,
    };
  };
  return [
    row('ingest, unsigned / bare store', 'process', costs.bare, atLeast(0.7)),
    row('  … / block repository', 'process', costs.repository, null),
    row('  … / bare store, main thread', 'thread', costs.bare, null),
  ];
}

export const ingest: Bench = {
  name: 'ingest',
  goal: 1,
  run: async (context) => [
    ...(await measureKind(context, '2 KiB envelopes', envelopes(2_048))),
    ...(await measureKind(context, '350 B data', smallData)),
  ],
};
