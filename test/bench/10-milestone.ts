/**
 * Goal 10: checking a milestone over a full cone (white-flag order, ledger, all roots) against its
 * hashing alone: the very inputs that the check hashed, hashed once more in a bare loop.
 */
import { checkBlock } from '../../libs/tangle/src/core/block/rules.ts';
import { GENESIS_BLOCK_ID, type BlockId } from '../../libs/tangle/src/core/codec/ids.ts';
import { nobleHasher } from '../../libs/tangle/src/core/crypto/blake2b.ts';
import type { LedgerBlock } from '../../libs/tangle/src/core/ledger/apply-milestone.ts';
import { buildMilestone } from '../../libs/tangle/src/core/milestone/build.ts';
import { checkMilestone, type ContentContext } from '../../libs/tangle/src/core/milestone/rules.ts';
import { MAX_CONE } from '../../libs/tangle/src/core/params/limits.ts';
import { NETWORK_PRESETS } from '../../libs/tangle/src/core/params/networks.ts';
import type { Hasher } from '../../libs/tangle/src/core/ports.ts';
import { ACCEPT_ALL } from '../../libs/tangle/src/core/testing/ledger-fixtures.ts';
import { bestHasher } from '../../libs/tangle/src/io/accel/hasher.ts';
import { atMost, type Bench, type BenchContext, type Goal, type Measurement } from './bench.ts';
import { benchGenesis, makeBlocks, smallData, transfers, type PayloadMaker } from './feed.ts';
import { compare, interleave } from './measure.ts';

/** Every so many blocks one carries a transaction, in the mixed cone. */
const TRANSACTION_EVERY = 10;

/** A hasher that keeps a copy of everything it hashed. */
function recordingHasher(inner: Hasher): Hasher & { readonly inputs: Uint8Array[] } {
  const inputs: Uint8Array[] = [];
  return {
    inputs,
    blake2b256: (bytes) => {
      inputs.push(bytes.slice());
      return inner.blake2b256(bytes);
    },
  };
}

/** A milestone over `count` blocks, and the context in which every node checks it. */
function prepare(count: number, transactions: number, seed: number, hasher: Hasher) {
  const outputs = Math.max(1, transactions);
  const genesis = benchGenesis(outputs, hasher);
  const transfer = transfers(genesis, hasher);
  const payloadOf: PayloadMaker = (index, random) => {
    const isTransfer = transactions > 0 && index % TRANSACTION_EVERY === 0;
    return isTransfer ? transfer(index / TRANSACTION_EVERY, random) : smallData(index, random);
  };
  const { networkId } = genesis;
  const rules = { params: NETWORK_PRESETS.test, networkId, hasher, loadBits: 0 };
  const blocks = new Map<BlockId, LedgerBlock>();
  const tips = new Set<BlockId>();
  for (const bytes of makeBlocks(count, networkId, payloadOf, { seed, hasher })) {
    const checked = checkBlock(bytes, rules);
    if (!checked.ok) throw new Error(checked.code);
    blocks.set(checked.value.id, checked.value);
    for (const parent of checked.value.block.parents) tips.delete(parent);
    tips.add(checked.value.id);
  }
  const ledger = new Map(genesis.outputs.map((record) => [record.outputId, record]));
  const context: Omit<ContentContext, 'hasher'> = {
    blocks,
    outputs: (id) => ledger.get(id) ?? 'unknown',
    rootIndexOf: (id) => (id === GENESIS_BLOCK_ID ? 0 : undefined),
    params: NETWORK_PRESETS.test,
    verifier: ACCEPT_ALL,
    signaturesChecked: true,
  };
  return { genesis, context, tips: [...tips] };
}

interface Cone {
  readonly kind: string;
  readonly transactions: number;
  readonly hasher: Hasher;
  readonly goal: Goal | null;
}

async function measureCone(
  context: BenchContext,
  { kind, transactions, hasher, goal }: Cone,
): Promise<Measurement> {
  const count = context.quick ? 2_000 : MAX_CONE;
  const made = prepare(count, Math.min(transactions, count / 10), context.seed, hasher);
  const { parent } = made.genesis;
  const timestampMs = parent.header.timestampMs + 1_000;
  // Every block lies in the past cone of the last tips, up to a few that found no child.
  const proposal = { parent, parents: made.tips.slice(-8), timestampMs, view: 1n };
  const built = buildMilestone(proposal, { ...made.context, hasher });
  if (!built.ok) throw new Error(`${built.code} ${built.detail}`);
  const { header, body, result } = built.value;
  const check = (by: Hasher): void => {
    const checked = checkMilestone({ header, body }, parent, { ...made.context, hasher: by });
    if (!checked.ok) throw new Error(checked.code);
  };
  const { inputs, ...recorder } = recordingHasher(hasher);
  check(recorder);
  const size = result.included.length;
  // A round lasts long enough for a CPU clock that ticks every 4 ms.
  const [checks, hashings] = context.quick ? [1, 1] : [3, 8];
  const costs = await interleave(context.rounds, {
    check: {
      run: () => {
        for (let i = 0; i < checks; i++) check(hasher);
        return size * checks;
      },
    },
    hashing: {
      run: () => {
        for (let i = 0; i < hashings; i++) for (const bytes of inputs) hasher.blake2b256(bytes);
        return size * hashings;
      },
    },
  });
  const compared = compare(costs.check, costs.hashing, 'thread');
  return {
    name: `milestone of ${size} blocks, ${kind} / its hashing`,
    value: compared.value,
    limit: compared.limit,
    unit: 'µs/block',
    ratio: compared.costRatio,
    goal,
  };
}

async function run(context: BenchContext): Promise<Measurement[]> {
  const hasher = await bestHasher();
  const goal = atMost(1.5);
  const mixed = { kind: 'a tenth transactions', transactions: 2_000 };
  return [
    await measureCone(context, { kind: 'data only', transactions: 0, hasher, goal }),
    await measureCone(context, { ...mixed, hasher, goal }),
    await measureCone(context, {
      kind: 'a tenth transactions, portable',
      transactions: 2_000,
      hasher: nobleHasher,
      goal: null,
    }),
  ];
}

export const milestone: Bench = { name: 'milestone', goal: 10, run };
