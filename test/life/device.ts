/**
 * A device of a simulated person: the whole client with its loops, over a disk in memory, online
 * for some minutes at a time. The power can go at any write.
 */
import { startEpochs } from '@tanglemail/mail/core/identity/epoch.ts';
import { deriveAccountRoot, deriveEpochRoot } from '@tanglemail/mail/core/identity/keys.ts';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import { EpochStore } from '../../apps/client/src/account/epoch-store.ts';
import { Client } from '../../apps/client/src/client.ts';
import { configOf } from '../../apps/client/src/config/schema.ts';
import { epochStates } from '../../apps/client/src/store/collections.ts';
import {
  type Disk,
  memoryStore,
  sealedMemoryStore,
} from '../../apps/client/src/testing/memory-store.ts';
import type { SeededRandom } from '../sim/random.ts';
import type { LifeTangle } from './tangle.ts';
import type { VirtualTime } from './time.ts';

export interface DeviceOptions {
  /** 64 bytes: the account's words. */
  readonly seed: Uint8Array;
  /** Reads mail from the node's milestones and rents nothing. */
  readonly runsNode: boolean;
  readonly random: SeededRandom;
}

export class Device {
  readonly #options: DeviceOptions;
  readonly #tangle: LifeTangle;
  readonly #time: VirtualTime;
  readonly disk: Disk;
  /** How far its clock is off. */
  skewMs = 0;
  #client: Client | undefined;
  #isOnline = false;

  constructor(
    options: DeviceOptions,
    tangle: LifeTangle,
    time: VirtualTime,
    disk: Disk = new Map(),
  ) {
    this.#options = options;
    this.#tangle = tangle;
    this.#time = time;
    this.disk = disk;
  }

  /** The running client. */
  get client(): Client {
    if (this.#client === undefined) throw new Error('the device is off');
    return this.#client;
  }

  get isOn(): boolean {
    return this.#client !== undefined;
  }

  /** Starts the client; with `cutAtWrite` the power goes at that write. */
  async start(cutAtWrite?: number): Promise<void> {
    const { seed, random } = this.#options;
    const cut = { atWrite: cutAtWrite ?? Infinity, isApplied: random.chance(0.5) };
    const store = sealedMemoryStore(memoryStore(this.disk, cut).store);
    const clock = { nowMs: () => this.#time.nowMs + this.skewMs };
    const nowSeconds = Math.floor(clock.nowMs() / 1_000);
    if (store.get(epochStates, 'epochs') === undefined) {
      const batch = store.batch();
      EpochStore.create(batch, startEpochs(deriveEpochRoot(seed, 0), nowSeconds));
      await batch.write();
    }
    this.#isOnline = true;
    const { genesis } = this.#tangle.node;
    const secrets = {
      accountRoot: bytesToHex(deriveAccountRoot(seed, 0)),
      accountIndex: 0,
      storeKey: '07'.repeat(32),
      createdAt: nowSeconds,
    };
    this.#client = await Client.open(
      { config: this.#config(), secrets, genesis, store },
      {
        logger: SILENT_LOGGER,
        clock,
        random,
        openTangle: () => this.#tangle.access(clock, random, () => this.#isOnline),
      },
    );
    this.#client.start();
  }

  #config() {
    return configOf({
      mailFromNode: this.#options.runsNode,
      pollIntervalMs: 60_000,
      pushFromProviders: false,
      address: { stampBits: 4 },
      send: { undoSeconds: 0 },
      provider: { deposit: '200000', credit: '20000', maxDebitPerDay: '100000' },
    });
  }

  /** Switched off, or cut off: whatever is not on the disk is gone. */
  async stop(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    await client?.stop().catch(() => undefined);
    this.#isOnline = false;
  }
}
