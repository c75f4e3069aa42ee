/**
 * Where everything of a local network lies: one folder for each process, one file that says what
 * runs where. Before: main.ts and the end-to-end tests; after: setup.ts, network.ts.
 */
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { DevnetError } from './processes.ts';

/** Every process, in the order in which they start. */
export const ROLES = ['node-1', 'node-2', 'faucet', 'provider', 'alice', 'bob'] as const;
export type Role = (typeof ROLES)[number];
export type ClientRole = 'alice' | 'bob';
export const CLIENT_ROLES: readonly ClientRole[] = ['alice', 'bob'];

const port = z.int().min(1).max(65_535);
/** Null while the process does not run. */
const pid = z.int().positive().nullable();
const text = z.string();

const nodeFile = z.object({
  name: text,
  api: text,
  events: text,
  metrics: text,
  /** Multiaddress with the peer id. */
  gossip: text,
  dataDir: text,
  pid,
});

/** Where mail programs connect, with a password of theirs; null until the daemon first ran. */
const bridgeFile = z
  .object({
    user: text,
    password: text,
    certificate: text,
    imap: port,
    imaps: port,
    smtp: port,
    smtps: port,
    pop3: port,
    pop3s: port,
  })
  .nullable();

const clientFile = z.object({
  address: text,
  api: text,
  /** Bearer token of the API; null while the daemon does not run, because each run has its own. */
  token: text.nullable(),
  bridge: bridgeFile,
  dataDir: text,
  pid,
});

/** `network.json`: all that a script needs. */
const networkFileSchema = z.object({
  /** Name and hex id of the network; empty before the genesis is made. */
  networkName: text,
  networkId: text,
  genesisFile: text,
  /** Pid of the program that started the others; null when they were stopped. */
  pid,
  nodes: z.array(nodeFile),
  providers: z.array(
    z.object({ name: text, api: text, metrics: text, bondId: text, dataDir: text, pid }),
  ),
  faucet: z.object({ api: text, pid }),
  clients: z.object({ alice: clientFile, bob: clientFile }),
  /** Ports on 127.0.0.1, kept from start to start. */
  ports: z.record(text, port),
});

export type NetworkFile = z.infer<typeof networkFileSchema>;

/** Paths in the data folder of one local network. */
export class Layout {
  readonly dataDir: string;

  /** `dataDir`: absolute path. */
  constructor(dataDir: string) {
    this.dataDir = dataDir;
  }

  folder(role: Role): string {
    return join(this.dataDir, role);
  }

  /** Settings of the nodes, the faucet and the provider. */
  configFile(role: Role): string {
    return join(this.folder(role), 'config.json');
  }

  passphraseFile(role: ClientRole): string {
    return join(this.dataDir, 'passphrases', role);
  }

  get logs(): string {
    return join(this.dataDir, 'logs');
  }

  get genesisFile(): string {
    return join(this.dataDir, 'genesis.json');
  }

  get networkFile(): string {
    return join(this.dataDir, 'network.json');
  }

  /** What the last main job found. */
  get factsFile(): string {
    return join(this.dataDir, 'main-job.json');
  }

  get lockFile(): string {
    return join(this.dataDir, 'devnet.lock');
  }

  /** The network of an earlier start; undefined in a new folder. */
  readNetwork(): NetworkFile | undefined {
    let content: string;
    try {
      content = readFileSync(this.networkFile, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
    try {
      return networkFileSchema.parse(JSON.parse(content));
    } catch (cause) {
      const hint = 'start over with `npm start -- --fresh`';
      throw new DevnetError(`${this.networkFile} is not a network of this version: ${hint}`, {
        cause,
      });
    }
  }

  writeNetwork(network: NetworkFile): void {
    writeWhole(this.networkFile, network);
  }

  /**
   * Deletes the network in this folder; other files in it stay. Does nothing in a folder that never
   * held one, so that a mistyped `--data-dir` costs no data.
   */
  clear(): void {
    try {
      readFileSync(this.networkFile);
    } catch {
      return;
    }
    const kept = [this.genesisFile, this.factsFile, this.logs, join(this.dataDir, 'passphrases')];
    for (const path of [...ROLES.map((role) => this.folder(role)), ...kept]) {
      rmSync(path, { recursive: true, force: true });
    }
    rmSync(this.networkFile, { force: true });
  }
}

/** Api and pid of a role. */
export function entryOf(network: NetworkFile, role: Role): { api: string; pid: number | null } {
  const [node1, node2] = network.nodes;
  const [provider] = network.providers;
  const { alice, bob } = network.clients;
  const entries = { 'node-1': node1, 'node-2': node2, provider, alice, bob };
  const entry = role === 'faucet' ? network.faucet : entries[role];
  if (entry === undefined) throw new DevnetError(`network.json names no ${role}`);
  return entry;
}

/** Writes JSON as a whole or not at all. Only the owner can read it: it may hold tokens. */
export function writeWhole(path: string, value: unknown): void {
  const draft = `${path}.${process.pid}.tmp`;
  writeFileSync(draft, `${JSON.stringify(value, undefined, 2)}\n`, { mode: 0o600 });
  renameSync(draft, path);
}

/** Writes a secret, if there is none yet. */
export function writeSecret(path: string, secret: string): void {
  mkdirSync(join(path, '..'), { recursive: true, mode: 0o700 });
  try {
    writeFileSync(path, `${secret}\n`, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  chmodSync(path, 0o600);
}
