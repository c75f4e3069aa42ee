// The steps of docs/validators.md, played: followers become the committee by the commands alone.
import { afterEach, expect, it } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { genesisToJson } from '@tanglemail/tangle/core/codec/genesis.ts';
import { bytesToHex, hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import { decodeMilestone } from '@tanglemail/tangle/core/codec/milestone.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { committeeRoot } from '@tanglemail/tangle/core/milestone/committee.ts';
import { TestTerminal } from '@tanglemail/tangle/io/shell/testing/test-terminal.ts';
import { writeKeyFile } from '../keys/key-file.ts';
import { CommitteeNetwork, keyAt } from '../testing/committee-network.ts';
import { RICH_KEY, TestNetwork, until } from '../testing/test-network.ts';
import { runProgram } from './program.ts';
import type { Servers } from './run.ts';

const network = new TestNetwork();
afterEach(() => network.closeAll(), 60_000);

const NO_SERVERS: Servers = {
  nodeApi: () => Promise.reject(new Error('no server here')),
  controlApi: () => Promise.reject(new Error('no server here')),
  faucetApi: () => Promise.reject(new Error('no server here')),
};
const WAIT_MS = 120_000;
const PARAMS = { epochLength: 30, validatorBondMin: 1_000_000n, heartbeatMs: 400 };

it('bonds four keys, and the next epoch is theirs', async () => {
  const net = new CommitteeNetwork(network, { seats: 1, candidates: 4, params: PARAMS });
  await net.start();
  const folder = await network.folder();
  const [genesisFile, key] = [join(folder, 'genesis.json'), join(folder, 'wallet.key')];
  await writeFile(genesisFile, genesisToJson(net.genesis));
  await writeKeyFile(key, RICH_KEY);
  /** Plays a command against the node of a place; gives what it prints. */
  const play = async (place: number, name: string, ...flags: readonly string[]) => {
    const terminal = new TestTerminal();
    const where = ['--node', net.at(place).api.url, '--genesis-file', genesisFile, '--key', key];
    const code = await runProgram(['validator', name, ...where, ...flags], terminal, NO_SERVERS);
    expect({ code, err: terminal.errors }).toEqual({ code: 0, err: '' });
    return terminal.output;
  };
  const keyOf = (place: number): string => bytesToHex(keyAt(place).publicKey);
  /** Whether the newest milestone of the node at place 1 names these keys for the next one. */
  const serves = async (places: readonly number[]): Promise<boolean> => {
    const milestone = decodeMilestone(await net.at(1).client.milestone('latest'));
    if (!milestone.ok) throw new Error(milestone.code);
    const keys = places.map(keyOf).toSorted().map(hexToBytes);
    const { committeeRoot: named } = milestone.value.header;
    return bytesToHex(named) === bytesToHex(committeeRoot(keys, nobleHasher));
  };
  for (const place of [1, 2, 3, 4]) {
    await play(0, 'bond', '--validator', keyOf(place), '--amount', '1T');
  }
  await until(() => serves([1, 2, 3, 4]), WAIT_MS);
  expect(await serves([0])).toBe(false);
  // Nobody needs the committee of genesis any more.
  await net.stop([0]);
  const target = Math.max(...net.indexes) + PARAMS.epochLength;
  await until(() => Math.min(...net.indexes) >= target, WAIT_MS);
  expect(await serves([1, 2, 3, 4])).toBe(true);
  // Each command begins with the genesis alone, and proves the elections before it believes.
  const more = await play(1, 'top-up', '--validator', keyOf(1), '--amount', '0.5T');
  expect(more).toContain(`bonded     1.5 T for the key ${keyOf(1)}\n`);
  const rotated = await play(2, 'rotate', '--validator', keyOf(4), '--to', keyOf(5));
  expect(rotated).toContain(`bonded     1 T for the key ${keyOf(5)}\n`);
  expect(rotated).toContain(`given up   1 T for the key ${keyOf(4)}\n`);
  const bonds: unknown = JSON.parse(await play(3, 'list', '--json'));
  expect(bonds).toHaveLength(5);
  expect(bonds).toContainEqual(expect.objectContaining({ amount: '1500000' }));
}, 300_000);
