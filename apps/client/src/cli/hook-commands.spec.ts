// `tanglemail hook` and its routes over a real API, mail store and receiver.
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import type { RunningServer } from '@tanglemail/tangle/io/shell/http.ts';
import { createApi } from '../api/create-api.ts';
import { addedHookDto } from '../api/hook-dto.ts';
import { configOf } from '../config/schema.ts';
import { HookBook, MAX_HOOKS } from '../hooks/hook-book.ts';
import { HookRunner } from '../hooks/hook-runner.ts';
import { Hooks } from '../service/hook-service.ts';
import { summaryView } from '../service/views.ts';
import { MemoryClient } from '../testing/memory-client.ts';
import { NOW_MS, person } from '../testing/people.ts';
import { testTerminal } from '../testing/test-terminal.ts';
import { runProgram } from './program.ts';

const TOKEN = 'b'.repeat(43);
let dir: string;
let api: RunningServer;
let receiver: Server;

async function serve(commands: boolean): Promise<void> {
  const { store, writes, messages, account, contacts, tangle } = await person(2);
  const nowMs = (): number => NOW_MS;
  const hookBook = await HookBook.load({ store, writes, nowMs });
  const hookRunner = new HookRunner({
    book: hookBook,
    messages,
    summaryOf: (mail) => summaryView(account, contacts, mail),
    nowMs,
    environment: {},
    logger: SILENT_LOGGER,
  });
  const config = configOf({ hooks: { commands } });
  const parts = { account, config, contacts, hookBook, hookRunner, messages, tangle };
  const options = { host: '127.0.0.1', port: 0, token: TOKEN, version: '0.1.0' } as const;
  const services = { local: new MemoryClient(), hooks: new Hooks(parts) };
  api = await createApi(services, { ...options, logger: SILENT_LOGGER });
  const file = { api: api.url, token: TOKEN, pid: process.pid };
  await writeFile(join(dir, 'daemon.json'), JSON.stringify(file));
}

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'hooks-cli-'));
  receiver = createServer((request, response) => {
    request.resume();
    response.writeHead(200).end();
  });
  await new Promise<void>((resolve) => {
    receiver.listen(0, '127.0.0.1', resolve);
  });
});
afterEach(async () => {
  await api.close();
  receiver.closeAllConnections();
  receiver.close();
  await rm(dir, { recursive: true });
});

async function cli(...line: string[]) {
  const terminal = testTerminal({ input: '' });
  const code = await runProgram(['--data-dir', dir, 'hook', ...line], terminal);
  return { code, ...terminal.written };
}

it('adds, lists, tests and removes hooks; shows a secret once', async () => {
  await serve(false);
  const { port } = receiver.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}/mail`;
  const added = await cli('add', '--url', url, '--folder', 'requests', '--text', '--json');
  expect(added).toMatchObject({ code: 0, err: '' });
  const hook = addedHookDto.parse(JSON.parse(added.out));
  expect(hook).toMatchObject({ id: 1, folder: 'Requests', withText: true, warnings: [] });
  expect(hook.secret).toMatch(/^[0-9a-f]{64}$/);
  const listed = await cli('list');
  expect(listed.out).toMatch(/^ID +TARGET +FOLDER +TOLD +FAILED +LAST ERROR\n1 +http:/);
  expect((await cli('list', '--json')).out).not.toContain(hook.secret);
  expect((await cli('test', '1')).out).toMatch(/^Taken in [0-9]+ ms: status 200\.\n$/);
  expect((await cli('remove', '1')).out).toBe('Removed hook 1.\n');
  expect((await cli('list')).out).toContain('No hooks yet');
  expect((await cli('remove', '1')).code).toBe(4);
});

it('refuses what it cannot tell, and warns of what others could read', async () => {
  await serve(false);
  const open = await cli('add', '--url', 'http://bots.example/mail');
  expect([open.code, open.err]).toEqual([0, expect.stringContaining('use https')]);
  for (const [line, code] of [
    [['add'], 2],
    [['add', '--url', 'ftp://127.0.0.1/'], 2],
    [['add', '--url', 'http://user:word@127.0.0.1/'], 2],
    [['add', '--url', 'https://a.example/', '--timeout', '0'], 2],
    [['add', '--url', 'https://a.example/', '--command', '/bin/true'], 2],
    [['add', '--url', 'https://a.example/', '--folder', 'nowhere'], 4],
    [['add', '--url', 'https://a.example/', '--from', 'nobody'], 5],
    [['add', '--command', '/bin/true'], 5],
    [['test', '7'], 4],
    [['remove', 'x'], 2],
  ] as const) {
    expect([line, (await cli(...line)).code]).toEqual([line, code]);
  }
  for (let more = 1; more < MAX_HOOKS; more++) await cli('add', '--url', 'https://a.example/');
  expect((await cli('add', '--url', 'https://a.example/')).err).toContain('(hooks-too-many)');
});

it('starts programs where the settings allow it, by their whole path', async () => {
  await serve(true);
  const argv = ['add', '--command', process.execPath, '--', '-e', 'process.exit(7)'];
  expect((await cli(...argv)).code).toBe(0);
  expect((await cli('test', '1')).out).toMatch(/^Not taken in [0-9]+ ms: exit 7\.\n$/);
  expect((await cli('add', '--command', 'node')).code).toBe(2);
});
