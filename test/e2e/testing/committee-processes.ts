/**
 * A committee of real node processes, each validator with a store, a key and sockets of its own,
 * and nodes without a seat behind them. Members keep ports, keys and folder between their starts;
 * how they reach each other is the wiring's matter, so that a test can cut it.
 * After: tools/devnet/processes.ts, small-market.ts.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  generateKeyPair,
  writeKeyFile,
  type KeyPair,
} from '../../../apps/node/src/keys/key-file.ts';
import { genesisToJson, type Genesis } from '@tanglemail/tangle/core/codec/genesis.ts';
import { NETWORK_PRESETS } from '@tanglemail/tangle/core/params/networks.ts';
import { loadPeerKey, peerKeyText } from '@tanglemail/tangle/io/libp2p/peer-key.ts';
import { NodeClient } from '@tanglemail/tangle/io/node-client/node-client.ts';
import { RunningProcess } from '../../../tools/devnet/processes.ts';
import { flagsOf, freePorts, type Ports, type Victim } from './small-market.ts';

/** Where somebody listens. */
export interface Place {
  readonly host: string;
  readonly port: number;
}

/** How the members reach each other. */
export interface Wiring {
  /** The addresses that a member listens on, for its API and for other nodes. */
  hosts(at: number): { readonly api: string; readonly gossip: string };
  /** Where `from` dials `to`, which listens at `place`; undefined where `to` dials. */
  way(from: number, to: number, place: Place): Promise<Place | undefined>;
  /** A program in front of Node.js that starts a member in its place. */
  launcher?(at: number): readonly string[];
  /** The process of a member is there and waits for its network. */
  plugIn?(at: number, pid: number): Promise<void>;
}

/** All on 127.0.0.1, each dials every other. */
const LOOPBACK: Wiring = {
  hosts: () => ({ api: '127.0.0.1', gossip: '127.0.0.1' }),
  way: (_from, _to, place) => Promise.resolve(place),
};

export interface CommitteeOptions {
  readonly seats: number;
  /** Nodes without a seat; they come after the seats. */
  readonly followers?: number;
  readonly params?: Partial<Genesis['params']>;
  readonly wiring?: Wiring;
}

/** What is different at one start. */
export interface StartOptions {
  /** Flags of Node.js itself. */
  readonly nodeFlags?: readonly string[];
  readonly args?: readonly string[];
}

/** A member whose process runs. */
export interface Member extends Victim {
  /** Its seat; followers come after the last one. */
  readonly at: number;
  readonly client: NodeClient;
}

/** Quick milestones; a seat that must be silent is so for some four seconds. */
const PARAMS: Genesis['params'] = {
  ...NETWORK_PRESETS.test,
  milestoneIntervalMs: 500,
  heartbeatMs: 1_000,
  maxDriftMs: 2_000,
};
const SUPPLY = 1_000_000_000n;
/** Health notices a standstill within the patience of a test. */
const SETTINGS = {
  'agreement-delta-ms': '500',
  'health-max-standstill-ms': '5000',
  // Only the members that are named.
  'gossip-max-peers': '0',
  'api-rate-limit-per-second': '1000000',
  'api-rate-limit-burst': '1000000',
};

export class CommitteeProcesses {
  readonly folder: string;
  readonly genesis: Genesis;
  readonly seats: number;
  /** Owner of all tokens. */
  readonly rich: KeyPair;
  readonly #wiring: Wiring;
  readonly #ports: readonly Ports[];
  readonly #peerIds: readonly string[];
  readonly #processes = new Map<number, RunningProcess>();
  readonly #running = new Map<number, Member>();

  private constructor(
    made: Pick<CommitteeProcesses, 'folder' | 'genesis' | 'seats' | 'rich'>,
    parts: { wiring: Wiring; ports: readonly Ports[]; peerIds: readonly string[] },
  ) {
    this.folder = made.folder;
    this.genesis = made.genesis;
    this.seats = made.seats;
    this.rich = made.rich;
    this.#wiring = parts.wiring;
    this.#ports = parts.ports;
    this.#peerIds = parts.peerIds;
  }

  /** Makes keys, genesis and ports; nobody runs yet. */
  static async create(options: CommitteeOptions): Promise<CommitteeProcesses> {
    const { seats, followers = 0, params = {}, wiring = LOOPBACK } = options;
    const folder = await mkdtemp(join(tmpdir(), 'tangle-committee-'));
    const [keys, rich] = [Array.from({ length: seats }, generateKeyPair), generateKeyPair()];
    const genesis: Genesis = {
      name: `test-committee-${seats}`,
      timestampMs: Date.now(),
      params: { ...PARAMS, ...params },
      committee: keys.map(({ publicKey }) => publicKey),
      outputs: [{ address: rich.address, amount: SUPPLY }],
    };
    await writeFile(join(folder, 'genesis.json'), genesisToJson(genesis));
    const [ports, peerIds]: [Ports[], string[]] = [[], []];
    for (let at = 0; at < seats + followers; at += 1) {
      const own = join(folder, `node-${at}`);
      await mkdir(own, { mode: 0o700 });
      const key = keys[at];
      if (key !== undefined) await writeKeyFile(join(own, 'validator.key'), key);
      ports.push(await freePorts());
      peerIds.push(peerKeyText(await loadPeerKey(join(own, 'peer.key'))));
    }
    const parts = { wiring, ports, peerIds };
    return new CommitteeProcesses({ folder, genesis, seats, rich }, parts);
  }

  /** The members whose processes run, frozen ones included. */
  get running(): Member[] {
    return [...this.#running.values()].toSorted((a, b) => a.at - b.at);
  }

  /** All members, running or not. */
  get everybody(): number[] {
    return [...this.#ports.keys()];
  }

  /** A member that runs. */
  at(at: number): Member {
    const member = this.#running.get(at);
    if (member === undefined) throw new Error(`member ${at} does not run`);
    return member;
  }

  dataDir(at: number): string {
    return join(this.folder, `node-${at}`, 'data');
  }

  /** Starts members at once, or starts them again where they stood; all by default. */
  async start(ats: readonly number[] = this.everybody, options: StartOptions = {}): Promise<void> {
    await Promise.all(ats.map((at) => this.#startOne(at, options)));
  }

  /** SIGKILL to all of them in one moment; everybody by default. */
  async kill(ats: Iterable<number> = [...this.#processes.keys()]): Promise<void> {
    const ends = [...ats].map(async (at) => {
      this.#running.delete(at);
      await this.#processes.get(at)?.kill();
    });
    await Promise.all(ends);
  }

  /** SIGTERM; resolves with how it ended, such as `status 0`. */
  async stop(at: number): Promise<string> {
    const { process } = this.at(at);
    this.#running.delete(at);
    await process.stop();
    return await process.ended;
  }

  /** Takes store, votes and all else from a member that does not run; keys stay. */
  async wipe(at: number): Promise<void> {
    await rm(this.dataDir(at), { recursive: true });
  }

  /** Ends whatever runs and deletes the folder, unless `E2E_KEEP` is set. */
  async close(): Promise<void> {
    await this.kill();
    if (process.env['E2E_KEEP'] === undefined) await rm(this.folder, { recursive: true });
  }

  async #startOne(at: number, { nodeFlags = [], args = [] }: StartOptions): Promise<void> {
    const ports = this.#portsOf(at);
    const { api } = this.#wiring.hosts(at);
    const url = `http://${api}:${ports.api}`;
    const launcher = this.#wiring.launcher?.(at) ?? [];
    const plan = {
      name: `node-${at}`,
      program: 'tangle-node',
      args: [...(await this.#argsOf(at)), ...args],
      readyUrl: `${url}/health`,
      nodeFlags,
      launcher,
    } as const;
    const process = new RunningProcess(plan, join(this.folder, 'logs'));
    this.#processes.set(at, process);
    await this.#wiring.plugIn?.(at, process.pid);
    await process.ready();
    const metricsUrl = `http://${api}:${ports.metrics}/metrics`;
    const client = new NodeClient({ baseUrl: url });
    this.#running.set(at, { at, process, url, metricsUrl, ports, client });
  }

  async #argsOf(at: number): Promise<string[]> {
    const { api, gossip } = this.#wiring.hosts(at);
    const ports = this.#portsOf(at);
    const own = join(this.folder, `node-${at}`);
    const flags = {
      'genesis-file': join(this.folder, 'genesis.json'),
      'data-dir': this.dataDir(at),
      'gossip-key-file': join(own, 'peer.key'),
      'gossip-listen': `/ip4/${gossip}/tcp/${ports.gossip}`,
      'api-host': api,
      'api-port': `${ports.api}`,
      'metrics-host': api,
      'metrics-port': `${ports.metrics}`,
      ...(at < this.seats ? { 'validator-key-file': join(own, 'validator.key') } : {}),
      ...SETTINGS,
    };
    const args = ['start', ...flagsOf(flags)];
    for (const to of this.everybody) {
      const way = to === at ? undefined : await this.#wayTo(at, to);
      if (way === undefined) continue;
      const address = `/ip4/${way.host}/tcp/${way.port}/p2p/${this.#peerIds[to]}`;
      args.push('--gossip-peers', address);
    }
    return args;
  }

  async #wayTo(from: number, to: number): Promise<Place | undefined> {
    const host = this.#wiring.hosts(to).gossip;
    return await this.#wiring.way(from, to, { host, port: this.#portsOf(to).gossip });
  }

  #portsOf(at: number): Ports {
    const ports = this.#ports[at];
    if (ports === undefined) throw new Error(`there is no member ${at}`);
    return ports;
  }
}
