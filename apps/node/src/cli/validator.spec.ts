// The commands of a bond's owner, played against a node. Page: docs/validators.md.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatAmount } from '@tanglemail/tangle/core/codec/amount.ts';
import { encodeConsensusMessage } from '@tanglemail/tangle/core/codec/consensus.ts';
import { genesisToJson } from '@tanglemail/tangle/core/codec/genesis.ts';
import { bytesToHex, NULL_ADDRESS } from '@tanglemail/tangle/core/codec/ids.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { genesisMilestone } from '@tanglemail/tangle/core/milestone/genesis.ts';
import { VALIDATOR_UNBOND_SECONDS } from '@tanglemail/tangle/core/params/limits.ts';
import { TestTerminal } from '@tanglemail/tangle/io/shell/testing/test-terminal.ts';
import { statementsOf } from '@tanglemail/tangle/io/level/contradiction-repository.ts';
import { generateKeyPair, writeKeyFile, type KeyPair } from '../keys/key-file.ts';
import { openNodeWallet } from '../node-wallet.ts';
import { twoVotes } from '../testing/contradiction.ts';
import {
  RICH_AMOUNT,
  RICH_KEY,
  TEST_PARAMS,
  TestNetwork,
  testGenesis,
  testKey,
  until,
  type TestNode,
  type TestNodeOptions,
} from '../testing/test-network.ts';
import { findBonds, unbond, withdraw } from './bonds.ts';
import { runProgram } from './program.ts';
import type { Servers } from './run.ts';

const LEAST = 1_000_000n;
const GENESIS = {
  ...testGenesis('test-bonds'),
  params: { ...TEST_PARAMS, validatorBondMin: LEAST },
};
const { networkId: NETWORK_ID } = genesisMilestone(GENESIS, nobleHasher);
const SEAT = testKey(60);
const DAY_MS = 86_400_000;
const NO_SERVERS: Servers = {
  nodeApi: () => Promise.reject(new Error('no server here')),
  controlApi: () => Promise.reject(new Error('no server here')),
  faucetApi: () => Promise.reject(new Error('no server here')),
};

const network = new TestNetwork();
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cli-validator-'));
  await writeFile(join(folder, 'genesis.json'), genesisToJson(GENESIS));
  await writeKeyFile(join(folder, 'wallet.key'), RICH_KEY);
  await writeKeyFile(join(folder, 'validator.key'), SEAT);
});
afterEach(async () => {
  await network.closeAll();
  await rm(folder, { recursive: true });
});

async function startNode(options: TestNodeOptions = {}): Promise<TestNode> {
  return await network.start({ validator: true, genesis: GENESIS, ...options });
}

/** Runs `tangle-node validator`, with the files of this test. */
async function run(node: Pick<TestNode, 'api'>, name: string, ...flags: readonly string[]) {
  const terminal = new TestTerminal();
  const files = ['--genesis-file', join(folder, 'genesis.json')];
  const argv = ['validator', name, '--node', node.api.url, ...files, ...flags];
  const code = await runProgram(argv, terminal, NO_SERVERS);
  return { code, out: terminal.output, err: terminal.errors };
}

const wallet = (): string[] => ['--key', join(folder, 'wallet.key')];
const both = (): string[] => [...wallet(), '--validator', join(folder, 'validator.key')];
const balanceOf = async (node: TestNode) => await node.wallet.balance(RICH_KEY.address);

describe('tangle-node validator', () => {
  it('bonds, tops up, gives up a part, and shows it all', async () => {
    const node = await startNode();
    const bonded = await run(node, 'bond', ...both(), '--amount', '2T');
    expect(bonded).toMatchObject({ code: 0, err: '' });
    expect(bonded.out).toMatch(/^final with milestone \d+, transaction [0-9a-f]{64}; no fee\n/);
    expect(bonded.out).toContain(`bonded     2 T for the key ${bytesToHex(SEAT.publicKey)}\n`);
    expect(bonded.out).toContain('it counts in the next election');
    expect(await balanceOf(node)).toBe(RICH_AMOUNT - 2_000_000n);
    const more = await run(node, 'top-up', ...both(), '--amount', '1500000');
    expect(more.out).toContain('bonded     3.5 T');
    const part = await run(node, 'unbond', ...both(), '--amount', '1T');
    expect(part.out).toMatch(/given up {3}1 T for the key[^]*bonded {5}2.5 T/);
    const at = /free at (\S+): /.exec(part.out)?.[1] ?? '';
    const seconds = (Date.parse(at) - Date.now()) / 1_000;
    expect(Math.abs(seconds - VALIDATOR_UNBOND_SECONDS - 3_600)).toBeLessThan(300);
    const listed = await run(node, 'list', ...wallet());
    expect(listed.out).toMatch(/^2.5 T .*active, counts in elections\n.*\n1 T .*given up, free at/);
    const json = await run(node, 'list', '--json', '--validator', bytesToHex(SEAT.publicKey));
    expect(JSON.parse(json.out)).toMatchObject([
      { amount: '2500000', owner: RICH_KEY.address, unbondAt: 0 },
      { amount: '1000000' },
    ]);
    expect(await balanceOf(node)).toBe(RICH_AMOUNT - 3_500_000n);
  }, 120_000);

  it('rotates a key in one transaction', async () => {
    const node = await startNode();
    await run(node, 'bond', ...both(), '--amount', '2T');
    const to = bytesToHex(testKey(61).publicKey);
    const rotated = await run(node, 'rotate', ...both(), '--to', to);
    expect(rotated.out).toMatch(
      new RegExp(`bonded {5}2 T for the key ${to}[^]*given up {3}2 T for the key`),
    );
    const listed = JSON.parse((await run(node, 'list', '--json', ...wallet())).out);
    expect(listed).toHaveLength(2);
    const same = await run(node, 'rotate', ...both(), '--to', bytesToHex(SEAT.publicKey));
    expect(same).toMatchObject({ code: 2, err: expect.stringMatching(/nothing to rotate/) });
  }, 120_000);

  it('says in words what is refused', async () => {
    const node = await startNode();
    const few = await run(node, 'bond', ...both(), '--amount', '0.5T');
    expect(few).toMatchObject({ code: 2, err: expect.stringMatching(/least bond .* 1 T/) });
    const odd = await run(node, 'bond', ...both(), '--amount', '1.5');
    expect(odd).toMatchObject({ code: 2, err: expect.stringMatching(/expected such as 1.5T/) });
    const much = await run(node, 'bond', ...both(), '--amount', formatAmount(2n * RICH_AMOUNT));
    expect(much).toMatchObject({ code: 1, err: expect.stringMatching(/too little that is free/) });
    const none = await run(node, 'unbond', ...both());
    expect(none).toMatchObject({ code: 2, err: expect.stringMatching(/no active bond/) });
    await run(node, 'bond', ...both(), '--amount', '1.5T');
    const rest = await run(node, 'unbond', ...both(), '--amount', '1T');
    expect(rest).toMatchObject({ code: 2, err: expect.stringMatching(/would be left, 0.5 T/) });
    const over = await run(node, 'unbond', ...both(), '--amount', '2T');
    expect(over).toMatchObject({ code: 2, err: expect.stringMatching(/only 1.5 T are bonded/) });
    const active = await run(node, 'withdraw', ...wallet());
    expect(active).toMatchObject({ code: 2, err: expect.stringMatching(/give the bond up first/) });
    await run(node, 'unbond', ...both());
    const early = await run(node, 'withdraw', ...wallet());
    expect(early).toMatchObject({ code: 2, err: expect.stringMatching(/is free at \d{4}-/) });
  }, 120_000);

  it('believes no node of another network, and none that is away', async () => {
    const other = await startNode({ genesis: testGenesis('test-other') });
    const wrong = await run(other, 'list', ...wallet());
    expect(wrong).toMatchObject({ code: 2, err: expect.stringMatching(/another network/) });
    const away = await run(
      { api: { ...other.api, url: 'http://127.0.0.1:9' } },
      'list',
      ...wallet(),
    );
    expect(away).toMatchObject({ code: 1, err: expect.stringMatching(/out of reach/) });
    const nobody = await run(other, 'list', '--validator', 'nobody');
    expect(nobody.code).toBe(2);
  });

  it('brings evidence that came in a file', async () => {
    const node = await startNode();
    await run(node, 'bond', ...both(), '--amount', '3.2T');
    const file = join(folder, 'evidence.json');
    const put = async (key: KeyPair): Promise<void> => {
      const by = { networkId: NETWORK_ID, key, seat: 0, seats: 1 };
      const messages = statementsOf(twoVotes(by, { epoch: 0, view: 4n, kind: 'finalize' }));
      const hex = messages.map((message) => bytesToHex(encodeConsensusMessage(message)));
      const entry = { publicKey: bytesToHex(SEAT.publicKey), messages: hex, seat: 0 };
      await writeFile(file, JSON.stringify([{ index: 3, bytes: '00' }, entry]));
    };
    await put(generateKeyPair());
    const nothing = await run(node, 'slash', '--evidence', file);
    expect(nothing).toMatchObject({
      code: 2,
      err: expect.stringMatching(/proves nothing against/),
    });
    await put(SEAT);
    const finder = testKey(70);
    const slashed = await run(node, 'slash', '--evidence', file, '--reward', finder.address);
    expect(slashed).toMatchObject({ code: 0, out: expect.stringMatching(/^slashed 3.2 T of/) });
    expect(await node.wallet.balance(NULL_ADDRESS)).toBe(3_000_000n);
    expect(await node.wallet.balance(finder.address)).toBe(200_000n);
    const again = await run(node, 'slash', '--evidence', file);
    expect(again).toMatchObject({ code: 2, err: expect.stringMatching(/no unspent bond/) });
  }, 120_000);

  it('gives back after 30 days what was given up', async () => {
    let leadMs = 0;
    const clock = { nowMs: () => Date.now() + leadMs };
    const node = await startNode({ clock });
    await run(node, 'bond', ...both(), '--amount', '2T');
    const options = { nodeUrl: node.api.url, genesis: GENESIS, powThreads: 1, clock };
    const access = await openNodeWallet(options);
    try {
      await unbond(access, RICH_KEY, SEAT.publicKey, undefined);
      leadMs = 30 * DAY_MS;
      const early = node.node.query.confirmedIndex;
      await until(() => node.node.query.confirmedIndex > early + 1);
      await expect(withdraw(access, RICH_KEY, undefined)).rejects.toThrow(/is free at/);
      leadMs += DAY_MS;
      const before = node.node.query.confirmedIndex;
      await until(() => node.node.query.confirmedIndex > before + 1);
      const taken = await withdraw(access, RICH_KEY, SEAT.publicKey);
      expect(taken.amount).toBe(2_000_000n);
      expect(await findBonds(access, { owner: RICH_KEY.address })).toEqual([]);
      expect(await access.wallet.balance(RICH_KEY.address)).toBe(RICH_AMOUNT);
    } finally {
      await access.close();
    }
  }, 120_000);
});
