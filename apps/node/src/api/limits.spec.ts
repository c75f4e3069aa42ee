/** The limits of the API with real sockets: slow and greedy callers of a real node. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { connect, type Socket } from 'node:net';
import { Controller, Get, Headers, Module, Res } from '@nestjs/common';
import { readFileSync } from 'node:fs';
import type { IncomingMessage, Server } from 'node:http';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import { SYSTEM_CLOCK } from '@tanglemail/tangle/io/system.ts';
import { WebSocket } from 'ws';
import { TestNetwork, until, type TestNode } from '../testing/test-network.ts';
import { createApp } from './http-app.ts';
import { addressBehind } from '@tanglemail/tangle/io/shell/rate-limit.ts';
import { ROUTE_RULES, routeClassOf } from './limits.ts';

const network = new TestNetwork();
const sockets: Socket[] = [];
const readers: WebSocket[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const socket of readers.splice(0)) socket.terminate();
  await network.closeAll();
});

const UNLIMITED = { perSecond: 100_000, burst: 100_000 };

async function started(api: object): Promise<TestNode> {
  return await network.start({ config: { api: { port: 0, rateLimit: UNLIMITED, ...api } } });
}

function portOf(one: TestNode): number {
  return Number(new URL(one.api.url).port);
}

/** A connection from `from`, one of the addresses of the loopback. */
function dial(one: TestNode, from = '127.0.0.1'): Socket {
  const socket = connect({ host: '127.0.0.1', port: portOf(one), localAddress: from });
  socket.on('error', () => undefined);
  sockets.push(socket);
  return socket;
}

interface Reader {
  readonly socket: WebSocket;
  readonly seen: unknown[];
  /** Resolves with the code with which the node closes it. */
  readonly closed: Promise<unknown>;
}

async function reader(one: TestNode): Promise<Reader> {
  const socket = new WebSocket(`${one.api.url.replace('http', 'ws')}/api/events/v1`);
  readers.push(socket);
  const seen: unknown[] = [];
  socket.on('message', (data: Buffer) => seen.push(JSON.parse(data.toString('utf8'))));
  socket.on('error', () => undefined);
  const closed = new Promise((resolve) => socket.once('close', resolve));
  await Promise.race([new Promise((resolve) => socket.once('open', resolve)), closed]);
  return { socket, seen, closed };
}

const counted = async (one: TestNode): Promise<string> => await one.node.metrics.registry.metrics();

describe('limits of requests', () => {
  it('are those of the page, class by class', () => {
    const url = new URL('../../../../docs/spec/11-node-api.md', import.meta.url);
    const page = readFileSync(url, 'utf8');
    for (const [route, { cost, maxActive, maxWaiting }] of Object.entries(ROUTE_RULES)) {
      expect(page).toContain(`| \`${route}\` | ${cost} | ${maxActive} | ${maxWaiting} |`);
    }
  });

  it.each([
    ['GET', '/health/live', 'health'],
    ['POST', '/api/core/v1/blocks', 'submit'],
    ['GET', '/api/core/v1/blocks/x/proof', 'proof'],
    ['GET', '/api/core/v1/transactions/x/proof', 'proof'],
    ['GET', '/api/core/v1/milestones/1/blocks', 'feed'],
    ['GET', '/api/core/v1/milestones/1', 'ledger'],
    ['GET', '/api/core/v1/snapshots', 'node'],
    ['GET', '/api/core/v1/snapshots/full', 'snapshot'],
    ['GET', '/api/indexer/v1/outputs', 'indexer'],
    ['GET', '/docs', 'other'],
  ])('%s %s is of class %s', (method, path, route) => {
    expect(routeClassOf(method, path)).toBe(route);
  });

  it('cost more for dear routes, nothing for the health, and say when to come again', async () => {
    const one = await started({ rateLimit: { perSecond: 0.5, burst: 7 } });
    const proof = `${one.api.url}/api/core/v1/blocks/${'0'.repeat(64)}/proof`;
    const statuses = [];
    for (let n = 0; n < 3; n++) statuses.push((await fetch(proof)).status);
    const refused = await fetch(proof);
    expect(statuses).toEqual([404, 404, 429]);
    expect(await refused.json()).toMatchObject({ code: 'rate-limited', status: 429 });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(2);
    expect((await fetch(`${one.api.url}/health/live`)).status).toBe(200);
    const lines = await counted(one);
    expect(lines).toContain('tangle_api_requests_total{route="proof",status="429"} 2');
    expect(lines).toContain('tangle_api_requests_total{route="health",status="2xx"} 1');
  });

  it('refuse a body that is too large, announced or not', async () => {
    const one = await started({ bodyLimitBytes: 65_536 });
    const url = `${one.api.url}/api/core/v1/blocks`;
    const headers = { 'content-type': 'application/octet-stream' };
    const large = new Uint8Array(70_000);
    const announced = await fetch(url, { method: 'POST', headers, body: large });
    const { readable, writable } = new TransformStream<Uint8Array>();
    const writer = writable.getWriter();
    const streamed = fetch(url, {
      method: 'POST',
      headers,
      body: readable,
      duplex: 'half',
    });
    await writer.write(large).catch(() => undefined);
    writer.close().catch(() => undefined);
    expect([announced.status, (await streamed).status]).toEqual([413, 413]);
  });

  it('leave room for others when one address sends slowly over many connections', async () => {
    const one = await started({ maxConnectionsPerAddress: 20 });
    const closed: Socket[] = [];
    const slow = Array.from({ length: 200 }, () => dial(one, '127.0.0.2'));
    for (const socket of slow) {
      socket.once('close', () => closed.push(socket));
      socket.write('GET /api/core/v1/info HTTP/1.1\r\nHost: a\r\nX-Slow: ');
    }
    await until(() => closed.length >= 180);
    const info = await fetch(`${one.api.url}/api/core/v1/info`);
    expect(info.status).toBe(200);
    expect(slow.length - closed.length).toBe(20);
  });

  it('choose the address behind as many proxies as are trusted, not a made-up one', () => {
    const request = {
      headers: { 'x-forwarded-for': '6.6.6.6, 192.0.2.1, 10.0.0.2' },
      socket: { remoteAddress: '10.0.0.1' },
    } as unknown as IncomingMessage;
    const chosen = [0, 1, 2, 9].map((proxies) => addressBehind(request, proxies));
    expect(chosen).toEqual(['10.0.0.1', '10.0.0.2', '192.0.2.1', '6.6.6.6']);
  });
});

/** More than the system's own buffers hold, and not much more. */
const LARGE = 8 << 20;

/** Requests that the slow server keeps. */
const held: string[] = [];

@Controller()
class SlowController {
  @Get('never')
  async never(): Promise<void> {
    await new Promise(() => undefined);
  }

  @Get('api/core/v1/milestones/1/blocks')
  async held(@Headers('x-hold') hold?: string): Promise<string> {
    if (hold === undefined) return 'here';
    held.push(hold);
    return await new Promise(() => undefined);
  }

  @Get(['large', 'api/core/v1/snapshots/full'])
  large(@Res() response: { send(body: Uint8Array): void }): void {
    response.send(Buffer.alloc(LARGE));
  }
}

@Module({ controllers: [SlowController] })
class SlowModule {}

describe('the time and the places of an answer', () => {
  const apps: { close(): Promise<void> }[] = [];
  afterEach(async () => {
    for (const app of apps.splice(0)) await app.close();
  });

  async function slowServer(requestTimeoutMs = 200, rateLimit = UNLIMITED) {
    const app = await createApp(
      { module: SlowModule },
      {
        bodyLimitBytes: 65_536,
        rateLimit,
        trustedProxies: 0,
        corsOrigins: [],
        maxConnectionsPerAddress: 10,
        maxSnapshotDownloads: 1,
        requestTimeoutMs,
        dripLookMs: 200,
        minBytesPerSecond: 2 << 20,
        logger: SILENT_LOGGER,
        clock: SYSTEM_CLOCK,
      },
    );
    apps.push(app);
    await app.listen(0, '127.0.0.1');
    const url = await app.getUrl();
    return { app, url, port: Number(new URL(url).port) };
  }

  it('timed-out: ends when nothing comes', async () => {
    const { url } = await slowServer();
    const answer = await fetch(`${url}/never`);
    expect([answer.status, await answer.json()]).toMatchObject([503, { code: 'timed-out' }]);
    expect(answer.headers.get('retry-after')).toBe('5');
  });

  it('costs by its size, and a snapshot does not', async () => {
    const statuses = async (path: string) => {
      const { url } = await slowServer(20_000, { perSecond: 0.001, burst: 60 });
      const first = await fetch(`${url}${path}`);
      await first.arrayBuffer();
      return [first.status, (await fetch(`${url}/nothing`)).status];
    };
    expect(await statuses('/large')).toEqual([200, 429]);
    expect(await statuses('/api/core/v1/snapshots/full')).toEqual([200, 404]);
  });

  it('are there for others when one address keeps all that it may have', async () => {
    const { url, port } = await slowServer(20_000);
    const path = '/api/core/v1/milestones/1/blocks';
    for (let n = 0; n < 10; n++) {
      const socket = connect({ host: '127.0.0.1', port, localAddress: '127.0.0.2' });
      socket.on('error', () => undefined);
      sockets.push(socket);
      socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\nX-Hold: ${n}\r\n\r\n`);
    }
    await until(() => held.length > 0);
    const answers = await Promise.all(Array.from({ length: 9 }, () => fetch(`${url}${path}`)));
    expect(answers.map(({ status }) => status)).toEqual(Array(9).fill(200));
    expect(held.length).toBeLessThanOrEqual(ROUTE_RULES.feed.maxActive / 4);
  });

  it('ends for a reader that stops, and not for one that reads', async () => {
    const { app, url, port } = await slowServer(2_000);
    const stuck = connect({ host: '127.0.0.1', port });
    sockets.push(stuck);
    const closed = new Promise((resolve) => stuck.once('close', resolve));
    stuck.on('error', () => undefined);
    stuck.write('GET /large HTTP/1.1\r\nHost: a\r\n\r\n');
    stuck.once('data', () => stuck.pause());
    const whole = await (await fetch(`${url}/large`)).arrayBuffer();
    expect(whole.byteLength).toBe(LARGE);
    await until(async () => await connectionsOf(app.getHttpServer(), 1));
    stuck.resume();
    await closed;
    expect(stuck.bytesRead).toBeLessThan(LARGE);
  });
});

/** True when no more than `count` connections are open: idle ones of `fetch` stay. */
async function connectionsOf(server: Server, count: number): Promise<boolean> {
  return await new Promise((resolve) => {
    server.getConnections((_error, open) => resolve(open <= count));
  });
}

describe('limits of event sockets', () => {
  it('keep one address from taking all places', async () => {
    const one = await started({ maxSockets: 10, maxSocketsPerAddress: 3 });
    const mine: Reader[] = [];
    for (let n = 0; n < 5; n++) mine.push(await reader(one));
    const refused = await Promise.all(mine.slice(3).map(({ closed }) => closed));
    expect(refused).toEqual([1013, 1013]);
    expect(mine.slice(0, 3).map(({ socket }) => socket.readyState)).toEqual([1, 1, 1]);
    expect(await counted(one)).toContain('tangle_api_sockets_ended_total{reason="address"} 2');
  });

  it('serve a thousand subscriptions of many sockets, and end who asks too often', async () => {
    const one = await started({});
    const four = await Promise.all([1, 2, 3, 4].map(() => reader(one)));
    for (const [at, { socket }] of four.entries()) {
      for (let n = 0; n < 250; n++) {
        const id = `${at * 1_000 + n}`.padStart(64, '0');
        socket.send(JSON.stringify({ op: 'subscribe', topic: `block-metadata/${id}` }));
      }
    }
    await until(() => four.every(({ seen }) => seen.length === 250));
    const [first] = four;
    if (first === undefined) throw new Error('four readers');
    for (let n = 0; n < 700; n++) first.socket.send('{}');
    expect(await first.closed).toBe(1013);
    expect(first.seen).toContainEqual({ topic: '$error', data: { code: 'rate-limited' } });
    expect(await counted(one)).toContain('tangle_api_sockets_ended_total{reason="rate"} 1\n');
  });

  it('close a reader of live topics that does not read, and keep the others', async () => {
    const one = await started({});
    const [slow, quick] = [await reader(one), await reader(one)];
    for (const { socket } of [slow, quick]) {
      socket.send(JSON.stringify({ op: 'subscribe', topic: 'blocks' }));
    }
    await until(() => slow.seen.length === 1 && quick.seen.length === 1);
    slow.socket.pause();
    const { blockId } = await one.issuer.issue(null);
    const lot = Array.from({ length: 5_000 }, () => ({ blockId, kind: null, parents: [] }));
    let told = 1;
    await until(async () => {
      one.node.events.emit('solid', lot);
      told += lot.length;
      const lines = await counted(one);
      return lines.includes('tangle_api_sockets_ended_total{reason="lagging"} 1');
    });
    await until(() => quick.seen.length >= told);
    expect(quick.socket.readyState).toBe(1);
    slow.socket.resume();
    await until(() => slow.socket.readyState === 3);
    expect(slow.seen).toContainEqual({ topic: '$lagging', data: {} });
  });
});
