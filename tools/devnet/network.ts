/**
 * The local network: which processes there are, with what they start, in which order they start and
 * stop, and network.json, which always says what runs. Before: main.ts, the end-to-end tests;
 * after: setup.ts, processes.ts.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import {
  CLIENT_ROLES,
  type ClientRole,
  entryOf,
  Layout,
  type NetworkFile,
  type Role,
} from './layout.ts';
import { NotYet, until } from './poll.ts';
import { DevnetError, type ProcessPlan, RunningProcess } from './processes.ts';
import {
  choosePorts,
  clientPlan,
  type Identities,
  makeAccount,
  makeNetwork,
  type Ports,
  type Settings,
  urlOf,
  writeSettings,
} from './setup.ts';

export interface DevnetOptions {
  /** Absolute path. */
  readonly dataDir: string;
  /** First port to use; default: the usual ports. */
  readonly portsFrom?: number;
  /** Parameters of a new network that differ from the devnet preset. */
  readonly params?: Readonly<Record<string, number>>;
  /** Settings of nodes, faucet or provider that differ from the usual ones. */
  readonly settings?: Partial<Record<Role, Settings>>;
}

/** Clients first, nodes last, so that each can finish its work. */
const STOP_ORDER: readonly (readonly Role[])[] = [
  ['alice', 'bob'],
  ['provider', 'faucet'],
  ['node-2'],
  ['node-1'],
];

/**
 * Alice reads from her node, which is free. Each of bob's looks at the provider is paid for: at
 * this pace a network that stays up for a day costs him less than his limit for a day.
 */
const POLL_INTERVAL_MS = { alice: '1000', bob: '3000' } as const;

const bridgeAnswer = z.object({
  user: z.string(),
  doors: z.array(z.object({ protocol: z.string(), tls: z.string(), port: z.number() })),
});
const daemonFile = z.object({ api: z.string(), token: z.string(), pid: z.number() });
const DAEMON_FILE_TIMEOUT_MS = 10_000;

export class Devnet {
  readonly layout: Layout;
  readonly ports: Ports;
  readonly isNew: boolean;
  /** Called when a process ends that nobody asked to end. */
  onUnexpectedEnd: (role: Role, how: string) => void = () => {};
  #network: NetworkFile;
  readonly #options: DevnetOptions;
  readonly #running = new Map<Role, RunningProcess>();
  #identities: Identities | undefined;
  #isClosed = false;

  private constructor(layout: Layout, ports: Ports, options: DevnetOptions, isNew: boolean) {
    this.layout = layout;
    this.ports = ports;
    this.isNew = isNew;
    this.#options = options;
    this.#network = emptyNetwork(layout, ports);
  }

  /**
   * Chooses ports and writes the first network.json; nothing runs yet. The folder must be locked.
   */
  static async open(options: DevnetOptions): Promise<Devnet> {
    const layout = new Layout(options.dataDir);
    mkdirSync(layout.dataDir, { recursive: true });
    const known = layout.readNetwork();
    const ports = await choosePorts(known, options.portsFrom);
    const devnet = new Devnet(layout, ports, options, known === undefined);
    if (known !== undefined) {
      for (const role of CLIENT_ROLES) {
        const { address, bridge } = known.clients[role];
        Object.assign(devnet.#network.clients[role], { address, bridge });
      }
    }
    devnet.#write();
    return devnet;
  }

  /** What network.json says now. */
  get network(): NetworkFile {
    return this.#network;
  }

  /** Makes what is missing of keys, genesis and settings. */
  async prepare(): Promise<Identities> {
    const { params = {}, settings = {} } = this.#options;
    const identities = await makeNetwork(this.layout, this.ports, params);
    this.#identities = identities;
    writeSettings(this.layout, this.ports, identities, settings);
    this.#network.networkName = identities.networkName;
    this.#network.networkId = identities.networkId.toString(16).padStart(16, '0');
    this.#network.nodes.forEach((node, at) => {
      node.gossip = identities.gossip[at === 0 ? 'node-1' : 'node-2'];
    });
    this.#write();
    return identities;
  }

  /** Settings that differ from the usual ones, from the next start of the process on. */
  changeSettings(role: Role, changes: Settings): void {
    if (this.#identities === undefined) throw new DevnetError('the network is not prepared yet');
    writeSettings(this.layout, this.ports, this.#identities, {
      ...this.#options.settings,
      [role]: changes,
    });
  }

  /** Makes the account of a client if it has none. */
  async makeAccount(role: ClientRole): Promise<void> {
    await makeAccount(this.layout, this.ports, role);
  }

  isRunning(role: Role): boolean {
    return this.#running.get(role)?.hasEnded === false;
  }

  apiOf(role: Role): string {
    return entryOf(this.#network, role).api;
  }

  /** Starts a process and waits until it answers. */
  async start(role: Role): Promise<void> {
    if (this.#isClosed) throw new DevnetError('the network is stopping');
    if (this.isRunning(role)) throw new DevnetError(`${role} runs already`);
    const running = new RunningProcess(this.#planOf(role), this.layout.logs);
    this.#running.set(role, running);
    this.#setPid(role, running.pid);
    void this.#watch(role, running);
    await running.ready();
    if (role === 'alice' || role === 'bob') await this.#learnToken(role, running.pid);
    if (role === 'provider') await this.#learnProvider();
  }

  async #watch(role: Role, running: RunningProcess): Promise<void> {
    const how = await running.ended;
    if (this.#running.get(role) !== running) return;
    this.#running.delete(role);
    this.#setPid(role, null);
    this.onUnexpectedEnd(role, how);
  }

  /** Ends a process as a person would. */
  async stop(role: Role): Promise<void> {
    const running = this.#take(role);
    if (running === undefined) return;
    const outcome = await running.stop();
    this.#setPid(role, null);
    if (outcome === 'killed') {
      throw new DevnetError(`${role} did not end when it was asked to; see ${running.logFile}`);
    }
  }

  /** Ends a process as a power cut would. */
  async kill(role: Role): Promise<void> {
    await this.#take(role)?.kill();
    this.#setPid(role, null);
  }

  /**
   * Stops everything that runs, in order, and lets nothing start any more; throws the first failure
   * after trying all.
   */
  async close(): Promise<void> {
    this.#isClosed = true;
    const failures: unknown[] = [];
    for (const group of STOP_ORDER) {
      const results = await Promise.allSettled(group.map((role) => this.stop(role)));
      failures.push(...results.flatMap((one) => (one.status === 'rejected' ? [one.reason] : [])));
    }
    this.#network.pid = null;
    this.#write();
    if (failures.length > 0) throw failures[0];
  }

  /** Writes down an address as the client itself says it. */
  setAddress(role: ClientRole, address: string): void {
    this.#network.clients[role].address = address;
    this.#write();
  }

  logFile(role: Role): string {
    return join(this.layout.logs, `${role}.log`);
  }

  /** Takes a process out of the list, so that its end is not told as unexpected. */
  #take(role: Role): RunningProcess | undefined {
    const running = this.#running.get(role);
    this.#running.delete(role);
    return running;
  }

  #planOf(role: Role): ProcessPlan {
    const { layout, ports } = this;
    const config = ['--config', layout.configFile(role)];
    const healthUrl = `${this.apiOf(role)}/health`;
    switch (role) {
      case 'node-1':
      case 'node-2':
        return planOf(role, 'tangle-node', ['start', ...config], healthUrl);
      case 'faucet':
        return planOf(role, 'tangle-node', ['faucet', ...config], healthUrl);
      case 'provider':
        return planOf(role, 'tangle-provider', ['start', ...config], healthUrl);
      default: {
        const { nodeUrl, port } = clientPlan(ports, role);
        const args = [
          '--data-dir',
          layout.folder(role),
          'daemon',
          '--node',
          nodeUrl,
          '--port',
          `${port}`,
          '--passphrase-file',
          layout.passphraseFile(role),
          '--poll-interval-ms',
          POLL_INTERVAL_MS[role],
          ...(role === 'alice' ? ['--mail-from-node', 'true'] : []),
        ];
        return planOf(role, 'tanglemail', args, healthUrl);
      }
    }
  }

  /** Reads the token of this run; the file of a run that was killed may still be there. */
  async #learnToken(role: ClientRole, pid: number): Promise<void> {
    const path = join(this.layout.folder(role), 'daemon.json');
    const { token } = await until(`${path} is written`, DAEMON_FILE_TIMEOUT_MS, () => {
      const file = daemonFile.parse(JSON.parse(readFileSync(path, 'utf8')));
      return Promise.resolve(file.pid === pid ? file : new NotYet(`pid ${file.pid}`));
    });
    this.#network.clients[role].token = token;
    await this.#learnBridge(role, token);
    this.#write();
  }

  /** Reads where mail programs connect; the password is made once and stays. */
  async #learnBridge(role: ClientRole, token: string): Promise<void> {
    const client = this.#network.clients[role];
    const url = `${client.api}/api/client/v1/bridge`;
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const { user, doors } = bridgeAnswer.parse(await (await fetch(url, { headers })).json());
    let { password } = client.bridge ?? {};
    if (password === undefined) {
      const body = JSON.stringify({ name: 'network.json' });
      const made = await fetch(`${url}/passwords`, { method: 'POST', headers, body });
      ({ password } = z.object({ password: z.string() }).parse(await made.json()));
    }
    const portOf = (protocol: string, tls: string): number =>
      doors.find((one) => one.protocol === protocol && one.tls === tls)?.port ?? 0;
    client.bridge = {
      user,
      password,
      certificate: join(this.layout.folder(role), 'bridge-ca.pem'),
      imap: portOf('imap', 'starttls'),
      imaps: portOf('imap', 'implicit'),
      smtp: portOf('smtp', 'starttls'),
      smtps: portOf('smtp', 'implicit'),
      pop3: portOf('pop3', 'starttls'),
      pop3s: portOf('pop3', 'implicit'),
    };
  }

  async #learnProvider(): Promise<void> {
    const response = await fetch(`${this.apiOf('provider')}/v1/status`);
    const { bondId } = z.object({ bondId: z.string() }).parse(await response.json());
    const [provider] = this.#network.providers;
    if (provider !== undefined) provider.bondId = bondId;
    this.#write();
  }

  #setPid(role: Role, pid: number | null): void {
    entryOf(this.#network, role).pid = pid;
    if (pid === null && (role === 'alice' || role === 'bob')) {
      this.#network.clients[role].token = null;
    }
    this.#write();
  }

  #write(): void {
    this.layout.writeNetwork(this.#network);
  }
}

function planOf(
  name: Role,
  program: ProcessPlan['program'],
  args: readonly string[],
  readyUrl: string,
): ProcessPlan {
  return { name, program, args, readyUrl };
}

function emptyNetwork(layout: Layout, ports: Ports): NetworkFile {
  const node = (name: 'node-1' | 'node-2'): NetworkFile['nodes'][number] => {
    const api = urlOf(ports, `${name}-api`);
    return {
      name,
      api,
      events: `${api.replace('http', 'ws')}/api/events/v1`,
      metrics: `${urlOf(ports, `${name}-metrics`)}/metrics`,
      gossip: '',
      dataDir: layout.folder(name),
      pid: null,
    };
  };
  const client = (role: ClientRole): NetworkFile['clients']['alice'] => ({
    address: '',
    api: urlOf(ports, `${role}-api`),
    token: null,
    bridge: null,
    dataDir: layout.folder(role),
    pid: null,
  });
  const provider = {
    name: 'provider',
    api: urlOf(ports, 'provider-api'),
    metrics: `${urlOf(ports, 'provider-metrics')}/metrics`,
    bondId: '',
    dataDir: layout.folder('provider'),
    pid: null,
  };
  return {
    networkName: '',
    networkId: '',
    genesisFile: layout.genesisFile,
    pid: process.pid,
    nodes: [node('node-1'), node('node-2')],
    providers: [provider],
    faucet: { api: urlOf(ports, 'faucet-api'), pid: null },
    clients: { alice: client('alice'), bob: client('bob') },
    ports: { ...ports },
  };
}
