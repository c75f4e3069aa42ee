/**
 * For specs: accounts over one small real node, and further devices of them that are linked as two
 * people at two screens would.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { networkIdOf } from '@tanglemail/tangle/core/codec/genesis.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import { bestSuite } from '@tanglemail/mail/io/crypto/native-suite.ts';
import type { AccountFacts } from '../account/create.ts';
import { dataFolder } from '../account/data-folder.ts';
import type { DevicesService } from '../api/devices-service.ts';
import { Client } from '../client.ts';
import { configOf } from '../config/schema.ts';
import { joinAccount } from '../devices/link-guest.ts';
import { openKeystore } from '../keystore/keystore.ts';
import { openSealedStore } from '../store/open-store.ts';
import type { SealedStore } from '../store/sealed-store.ts';
import { openTangle } from '../tangle/tangle-access.ts';
import { SmallTangle, until } from './small-tangle.ts';
import { openWholeClient } from './whole-client.ts';

export class LinkedDevices {
  readonly tangle: SmallTangle;
  readonly #parent: string;
  readonly #running: Client[] = [];

  private constructor(tangle: SmallTangle, parent: string) {
    this.tangle = tangle;
    this.#parent = parent;
  }

  static async open(): Promise<LinkedDevices> {
    const parent = await mkdtemp(join(tmpdir(), 'tanglemail-devices-'));
    const tangle = await SmallTangle.start();
    tangle.confirmAlways();
    return new LinkedDevices(tangle, parent);
  }

  /** The first device of an account, in memory. */
  async start(seedByte: number): Promise<Client> {
    const { genesis, baseUrl: nodeUrl } = this.tangle.node;
    const options = { seedByte, disk: new Map(), nodeUrl, genesis };
    return this.#run(await openWholeClient(options, this.tangle.access));
  }

  /** What the new device does at its command line, with the real way to the tangle. */
  async join(
    code: string,
    name: string,
    onNumber: (number: string) => void,
  ): Promise<AccountFacts> {
    const { genesis, baseUrl: nodeUrl } = this.tangle.node;
    const { clock, random } = this.tangle.access;
    const { signal } = new AbortController();
    const access = await openTangle(
      { nodeUrl, genesis, powThreads: 1 },
      { clock, random, logger: SILENT_LOGGER, checkpoint: undefined, lifetime: signal },
    );
    try {
      const dataDir = join(this.#parent, name);
      return await joinAccount(
        { code, name, dataDir, nodeUrl, passphrase: 'p', genesis },
        { tangle: access, suite: bestSuite(), signal, showNumber: onNumber, pollMs: 50 },
      );
    } finally {
      await access.close();
    }
  }

  /** Links a device to `old`, both numbers compared, and starts it. */
  async link(old: Client, name: string): Promise<Client> {
    const devices = devicesOf(old);
    const { code = '' } = await devices.beginLink();
    let shown = '';
    const joining = this.join(code, name, (number) => {
      shown = number;
    });
    await until(async () => (await devices.linkStatus()).state === 'compare' && shown !== '');
    const { number, name: called } = await devices.linkStatus();
    if (number !== shown || called !== name) throw new Error('the two show something else');
    await devices.confirmLink(shown);
    await joining;
    return await this.startLinked(name);
  }

  /** Starts a linked device, again. */
  async startLinked(name: string): Promise<Client> {
    const { genesis, baseUrl } = this.tangle.node;
    const { clock, random } = this.tangle.access;
    const secrets = await openKeystore(dataFolder(join(this.#parent, name)).keystore, 'p');
    const store = await this.storeOf(name);
    const config = configOf({
      node: { url: baseUrl },
      mailFromNode: true,
      pollIntervalMs: 250,
      send: { undoSeconds: 0 },
      address: { stampBits: 4 },
    });
    const deps = { logger: SILENT_LOGGER, clock, random };
    return this.#run(await Client.open({ config, secrets, genesis, store }, deps));
  }

  /** The store of a linked device that does not run. */
  async storeOf(name: string): Promise<SealedStore> {
    const folder = dataFolder(join(this.#parent, name));
    const { storeKey } = await openKeystore(folder.keystore, 'p');
    const networkId = networkIdOf(this.tangle.node.genesis, nobleHasher);
    const { random } = this.tangle.access;
    return await openSealedStore(folder.store, { storeKey, networkId }, random);
  }

  #run(client: Client): Client {
    this.#running.push(client);
    client.start();
    return client;
  }

  async stopOne(client: Client): Promise<void> {
    this.#running.splice(this.#running.indexOf(client), 1);
    await client.stop();
  }

  async stop(): Promise<void> {
    for (const client of this.#running.splice(0)) await client.stop();
    await this.tangle.stop();
    await rm(this.#parent, { recursive: true, force: true });
  }
}

/** The devices of a client's account. */
export function devicesOf({ services }: Client): DevicesService {
  const { devices } = services;
  if (devices === undefined) throw new Error('the client has devices');
  return devices;
}
