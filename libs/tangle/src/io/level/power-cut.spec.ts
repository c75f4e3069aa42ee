/**
 * The power goes, or the disk refuses, at every single change of a node's store: it opens by itself
 * at a whole milestone, with every block that milestones reference or that a seat synced before a
 * vote. Spec: docs/spec/10-storage.md.
 */
import { beforeAll, describe, expect, it } from '@jest/globals';
import { nobleHasher as hasher } from '../../core/crypto/blake2b.ts';
import type { BlockId } from '../../core/codec/ids.ts';
import { milestoneIdFromBytes } from '../../core/codec/ids.ts';
import type { OutputRecord } from '../../core/ledger/ledger-diff.ts';
import type { Chance } from '../segments/testing/faulty-disk.ts';
import { FaultyDisk, Machine } from '../segments/testing/faulty-disk.ts';
import { BlockRepository } from './block-repository.ts';
import { LedgerImporter } from './ledger-import.ts';
import { LedgerRepository } from './ledger-repository.ts';
import { commitGenesis, commitMilestone, verifyLedger } from './milestone-batch.ts';
import { MilestoneRepository } from './milestone-repository.ts';
import type { NodeState } from './node-state-repository.ts';
import { readNodeState, readPruned } from './node-state-repository.ts';
import { pruneMilestone } from './prune.ts';
import { StoreError } from './store-error.ts';
import { FaultyKvStore } from './testing/faulty-kv-store.ts';
import type { SampleMilestone } from './testing/sample-chain.ts';
import { sampleChain, sampleGenesis, SUPPLY } from './testing/sample-chain.ts';

/** Small, so that the chain fills several and pruning empties some. */
const SEGMENT_BYTES = 3_000;
const LENGTH = 12;
const MORE = 3;
const KEPT = 4;
const SEEDS = [1, 2];
/** Times that an import is cut at each step, with another outcome each time. */
const CUTS = 6;

const genesis = sampleGenesis(hasher);
const samples: SampleMilestone[] = [];
const sample = (index: number): SampleMilestone => samples[index - 1] as SampleMilestone;
const idOf = (bytes: Uint8Array) => milestoneIdFromBytes(hasher.blake2b256(bytes));

beforeAll(() => {
  for (const one of sampleChain(hasher)) {
    samples.push(one);
    if (samples.length === LENGTH + 2 * MORE + 1) break;
  }
});

/** A small seeded generator, so that a failure can be repeated. */
function chanceOf(seed: number): Chance {
  let state = seed;
  return (bound) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * bound);
  };
}

const codeOf = (error: unknown): string =>
  error instanceof StoreError ? error.code : `not a StoreError: ${String(error)}`;

/** Both disks of one machine. */
interface Disks {
  readonly machine: Machine;
  readonly disk: FaultyDisk;
  readonly store: FaultyKvStore;
  /** Over them, once it is open. */
  blocks?: BlockRepository;
  /** Blocks that a sync promised to keep, as a seat does before it votes. */
  readonly promised: Set<BlockId>;
}

const freshDisks = (machine: Machine): Disks => {
  const [disk, store] = [new FaultyDisk(machine), new FaultyKvStore(machine)];
  return { machine, disk, store, promised: new Set() };
};

const openOn = ({ disk, store }: Disks): Promise<BlockRepository> =>
  BlockRepository.open(store, 'blocks', hasher, { layer: disk, segmentBytes: SEGMENT_BYTES });

/** Syncs as a seat does before it votes for a milestone of these blocks. */
async function promise({ promised }: Disks, blocks: BlockRepository, ids: readonly BlockId[]) {
  await blocks.sync();
  for (const id of ids) promised.add(id);
}

/** Commits the chain up to `last`, forgets some blocks on the way and prunes what is old. */
async function play(disks: Disks, last: number): Promise<BlockRepository> {
  const { store } = disks;
  const blocks = await openOn(disks);
  disks.blocks = blocks;
  if (readNodeState(store) === undefined) await commitGenesis(store, genesis, hasher);
  // One that nothing ever references: it has to be carried along.
  const straggler = sample(samples.length).blocks.slice(1, 2);
  await blocks.save(straggler);
  await promise(
    disks,
    blocks,
    straggler.map(({ id }) => id),
  );
  for (let index = (readNodeState(store)?.index ?? 0) + 1; index <= last; index++) {
    const { blocks: gossiped, commit } = sample(index);
    await blocks.save(gossiped.slice(0, 1));
    // Comes early, waits for its milestone, and is gone again half of the time.
    await blocks.save(sample(index + 1).blocks.slice(2));
    if (index % 2 === 0) blocks.forget([sample(index + 1).commit.result.included[2] as BlockId]);
    await blocks.save(gossiped);
    if (index % 3 === 0) await promise(disks, blocks, commit.result.included);
    const committed = commitMilestone({ store, blocks }, commit, hasher);
    // One that comes while the milestone is being written must wait for its turn.
    if (index % 3 === 1)
      await promise(disks, blocks, commit.result.included).catch(() => undefined);
    await committed;
    if (index > KEPT) await pruneMilestone({ store, blocks }, idOf, hasher);
  }
  return blocks;
}

/** Everything that the milestones of a store promise is there; returns the last one's index. */
async function check({ store, promised }: Disks, blocks: BlockRepository): Promise<number> {
  const ledger = await verifyLedger(store, SUPPLY, hasher);
  const index = ledger?.state.index ?? 0;
  const { removedIndex } = readPruned(store);
  const milestones = new MilestoneRepository(store);
  for (let at = 1; at <= index; at++) {
    const { blocks: expected, commit } = sample(at);
    const ids = commit.result.included;
    const isThere = at > removedIndex;
    expect(milestones.cone(at)).toEqual(isThere ? ids : undefined);
    const found = await blocks.bytesOf(ids);
    expect([...found.keys()]).toEqual(isThere ? ids : []);
    for (const { id, bytes } of isThere ? expected : []) {
      expect(Buffer.compare(found.get(id) ?? new Uint8Array(), bytes)).toBe(0);
    }
    const children = await blocks.children(ids[0] as BlockId, 10);
    const next = sample(at + 1).commit.result.included;
    const isComplete = next.every((id) => children.includes(id)) && children.length === next.length;
    expect(isComplete || !isThere || at === index).toBe(true);
  }
  const pruned = new Set<BlockId>();
  for (let at = 1; at <= removedIndex; at++) {
    for (const id of sample(at).commit.result.included) pruned.add(id);
  }
  expect([...promised].filter((id) => !pruned.has(id) && !blocks.has(id))).toEqual([]);
  // What is unreferenced can be read too.
  for (const { id } of blocks.unreferenced()) expect(blocks.bytes(id)).toBeDefined();
  return index;
}

const survive = {
  'power cut': (disks: Disks, machine: Machine, chance: Chance): Disks => ({
    machine,
    disk: disks.disk.afterPowerCut(machine, chance),
    store: disks.store.afterPowerCut(machine, chance),
    promised: disks.promised,
  }),
  kill: (disks: Disks, machine: Machine): Disks => ({
    machine,
    disk: disks.disk.afterKill(machine),
    store: disks.store.afterKill(machine),
    promised: disks.promised,
  }),
};

describe('a store whose machine fails', () => {
  let steps = 0;
  const whole = freshDisks(new Machine());
  beforeAll(async () => {
    await (await play(whole, LENGTH)).close();
    ({ steps } = whole.machine);
  });

  it('goes through segments and loses nothing while nothing fails', async () => {
    const again = survive.kill(whole, new Machine());
    expect(await check(again, await openOn(again))).toBe(LENGTH);
    expect(steps).toBeGreaterThan(60);
    // Old segments went, also those that a block without a milestone began in.
    expect((await again.disk.list()).length).toBeLessThan(6);
  });

  /**
   * Breaks at change `failAt`, goes on with what is left until change `again`, which may fall into
   * the recovery itself, and goes on to the end. Returns what was not as it has to be.
   */
  async function breakTwice(
    failAt: number,
    again: number,
    after: (disks: Disks, machine: Machine) => Disks,
  ): Promise<string[]> {
    const broken = freshDisks(new Machine(failAt));
    const first = await play(broken, LENGTH).then(() => 'not broken', codeOf);
    const reached = readNodeState(broken.store)?.index ?? 0;
    const second = after(broken, new Machine(again));
    await play(second, LENGTH + MORE).then(() => '', codeOf);
    const healed = after(second, new Machine());
    const blocks = await openOn(healed);
    const isBehind = (await check(healed, blocks)) < reached;
    await blocks.close();
    const end = await play(healed, LENGTH + 2 * MORE);
    const isWhole = (await check(healed, end)) === LENGTH + 2 * MORE;
    await end.close();
    const problems = { [first]: first !== 'io', behind: isBehind, incomplete: !isWhole };
    return Object.entries(problems).flatMap(([name, is]) => (is ? [`${failAt}: ${name}`] : []));
  }

  it.each(SEEDS)(
    'opens by itself after a cut of the power anywhere (seed %i)',
    async (seed) => {
      const chance = chanceOf(seed);
      const after = (disks: Disks, next: Machine) => survive['power cut'](disks, next, chance);
      for (let failAt = 1; failAt <= steps; failAt++) {
        expect(await breakTwice(failAt, 1 + chance(30), after)).toEqual([]);
      }
    },
    60_000,
  );

  it('opens by itself after it was killed anywhere', async () => {
    const chance = chanceOf(9);
    for (let failAt = 1; failAt <= steps; failAt++) {
      expect(await breakTwice(failAt, 1 + chance(30), survive.kill)).toEqual([]);
    }
  });

  it('no-space: writes nothing after the change that failed, whichever it is', async () => {
    for (let failAt = 1; failAt <= steps; failAt++) {
      const disks = freshDisks(new Machine(failAt, 'ENOSPC'));
      const { store } = disks;
      await expect(play(disks, LENGTH)).rejects.toMatchObject({ code: 'no-space' });
      // Genesis goes into the store before there are blocks.
      if (readNodeState(store) === undefined) continue;
      const further = [
        disks.blocks?.save(sample(LENGTH + MORE).blocks),
        store.batch().put(Uint8Array.of(0xfe), new Uint8Array()).write({ sync: false }),
      ];
      for (const write of further) await expect(write).rejects.toMatchObject({ code: 'no-space' });
      expect(disks.machine.stepsAfterFault).toBe(0);
    }
  });

  it('loses nothing to a sync that failed, though it could be read afterwards', async () => {
    const chance = chanceOf(5);
    for (let failAt = 1; failAt <= steps; failAt++) {
      const sick = freshDisks(new Machine(failAt, 'EIO'));
      await expect(play(sick, LENGTH)).rejects.toMatchObject({ code: 'io' });
      const again = survive.kill(sick, new Machine());
      await play(again, LENGTH + MORE);
      const dark = survive['power cut'](again, new Machine(), chance);
      expect(await check(dark, await openOn(dark))).toBe(LENGTH + MORE);
    }
  });
});

describe('an import whose machine fails', () => {
  const outputs: OutputRecord[] = [];
  let state: NodeState;
  beforeAll(async () => {
    const whole = freshDisks(new Machine());
    await (await play(whole, LENGTH)).close();
    for await (const one of new LedgerRepository(whole.store).unspent()) outputs.push(one);
    state = readNodeState(whole.store) as NodeState;
  });

  /** Fills a store in small batches, and leaves an own mark in what it writes of outputs. */
  async function importInto(store: FaultyKvStore, mark: number, end = true): Promise<void> {
    const importer = await LedgerImporter.begin(store, hasher);
    const marked = outputs.map((one) => Object.assign({}, one, { milestoneTimestampMs: mark }));
    for (let at = 0; at < marked.length; at += 2)
      await importer.addOutputs(marked.slice(at, at + 2));
    const milestones = [sample(LENGTH - 1), sample(LENGTH)].map(({ commit }) => {
      const { id, header, bytes, result } = commit;
      const { index, timestampMs } = header;
      const summary = { timestampMs, blocks: 3, applied: 0, conflicting: 0 };
      return { index, id, bytes, cone: result.included, summary };
    });
    if (end) await importer.finish({ state, milestones, elections: [] });
  }

  async function contentOf(store: FaultyKvStore): Promise<string[]> {
    const entries: string[] = [];
    const all = { gte: new Uint8Array(), lt: Uint8Array.of(0xff) };
    for await (const parts of store.iterate(all)) {
      entries.push(parts.map((part) => Buffer.from(part).toString('hex')).join(' '));
    }
    return entries;
  }

  it('is there as a whole after a cut of the power anywhere, or begins anew', async () => {
    const chance = chanceOf(3);
    const whole = new Machine();
    const expected = new FaultyKvStore(whole);
    await importInto(expected, 2);
    // An earlier import that was cut off has left what the first steps remove.
    const halfFilled = async (machine: Machine): Promise<FaultyKvStore> => {
      const before = new FaultyKvStore(new Machine());
      await importInto(before, 1, false);
      return before.afterKill(machine);
    };
    let finished = 0;
    for (let failAt = 1; failAt <= whole.steps + 1; failAt++) {
      for (let time = 0; time < CUTS; time++) {
        const broken = await halfFilled(new Machine(failAt));
        const isDone = await importInto(broken, 2).then(() => true, codeOf);
        const left = broken.afterPowerCut(new Machine(), chance);
        const isEmpty = readNodeState(left) === undefined;
        expect(isEmpty && isDone === true).toBe(false);
        if (isEmpty) await importInto(left, 2);
        else finished++;
        expect(await contentOf(left)).toEqual(await contentOf(expected));
        expect((await verifyLedger(left, SUPPLY, hasher))?.state.index).toBe(LENGTH);
      }
    }
    expect(finished).toBeGreaterThan(0);
  });
});
