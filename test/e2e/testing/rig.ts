/**
 * A local network of real processes for a test: set up to the point where alice can write to bob,
 * quietly, in a temporary folder. After: tools/devnet.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from '../../../tools/devnet/exchange.ts';
import { CLIENT_ROLES } from '../../../tools/devnet/layout.ts';
import { getTokens, rentMailbox } from '../../../tools/devnet/money.ts';
import { Devnet, type DevnetOptions } from '../../../tools/devnet/network.ts';
import { meet, publishKeys } from '../../../tools/devnet/play.ts';
import { type Stage, stageOf } from '../../../tools/devnet/stage.ts';
import { Teller } from '../../../tools/devnet/tell.ts';

/** Fewer bits of work and quick milestones, so that many deliveries fit into a test. */
const QUICK_PARAMS = { powBaseBits: 6, milestoneIntervalMs: 200, heartbeatMs: 2_000 };

/**
 * The first port for the tests of this process: far from those of other processes, below the ports
 * of outgoing connections.
 */
export function firstPort(): number {
  return 20_000 + 20 * (process.pid % 600);
}

export interface RigOptions extends Omit<DevnetOptions, 'dataDir'> {
  /** No alice and no bob: the test itself plays the client. */
  readonly withoutClients?: boolean;
}

export class Rig {
  readonly devnet: Devnet;
  readonly stage: Stage;
  readonly #told: string[];

  private constructor(devnet: Devnet, stage: Stage, told: string[]) {
    this.devnet = devnet;
    this.stage = stage;
    this.#told = told;
  }

  /** Starts nodes, faucet and provider; and the clients, who get accounts first. */
  static async open(options: RigOptions = {}): Promise<Rig> {
    const dataDir = await mkdtemp(join(tmpdir(), 'tanglemail-e2e-'));
    const params = { ...QUICK_PARAMS, ...options.params };
    const devnet = await Devnet.open({ portsFrom: firstPort(), ...options, params, dataDir });
    const told: string[] = [];
    const tell = new Teller({ write: (text: string) => told.push(text) });
    const rig = new Rig(devnet, stageOf(devnet, tell), told);
    try {
      await devnet.prepare();
      const clients = options.withoutClients === true ? [] : CLIENT_ROLES;
      const accounts = clients.map((role) => devnet.makeAccount(role));
      await Promise.all([devnet.start('node-1'), devnet.start('node-2')]);
      await Promise.all([...accounts, devnet.start('faucet'), devnet.start('provider')]);
      await Promise.all(clients.map((role) => devnet.start(role)));
    } catch (error) {
      await rig.close();
      throw error;
    }
    return rig;
  }

  /** Tokens, a mailbox for bob, and alice knows him. */
  async befriend(): Promise<void> {
    await meet(this.stage);
    await getTokens(this.stage);
    await publishKeys(this.stage);
    await rentMailbox(this.stage);
    await connect(this.stage);
  }

  /** What the setup told, for a failing test. */
  get told(): string {
    return this.#told.join('');
  }

  /** Stops everything and deletes the folder; with E2E_KEEP set, the folder stays for its logs. */
  async close(): Promise<void> {
    try {
      await this.devnet.close();
    } finally {
      if (process.env['E2E_KEEP'] === undefined)
        await rm(this.devnet.layout.dataDir, { recursive: true, force: true });
    }
  }
}
