/**
 * A process for the test of full disks: runs a node and a provider whose folders lie on small file
 * systems of their own, fills one after the other, sees how the process ends, makes room, starts it
 * again, and says what it saw as one line of JSON. Arguments: a folder, and `disk` (`node` and
 * `provider` in it are small file systems) or `limit` (files may not grow any more: the next best
 * where nothing can be mounted). Used by full-disk.spec.ts.
 */
import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Address } from '@tanglemail/tangle/core/codec/ids.ts';
import { hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { genesisMilestone, loadGenesis } from '@tanglemail/tangle/core/milestone/genesis.ts';
import { LightClient } from '@tanglemail/tangle/core/milestone/light-client.ts';
import { PowPool } from '@tanglemail/tangle/io/accel/pow-pool.ts';
import { BlockIssuer } from '@tanglemail/tangle/io/node-client/block-issuer.ts';
import { NodeClient } from '@tanglemail/tangle/io/node-client/node-client.ts';
import { ProofChecker } from '@tanglemail/tangle/io/node-client/proof-checker.ts';
import { Wallet } from '@tanglemail/tangle/io/node-client/wallet.ts';
import { SYSTEM_CLOCK } from '@tanglemail/tangle/io/system.ts';
import {
  freePorts,
  healthy,
  nodeArgs,
  providerArgs,
  SmallNetwork,
  startVictim,
  type Victim,
} from './small-market.ts';

/** What a person who has filled the disk would want to know. */
export interface DiskReport {
  /** How the process ended, such as `status 1`. */
  readonly ended: string;
  /** Lines of its log that are no JSON: what it told its terminal. */
  readonly told: readonly string[];
  /** Index of the last milestone before, and after the restart. */
  readonly before: number;
  readonly after: number;
}

const [, , folder = '', mode = 'limit'] = process.argv;
const CHUNK = new Uint8Array(65_536);
const PAID = 'a'.repeat(64) as Address;
const AMOUNT = 12_345n;
/** Bytes that the journal may still grow, less than a milestone needs. */
const JOURNAL_ROOM = 64;
/** Bytes of its log in which a process can say why it ends. */
const LAST_WORDS = 1_024;
const END_TIMEOUT_MS = 30_000;
const PAUSE_MS = 50;

/** Leaves no room for the process: fills its disk, or forbids its files to grow. */
function leaveNoRoom(disk: string, victim: Victim): void {
  if (mode === 'limit') {
    const log = statSync(victim.process.logFile).size + LAST_WORDS;
    const size = Math.max(journalSize(join(disk, 'data')), log) + JOURNAL_ROOM;
    const args = ['--pid', `${victim.process.pid}`, `--fsize=${size}:unlimited`];
    const { status, stderr } = spawnSync('prlimit', args, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`prlimit: ${stderr}`);
    return;
  }
  const filler = join(disk, 'filler');
  for (let size = CHUNK.length; size >= 1;) {
    try {
      appendFileSync(filler, CHUNK.subarray(0, size));
    } catch {
      size = Math.floor(size / 2);
    }
  }
}

/** Bytes of the database's journal, the file that grows first; a process's log is far smaller. */
function journalSize(dataDir: string): number {
  const names = readdirSync(dataDir, { recursive: true, encoding: 'utf8' });
  const journals = names.filter((name) => name.endsWith('.log'));
  return Math.max(0, ...journals.map((name) => statSync(join(dataDir, name)).size));
}

/** How a process ends that has no room any more, while the network has something to do. */
async function endOf({ process: running }: Victim, issuer: BlockIssuer): Promise<string> {
  const late = setTimeout(() => void running.kill(), END_TIMEOUT_MS);
  while (!running.hasEnded) {
    const data = new Uint8Array(200);
    const issued = issuer.issue({ kind: 'tagged-data', tag: Buffer.from('fill'), data });
    await Promise.race([issued.catch(() => undefined), running.ended]);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  clearTimeout(late);
  return await running.ended;
}

function told({ process: running }: Victim): string[] {
  const lines = readFileSync(running.logFile, 'utf8').split('\n');
  return lines.filter((line) => line !== '' && !line.startsWith('{'));
}

interface Plan {
  readonly disk: string;
  readonly victim: Victim;
  readonly issuer: BlockIssuer;
  readonly start: () => Promise<Victim>;
  readonly indexOf: (victim: Victim) => Promise<number>;
}

/** Fills the disk of a running process and starts it again when there is room. */
async function fill({
  disk,
  victim,
  issuer,
  start,
  indexOf,
}: Plan): Promise<{ report: DiskReport; again: Victim }> {
  const before = await indexOf(victim);
  leaveNoRoom(disk, victim);
  const ended = await endOf(victim, issuer);
  rmSync(join(disk, 'filler'), { force: true });
  const lines = told(victim);
  const again = await start();
  await healthy(again);
  return { report: { ended, told: lines, before, after: await indexOf(again) }, again };
}

function clientsOf(network: SmallNetwork, node: Victim, pow: PowPool) {
  const genesis = loadGenesis(readFileSync(network.at('genesis.json'), 'utf8'));
  if (!genesis.ok) throw new Error(genesis.code);
  const { params } = genesis.value;
  const { networkId } = genesisMilestone(genesis.value, nobleHasher);
  const client = new NodeClient({ baseUrl: node.url });
  const shared = { client, node: client, hasher: nobleHasher, clock: SYSTEM_CLOCK };
  const checker = new ProofChecker(LightClient.fromGenesis(genesis.value), shared);
  const issuer = new BlockIssuer(
    { networkId, params, pollMs: 100 },
    { ...shared, proofOfWork: pow, checker },
  );
  const wallet = new Wallet({ networkId, params }, { ...shared, issuer, checker });
  return { issuer, wallet };
}

async function confirmedIndex({ url }: Victim): Promise<number> {
  return (await new NodeClient({ baseUrl: url }).info()).status.confirmedMilestone.index;
}

async function ledgerIndex({ url }: Victim): Promise<number> {
  const status = (await (await fetch(`${url}/v1/status`)).json()) as { ledger: { index: number } };
  return status.ledger.index;
}

async function play(network: SmallNetwork): Promise<object> {
  const disks = { node: join(folder, 'node'), provider: join(folder, 'provider') };
  for (const disk of Object.values(disks)) mkdirSync(disk, { recursive: true });
  const [ofNode, ofProvider] = [await freePorts(), await freePorts()];
  const ofNodeArgs = nodeArgs(network, ofNode, join(disks.node, 'data'));
  const startNode = () => startVictim(network, 'tangle-node', ofNode, ofNodeArgs);
  let node = await startNode();
  const data = join(disks.provider, 'data');
  const ofProviderArgs = providerArgs(network, ofProvider, data, node.url);
  const startProvider = () => startVictim(network, 'tangle-provider', ofProvider, ofProviderArgs);
  let provider = await startProvider();
  const pow = new PowPool({ threads: 1 });
  try {
    await healthy(provider);
    const { issuer, wallet } = clientsOf(network, node, pow);
    const key = readFileSync(network.at('rich.key'), 'utf8');
    const { secretKey } = JSON.parse(key) as { secretKey: string };
    const pay = async () =>
      await wallet.sendTransaction({
        from: [hexToBytes(secretKey)],
        outputs: [{ kind: 'basic', address: PAID, amount: AMOUNT }],
      });
    await pay();
    const market = { disk: disks.provider, victim: provider, issuer };
    const ofMarket = await fill({ ...market, start: startProvider, indexOf: ledgerIndex });
    provider = ofMarket.again;
    const chain = { disk: disks.node, victim: node, issuer };
    const ofChain = await fill({ ...chain, start: startNode, indexOf: confirmedIndex });
    node = ofChain.again;
    const kept = await wallet.balance(PAID);
    await pay();
    const paid = await wallet.balance(PAID);
    return { provider: ofMarket.report, node: ofChain.report, kept: `${kept}`, paid: `${paid}` };
  } finally {
    await pow.close();
    await provider.process.stop();
    await node.process.stop();
  }
}

const network = await SmallNetwork.create('test-disk');
try {
  process.stdout.write(`${JSON.stringify(await play(network))}\n`);
} finally {
  await network.remove();
}
