/**
 * The OpenAPI documents of a node against the node: valid, complete, and true of every answer; and
 * good enough that a generated client does the main job.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { bytesToHex, hexToBytes, type BlockId } from '@tanglemail/tangle/core/codec/ids.ts';
import type { ControlFileDto } from '@tanglemail/tangle/io/node-client/control-dto.ts';
import type { RunningServer } from '@tanglemail/tangle/io/shell/http.ts';
import { createControlApi } from '../apps/node/src/api/create-control-api.ts';
import {
  pay,
  RICH_KEY,
  testKey,
  TestNetwork,
  until,
  type TestNode,
} from '../apps/node/src/testing/test-network.ts';
import { AnswerChecker, faultsOf, operationsOf, type OpenApi } from './openapi/document.ts';
import { generateClient, runMainJob, typeCheck } from './openapi/generated-client.ts';

const SETUP_MS = 120_000;
const network = new TestNetwork();
const servers: RunningServer[] = [];
const TAG = '6e6f7465';

interface World {
  readonly node: TestNode;
  readonly peer: TestNode;
  readonly control: RunningServer;
  readonly file: ControlFileDto;
  readonly publicApi: OpenApi;
  readonly controlApi: OpenApi;
  /** What stands in paths, by name of the parameter or by path. */
  readonly things: Readonly<Record<string, string>>;
}

let world: World;

beforeAll(async () => {
  const node = await network.start({ validator: true });
  const peer = await network.start({ peers: [node] });
  const [tag, data] = [hexToBytes(TAG), new TextEncoder().encode('hi')];
  const note = await node.issuer.issue({ kind: 'tagged-data', tag, data });
  const sent = await node.wallet.sendTransaction({
    from: [RICH_KEY.secretKey],
    outputs: [pay(testKey(9).address, 5_000_000n)],
  });
  await node.node.control.snapshots.makeNow('full');
  await until(() => node.node.query.confirmedIndex > sent.milestoneIndex);
  await node.node.control.snapshots.makeNow('delta');
  const control = await createControlApi(node.node);
  servers.push(control);
  const file = readFileSync(join(node.folder, 'control.json'), 'utf8');
  const { token } = JSON.parse(file) as ControlFileDto;
  const headers = { authorization: `Bearer ${token}` };
  const changes = await node.client.utxoChanges(sent.milestoneIndex);
  const milestone = node.node.query.milestone(sent.milestoneIndex);
  world = {
    node,
    peer,
    control,
    file: JSON.parse(file) as ControlFileDto,
    publicApi: (await (await fetch(`${node.api.url}/docs-json`)).json()) as OpenApi,
    controlApi: (await (await fetch(`${control.url}/docs-json`, { headers })).json()) as OpenApi,
    things: {
      blocks: sent.blockId,
      note: note.blockId,
      transactions: sent.transactionId,
      outputs: changes.created[0] ?? '',
      'by-id': milestone?.json.milestoneId ?? '',
      milestones: `${sent.milestoneIndex}`,
      addresses: testKey(9).address,
      peers: peer.node.addresses()[0]?.split('/').at(-1) ?? '',
    },
  };
}, SETUP_MS);

afterAll(async () => {
  if (servers[0] !== undefined) await servers[0].close();
  await network.closeAll();
});

/** A path with what exists in the node in place of its parameter. */
function filled(path: string): string {
  return path.replace(/\/([a-z-]+)\/\{\w+\}/, (_, name: string) => {
    return `/${name}/${world.things[name] ?? `no ${name}`}`;
  });
}

/** The query without which a route says nothing. */
const QUERIES: Readonly<Record<string, string>> = {
  '/api/core/v1/filters': '?from=1',
  '/api/core/v1/filters/headers': '?index=1',
  '/api/indexer/v1/tagged-data': `?tag=${TAG}`,
  '/api/indexer/v1/outputs': '?createdAfter=0',
};

describe('the public document', () => {
  it('is valid OpenAPI 3.1', () => {
    expect(faultsOf(world.publicApi)).toEqual([]);
    expect([...operationsOf(world.publicApi)].length).toBeGreaterThan(28);
  });

  it('is true of what every route answers, without a field besides', async () => {
    const checker = new AnswerChecker(world.publicApi);
    const faults: string[] = [];
    for (const { path, method } of operationsOf(world.publicApi)) {
      if (method !== 'get') continue;
      const url = `${world.node.api.url}${filled(path)}${QUERIES[path] ?? ''}`;
      const answer = await fetch(url);
      const { status } = answer;
      const fault = await checker.faultOf(method, path, answer);
      if (fault !== undefined || status !== 200) faults.push(`${path} ${status}: ${fault}`);
    }
    expect(faults).toEqual([]);
  });

  it('is true of errors', async () => {
    const checker = new AnswerChecker(world.publicApi);
    const faults: string[] = [];
    for (const { path, method } of operationsOf(world.publicApi)) {
      if (!path.includes('{')) continue;
      const answer = await fetch(`${world.node.api.url}${path.replace(/\{\w+\}/, 'zz')}`, {
        method,
      });
      const { status } = answer;
      const fault = await checker.faultOf(method, path, answer);
      if (fault !== undefined || status < 400) faults.push(`${path} ${status}: ${fault}`);
    }
    expect(faults).toEqual([]);
  });

  it('is true of blocks of every kind, and of bytes', async () => {
    const checker = new AnswerChecker(world.publicApi);
    const path = '/api/core/v1/blocks/{id}';
    const ids = [world.things['note'], world.things['blocks']];
    for (const id of ids) {
      const url = `${world.node.api.url}/api/core/v1/blocks/${id}`;
      expect(await checker.faultOf('get', path, await fetch(url))).toBeUndefined();
      const headers = { accept: 'application/octet-stream' };
      const bytes = await fetch(url, { headers });
      expect(bytes.headers.get('content-type')).toBe('application/octet-stream');
      expect(await checker.faultOf('get', path, bytes)).toBeUndefined();
    }
    const posted = await fetch(`${world.node.api.url}/api/core/v1/blocks`, {
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream' },
      body: new Uint8Array(await world.node.client.block((ids[0] ?? '') as BlockId)),
    });
    expect([posted.status, posted.headers.get('location')]).toEqual([
      202,
      `/api/core/v1/blocks/${ids[0]}`,
    ]);
    const fault = await checker.faultOf('post', '/api/core/v1/blocks', posted);
    expect(fault).toBeUndefined();
  });

  it('notices a field that it does not name', async () => {
    const checker = new AnswerChecker(world.publicApi);
    const told = { tips: world.node.node.selectTips(), secret: 'x' };
    const answer = Response.json(told);
    expect(await checker.faultOf('get', '/api/core/v1/tips', answer)).toContain('additional');
  });
});

describe('the control document', () => {
  it('is valid OpenAPI 3.1', () => {
    expect(faultsOf(world.controlApi)).toEqual([]);
  });

  it('is true of what every route answers', async () => {
    const checker = new AnswerChecker(world.controlApi);
    const { token } = world.file;
    const [address = ''] = world.peer.node.addresses();
    const id = world.things['peers'] ?? '';
    const bodies: Readonly<Record<string, object>> = {
      'post /api/control/v1/peers': { address },
      'post /api/control/v1/bans': { id, minutes: 1 },
      'post /api/control/v1/snapshots': { kind: 'full' },
      'post /api/control/v1/pruning': { index: 1 },
      'put /api/control/v1/log-level': { level: 'info' },
    };
    const faults: string[] = [];
    for (const { path, method } of operationsOf(world.controlApi)) {
      const body = bodies[`${method} ${path}`];
      const answer = await fetch(`${world.control.url}${path.replace('{id}', id)}`, {
        method,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const isRefused = answer.status >= 400 && !path.endsWith('log-level');
      const fault = await checker.faultOf(method, path, answer);
      if (fault !== undefined || isRefused)
        faults.push(`${method} ${path} ${answer.status} ${fault}`);
    }
    expect(faults).toEqual([]);
  });
});

describe('a client that is generated from it', () => {
  let folder: string | undefined;

  afterAll(async () => {
    if (folder !== undefined) await rm(folder, { recursive: true });
  });

  it(
    'reads info and tips, submits a block and reads it back',
    async () => {
      folder = await generateClient(world.publicApi);
      await typeCheck(folder);
      const id = (await world.peer.issuer.issue(null)).blockId;
      const bytes = bytesToHex(await world.peer.client.block(id));
      const seen = await runMainJob(folder, world.node.api.url, bytes);
      expect(seen).toMatchObject({ blockId: id, bytes, solid: true });
    },
    SETUP_MS,
  );
});
