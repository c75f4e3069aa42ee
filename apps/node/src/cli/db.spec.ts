// `tools db`: a whole store is found whole, and each kind of damage is told.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeConsensusMessage, type Vote } from '@tanglemail/tangle/core/codec/consensus.ts';
import { genesisToJson } from '@tanglemail/tangle/core/codec/genesis.ts';
import {
  keyOf,
  prefixRange,
  type BucketName,
  type KeyPart,
} from '@tanglemail/tangle/io/level/buckets.ts';
import { saveContradiction } from '@tanglemail/tangle/io/level/contradiction-repository.ts';
import { openKvStore, type KvStore } from '@tanglemail/tangle/io/level/kv-store.ts';
import { NODE_SCHEMA } from '@tanglemail/tangle/io/level/milestone-batch.ts';
import { TestTerminal } from '@tanglemail/tangle/io/shell/testing/test-terminal.ts';
import { genesisMilestone } from '@tanglemail/tangle/core/milestone/genesis.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { RICH_KEY, testGenesis, TestNetwork, testKey, until } from '../testing/test-network.ts';
import { growChain } from '../testing/grown-chain.ts';
import { runProgram } from './program.ts';

const network = new TestNetwork();
afterAll(() => network.closeAll());

let template: Awaited<ReturnType<typeof makeNode>>;
beforeAll(async () => {
  template = await makeNode();
});

/** A copy of the folder of a node that was stopped. */
async function stoppedNode() {
  const folder = await network.folder();
  await cp(template.folder, folder, { recursive: true });
  return { ...template, folder };
}

const NOTHING = new Uint8Array();
const OWNER = {
  kind: 'node',
  networkId: genesisMilestone(testGenesis(), nobleHasher).networkId,
  schema: NODE_SCHEMA,
};

/** A stopped node with a payment in it: its folder and the block of the payment. */
async function makeNode() {
  const one = await network.start({ validator: true });
  const { folder, wallet, node, issuer } = one;
  const noted = await issuer.issue({ kind: 'tagged-data', tag: Buffer.from('a'), data: NOTHING });
  await issuer.awaitConfirmation(noted, { timeoutMs: 20_000 });
  const sent = await wallet.sendTransaction({
    from: [RICH_KEY.secretKey],
    outputs: [{ kind: 'basic', address: testKey(9).address, amount: 1_000n }],
  });
  await until(() => node.query.confirmedIndex >= 2);
  await one.close();
  await writeFile(join(folder, 'genesis.json'), genesisToJson(testGenesis()));
  return { folder, blockId: sent.blockId, transactionId: sent.transactionId };
}

async function db(command: string, folder: string) {
  const terminal = new TestTerminal({});
  const servers = {
    nodeApi: () => Promise.reject(new Error('none')),
    controlApi: () => Promise.reject(new Error('none')),
    faucetApi: () => Promise.reject(new Error('none')),
  };
  const flags = ['--data-dir', folder, '--genesis-file', join(folder, 'genesis.json'), '--json'];
  const code = await runProgram(
    ['tools', 'db', ...command.split(' '), ...flags],
    terminal,
    servers,
  );
  const report: unknown = terminal.output === '' ? undefined : JSON.parse(terminal.output);
  return { code, report, err: terminal.errors };
}

/** A copy of a folder in which `change` went over the store. */
async function damaged(folder: string, change: (kv: KvStore) => Promise<void>): Promise<string> {
  const copy = await network.folder();
  await cp(folder, copy, { recursive: true });
  const kv = await openKvStore(join(copy, 'store'), OWNER);
  await change(kv);
  await kv.close();
  return copy;
}

const without =
  (bucket: BucketName, ...parts: KeyPart[]) =>
  async (kv: KvStore) =>
    await kv
      .batch()
      .del(keyOf(bucket, ...parts))
      .write({ sync: true });

describe('tools db', () => {
  it('finds a whole store whole, and shows what is in it', async () => {
    const { folder } = await stoppedNode();
    const { code, report, err } = await db('check', folder);
    expect(report).toMatchObject({ from: 1, problemCount: 0, transactionsApplied: 1 });
    expect(report).toMatchObject({ unspentOutputs: 2, problems: [] });
    expect(err).not.toContain('problem');
    expect(code).toBe(0);
    const info = await db('info', folder);
    const { latestIndex, diskBytes, blockFileBytes, buckets } = info.report as {
      latestIndex: number;
      diskBytes: number;
      blockFileBytes: number;
      buckets: { bucket: string; entries: number }[];
    };
    expect(latestIndex).toBeGreaterThanOrEqual(2);
    expect(blockFileBytes).toBeGreaterThan(0);
    expect(diskBytes).toBeGreaterThan(blockFileBytes);
    const entries = new Map(buckets.map((one) => [one.bucket, one.entries]));
    expect(entries.get('unspent')).toBe(2);
    expect(entries.get('milestones')).toBe(latestIndex + 1);
  });

  it('tells what is missing, all of it, and ends with status 1', async () => {
    const { folder, blockId, transactionId } = await stoppedNode();
    const copy = await damaged(folder, async (kv) => {
      await without('transactions', transactionId)(kv);
      await without('cones', 2)(kv);
      const address = keyOf('outputsByAddress', testKey(9).address);
      const range = { gte: address, lt: new Uint8Array([...address, 0xff]) };
      for await (const [key] of kv.iterate(range)) await kv.batch().del(key).write({ sync: true });
    });
    const { code, report, err } = await db('check', copy);
    const { problems } = report as { problems: string[] };
    expect(problems).toEqual(
      expect.arrayContaining([
        `the transaction in block ${blockId} is not found by its id`,
        'the cone of milestone 2 is missing',
        expect.stringMatching(/^output [0-9a-f]{68} is not found by its address$/),
      ]),
    );
    expect(code).toBe(1);
    expect(err).toMatch(/a file of the store is damaged: \d+ problems; see docs\/operating\.md/);
  });

  it('tells of lists of children and tags that lack a block', async () => {
    const { folder } = await stoppedNode();
    const copy = await damaged(folder, async (kv) => {
      for (const bucket of ['children', 'taggedData'] as const) {
        const range = prefixRange(keyOf(bucket));
        for await (const [key] of kv.iterate(range))
          await kv.batch().del(key).write({ sync: true });
      }
    });
    const { report } = await db('check', copy);
    expect((report as { problems: string[] }).problems).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^block \w{64} is missing among the children of 0{64}$/),
        expect.stringMatching(/^block \w{64} is not found by its tag$/),
      ]),
    );
  });

  it('tells of a block whose bytes on the disk have changed', async () => {
    const { folder, blockId } = await stoppedNode();
    const blocks = join(folder, 'store', 'blocks');
    for (const name of await readdir(blocks)) {
      const bytes = await readFile(join(blocks, name));
      // The address that the payment's block names.
      const at = bytes.indexOf(Buffer.from(testKey(9).address, 'hex'));
      if (at < 0) continue;
      bytes[at] = (bytes[at] ?? 0) ^ 1;
      await writeFile(join(blocks, name), bytes);
    }
    const { code, report } = await db('check', folder);
    const { problems } = report as { problems: string[] };
    expect(problems[0]).toMatch(
      new RegExp(`^block ${blockId} of milestone \\d+ is (damaged|missing)$|cannot be read: `),
    );
    expect(code).toBe(1);
  });

  it('finds a store whole that was pruned, and one that began at a snapshot', async () => {
    const folder = await network.folder();
    const chain = { genesis: testGenesis(), blocksPerMilestone: 2 };
    await growChain(folder, { ...chain, milestones: 80 });
    const { node } = await network.openNode({ folder });
    await node.pruner.pruneTo(9);
    const { path } = await node.snapshots.makeNow('full');
    await node.stop();
    const young = await network.folder();
    const other = await network.openNode({
      config: { dataDir: young, snapshot: { from: [path] } },
    });
    await other.node.stop();
    await growChain(young, { ...chain, milestones: 3 });
    for (const [place, from] of [
      [folder, 10],
      [young, 81],
    ] as const) {
      await writeFile(join(place, 'genesis.json'), genesisToJson(testGenesis()));
      const { code, report } = await db('check', place);
      expect(report).toMatchObject({ from, problems: [] });
      expect(code).toBe(0);
    }
  });

  it('does not believe a milestone that another key has signed', async () => {
    const { folder } = await stoppedNode();
    const other = { ...testGenesis(), committee: [testKey(7).publicKey] };
    const networkId = genesisMilestone(other, nobleHasher).networkId;
    expect(networkId).not.toBe(OWNER.networkId);
    await writeFile(join(folder, 'genesis.json'), genesisToJson(other));
    const { code, err } = await db('check', folder);
    expect(code).toBe(2);
    expect(err).toContain('this folder belongs to another network');
    await writeFile(join(folder, 'genesis.json'), genesisToJson(testGenesis()));
    const copy = await damaged(folder, async (kv) => {
      const key = keyOf('milestones', 1);
      const bytes = kv.getSync(key) ?? new Uint8Array();
      bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
      await kv.batch().put(key, bytes).write({ sync: true });
    });
    const { report } = await db('check', copy);
    expect(report).toMatchObject({
      problems: ['the certificate of milestone 1 does not hold: certificate-signature'],
    });
  });

  it('shows evidence against the committee, and removes it when asked', async () => {
    const { folder } = await stoppedNode();
    const copy = await damaged(folder, async (kv) => {
      const bytes = kv.getSync(keyOf('milestones', 1)) ?? NOTHING;
      for (const id of ['aa'.repeat(32), 'bb'.repeat(32)]) {
        await kv
          .batch()
          .put(keyOf('evidence', 1, id), bytes)
          .write({ sync: true });
      }
    });
    const shown = await db('evidence', copy);
    expect(shown.report).toEqual([
      { index: 1, id: expect.any(String), bytes: expect.stringMatching(/^[0-9a-f]{500,}$/) },
      expect.objectContaining({ index: 1 }),
    ]);
    expect((await db('evidence --clear', copy)).err).toContain('the evidence is removed');
    expect(await db('evidence', copy)).toMatchObject({ code: 0, report: [] });
    expect((await db('check', copy)).report).toMatchObject({ problemCount: 0 });
  });

  it('shows seats that contradicted themselves, and leaves them when it clears', async () => {
    const { folder } = await stoppedNode();
    const said = { epoch: 2, view: 7n, seat: 0, signature: new Uint8Array(64).fill(5) };
    const vote = (kind: 'nullify' | 'finalize', byte: number): Vote => {
      return { ...said, kind, digest: new Uint8Array(32).fill(byte) };
    };
    const pair = [vote('nullify', 0), vote('finalize', 6)] as const;
    const copy = await damaged(folder, async (kv) => {
      await saveContradiction(kv, { kind: 'votes', seat: 0, pair });
      const bytes = kv.getSync(keyOf('milestones', 1)) ?? NOTHING;
      await kv
        .batch()
        .put(keyOf('evidence', 1, 'aa'.repeat(32)), bytes)
        .write({ sync: true });
    });
    const [publicKey] = testGenesis().committee.map((key) => Buffer.from(key).toString('hex'));
    const kept = {
      epoch: 2,
      view: '7',
      seat: 0,
      publicKey,
      says: ['nullify', `finalize ${'06'.repeat(32)}`],
      messages: pair.map((one) => {
        return Buffer.from(encodeConsensusMessage({ type: 'vote', vote: one })).toString('hex');
      }),
    };
    expect((await db('evidence', copy)).report).toEqual([
      expect.objectContaining({ index: 1 }),
      kept,
    ]);
    await db('evidence --clear', copy);
    expect((await db('evidence', copy)).report).toEqual([kept]);
    expect((await db('evidence --clear', copy)).err).not.toContain('is removed');
    const { node } = await network.openNode({ folder: copy });
    expect(node.syncState.state).toBe('following');
    await node.stop();
  });

  it('says that the node runs, instead of opening its store', async () => {
    const { folder } = await network.start({ validator: true });
    await writeFile(join(folder, 'genesis.json'), genesisToJson(testGenesis()));
    for (const command of ['check', 'info', 'evidence']) {
      expect(await db(command, folder)).toMatchObject({
        code: 2,
        err: expect.stringContaining('a node runs in this folder: stop it first'),
      });
    }
  });

  it('makes no store where there is none', async () => {
    const folder = await network.folder();
    await writeFile(join(folder, 'genesis.json'), genesisToJson(testGenesis()));
    expect(await db('check', folder)).toMatchObject({
      code: 2,
      err: expect.stringContaining('there is no store in'),
    });
  });
});
