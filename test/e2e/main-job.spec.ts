/**
 * `npm start -- --exit` as a newcomer runs it: the whole main job with real processes, twice on the
 * same data; what it prints and what it leaves in network.json. Then a network whose keeper is
 * killed: its processes are named, and ended by `--stop`.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Layout, type NetworkFile, ROLES } from '../../tools/devnet/layout.ts';
import { leftovers } from '../../tools/devnet/lock.ts';
import { NotYet, until } from '../../tools/devnet/poll.ts';
import { answers, PROJECT_DIR } from '../../tools/devnet/processes.ts';
import type { Facts } from '../../tools/devnet/stage.ts';
import { firstPort } from './testing/rig.ts';

const MAIN = join(PROJECT_DIR, 'tools', 'devnet', 'main.ts');
const RUN_TIMEOUT_MS = 180_000;

let layout: Layout;
let keeper: ChildProcess | undefined;

beforeAll(async () => {
  layout = new Layout(await mkdtemp(join(tmpdir(), 'tanglemail-main-job-')));
});

afterAll(async () => {
  keeper?.kill('SIGKILL');
  for (const { pid } of leftovers(layout)) process.kill(pid, 'SIGKILL');
  await rm(layout.dataDir, { recursive: true, force: true });
}, RUN_TIMEOUT_MS);

function argsOf(args: readonly string[]): string[] {
  const where = ['--data-dir', layout.dataDir, '--ports-from', `${firstPort()}`];
  return ['--disable-warning=ExperimentalWarning', MAIN, ...where, ...args];
}

/** Runs `npm start -- …` to its end. */
function start(...args: string[]): Promise<{ code: number; out: string }> {
  return new Promise((resolve) => {
    const options = { timeout: RUN_TIMEOUT_MS - 20_000 };
    execFile(process.execPath, argsOf(args), options, (error, out) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), out });
    });
  });
}

function network(): NetworkFile {
  const known = layout.readNetwork();
  if (known === undefined) throw new Error('there is no network.json');
  return known;
}

function facts(): Facts {
  return JSON.parse(readFileSync(layout.factsFile, 'utf8')) as Facts;
}

function pids({ nodes, providers, faucet, clients }: NetworkFile): (number | null)[] {
  const { alice, bob } = clients;
  return [...nodes, ...providers, faucet, alice, bob].map((one) => one.pid);
}

/** The lines that a run tells as done, in order. */
const TOLD = [
  /✓ node-1 .* only validator/,
  /✓ provider .* sells mailboxes/,
  /✓ alice .* is tmt1/,
  /✓ bob .* is tmt1/,
  /✓ bob .* finds the offer .* proof checked/,
  /✓ bob .* is offline/,
  /✓ alice .* writes “The plan/,
  /✓ mail .* queued/,
  /✓ mail .* attached: block .* proof of work \d+ ms/,
  /✓ mail .* confirmed: milestone \d+, proof checked/,
  /✓ mail .* stored 1\/1: receipt .* signature checked/,
  /✓ bob .* is back online/,
  /✓ bob .* pays .* fetches/,
  /✓ bob .* opens it: the seal proves tmt1/,
  /Subject: The plan/,
  /✓ alice .* reads it from her own node/,
  /✓ ledger .* spends the channel/,
  /✓ provider .* has earned/,
  /none is lost/,
];

function expectTold(out: string): void {
  const lines = out.split('\n');
  let from = 0;
  for (const wanted of TOLD) {
    const at = lines.findIndex((line, index) => index >= from && wanted.test(line));
    if (at < 0) throw new Error(`after line ${from} nothing matches ${wanted} in\n${out}`);
    from = at;
  }
}

function expectFacts({ mail, read, answer, closing }: Facts): void {
  const { clients } = network();
  expect(mail).toMatchObject({ stored: '1/1' });
  expect(mail?.blockId).toMatch(/^[0-9a-f]{64}$/);
  expect(mail?.milestoneIndex).toBeGreaterThan(0);
  expect(mail?.receiptUntil).toBeGreaterThan(Date.now() / 1_000);
  expect(read).toMatchObject({
    messageId: mail?.messageId,
    sender: clients.alice.address,
    how: 'seal',
  });
  expect(answer).toMatchObject({ tagKind: 'contact' });
  const { deposit = '0', paid = '0', refunded = '0' } = closing ?? {};
  expect(BigInt(paid)).toBeGreaterThan(0n);
  expect(BigInt(paid) + BigInt(refunded)).toBe(BigInt(deposit));
}

describe('npm start', () => {
  it(
    'plays the main job on a new network, stops everything and ends with 0',
    async () => {
      const { code, out } = await start('--exit');
      expect({ code, out }).toMatchObject({ code: 0 });
      expectTold(out);
      expectFacts(facts());
      expect(facts().mail?.tagKind).toBe('invite');
      const { nodes, providers, clients, networkId } = network();
      expect(networkId).toMatch(/^[0-9a-f]{16}$/);
      expect(nodes.map((one) => one.api)).toHaveLength(2);
      expect(providers).toHaveLength(1);
      expect(clients.bob.address).toMatch(/^tmt1/);
      expect(pids(network())).toEqual(ROLES.map(() => null));
      expect(existsSync(layout.lockFile)).toBe(false);
      expect(statSync(layout.networkFile).mode & 0o077).toBe(0);
      expect(statSync(layout.passphraseFile('bob')).mode & 0o077).toBe(0);
    },
    RUN_TIMEOUT_MS,
  );

  it(
    'goes on with the same data',
    async () => {
      const before = network();
      const first = facts();
      const { code, out } = await start('--exit');
      expect({ code, out }).toMatchObject({ code: 0 });
      expect(out).toContain('goes on with the same data');
      expectTold(out);
      expectFacts(facts());
      // They have written to each other, so their mails carry tags that only they know.
      expect(facts().mail?.tagKind).toBe('contact');
      expect(facts().mail?.messageId).not.toBe(first.mail?.messageId);
      expect(facts().rental?.mailboxId).toBe(first.rental?.mailboxId);
      expect(facts().rental?.channelId).not.toBe(first.rental?.channelId);
      const { networkId, ports, clients } = network();
      expect({ networkId, ports }).toEqual({ networkId: before.networkId, ports: before.ports });
      expect(clients.alice.address).toBe(before.clients.alice.address);
    },
    RUN_TIMEOUT_MS,
  );

  it(
    'refuses a second network in the same folder, names what a killed one left, and ends it',
    async () => {
      keeper = spawn(process.execPath, argsOf([]), { stdio: 'ignore' });
      await until('the network is up', RUN_TIMEOUT_MS, async () => {
        const known = layout.readNetwork();
        const all = known === undefined ? [] : pids(known);
        return all.length > 0 && !all.includes(null) ? all : new NotYet(JSON.stringify(all));
      });
      const second = await start('--exit');
      expect(second.code).toBe(1);
      expect(second.out).toContain(`running already (pid ${keeper.pid}`);
      keeper.kill('SIGKILL');
      await once(keeper, 'exit');
      const third = await start('--exit');
      expect(third.code).toBe(1);
      expect(third.out).toContain('left processes behind: node-1 (pid ');
      const { nodes } = network();
      const stopped = await start('--stop');
      expect(stopped).toMatchObject({ code: 0 });
      expect(stopped.out).toContain('node-1 (pid ');
      for (const { api } of nodes) expect(await answers(`${api}/health`)).toBe(false);
      expect(await start('--stop')).toMatchObject({ code: 0, out: 'Nothing runs here.\n' });
    },
    RUN_TIMEOUT_MS,
  );

  it('explains a wrong option', async () => {
    const { code } = await start('--ports-from', 'many');
    expect(code).toBe(1);
  });
});
