/** The operator's listener and `tangle-node control` against real nodes. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import type { ControlFileDto } from '@tanglemail/tangle/io/node-client/control-dto.ts';
import type { RunningServer } from '@tanglemail/tangle/io/shell/http.ts';
import { createLogger } from '@tanglemail/tangle/io/shell/log.ts';
import { runProgram } from '../cli/program.ts';
import { TestNetwork, until, type TestNode } from '../testing/test-network.ts';
import { createControlApi } from './create-control-api.ts';

const network = new TestNetwork();
const servers: RunningServer[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
  await network.closeAll();
});

async function controlled(options: Parameters<TestNetwork['start']>[0] = {}) {
  const one = await network.start(options);
  const control = await createControlApi(one.node);
  servers.push(control);
  const path = join(one.folder, 'control.json');
  const file = JSON.parse(readFileSync(path, 'utf8')) as ControlFileDto;
  return { one, control, path, file };
}

/** Runs a command line against the node's folder. */
async function run(one: TestNode, ...argv: string[]) {
  let out = '';
  let err = '';
  const none = (): Promise<never> => Promise.reject(new Error('no server here'));
  const exitCode = await runProgram(
    ['control', ...argv, '--data-dir', one.folder],
    {
      env: {},
      out: (text) => (out += text),
      err: (text) => (err += text),
      untilSignal: none,
    },
    { nodeApi: none, controlApi: none, faucetApi: none },
  );
  return { exitCode, out, err };
}

/** The status of a request with exactly these headers. */
async function statusOf(url: string, headers: Record<string, string>): Promise<[number, string]> {
  return await new Promise((resolve, reject) => {
    const sent = request(`${url}/api/control/v1/status`, { headers }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
      response.on('end', () => {
        const { code } = JSON.parse(text) as { code?: string };
        resolve([response.statusCode ?? 0, code ?? 'ok']);
      });
    });
    sent.on('error', reject);
    sent.end();
  });
}

/** The status for somebody who has a version; `fetch` would ask to pass over caches. */
async function unchanged(url: string, etag: string): Promise<number | undefined> {
  return await new Promise((resolve, reject) => {
    const sent = request(url, { headers: { 'if-none-match': etag } }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode));
    });
    sent.on('error', reject);
    sent.end();
  });
}

describe('control listener', () => {
  it('lets in who has the token, under its own name, and no web page', async () => {
    const { file } = await controlled();
    const authorization = `Bearer ${file.token}`;
    const wrong = `Bearer ${'0'.repeat(64)}`;
    const { url } = file;
    expect(await statusOf(url, { authorization })).toEqual([200, 'ok']);
    expect(await statusOf(url, {})).toEqual([401, 'unauthorized']);
    expect(await statusOf(url, { authorization: wrong })).toEqual([401, 'unauthorized']);
    expect(await statusOf(url, { authorization: file.token })).toEqual([401, 'unauthorized']);
    const rebound = { authorization, host: 'evil.example:1234' };
    expect(await statusOf(url, rebound)).toEqual([403, 'host-refused']);
    const page = { authorization, origin: 'http://127.0.0.1' };
    expect(await statusOf(url, page)).toEqual([403, 'origin-refused']);
    expect(await statusOf(url, { authorization, host: 'localhost' })).toEqual([200, 'ok']);
  });

  it('answers under any address when it listens on all, and under no name', async () => {
    const control = { host: '0.0.0.0' };
    const { control: server, file } = await controlled({ config: { control } });
    const { port } = new URL(server.url);
    const url = `http://127.0.0.1:${port}`;
    const authorization = `Bearer ${file.token}`;
    for (const host of ['192.0.2.7', '192.0.2.7:99', '[2001:db8::1]:99']) {
      expect(await statusOf(url, { authorization, host })).toEqual([200, 'ok']);
    }
    for (const host of ['evil.example', '192.0.2.7.evil.example', '[evil]', '1.2.3.4.5']) {
      expect(await statusOf(url, { authorization, host })).toEqual([403, 'host-refused']);
    }
  });

  it('tells its address in a file that only the owner can read, new at each start', async () => {
    const { one, control, path, file } = await controlled();
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(file.url).toBe(control.url);
    await control.close();
    expect(existsSync(path)).toBe(false);
    const again = await createControlApi(one.node);
    servers.push(again);
    const second = JSON.parse(readFileSync(path, 'utf8')) as ControlFileDto;
    expect(second.token).not.toBe(file.token);
    expect(await statusOf(second.url, { authorization: `Bearer ${file.token}` })).toEqual([
      401,
      'unauthorized',
    ]);
  });

  it('never logs the token', async () => {
    const lines: string[] = [];
    const logger = createLogger('trace', 'test', { write: (line) => lines.push(line) });
    const { one, control, file } = await controlled({ logger });
    await statusOf(file.url, { authorization: `Bearer ${file.token}` });
    expect((await run(one, 'log-level', 'debug')).exitCode).toBe(0);
    await control.close();
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.filter((line) => line.includes(file.token))).toEqual([]);
    expect(one.node.control.logLevel()).toBe('debug');
  });
});

describe('tangle-node control', () => {
  it('shows the status, for people and for programs', async () => {
    const { one } = await controlled({ validator: true });
    await until(() => one.node.query.confirmedIndex > 0);
    const status = await run(one, 'status');
    expect(status).toMatchObject({ exitCode: 0, err: '' });
    expect(status.out).toMatch(/^health: {5}good$/m);
    expect(status.out).toMatch(/^milestone: {2}[1-9][0-9]*, 0 behind, [0-9]+ s old$/m);
    const json = JSON.parse((await run(one, 'status', '--json')).out) as Record<string, unknown>;
    expect(json).toMatchObject({ networkName: 'test-node', peers: 0, health: { healthy: true } });
  });

  it('adds, bans, unbans and removes a peer', async () => {
    const { one } = await controlled();
    const other = await network.start();
    const [address = ''] = other.node.addresses();
    const id = address.split('/').at(-1) ?? '';
    expect(await run(one, 'peers', 'add', address)).toMatchObject({ exitCode: 0, err: '' });
    await until(() => one.node.query.peers().length === 1);
    expect((await run(one, 'peers')).out).toContain(`${id}  outbound`);
    expect((await run(one, 'ban', id, '--minutes', '5')).exitCode).toBe(0);
    await until(() => one.node.query.peers().length === 0);
    expect((await run(one, 'bans')).out).toContain(id);
    expect((await run(one, 'unban', id)).exitCode).toBe(0);
    expect((await run(one, 'unban', id)).exitCode).toBe(1);
    expect((await run(one, 'bans')).out).toBe('nobody is banned\n');
    expect((await run(one, 'peers', 'remove', id)).exitCode).toBe(0);
  });

  it('says in words what it cannot do', async () => {
    const { one, control } = await controlled();
    const mistyped = await run(one, 'peers', 'add', 'nonsense');
    expect(mistyped.exitCode).toBe(1);
    expect(mistyped.err).toMatch(/^tangle-node: /);
    const early = await run(one, 'prune', '--to', '5');
    expect([early.exitCode, early.err]).toEqual([
      1,
      'tangle-node: milestone 0 and later ones are still needed\n',
    ]);
    expect((await run(one, 'log-level', 'loud')).exitCode).toBe(1);
    expect((await run(one, 'prune', '--to', '-1')).exitCode).toBe(2);
    await control.close();
    const gone = await run(one, 'status');
    expect([gone.exitCode, gone.err.includes('does not run')]).toEqual([2, true]);
  });

  it('writes a snapshot, which the public API then serves in parts', async () => {
    const { one } = await controlled({ validator: true });
    await until(() => one.node.query.confirmedIndex > 1);
    const made = await run(one, 'snapshot', '--json');
    expect(made).toMatchObject({ exitCode: 0, err: '' });
    const { sizeBytes, targetIndex } = JSON.parse(made.out) as Record<string, number>;
    const url = `${one.api.url}/api/core/v1/snapshots`;
    const list = (await (await fetch(url)).json()) as { snapshots: unknown[] };
    expect(list.snapshots).toContainEqual(expect.objectContaining({ kind: 'full', targetIndex }));
    const whole = await fetch(`${url}/full`);
    const bytes = Buffer.from(await whole.arrayBuffer());
    expect([whole.status, bytes.length]).toEqual([200, sizeBytes]);
    const etag = whole.headers.get('etag') ?? '';
    const rest = await fetch(`${url}/full`, { headers: { range: 'bytes=100-', 'if-range': etag } });
    expect(rest.status).toBe(206);
    expect(Buffer.from(await rest.arrayBuffer())).toEqual(bytes.subarray(100));
    expect(await unchanged(`${url}/full`, etag)).toBe(304);
    expect((await fetch(`${url}/delta`)).status).toBe(404);
  });
});
