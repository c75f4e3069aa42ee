// The commands of a seat's memory and of its signer. Spec: docs/spec/16-signer.md §4, §6.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { TestTerminal } from '@tanglemail/tangle/io/shell/testing/test-terminal.ts';
import { certificate, statement } from '../agreement/testing/votes.ts';
import { openVoteDisk } from '../agreement/vote-disk.ts';
import { VoteLog } from '../agreement/vote-log.ts';
import { writeKeyFile } from '../keys/key-file.ts';
import { testKey } from '../testing/test-network.ts';
import { runProgram } from './program.ts';
import type { Servers } from './run.ts';

const NETWORK = 7n;
const KEY = testKey(1);
const OWNER = { networkId: NETWORK, publicKey: KEY.publicKey };
const NO_SERVERS: Servers = {
  nodeApi: () => Promise.reject(new Error('no server here')),
  controlApi: () => Promise.reject(new Error('no server here')),
  faucetApi: () => Promise.reject(new Error('no server here')),
};

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cli-votes-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function run(...argv: readonly string[]) {
  const terminal = new TestTerminal();
  const code = await runProgram(['tools', ...argv], terminal, NO_SERVERS);
  return { code, out: terminal.output, err: terminal.errors };
}

/** A folder whose seat has said two things. */
async function saidFolder(): Promise<string> {
  const dataDir = join(folder, 'data');
  const log = await VoteLog.create(await openVoteDisk(dataDir, NETWORK), OWNER, nobleHasher, [
    { type: 'complete', from: { epoch: 0, view: 3n } },
  ]);
  await log.append([
    statement('notarize', 4n, { certificates: [certificate('nullify', 3n)] }),
    statement('finalize', 4n),
  ]);
  await log.close();
  return dataDir;
}

describe('tools votes', () => {
  it('shows what was said', async () => {
    const dataDir = await saidFolder();
    const { code, out } = await run('votes', 'show', '--data-dir', dataDir);
    expect(code).toBe(0);
    expect(out).toContain(`public key    ${bytesToHex(KEY.publicKey)}\n`);
    expect(out).toContain('complete      from view 3 of epoch 0 on\ncertificates  1\n');
    expect(out).toContain(`0  4  finalize  ${'01'.repeat(32)}\n`);
    const json = JSON.parse((await run('votes', 'show', '--json', '--data-dir', dataDir)).out);
    expect(json).toMatchObject({
      networkId: '0000000000000007',
      completeFrom: { epoch: 0, view: '3' },
      statements: [{ kind: 'notarize', view: '4' }, { kind: 'finalize' }],
    });
  });

  it('carries votes to a folder that has none, where the seat is silent', async () => {
    const dataDir = await saidFolder();
    const copy = join(folder, 'votes.copy');
    const out = await run('votes', 'export', '--data-dir', dataDir, '--out', copy);
    expect(out).toEqual({ code: 0, out: `${copy}: 2 statements\n`, err: '' });
    const twice = await run('votes', 'export', '--data-dir', dataDir, '--out', copy);
    expect(twice).toMatchObject({ code: 2, err: expect.stringMatching(/not overwritten/) });
    const other = join(folder, 'other');
    expect(await run('votes', 'import', copy, '--data-dir', other)).toMatchObject({ code: 0 });
    const shown = await run('votes', 'show', '--data-dir', other);
    expect(shown.out).toMatch(/silent {8}imported\ncertificates {2}1\nstatements {4}2\n/);
    const again = await run('votes', 'import', copy, '--data-dir', other);
    expect(again).toMatchObject({ code: 2, err: expect.stringMatching(/not overwritten/) });
  });

  it('refuses a folder without votes, and a damaged copy', async () => {
    const none = await run('votes', 'show', '--data-dir', folder);
    expect(none).toMatchObject({ code: 2, err: expect.stringMatching(/there is no votes.log/) });
    expect(await readdir(folder)).toEqual([]);
    const copy = join(folder, 'x');
    await writeFile(copy, 'no votes');
    const damaged = await run('votes', 'import', copy, '--data-dir', join(folder, 'other'));
    expect(damaged).toMatchObject({ code: 2, err: expect.stringMatching(/no log of votes/) });
  });

  it('does not look while a node has the votes', async () => {
    const dataDir = await saidFolder();
    const disk = await openVoteDisk(dataDir, NETWORK);
    const shown = await run('votes', 'show', '--data-dir', dataDir);
    await disk.close();
    expect(shown).toMatchObject({ code: 1, err: expect.stringMatching(/another process/) });
  });

  it('puts the votes of an old key aside', async () => {
    const dataDir = await saidFolder();
    const before = await readFile(join(dataDir, 'votes.log'));
    const [same, fresh] = [join(folder, 'same.key'), join(folder, 'new.key')];
    await writeKeyFile(same, KEY);
    await writeKeyFile(fresh, testKey(2));
    const refused = await run('votes', 'rotate', '--data-dir', dataDir, '--key', same);
    expect(refused).toMatchObject({ code: 2, err: expect.stringMatching(/of this key already/) });
    expect(await run('votes', 'rotate', '--data-dir', dataDir, '--key', fresh)).toMatchObject({
      code: 0,
    });
    const aside = `votes-${bytesToHex(KEY.publicKey).slice(0, 16)}.log`;
    expect(await readFile(join(dataDir, aside))).toEqual(before);
    const shown = await run('votes', 'show', '--data-dir', dataDir);
    expect(shown.out).toContain(bytesToHex(testKey(2).publicKey));
    expect(shown.out).toMatch(/silent {8}log-missing\n/);
  });
});

describe('tools signer', () => {
  const flags = (...more: string[]): string[] => {
    const [key, memory, socket] = ['seat.key', 'memory', 'sock'].map((name) => join(folder, name));
    return ['signer', '--key', key!, '--memory', memory!, '--socket', socket!, ...more];
  };

  it('serves until it is told to stop, and needs its memory', async () => {
    await writeKeyFile(join(folder, 'seat.key'), KEY);
    const id = ['--network-id', '0000000000000007'];
    const lost = await run(...flags(...id));
    expect(lost).toMatchObject({ code: 2, err: expect.stringMatching(/has no memory/) });
    const first = await run(...flags(...id, '--first'));
    expect(first).toMatchObject({ code: 0, err: expect.stringMatching(/^signing on/) });
    expect(await run(...flags(...id))).toMatchObject({ code: 0 });
    const wrong = await run(...flags('--network-id', '7'));
    expect(wrong).toMatchObject({ code: 2, err: expect.stringMatching(/16 hex digits/) });
  });
});
