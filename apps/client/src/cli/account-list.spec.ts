/** Several accounts of the same words, each in a folder of its own, used at the same time. */
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { genesisToJson } from '@tanglemail/tangle/core/codec/genesis.ts';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StatusDto } from '../api/dto.ts';
import { SmallTangle, until } from '../testing/small-tangle.ts';
import { testTerminal } from '../testing/test-terminal.ts';
import { readDaemonFile } from './daemon-link.ts';
import { runProgram } from './program.ts';

const TEST_MS = 60_000;
const env = { TANGLEMAIL_PASSPHRASE: 'secret' };

/** Mail comes by the node itself, and leaves at once. */
const SETTINGS = {
  mailFromNode: true,
  pollIntervalMs: 250,
  send: { undoSeconds: 0 },
  address: { stampBits: 4 },
};

interface Listed {
  readonly accountIndex: number;
  readonly address: string;
  readonly isPublished: boolean | null;
}

let tangle: SmallTangle;
let parent: string;
let words = '';
const ends: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  tangle = await SmallTangle.start();
  tangle.confirmAlways();
  parent = await mkdtemp(join(tmpdir(), 'tanglemail-accounts-'));
  await writeFile(join(parent, 'genesis.json'), genesisToJson(tangle.node.genesis));
  for (const folder of ['zero', 'one']) {
    await mkdir(join(parent, folder));
    await writeFile(join(parent, folder, 'config.json'), JSON.stringify(SETTINGS));
  }
});

afterEach(async () => {
  for (const end of ends.splice(0)) await end();
  await tangle.stop();
  await rm(parent, { recursive: true });
});

async function cli(folder: string, ...line: string[]) {
  const terminal = testTerminal({ env, input: words });
  const code = await runProgram(['--data-dir', join(parent, folder), ...line], terminal);
  return { code, ...terminal.written };
}

async function json<T>(folder: string, ...line: string[]): Promise<T> {
  const { code, out, err } = await cli(folder, ...line, '--json');
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return JSON.parse(out) as T;
}

function network(): string[] {
  return ['--genesis', join(parent, 'genesis.json'), '--node', tangle.node.baseUrl];
}

/** A daemon in this process that ends with the spec. */
async function startDaemon(folder: string): Promise<void> {
  const signal = Promise.withResolvers<string>();
  const terminal = testTerminal({ env, signal: signal.promise });
  const dataDir = join(parent, folder);
  const line = ['--data-dir', dataDir, 'daemon', '--port', '0', '--log-level', 'silent'];
  const ended = runProgram(line, terminal);
  ends.push(async () => {
    signal.resolve('SIGTERM');
    await ended;
  });
  await until(async () => (await readDaemonFile(dataDir)) !== undefined);
  await until(async () => {
    const { descriptor } = await json<StatusDto>(folder, 'daemon', 'status');
    return descriptor.state === 'confirmed';
  });
}

it(
  'list shows what the words have; a second account is made, used, and then listed as such',
  async () => {
    const first = await json<{ address: string; mnemonic: string }>(
      'zero',
      'account',
      'create',
      ...network(),
    );
    words = first.mnemonic;
    const before = await json<Listed[]>('none', 'account', 'list', ...network());
    expect(before.map((one) => one.accountIndex)).toEqual([0, 1, 2, 3, 4]);
    expect(new Set(before.map((one) => one.address)).size).toBe(5);
    expect(before.map((one) => one.isPublished)).toEqual(Array(5).fill(false));
    expect(before[0]?.address).toBe(first.address);
    const again = ['account', 'restore', '--account', '1', ...network()];
    const taken = await cli('zero', ...again);
    expect([taken.code, taken.err.includes('(account-exists)')]).toEqual([5, true]);
    const second = await json<{ address: string; accountIndex: number }>('one', ...again);
    expect(second).toMatchObject({ address: before[1]?.address, accountIndex: 1 });
    await startDaemon('zero');
    await startDaemon('one');
    const mail = ['--subject', 'to myself', '--body', 'From another account.'];
    await json('one', 'send', '--to', first.address, ...mail);
    await until(async () => {
      const { out } = await cli('zero', 'inbox', '--folder', 'Requests');
      return out.includes('to myself');
    });
    const after = await cli('none', 'account', 'list', '--count', '3', ...network());
    expect(after.out).toMatch(/^NUMBER +IN USE +ADDRESS\n +0 +yes .*\n +1 +yes .*\n +2 +no .*\n$/);
  },
  TEST_MS,
);

it('says unknown when no node answers, and refuses words that are none', async () => {
  words = 'abandon '.repeat(24);
  const wrong = await cli('none', 'account', 'list', ...network());
  expect([wrong.code, wrong.err.includes('(words-invalid)')]).toEqual([2, true]);
  words = (await json<{ mnemonic: string }>('zero', 'account', 'create', ...network())).mnemonic;
  const file = ['--genesis', join(parent, 'genesis.json'), '--node', 'http://127.0.0.1:1'];
  const listed = await json<Listed[]>('none', 'account', 'list', ...file, '--account', '7');
  expect(listed.map((one) => one.accountIndex)).toEqual([7, 8, 9, 10, 11]);
  expect(listed.map((one) => one.isPublished)).toEqual(Array(5).fill(null));
});
