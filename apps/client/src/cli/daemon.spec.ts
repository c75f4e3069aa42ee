import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { genesisToJson } from '@tanglemail/tangle/core/codec/genesis.ts';
import { SmallNode } from '@tanglemail/tangle/io/node-client/testing/small-node.ts';
import { until } from '@tanglemail/tangle/io/testing/until.ts';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { testTerminal } from '../testing/test-terminal.ts';
import { readDaemonFile } from './daemon-link.ts';
import { runProgram } from './program.ts';
import { fetchFrom } from './socket-fetch.ts';
import { EventWatch, WATCH_TIMES } from './tui/event-watch.ts';

const env = { TANGLEMAIL_PASSPHRASE: 'secret' };
const QUIET = ['--port', '0', '--log-level', 'silent'];

let node: SmallNode;
let parent: string;
let dataDir: string;
/** Ends a daemon that its test did not end, because it failed; others have ended. */
const daemons: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  node = new SmallNode();
  await node.start();
  parent = await mkdtemp(join(tmpdir(), 'tanglemail-daemon-'));
  dataDir = join(parent, 'data');
  const genesis = join(parent, 'genesis.json');
  await writeFile(genesis, genesisToJson(node.genesis));
  await run('account', 'create', '--genesis', genesis, '--node', node.baseUrl);
});

afterEach(async () => {
  for (const end of daemons.splice(0)) await end();
  await node.stop();
  await rm(parent, { recursive: true });
});

async function run(...line: string[]) {
  const terminal = testTerminal({ env });
  const code = await runProgram(['--data-dir', dataDir, ...line], terminal);
  return { code, ...terminal.written };
}

/** A daemon in this process; `stop` is its SIGTERM and gives its exit code. */
async function daemon(...flags: string[]) {
  const signal = Promise.withResolvers<string>();
  const terminal = testTerminal({ env, signal: signal.promise });
  const line = ['--data-dir', dataDir, 'daemon', ...QUIET, ...flags];
  const ended = runProgram(line, terminal);
  const stop = async () => {
    signal.resolve('SIGTERM');
    return { code: await ended, ...terminal.written };
  };
  daemons.push(stop);
  await Promise.race([ended, until(async () => (await readDaemonFile(dataDir)) !== undefined)]);
  return stop;
}

describe('daemon', () => {
  it('answers the command line while it runs, and leaves no trace behind', async () => {
    const stop = await daemon();
    const file = join(dataDir, 'daemon.json');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const status = await run('daemon', 'status', '--json');
    expect(JSON.parse(status.out)).toMatchObject({ node: { url: node.baseUrl, reachable: true } });
    expect((await run('account', 'show')).out).toMatch(/^address +tmt?1/);
    expect(await stop()).toEqual({ code: 0, out: '', err: '' });
    await expect(access(file)).rejects.toThrow('ENOENT');
    expect((await run('daemon', 'status')).code).toBe(3);
  });

  it('listens on a socket of its user alone, also after one that was killed', async () => {
    const socket = join(dataDir, 'api.sock');
    // What kill -9 leaves behind: a file on which nobody listens.
    const listen = `require('net').createServer().listen(${JSON.stringify(socket)}, () => {
      process.stdout.write('up');
    })`;
    const killed = spawn(process.execPath, ['-e', listen], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(killed.stdout, 'data');
    killed.kill('SIGKILL');
    await once(killed, 'exit');
    expect((await stat(socket)).isSocket()).toBe(true);
    const stop = await daemon('--api-socket', 'true');
    expect((await stat(socket)).mode & 0o777).toBe(0o600);
    expect(await readDaemonFile(dataDir)).toMatchObject({ api: `unix:${socket}` });
    const status = await run('daemon', 'status');
    expect(status.out).toContain(`unix:${socket}`);
    const address = JSON.parse((await run('account', 'show', '--json')).out);
    const unknown = await run('read', 'INBOX.1');
    expect(unknown.err).toContain('(message-unknown)');
    expect(unknown.code).not.toBe(0);
    const folder = await run('folders', 'create', 'Über');
    expect(folder.code).toBe(0);
    expect((await run('folders', 'list')).out).toContain('Über');
    expect(address.address).toMatch(/^tmt?1/);
    expect((await stop()).code).toBe(0);
    await expect(access(socket)).rejects.toThrow('ENOENT');
  });

  it('tells of new mail over its socket, and refuses who does not know the token', async () => {
    await daemon('--api-socket', 'true');
    const found = await readDaemonFile(dataDir);
    if (found === undefined) throw new Error('no daemon');
    const changes: number[] = [];
    const watch = new EventWatch(
      async () => found,
      () => {
        changes.push(1);
      },
      // Not by looking now and then.
      { ...WATCH_TIMES, pollMs: 3_600_000 },
    );
    try {
      for (let made = 0; changes.length === 0 && made < 500; made += 1) {
        expect((await run('folders', 'create', `f${made}`)).code).toBe(0);
      }
      expect(changes).not.toEqual([]);
    } finally {
      watch.close();
    }
    const init = { method: 'GET', signal: AbortSignal.timeout(30_000), redirect: 'error' } as const;
    const path = '/api/client/v1/status';
    const stranger = await fetchFrom(found.api, path, { ...init, headers: {} });
    expect(stranger.status).toBe(401);
    const owner = { authorization: `Bearer ${found.token}` };
    expect((await fetchFrom(found.api, path, { ...init, headers: owner })).status).toBe(200);
  });

  it('file-unusable: something else lies where its socket should be', async () => {
    await writeFile(join(dataDir, 'api.sock'), 'not a socket');
    const { code, err } = await run('daemon', ...QUIET, '--api-socket', 'true');
    expect(code).not.toBe(0);
    expect(err).toContain('api.sock is no socket (file-unusable)');
  });

  it('starts while the node is out of reach', async () => {
    await node.stop();
    const stop = await daemon();
    const status = await run('daemon', 'status');
    expect(status.out).toMatch(/node .* does not answer/);
    expect((await run('wallet', 'balance')).code).toBe(1);
    expect((await stop()).code).toBe(0);
    node = new SmallNode();
    await node.start();
  });

  it('daemon-running: only one has the folder; the first one stays', async () => {
    const stop = await daemon();
    const second = await run('daemon', ...QUIET);
    expect(second.code).toBe(5);
    expect(second.err).toBe(
      'tanglemail: another daemon has this folder open (daemon-running); ' +
        'stop it with tanglemail daemon stop.\n',
    );
    expect((await run('daemon', 'status')).code).toBe(0);
    expect((await stop()).code).toBe(0);
  });

  it('port-in-use: and the folder is free again', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const taken = await run('daemon', '--port', `${port}`, '--log-level', 'silent');
    expect(taken.code).toBe(5);
    expect(taken.err).toContain(`${port} (port-in-use); choose another one with --port`);
    await new Promise((resolve) => server.close(resolve));
    const stop = await daemon();
    expect((await stop()).code).toBe(0);
  });

  it('passphrase-wrong', async () => {
    const terminal = testTerminal({ env: { TANGLEMAIL_PASSPHRASE: 'another' } });
    expect(await runProgram(['--data-dir', dataDir, 'daemon', ...QUIET], terminal)).toBe(5);
    expect(terminal.written.err).toContain('(passphrase-wrong)');
  });

  it('genesis-invalid: a store of another network', async () => {
    const other = join(parent, 'other.json');
    await writeFile(other, genesisToJson({ ...node.genesis, name: 'another' }));
    const { code, err } = await run('daemon', ...QUIET, '--genesis', other);
    expect(code).toBe(2);
    expect(err).toContain('(genesis-invalid)');
  });
});
