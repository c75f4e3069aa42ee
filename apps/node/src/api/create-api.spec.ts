import { afterEach, describe, expect, it } from '@jest/globals';
import { WebSocket } from 'ws';
import { TestNetwork, until } from '../testing/test-network.ts';

const network = new TestNetwork();
afterEach(() => network.closeAll());

describe('API server', () => {
  it('describes itself, and serves its metrics on a listener of their own', async () => {
    const one = await network.start({ config: { metrics: { enabled: true, port: 0 } } });
    const page = await fetch(`${one.api.url}/docs`);
    expect([page.status, page.headers.get('content-type')]).toEqual([
      200,
      'text/html; charset=utf-8',
    ]);
    const document = (await (await fetch(`${one.api.url}/docs-json`)).json()) as {
      paths: Record<string, unknown>;
    };
    expect(Object.keys(document.paths)).toEqual(
      expect.arrayContaining(['/health', '/api/core/v1/blocks', '/api/indexer/v1/outputs']),
    );
    const metrics = await fetch(one.api.metricsUrl ?? '');
    const text = await metrics.text();
    expect(text).toMatch(/^tangle_milestone_index\{kind="confirmed"\} 0$/m);
    expect(text).toMatch(/^tangle_healthy 0$/m);
    expect((await fetch(`${one.api.url}/metrics`)).status).toBe(404);
    expect((await fetch(`${one.api.metricsUrl}/x`)).status).toBe(404);
  });

  it('rate-limited: answers 429 beyond the burst', async () => {
    const rateLimit = { perSecond: 0.1, burst: 3 };
    const one = await network.start({ config: { api: { port: 0, rateLimit } } });
    const statuses: number[] = [];
    for (let request = 0; request < 5; request++) {
      statuses.push((await fetch(`${one.api.url}/api/core/v1/tips`)).status);
    }
    expect(statuses).toEqual([200, 200, 200, 429, 429]);
  });

  it('gives a block and a milestone as bytes to whoever asks for bytes', async () => {
    const one = await network.start({ validator: true });
    const { blockId, bytes } = await one.issuer.issue(null);
    expect(await one.client.block(blockId)).toEqual(new Uint8Array(bytes));
    const json = await (await fetch(`${one.api.url}/api/core/v1/blocks/${blockId}`)).json();
    expect(json).toMatchObject({ blockId, bytes: Buffer.from(bytes).toString('hex') });
    expect((await one.client.milestone(0)).length).toBeGreaterThan(249);
    const { genesisId } = one.node.query.info();
    const byId = await fetch(`${one.api.url}/api/core/v1/milestones/by-id/${genesisId}`);
    expect(await byId.json()).toMatchObject({ index: 0, milestoneId: genesisId });
  });

  it('limits sockets and messages, and answers what it cannot read', async () => {
    const one = await network.start({ config: { api: { port: 0, maxSockets: 1 } } });
    const url = `${one.api.url.replace('http', 'ws')}/api/events/v1`;
    const seen: unknown[] = [];
    const socket = new WebSocket(url);
    socket.addEventListener('message', ({ data }) => seen.push(JSON.parse(data as string)));
    await new Promise((resolve) => socket.once('open', resolve));
    socket.send('{');
    socket.send('{"op":"subscribe","topic":"mails"}');
    await until(() => seen.length === 2);
    expect(seen[0]).toEqual({ topic: '$error', data: { code: 'request-malformed' } });
    const second = new WebSocket(url);
    const code = await new Promise((resolve) => second.once('close', resolve));
    expect(code).toBe(1013);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.send('x'.repeat(5_000));
    expect(await closed).toBe(1009);
  });
});
