/**
 * A node that starts from a snapshot judges what follows as one that has the whole past: the same
 * root indexes, the same milestones, the same roots. Spec: docs/spec/12-snapshot.md §1.
 */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { genesisToJson, type Genesis } from '@tanglemail/tangle/core/codec/genesis.ts';
import type { Address, BlockId } from '@tanglemail/tangle/core/codec/ids.ts';
import type { Payload } from '@tanglemail/tangle/core/codec/payload.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { nobleVerifier } from '@tanglemail/tangle/core/crypto/ed25519-strict.ts';
import type { OutputRecord } from '@tanglemail/tangle/core/ledger/ledger-diff.ts';
import { buildTransaction } from '@tanglemail/tangle/core/ledger/transaction-builder.ts';
import { genesisMilestone } from '@tanglemail/tangle/core/milestone/genesis.ts';
import type { SnapshotTrust } from '@tanglemail/tangle/core/snapshot/trust.ts';
import { TestChain } from '@tanglemail/tangle/core/testing/chain-fixture.ts';
import { committeeKeys, keyPair } from '@tanglemail/tangle/core/testing/ledger-fixtures.ts';
import { SnapshotFixture, encodeFile } from '@tanglemail/tangle/core/testing/snapshot-fixture.ts';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import { verifySnapshot } from '@tanglemail/tangle/io/snapshot/read-snapshot.ts';
import { writeSnapshot } from '@tanglemail/tangle/io/snapshot/write-snapshot.ts';
import type { ConfirmedMilestone } from '../confirmation/confirmation-engine.ts';
import { NodeStore } from '../store/node-store.ts';
import { GENESIS, MemoryNode, randomOf, ROOT } from '../testing/memory-node.ts';
import { pay, RICH_KEY, testKey } from '../testing/test-network.ts';
import { snapshotFill } from './import-snapshot.ts';

let folder: string;
const open: NodeStore[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'from-snapshot-'));
});
afterEach(async () => {
  for (const store of open.splice(0)) await store.close();
  await rm(folder, { recursive: true });
});

const options = { genesis: ROOT, params: GENESIS.params, hasher: nobleHasher };

function trustIn(genesis: Genesis): SnapshotTrust {
  return {
    genesis: genesisMilestone(genesis, nobleHasher),
    params: genesis.params,
    hasher: nobleHasher,
    verifier: nobleVerifier,
  };
}

const fillFrom = (genesis: Genesis, from: readonly string[]) =>
  snapshotFill({
    from,
    downloadFolder: join(folder, 'download'),
    maxDownloadBytes: 1_000_000,
    trust: trustIn(genesis),
    logger: SILENT_LOGGER,
  });

const note = (number: number): Payload => ({
  kind: 'tagged-data',
  tag: Buffer.from('t'),
  data: Buffer.from(`${number}`),
});

async function startNode(name: string, seed: number, from?: readonly string[]) {
  const fill = from === undefined ? undefined : fillFrom(GENESIS, from);
  const opened = await NodeStore.open(join(folder, name), ROOT, nobleHasher, fill);
  open.push(opened.store);
  const node = new MemoryNode(opened, seed);
  await node.rebuild();
  return node;
}

async function purseOf(store: NodeStore): Promise<OutputRecord> {
  const view = await store.view();
  try {
    for await (const record of view.unspent()) {
      const { output } = record;
      if (output.kind === 'basic' && output.address === RICH_KEY.address) return record;
    }
  } finally {
    await view.close();
  }
  throw new Error('the rich key has a purse');
}

/** Pays from the purse of the rich key; a second one before a milestone is a double spend. */
async function payment(store: NodeStore, amount: bigint): Promise<Payload> {
  const purse = await purseOf(store);
  const built = buildTransaction({
    networkId: ROOT.networkId,
    inputs: [{ ...purse, unlock: { kind: 'signature', secretKey: RICH_KEY.secretKey } }],
    outputs: [pay(testKey(30).address, amount)],
    changeAddress: RICH_KEY.address,
    params: GENESIS.params,
    hasher: nobleHasher,
  });
  if (!built.ok) throw new Error(built.code);
  return built.value.transaction;
}

describe('a node that starts from a snapshot', () => {
  /** Some rounds of blocks, payments, double spends and silence. */
  async function live(node: MemoryNode, rounds: number, random: (bound: number) => number) {
    for (let round = 0; round < rounds; round++) {
      node.nowMs += GENESIS.params.heartbeatMs;
      const isQuiet = round % 3 === 2 || (round > 10 && round < 22);
      for (let left = isQuiet ? 0 : random(5); left > 0; left--) {
        await node.issue(note(random(1_000_000_000)));
      }
      if (!isQuiet) {
        await node.issue(await payment(node.store, 1_000n));
        await node.issue(await payment(node.store, 2_000n));
      }
      expectSoundParents(node, await node.milestone());
    }
  }

  /**
   * What snapshots and pruning rest on (docs/spec/12-snapshot.md §1): nothing that is referenced
   * stands on a block that the milestone names.
   */
  function expectSoundParents(node: MemoryNode, { milestone }: ConfirmedMilestone): void {
    for (const id of milestone.body.parents) {
      const children = [...(node.dag.get(id)?.children ?? [])];
      expect(children.filter((child) => node.dag.isReferenced(child))).toEqual([]);
    }
  }

  async function snapshotOf(node: MemoryNode, name: string, base?: string): Promise<string> {
    const path = join(folder, name);
    const view = await node.store.view();
    await writeSnapshot(path, view, base === undefined ? options : { ...options, base });
    await view.close();
    return path;
  }

  async function expectSameFuture(
    whole: MemoryNode,
    young: MemoryNode,
    random: (bound: number) => number,
  ): Promise<void> {
    young.nowMs = whole.nowMs;
    for (let round = 0; round < 2 * GENESIS.params.belowMaxDepth; round++) {
      const ids: BlockId[] = [];
      for (const node of [whole, young]) node.nowMs += GENESIS.params.heartbeatMs;
      for (let left = random(4); left > 0; left--) {
        const block = await whole.issue(note(random(1_000_000_000)));
        await young.take(block);
        ids.push(block.id);
        for (const parent of block.block.parents) {
          expect(young.dag.rootIndexOf(parent)).toBe(whole.dag.rootIndexOf(parent));
        }
      }
      const transfer = await whole.issue(await payment(whole.store, 1_500n));
      await young.take(transfer);
      for (const id of ids) expect(young.dag.coneRoots(id)).toEqual(whole.dag.coneRoots(id));
      const made = await whole.milestone();
      const confirmed = await young.engine.confirm(made.milestone);
      if (!confirmed.ok) throw new Error(`${confirmed.code} ${confirmed.detail}`);
      expect(confirmed.value.result.included).toEqual(made.result.included);
      expect(young.engine.latest.stateTree.root()).toEqual(whole.engine.latest.stateTree.root());
    }
    expect(young.wanted).toEqual([]);
  }

  it.each([1, 2, 3])('confirms what others confirm (seed %i)', async (seed) => {
    const random = randomOf(seed);
    const whole = await startNode('whole', seed);
    await live(whole, 5 + random(20), random);
    const full = await snapshotOf(whole, 'full');
    await live(whole, 1 + random(15), random);
    const delta = await snapshotOf(whole, 'delta', full);
    const index = whole.index;
    const young = await startNode('young', seed, [full, delta]);
    expect([young.index, young.store.prunedIndex]).toEqual([index, index]);
    await expectSameFuture(whole, young, random);
    // Started again, it stands where it stood, and a snapshot of it says the same.
    await young.store.close();
    open.splice(open.indexOf(young.store), 1);
    const again = await startNode('young', seed);
    expect([again.index, again.store.prunedIndex]).toEqual([whole.index, index]);
    again.nowMs = whole.nowMs;
    await expectSameFuture(whole, again, random);
    const late = await snapshotOf(again, 'late');
    const third = await startNode('third', seed, [late]);
    await expectSameFuture(whole, third, random);
  });

  it('near genesis has the genesis block as an entry point', async () => {
    const whole = await startNode('whole', 7);
    await live(whole, 2, randomOf(7));
    const full = await snapshotOf(whole, 'full');
    const young = await startNode('young', 7, [full]);
    expect(young.dag.rootIndexOf('0'.repeat(64) as BlockId)).toBe(0);
    await expectSameFuture(whole, young, randomOf(8));
  });

  it('at genesis is one that starts from genesis', async () => {
    const whole = await startNode('whole', 11);
    const full = await snapshotOf(whole, 'full');
    const young = await startNode('young', 11, [full]);
    expect([young.index, young.store.prunedIndex]).toEqual([0, 0]);
    await expectSameFuture(whole, young, randomOf(11));
  });

  it('keeps its store when it is started again with a source', async () => {
    const whole = await startNode('whole', 9);
    await live(whole, 3, randomOf(9));
    await whole.store.close();
    open.splice(0);
    const again = await startNode('whole', 9, [join(folder, 'absent')]);
    expect(again.index).toBe(whole.index);
  });
});

describe('the sources', () => {
  it('no-source, and the reason of each: none holds, and the store stays empty', async () => {
    const wrong = join(folder, 'wrong');
    await writeFile(wrong, 'no snapshot');
    const from = [wrong, join(folder, 'absent')];
    await expect(startNode('empty', 1, from)).rejects.toMatchObject({
      name: 'SnapshotError',
      code: 'no-source',
      message: expect.stringMatching(/not a snapshot: .*wrong; .*cannot be read: .*absent/),
    });
    await expect(startNode('empty', 1, [wrong])).rejects.toMatchObject({ code: 'snapshot-magic' });
    expect((await startNode('empty', 1)).index).toBe(0);
  });

  it('are tried in turn, and a delta that does not hold leaves its full one', async () => {
    const fixture = new SnapshotFixture(1, 8);
    fixture.advance(6);
    const { genesis } = fixture.chain;
    const path = (name: string) => join(folder, name);
    await writeFile(path('full'), encodeFile(fixture.file(3)));
    await writeFile(path('delta'), encodeFile(fixture.file(5, 3)));
    await writeFile(path('other-delta'), encodeFile(fixture.file(6, 4)));
    const indexFrom = async (...names: string[]): Promise<number> => {
      const target = path(`store-${names.join('-')}`);
      const fill = fillFrom(genesis, names.map(path));
      const opened = await NodeStore.open(target, fixture.chain.start, nobleHasher, fill);
      open.push(opened.store);
      return opened.latest.header.index;
    };
    expect(await indexFrom('full')).toBe(3);
    expect(await indexFrom('full', 'delta')).toBe(5);
    expect(await indexFrom('full', 'other-delta')).toBe(3);
    expect(await indexFrom('absent', 'delta', 'full')).toBe(3);
    await expect(indexFrom('delta')).rejects.toMatchObject({ code: 'snapshot-base' });
  });
});

describe('a network that elects', () => {
  const EPOCH = 20;
  const fixture = new SnapshotFixture(4, 3, { epochLength: EPOCH, validatorBondMin: 10_000n });
  fixture.bond([20, 21, 22, 23].map((seed) => keyPair(seed)));
  fixture.advance(EPOCH + 4);
  const { genesis, start } = fixture.chain;
  const election = 17;

  async function storeAt(index: number, base?: number) {
    const path = (name: string) => join(folder, `${name}-${index}`);
    await writeFile(path('full'), encodeFile(fixture.file(base ?? index)));
    const from = [path('full')];
    if (base !== undefined) {
      await writeFile(path('delta'), encodeFile(fixture.file(index, base)));
      from.push(path('delta'));
    }
    const fill = fillFrom(genesis, from);
    const opened = await NodeStore.open(path('store'), start, nobleHasher, fill);
    open.push(opened.store);
    return opened;
  }

  it.each([
    ['before the election', election - 1, undefined],
    ['at the election', election, undefined],
    ['between the election and the end of its epoch', election + 1, election],
    ['behind its epoch', EPOCH, election - 1],
    ['when the election is behind the window', EPOCH + 4, undefined],
  ])('starts as everybody stands: %s', async (_, index, base) => {
    const { store, latest } = await storeAt(index, base);
    const { committee, elected, bonds } = fixture.headers[index]!;
    const isBetween = index >= election && index < EPOCH - 1;
    expect(elected?.length).toBe(isBetween ? 4 : undefined);
    expect(latest).toMatchObject({ committee, elected });
    expect(latest.bonds.candidates()).toEqual(expect.arrayContaining(bonds.candidates()));
    expect(store.elections(0, 9)).toHaveLength(index < election ? 0 : 1);
    // What it writes itself proves the same to the next one.
    const again = join(folder, 'again');
    const view = await store.view();
    const { params } = genesis;
    await writeSnapshot(again, view, { genesis: start, params, hasher: nobleHasher });
    await view.close();
    const proven = await verifySnapshot(again, trustIn(genesis));
    expect(proven.elections).toEqual(store.elections(0, 9));
    expect(proven.header).toEqual(fixture.file(index).header);
  });
});

describe('an import that is killed', () => {
  const IMPORT = fileURLToPath(new URL('testing/import-slowly.ts', import.meta.url));
  const OUTPUTS = 4_096;
  const genesis: Genesis = {
    ...GENESIS,
    name: 'test-large',
    outputs: Array.from({ length: OUTPUTS }, (_, number) => ({
      address: number.toString(16).padStart(64, '0') as Address,
      amount: 1_000_000n,
    })),
  };

  /** Runs the importing process and kills it after so many batches. */
  async function importAndKill(full: string, genesisFile: string, batches: number): Promise<void> {
    const child = spawn(process.execPath, [IMPORT, join(folder, 'store'), genesisFile, full], {
      stdio: ['pipe', 'pipe', 'inherit'],
      // Ended by SIGTERM, which is not what is expected.
      timeout: 100_000,
    });
    const exit = new Promise((resolve) => child.once('exit', (_, signal) => resolve(signal)));
    let seen = 0;
    for await (const line of createInterface({ input: child.stdout })) {
      seen += line === 'batch' ? 1 : 0;
      if (seen === batches) child.kill('SIGKILL');
      else child.stdin.write('on\n');
    }
    expect(await exit).toBe('SIGKILL');
  }

  it('begins anew at the next start, and is complete then', async () => {
    const committee = committeeKeys(1).map(({ publicKey }) => publicKey);
    const chain = new TestChain(1, { ...genesis, committee });
    const id = chain.attach(['0'.repeat(64) as BlockId]);
    const { bytes, result, header } = chain.confirm([id]);
    const outputs = chain.start.outputs.toSorted((a, b) => (a.outputId < b.outputId ? -1 : 1));
    const full = join(folder, 'full');
    const { timestampMs } = header;
    const target = { index: 1, id: chain.parent.id, timestampMs };
    await writeSnapshot(
      full,
      {
        state: { ...target, unspentCount: OUTPUTS },
        milestoneBytes: () => bytes,
        cone: () => result.included,
        elections: async () => await Promise.resolve([]),
        async *unspent() {
          yield* outputs;
        },
      },
      { genesis: chain.start, params: chain.genesis.params, hasher: nobleHasher },
    );
    const genesisFile = join(folder, 'genesis.json');
    await writeFile(genesisFile, genesisToJson(chain.genesis));
    for (const batches of [1, 3, 5]) await importAndKill(full, genesisFile, batches);
    const fill = fillFrom(chain.genesis, [full]);
    const opened = await NodeStore.open(join(folder, 'store'), chain.start, nobleHasher, fill);
    open.push(opened.store);
    expect(opened.latest).toMatchObject({ id: chain.parent.id, header: { index: 1 } });
    const known = await opened.store.loadOutputs(outputs.map(({ outputId }) => outputId));
    expect(known.size).toBe(OUTPUTS);
    expect([...known.keys()]).toEqual(outputs.map(({ outputId }) => outputId));
  });
});
