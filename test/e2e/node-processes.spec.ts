/**
 * Two real node processes on the loopback: the validator is killed without warning while blocks are
 * under way, and goes on by itself when it is started again.
 */
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { searchNonce } from '@tanglemail/tangle/core/block/pow.ts';
import type { Genesis } from '@tanglemail/tangle/core/codec/genesis.ts';
import { hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { genesisMilestone, loadGenesis } from '@tanglemail/tangle/core/milestone/genesis.ts';
import { LightClient } from '@tanglemail/tangle/core/milestone/light-client.ts';
import { BlockIssuer } from '@tanglemail/tangle/io/node-client/block-issuer.ts';
import { NodeClient } from '@tanglemail/tangle/io/node-client/node-client.ts';
import { ProofChecker } from '@tanglemail/tangle/io/node-client/proof-checker.ts';
import { Wallet } from '@tanglemail/tangle/io/node-client/wallet.ts';
import { freePort } from '@tanglemail/tangle/io/testing/free-port.ts';
import { until } from '@tanglemail/tangle/io/testing/until.ts';

const ROOT = join(fileURLToPath(new URL('.', import.meta.url)), '..', '..');
const NODE_BIN = join(ROOT, 'apps', 'node', 'bin', 'tangle-node.mjs');
const MAIN = join(ROOT, 'dist', 'apps', 'node', 'src', 'main.js');
const CLOCK = { nowMs: (): number => Date.now() };

const running: ChildProcess[] = [];
const folders: string[] = [];
afterEach(async () => {
  for (const child of running.splice(0)) await stop(child, 'SIGKILL');
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

beforeAll(() => {
  if (!existsSync(MAIN)) throw new Error('run `npm run build` first: the processes come from dist');
});

async function stop(child: ChildProcess, signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const ended = once(child, 'exit');
  child.kill(signal);
  await ended;
  return child.exitCode;
}

function runTool(...args: string[]): string {
  const options = { encoding: 'utf8', timeout: 100_000 } as const;
  const run = spawnSync(process.execPath, [NODE_BIN, 'tools', ...args], options);
  if (run.status !== 0) throw new Error(run.stderr);
  return run.stdout;
}

interface Running {
  readonly child: ChildProcess;
  readonly url: string;
}

/** Starts `tangle-node start` and waits until its API answers. */
async function start(flags: readonly string[], port: number): Promise<Running> {
  const args = [NODE_BIN, 'start', '--metrics-enabled', 'false', '--api-port', `${port}`, ...flags];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  running.push(child);
  let output = '';
  child.stdout.on('data', (text: Buffer) => (output += text.toString()));
  child.stderr.on('data', (text: Buffer) => (output += text.toString()));
  const url = `http://127.0.0.1:${port}`;
  const deadline = performance.now() + 90_000;
  while (!(await fetch(`${url}/health`).catch(() => undefined))) {
    if (child.exitCode !== null || performance.now() > deadline) throw new Error(output);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return { child, url };
}

function clientsOf(url: string, genesis: Genesis) {
  const client = new NodeClient({ baseUrl: url });
  const { networkId } = genesisMilestone(genesis, nobleHasher);
  const network = { networkId, params: genesis.params };
  const deps = { client, hasher: nobleHasher, clock: CLOCK };
  const checker = new ProofChecker(LightClient.fromGenesis(genesis), deps);
  const proofOfWork = {
    solve: async (digest: Uint8Array, bits: number) => {
      const nonce = searchNonce(digest, bits, 0n, 10_000_000, nobleHasher);
      if (nonce === undefined) throw new Error('a few bits are found in ten million tries');
      return await Promise.resolve({ nonce });
    },
  };
  const issuer = new BlockIssuer(
    { ...network, pollMs: 200 },
    { node: client, proofOfWork, checker, hasher: nobleHasher },
  );
  const wallet = new Wallet(network, { node: client, issuer, checker, ...deps });
  return { client, issuer, wallet };
}

/** Like `until`, while a node that starts again may not answer yet. */
function untilAnswered(condition: () => Promise<boolean>): Promise<void> {
  return until(() => condition().catch(() => false));
}

describe('node processes', () => {
  it('survive kill -9 of the validator and agree afterwards', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tangle-e2e-'));
    folders.push(folder);
    const at = (name: string): string => join(folder, name);
    runTool('keys', '--out', at('validator.key'));
    runTool('keys', '--out', at('rich.key'));
    const owners = ['--committee', at('validator.key'), '--output', `${at('rich.key')}:1000000`];
    runTool('genesis', '--name', 'test-e2e', '--preset', 'test', ...owners, '--out', at('g.json'));
    const peerId = runTool('peer-id', '--key', at('peer.key')).trim();
    const genesis = loadGenesis(await readFile(at('g.json'), 'utf8'));
    if (!genesis.ok) throw new Error(genesis.detail ?? genesis.code);
    const rich = JSON.parse(await readFile(at('rich.key'), 'utf8')) as { secretKey: string };
    const [apiA, apiB, gossip] = [await freePort(), await freePort(), await freePort()];
    const address = `/ip4/127.0.0.1/tcp/${gossip}`;
    const common = ['--genesis-file', at('g.json')];
    const flagsA = [
      ...common,
      `--data-dir=${at('a')}`,
      `--validator-key-file=${at('validator.key')}`,
      `--gossip-key-file=${at('peer.key')}`,
      `--gossip-listen=${address}`,
    ];
    const flagsB = [
      ...common,
      `--data-dir=${at('b')}`,
      '--gossip-listen=/ip4/127.0.0.1/tcp/0',
      `--gossip-peers=${address}/p2p/${peerId}`,
    ];
    const validator = await start(flagsA, apiA);
    const follower = await start(flagsB, apiB);
    const a = clientsOf(validator.url, genesis.value);
    const b = clientsOf(follower.url, genesis.value);
    await untilAnswered(async () => (await b.client.info()).status.confirmedMilestone.index > 0);

    const pay = (digit: string, amount: bigint) =>
      b.wallet.sendTransaction({
        from: [hexToBytes(rich.secretKey)],
        outputs: [{ kind: 'basic', amount, address: digit.repeat(64) as never }],
      });
    await pay('a', 1_000n);
    const before = (await a.client.info()).status.confirmedMilestone.index;
    const tag = Buffer.from('kill');
    const data = (text: string) => ({ kind: 'tagged-data', tag, data: Buffer.from(text) }) as const;
    const orphan = await b.issuer.issue(data('under way'));
    await stop(validator.child, 'SIGKILL');

    const again = await start(flagsA, apiA);
    expect(again.child.exitCode).toBeNull();
    const confirmed = await b.issuer.awaitConfirmation(orphan, { timeoutMs: 20_000 });
    expect(confirmed.milestoneIndex).toBeGreaterThanOrEqual(before);
    const sent = await pay('b', 2_000n);
    expect(sent.milestoneIndex).toBeGreaterThan(before);

    const balances = async ({ wallet }: typeof a) => [
      await wallet.balance('a'.repeat(64) as never),
      await wallet.balance('b'.repeat(64) as never),
    ];
    await untilAnswered(async () => (await balances(a)).join(',') === '1000,2000');
    expect(await balances(b)).toEqual([1_000n, 2_000n]);
    const index = sent.milestoneIndex;
    expect(await a.client.milestone(index)).toEqual(await b.client.milestone(index));
    expect(await stop(follower.child, 'SIGTERM')).toBe(0);
    expect(await stop(again.child, 'SIGTERM')).toBe(0);
  });
});
