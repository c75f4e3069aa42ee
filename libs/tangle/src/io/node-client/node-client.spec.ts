/** The REST client against a small real node: answers, checks, typed errors. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createServer } from 'node:http';
import { blockIdOf } from '../../core/codec/block.ts';
import { networkIdOf } from '../../core/codec/genesis.ts';
import type { BlockId, OutputId } from '../../core/codec/ids.ts';
import { nobleHasher } from '../../core/crypto/blake2b.ts';
import { LightClient } from '../../core/milestone/light-client.ts';
import { BlockIssuer } from './block-issuer.ts';
import { NodeApiError, NodeUnreachableError } from './errors.ts';
import { NodeClient } from './node-client.ts';
import { ProofChecker } from './proof-checker.ts';
import { addressOf, RICH_KEY, SLOW_WORK, SmallNode } from './testing/small-node.ts';

let node: SmallNode;
let client: NodeClient;

beforeEach(async () => {
  node = new SmallNode();
  await node.start();
  client = new NodeClient({ baseUrl: `${node.baseUrl}/` });
});

afterEach(async () => {
  await node.stop();
});

function issuer(): BlockIssuer {
  const checker = new ProofChecker(LightClient.fromGenesis(node.genesis), {
    hasher: nobleHasher,
    clock: { nowMs: () => Date.now() },
    client,
  });
  return new BlockIssuer(
    { networkId: node.start0.networkId, params: node.genesis.params },
    { node: client, proofOfWork: SLOW_WORK, checker, hasher: nobleHasher },
  );
}

const UNKNOWN = 'ab'.repeat(32) as BlockId;

async function codeOf(promise: Promise<unknown>): Promise<string> {
  return await promise.then(
    () => 'no error',
    (error: unknown) => (error instanceof NodeApiError ? error.code : String(error)),
  );
}

describe('node client', () => {
  it('reads info, genesis, tips, peers and health', async () => {
    const info = await client.info();
    expect(BigInt(info.networkId)).toBe(node.start0.networkId);
    expect(networkIdOf(await client.genesis(), nobleHasher)).toBe(node.start0.networkId);
    expect(await client.tips()).toHaveLength(1);
    expect(await client.peers()).toEqual([]);
    expect(await client.health()).toEqual({ healthy: false, reasons: ['alone'] });
  });

  it('reads tagged data page by page, as much as is wanted, and not for ever', async () => {
    const asked: string[] = [];
    const pages = (total: number, size: number) => async (url: URL) => {
      const from = Number(url.searchParams.get('cursor') ?? 0);
      const count = Math.min(size, Number(url.searchParams.get('limit')), total - from);
      asked.push(url.search);
      const items = Array.from({ length: count }, (_, n) => {
        return { blockId: `${from + n}`.padStart(64, '0'), milestoneIndex: 1 };
      });
      const next = from + count < total ? { cursor: `${from + count}` } : {};
      return await Promise.resolve(Response.json({ items, ...next }));
    };
    const of = (total: number, size = 100) =>
      new NodeClient({ baseUrl: 'http://node', fetch: pages(total, size) });
    const tag = Uint8Array.of(1);
    const found = await of(1_000).taggedData(tag, 250);
    expect(found.map(({ blockId }) => Number(blockId))).toEqual([...Array(250).keys()]);
    expect(asked).toEqual([
      '?tag=01&limit=100',
      '?tag=01&limit=100&cursor=100',
      '?tag=01&limit=50&cursor=200',
    ]);
    expect(await of(120).taggedData(tag, 250)).toHaveLength(120);
    expect(await of(9, 0).taggedData(tag, 250)).toEqual([]);
  });

  it('submits blocks and reads them back, page by page', async () => {
    const blocks = issuer();
    const issued = [];
    for (let count = 0; count < 5; count += 1) {
      const tag = Uint8Array.of(count + 1);
      issued.push(await blocks.issue({ kind: 'tagged-data', tag, data: new Uint8Array(count) }));
    }
    node.confirm();
    const feed = await client.milestoneBlocks(1, 'tagged-data');
    expect(feed.map(({ blockId }) => blockId).toSorted()).toEqual(
      issued.map(({ blockId }) => blockId).toSorted(),
    );
    expect(await client.milestoneBlocks(1, 'envelope')).toEqual([]);
    for (const { blockId, bytes } of issued) {
      expect(await client.block(blockId)).toEqual(bytes);
      expect((await client.blockMetadata(blockId)).ledgerInclusionState).toBe('noTransaction');
      expect(await client.blockChildren(blockId)).toEqual([]);
    }
    expect(await client.milestone('latest')).toEqual(node.chain[1]?.bytes);
    expect(await client.utxoChanges(1)).toEqual({ index: 1, created: [], consumed: [] });
  });

  it('lists outputs over pages and reads one', async () => {
    await node.stop();
    const address = addressOf(RICH_KEY);
    node = new SmallNode(Array.from({ length: 8 }, () => ({ address, amount: 1_000n })));
    await node.start();
    client = new NodeClient({ baseUrl: node.baseUrl });
    const ids: OutputId[] = [];
    for await (const id of client.outputs({ address })) ids.push(id);
    expect(new Set(ids).size).toBe(8);
    const [first] = node.start0.outputs;
    expect(await client.output(first?.outputId ?? ids[0]!)).toMatchObject({
      output: { kind: 'basic', amount: '1000', address },
      milestoneIndexBooked: 0,
    });
    expect(await client.taggedData(Uint8Array.of(1), 10)).toEqual([]);
  });

  it('comes again when a node that is asked too fast says when, a few times', async () => {
    let refusals = 2;
    let asked = 0;
    const patient = new NodeClient({
      baseUrl: node.baseUrl,
      fetch: async (url, init) => {
        asked += 1;
        if (refusals === 0) return await fetch(url, init);
        refusals -= 1;
        const headers = { 'retry-after': '0' };
        return new Response('{"code":"rate-limited"}', { status: 429, headers });
      },
    });
    expect((await patient.tips()).length).toBeGreaterThan(0);
    expect(asked).toBe(3);
    refusals = 100;
    expect(await codeOf(patient.tips())).toBe('rate-limited');
    expect(asked).toBe(7);
  });

  it('throws NodeApiError with the code and document of a problem', async () => {
    const refusal = client.submitBlock(new Uint8Array(40));
    await expect(refusal).rejects.toMatchObject({ status: 400, code: 'truncated' });
    await expect(refusal).rejects.toBeInstanceOf(NodeApiError);
    expect(await codeOf(client.blockMetadata(UNKNOWN))).toBe('not-found');
    node.intercept = () => ({ status: 502, body: '<html>' });
    await expect(client.info()).rejects.toMatchObject({ status: 502, code: 'http-status' });
  });

  it('answer-invalid', async () => {
    node.intercept = () => ({ status: 200, body: 'no json' });
    expect(await codeOf(client.info())).toBe('answer-invalid');
    node.intercept = () => ({ status: 200, body: { tips: ['ABC'] } });
    expect(await codeOf(client.tips())).toBe('answer-invalid');
    node.intercept = () => ({ status: 200, body: '{}' });
    expect(await codeOf(client.genesis())).toBe('answer-invalid');
    node.intercept = () => ({ status: 200, body: new Uint8Array(100) });
    expect(await codeOf(client.block(UNKNOWN))).toBe('answer-invalid');
    node.intercept = () => ({
      status: 200,
      body: { index: 1, blocks: [{ blockId: UNKNOWN, bytes: '00' }] },
    });
    expect(await codeOf(client.milestoneBlocks(1))).toBe('answer-invalid');
    node.intercept = () => ({ status: 200, body: { index: 1, blocks: [], next: 0 } });
    expect(await codeOf(client.milestoneBlocks(1))).toBe('answer-invalid');
    node.intercept = () => ({ status: 202, body: { blockId: UNKNOWN } });
    expect(await codeOf(client.submitBlock(new Uint8Array(60)))).toBe('answer-invalid');
  });

  it('answer-too-large, announced or not', async () => {
    node.intercept = () => ({ status: 200, body: new Uint8Array(40_000) });
    expect(await codeOf(client.block(UNKNOWN))).toBe('answer-too-large');
    const endless = createServer((_request, response) => {
      response.writeHead(200);
      const write = (): void => {
        while (!response.destroyed && response.write(new Uint8Array(65_536)));
      };
      response.on('drain', write);
      write();
    });
    await new Promise<void>((resolve) => {
      endless.listen(0, '127.0.0.1', resolve);
    });
    const { port } = endless.address() as { port: number };
    const reader = new NodeClient({ baseUrl: `http://127.0.0.1:${port}` });
    expect(await codeOf(reader.info())).toBe('answer-too-large');
    endless.closeAllConnections();
    endless.close();
  });

  it('throws NodeUnreachableError without a node, and the reason of an abort', async () => {
    const { baseUrl } = node;
    const abort = new AbortController();
    abort.abort(new Error('enough'));
    await expect(client.info({ signal: abort.signal })).rejects.toThrow('enough');
    await node.stop();
    const nobody = new NodeClient({ baseUrl });
    await expect(nobody.info()).rejects.toMatchObject({ reason: 'network' });
    const silent = new NodeClient({
      baseUrl,
      timeoutMs: 10,
      fetch: async (_url, { signal }) =>
        await new Promise((_resolve, reject) => {
          signal?.addEventListener('abort', () => reject(new Error('aborted')));
        }),
    });
    await expect(silent.info()).rejects.toMatchObject({ reason: 'timed-out' });
    await expect(silent.info()).rejects.toBeInstanceOf(NodeUnreachableError);
    await node.start();
  });

  it('keeps the ids of what it submits', async () => {
    const { blockId, bytes } = await issuer().issue(null);
    expect(blockId).toBe(blockIdOf(bytes, nobleHasher));
    expect(await client.submitBlock(bytes)).toBe(blockId);
  });
});
