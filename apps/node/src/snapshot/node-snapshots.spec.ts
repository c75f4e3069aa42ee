/**
 * Snapshots between real nodes on the loopback: written while milestones go on, pruned behind,
 * started from by file and by URL, by the program and by hand. Spec: docs/spec/12-snapshot.md.
 */
import { afterEach, describe, expect, it } from '@jest/globals';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { genesisToJson, type Genesis } from '@tanglemail/tangle/core/codec/genesis.ts';
import type { Address } from '@tanglemail/tangle/core/codec/ids.ts';
import type { Payload } from '@tanglemail/tangle/core/codec/payload.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { buildTransaction } from '@tanglemail/tangle/core/ledger/transaction-builder.ts';
import { genesisMilestone } from '@tanglemail/tangle/core/milestone/genesis.ts';
import { NodeApiError } from '@tanglemail/tangle/io/node-client/errors.ts';
import { TestTerminal } from '@tanglemail/tangle/io/shell/testing/test-terminal.ts';
import { runProgram } from '../cli/program.ts';
import {
  pay,
  RICH_AMOUNT,
  RICH_KEY,
  TEST_PARAMS,
  testGenesis,
  testKey,
  TestNetwork,
  until,
  type TestNode,
} from '../testing/test-network.ts';

const network = new TestNetwork();
afterEach(() => network.closeAll());

/** Quick milestones and a small max depth, so that a test lives through many of them. */
const GENESIS: Genesis = {
  ...testGenesis(),
  params: { ...TEST_PARAMS, belowMaxDepth: 8, milestoneIntervalMs: 40, heartbeatMs: 120 },
};
/** Milestones that pruning leaves behind the last one. */
const KEPT = GENESIS.params.belowMaxDepth + 5;
const ALICE = testKey(10);
const BOB = testKey(11);

const indexOf = (one: TestNode): number => one.node.query.confirmedIndex;
const QUIET = { snapshot: { enabled: false } };

const note = (text: string): Payload => ({
  kind: 'tagged-data',
  tag: Buffer.from('note'),
  data: Buffer.from(text),
});

/** A payment from the genesis output, which an earlier one has spent. */
function conflicting(genesis: Genesis): Payload {
  const { outputs, networkId } = genesisMilestone(genesis, nobleHasher);
  const built = buildTransaction({
    networkId,
    params: genesis.params,
    inputs: [{ ...outputs[0]!, unlock: { kind: 'signature', secretKey: RICH_KEY.secretKey } }],
    outputs: [pay(BOB.address, 77_000n)],
    changeAddress: RICH_KEY.address,
    hasher: nobleHasher,
  });
  if (!built.ok) throw new Error(built.code);
  return built.value.transaction;
}

async function send(from: TestNode, to: Address, amount: bigint): Promise<void> {
  await from.wallet.sendTransaction({ from: [RICH_KEY.secretKey], outputs: [pay(to, amount)] });
}

async function statusOf(promise: Promise<unknown>): Promise<number> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof NodeApiError) return error.status ?? 0;
    throw error;
  }
  return 200;
}

async function hasCome(one: TestNode, index: number): Promise<void> {
  await until(() => indexOf(one) >= index);
}

/** A validator with a past: payments, a conflict, notes, and a full snapshot in the middle. */
async function nodeWithPast() {
  const a = await network.start({ validator: true, genesis: GENESIS, config: QUIET });
  await hasCome(a, 1);
  await send(a, ALICE.address, 5_000n);
  const conflict = await a.issuer.issueAndConfirm(conflicting(GENESIS));
  const old = await a.issuer.issueAndConfirm(note('old'));
  const full = await a.node.snapshots.makeNow('full');
  await send(a, ALICE.address, 6_000n);
  await hasCome(a, full.targetIndex + KEPT + 5);
  return { a, conflict, old, full };
}

describe('a node that starts from snapshots', () => {
  it('joins, confirms the same, serves nothing older, and goes on after a restart', async () => {
    const { a, conflict, old, full } = await nodeWithPast();
    expect(conflict.state).toBe('conflicting');
    const prunedTo = await a.node.pruner.pruneTo(1_000_000);
    expect(prunedTo).toBeGreaterThanOrEqual(full.targetIndex);
    expect(prunedTo).toBeLessThanOrEqual(indexOf(a) - KEPT);
    expect(await statusOf(a.client.block(old.blockId))).toBe(404);
    const delta = await a.node.snapshots.makeNow('delta');
    expect(delta).toMatchObject({ kind: 'delta', baseIndex: full.targetIndex });

    const from = [full.path, delta.path];
    const config = { snapshot: { enabled: false, from } };
    const b = await network.start({ peers: [a], genesis: GENESIS, config });
    expect(b.node.query.prunedIndex).toBe(delta.targetIndex);
    await hasCome(b, delta.targetIndex + 2 * KEPT);
    expect(await b.wallet.balance(ALICE.address)).toBe(11_000n);
    expect(await b.wallet.balance(RICH_KEY.address)).toBe(RICH_AMOUNT - 11_000n);
    // Gossip may bring an old block once more; it waits for parents that never come, and leaves.
    await until(async () => (await statusOf(b.client.block(old.blockId))) === 404);
    expect(await statusOf(b.client.utxoChanges(old.milestoneIndex))).toBeGreaterThanOrEqual(404);
    const [index] = [indexOf(b)];
    expect(await b.client.milestone(index)).toEqual(await a.client.milestone(index));

    await b.close();
    const again = await network.start({ peers: [a], genesis: GENESIS, folder: b.folder });
    expect(indexOf(again)).toBeGreaterThanOrEqual(index);
    await send(a, BOB.address, 7_000n);
    await until(async () => (await again.wallet.balance(BOB.address)) === 7_000n);
    expect(again.node.query.prunedIndex).toBe(delta.targetIndex);
  });

  it('takes them from another node over HTTP', async () => {
    const { a } = await nodeWithPast();
    const delta = await a.node.snapshots.makeNow('delta');
    const base = `${a.api.url.replace(/\/$/, '')}/api/core/v1/snapshots`;
    const config = { snapshot: { from: [`${base}/full`, `${base}/delta`] } };
    const b = await network.start({ peers: [a], genesis: GENESIS, config });
    expect(b.node.query.prunedIndex).toBe(delta.targetIndex);
    await hasCome(b, delta.targetIndex + KEPT);
    expect(await b.wallet.balance(ALICE.address)).toBe(11_000n);
    expect(await readdir(b.folder)).not.toContain('snapshot-download');
  });
});

describe('the snapshot keeper', () => {
  it('writes while milestones go on', async () => {
    // Enough outputs for a file of many steps.
    const outputs = Array.from({ length: 4_096 }, (_, number) => ({
      address: (number + 1).toString(16).padStart(64, '0') as Address,
      amount: 1_000_000n,
    }));
    const a = await network.start({
      validator: true,
      genesis: { ...GENESIS, outputs },
      config: QUIET,
    });
    const during: number[] = [];
    a.node.events.on('confirmed', ({ milestone }) => {
      if (a.node.snapshots.isWriting) during.push(milestone.header.index);
    });
    const targets = new Set<number>();
    await until(async () => {
      targets.add((await a.node.snapshots.makeNow('full')).targetIndex);
      return during.length >= 5;
    });
    expect(targets.size).toBeGreaterThan(1);
    expect(a.node.snapshots.files().map(({ targetIndex }) => targetIndex)).toEqual(
      [...targets].slice(-2),
    );
  });

  it('busy: one at a time; no-base: a delta needs a full one', async () => {
    const a = await network.start({ validator: true, genesis: GENESIS, config: QUIET });
    await hasCome(a, 3);
    await expect(a.node.snapshots.makeNow('delta')).rejects.toMatchObject({ code: 'no-base' });
    const first = a.node.snapshots.makeNow('full');
    await expect(a.node.snapshots.makeNow('full')).rejects.toMatchObject({ code: 'busy' });
    const { path } = await first;
    await rm(path);
    await hasCome(a, indexOf(a) + 1);
    await expect(a.node.snapshots.makeNow('delta')).rejects.toMatchObject({ code: 'no-base' });
    expect(a.node.snapshots.files()).toEqual([]);
    await a.close();
    await expect(a.node.snapshots.makeNow('full')).rejects.toMatchObject({ code: 'stopped' });
  });

  it('writes by itself, removes what is old, and finds its files again', async () => {
    const snapshot = { intervalMilestones: 12, deltaInterval: 4, keep: 1 };
    const config = { snapshot };
    const first = await network.start({ validator: true, genesis: GENESIS, config });
    const kinds = () => first.node.snapshots.files().map(({ kind }) => kind);
    await until(() => kinds().join() === 'full,delta');
    const [old] = first.node.snapshots.files();
    await until(() => (first.node.snapshots.files()[0]?.targetIndex ?? 0) > old!.targetIndex);
    await first.close();
    const folder = join(first.folder, 'snapshots');
    const left = first.node.snapshots.files();
    expect((await readdir(folder)).map((name) => join(folder, name)).toSorted()).toEqual(
      left.map(({ path }) => path).toSorted(),
    );
    await writeFile(join(folder, 'full-0000000001.snapshot.part'), 'half');
    await writeFile(join(folder, 'full-0000000002.snapshot'), 'garbage');
    const second = await network.start({
      validator: true,
      genesis: GENESIS,
      folder: first.folder,
      config: QUIET,
    });
    expect(second.node.snapshots.files()).toEqual(left);
    expect(await readdir(folder)).not.toContain('full-0000000001.snapshot.part');
  });

  it('has one that reaches what pruning left, so that others can follow from here', async () => {
    const snapshot = { intervalMilestones: 1_000_000, deltaInterval: 1_000_000 };
    const config = { snapshot };
    const a = await network.start({ validator: true, genesis: GENESIS, config });
    const newest = () => a.node.snapshots.files().at(-1);
    for (const kind of ['full', 'delta'] as const) {
      await hasCome(a, indexOf(a) + KEPT + 5);
      const prunedTo = await a.node.pruner.pruneTo(1_000_000);
      await until(() => (newest()?.targetIndex ?? 0) >= prunedTo);
      expect(newest()).toMatchObject({ kind });
    }
  });
});

describe('tools snapshot', () => {
  const none = () => Promise.reject(new Error('no server is started here'));
  const servers = { nodeApi: none, controlApi: none, faucetApi: none };

  async function tool(...argv: string[]) {
    const terminal = new TestTerminal({});
    const code = await runProgram(['tools', 'snapshot', ...argv], terminal, servers);
    const json: unknown = terminal.output.startsWith('{') ? JSON.parse(terminal.output) : undefined;
    return { code, json, out: terminal.output, err: terminal.errors };
  }

  it('exports from a stopped node, shows, verifies, and fills another folder', async () => {
    const { a, full } = await nodeWithPast();
    await a.close();
    const index = indexOf(a);
    const genesisFile = join(a.folder, 'genesis.json');
    await writeFile(genesisFile, genesisToJson(GENESIS));
    const place = (folder: string) => ['--data-dir', folder, '--genesis-file', genesisFile];
    const out = join(a.folder, 'out.snapshot');
    const delta = join(a.folder, 'delta.snapshot');

    const exported = await tool('export', ...place(a.folder), '--out', out, '--json');
    expect(exported).toMatchObject({ code: 0, json: { kind: 'full', targetIndex: index } });
    const again = await tool('export', ...place(a.folder), '--out', out);
    expect(again).toMatchObject({ code: 2, err: expect.stringContaining('there is such a file') });
    const based = ['--out', delta, '--base', full.path, '--json'];
    expect(await tool('export', ...place(a.folder), ...based)).toMatchObject({
      code: 0,
      json: { kind: 'delta', baseIndex: full.targetIndex, targetIndex: index },
    });

    expect(await tool('info', delta, '--json')).toMatchObject({
      code: 0,
      json: { kind: 'delta', targetIndex: index, created: expect.any(Number) },
    });
    expect((await tool('info', out)).out).toMatch(/kind +full\n/);
    const verified = await tool('verify', full.path, delta, '--genesis', genesisFile, '--json');
    expect(verified).toMatchObject({ code: 0, json: { holds: true, targetIndex: index } });
    const wrongBase = await tool('verify', out, delta, '--genesis', genesisFile);
    expect(wrongBase.code).toBe(1);
    const damaged = await readFile(out);
    damaged[damaged.length - 60]! ^= 1;
    await writeFile(delta, damaged);
    expect(await tool('verify', delta, '--genesis', genesisFile)).toMatchObject({
      code: 1,
      err: expect.stringContaining('the file is damaged'),
    });

    const target = await network.folder();
    expect(await tool('import', delta, ...place(target))).toMatchObject({ code: 1 });
    expect(await readdir(target)).toEqual([]);
    expect(await tool('import', out, ...place(target), '--json')).toMatchObject({
      code: 0,
      json: { milestone: index },
    });
    expect(await tool('import', out, ...place(target))).toMatchObject({
      code: 2,
      err: expect.stringContaining('has a store already'),
    });
    const { node } = await network.openNode({ folder: target, genesis: GENESIS });
    expect(node.query.confirmedIndex).toBe(index);
    await node.stop();
  });
});
