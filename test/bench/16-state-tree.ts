/**
 * Goal 16: structures for the commitment to the ledger (`stateRoot`), at a million unspent outputs.
 * Today's is measured beside three others of the same leaves and hash: CPU of a milestone's
 * changes and of a start from disk, memory, size of a proof and the time to check one. The limit of
 * every time is the bare hash of one inner node in the same round: a ratio counts in hashes.
 */
import { nobleHasher } from '../../libs/tangle/src/core/crypto/blake2b.ts';
import type { StateEntry } from '../../libs/tangle/src/core/ledger/state-tree.ts';
import type { Hasher } from '../../libs/tangle/src/core/ports.ts';
import { bestHasher } from '../../libs/tangle/src/io/accel/hasher.ts';
import type { Bench, BenchContext, Measurement } from './bench.ts';
import { compare, interleave, median, repeat, type Comparison } from './measure.ts';
import { liveBytes } from './memory.ts';
import { KINDS } from './state-trees/kinds.ts';
import { Milestones, outputNumber, type Changes } from './state-trees/outputs.ts';
import type { StateStructure, StructureKind } from './state-trees/structure.ts';

const OUTPUTS = 1_000_000;
/** Outputs that a milestone creates, and as many that it consumes. */
const CHANGES = 1_000;
const MILESTONES_PER_ROUND = 4;
const PROOFS = 10_000;
/** Bytes of an inner node of two children. */
const NODE_SIZE = 67;

interface Setting {
  readonly context: BenchContext;
  readonly entries: readonly StateEntry[];
  readonly hasher: Hasher;
}

/** The bare hash of a node, over and over. */
function bareHash(quick: boolean, hasher: Hasher) {
  const node = new Uint8Array(NODE_SIZE).fill(7);
  return repeat(quick, () => hasher.blake2b256(node));
}

/** µs of CPU, the threads that collect garbage included. */
function cpuOf(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

/** The set, what it takes in memory, and µs per output of building it with its root. */
function build(kind: StructureKind, { entries, hasher }: Setting) {
  const before = liveBytes();
  let tree: StateStructure | undefined;
  const used = cpuOf(() => {
    tree = kind.build(entries, hasher);
    tree.root();
  });
  if (tree === undefined) throw new Error('it was built');
  return {
    tree,
    bytes: (liveBytes() - before) / entries.length,
    buildCost: used / entries.length,
  };
}

/** µs per changed output, and the state after the last milestone. */
async function update(first: StateStructure, milestones: Milestones, setting: Setting) {
  const { context, hasher } = setting;
  const count = Math.min(CHANGES, first.size / 10);
  let tree = first;
  let ahead: Changes[] = [];
  const costs = await interleave(context.rounds, {
    update: {
      prepare: async () => {
        ahead = await Promise.resolve(
          Array.from({ length: MILESTONES_PER_ROUND }, () => milestones.next(count)),
        );
      },
      run: () => {
        for (const { created, consumed } of ahead) {
          tree = tree.apply(created, consumed);
          tree.root();
        }
        return 2 * count * ahead.length;
      },
    },
    hash: bareHash(context.quick, hasher),
  });
  return { tree, cost: compare(costs.update, costs.hash, 'process') };
}

/** Sizes of proofs, and µs of checking one by each hasher. */
async function prove(
  kind: StructureKind,
  tree: StateStructure,
  milestones: Milestones,
  { context, hasher }: Setting,
) {
  const root = tree.root();
  const proven = milestones
    .sample(Math.min(PROOFS, tree.size))
    .map((entry) => ({ entry, proof: tree.proof(entry.outputId) }));
  const wrong = proven.filter(({ entry, proof }) => !kind.verify(root, entry, proof, hasher));
  if (wrong.length > 0) throw new Error(`${kind.name}: ${wrong.length} proofs do not hold`);
  const sizes = proven.map(({ proof }) => proof.length).toSorted((a, b) => a - b);
  let next = 0;
  const verifying = (by: Hasher) =>
    repeat(context.quick, () => {
      const one = proven[next++ % proven.length];
      return one && kind.verify(root, one.entry, one.proof, by);
    });
  const costs = await interleave(context.rounds, {
    native: verifying(hasher),
    hash: bareHash(context.quick, hasher),
    portable: verifying(nobleHasher),
    portableHash: bareHash(context.quick, nobleHasher),
  });
  return {
    median: median(sizes),
    p99: sizes[Math.floor(sizes.length * 0.99)] ?? 0,
    native: compare(costs.native, costs.hash, 'thread'),
    portable: compare(costs.portable, costs.portableHash, 'thread'),
  };
}

function timeRow(name: string, unit: string, { value, limit, costRatio }: Comparison): Measurement {
  return { name, value, limit, unit, ratio: costRatio, goal: null };
}

function plainRow(name: string, value: number, unit: string): Measurement {
  return { name, value, limit: null, unit, ratio: null, goal: null };
}

async function measureKind(kind: StructureKind, setting: Setting): Promise<Measurement[]> {
  const { context, entries, hasher } = setting;
  const { tree: first, bytes, buildCost } = build(kind, setting);
  const milestones = new Milestones(entries.length, context.seed, hasher);
  const { tree, cost } = await update(first, milestones, setting);
  const proofs = await prove(kind, tree, milestones, setting);
  const limit = cost.limit;
  const built = { value: buildCost, limit, costRatio: buildCost / limit, speedRatio: 0 };
  return [
    timeRow(`${kind.name}: a milestone's changes / one hash`, 'µs/change', cost),
    timeRow(`${kind.name}: build / one hash`, 'µs/output', built),
    plainRow(`${kind.name}: memory`, bytes, 'B/output'),
    plainRow(`${kind.name}: proof, median`, proofs.median, 'B'),
    plainRow(`${kind.name}: proof, 99 of 100 at most`, proofs.p99, 'B'),
    timeRow(`${kind.name}: check a proof / one hash`, 'µs', proofs.native),
    timeRow(`${kind.name}: the same, portable`, 'µs', proofs.portable),
  ];
}

async function run(context: BenchContext): Promise<Measurement[]> {
  const hasher = await bestHasher();
  const count = context.quick ? 10_000 : OUTPUTS;
  const entries = Array.from({ length: count }, (_, index) => outputNumber(index, hasher));
  const setting = { context, entries, hasher };
  const rows: Measurement[] = [];
  for (const kind of KINDS) rows.push(...(await measureKind(kind, setting)));
  return rows;
}

export const stateTree: Bench = { name: 'state-tree', goal: 16, run };
