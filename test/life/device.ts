/**
 * A device of a simulated person: the whole client with its loops, over a disk in memory, online
 * for some minutes at a time. The power can go at any write.
 */
import { recoveryKeyOf, recoverySecret } from '@tanglemail/mail/core/backup/lock.ts';
import type { EpochLine } from '@tanglemail/mail/core/identity/epoch.ts';
import { deriveAccountRoot } from '@tanglemail/mail/core/identity/keys.ts';
import { bestSuite } from '@tanglemail/mail/io/crypto/native-suite.ts';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import type { ApiServices } from '../../apps/client/src/api/service.ts';
import { EpochStore } from '../../apps/client/src/account/epoch-store.ts';
import { Client } from '../../apps/client/src/client.ts';
import { configOf } from '../../apps/client/src/config/schema.ts';
import { loadSelfLog } from '../../apps/client/src/devices/self-log-store.ts';
import {
  type Disk,
  memoryStore,
  sealedMemoryStore,
} from '../../apps/client/src/testing/memory-store.ts';
import type { SeededRandom } from '../sim/random.ts';
import { putNewAccount } from './disks.ts';
import type { LifeTangle } from './tangle.ts';
import type { VirtualTime } from './time.ts';

export interface DeviceOptions {
  /** 64 bytes: the account's words. */
  readonly seed: Uint8Array;
  /** Reads mail from the node's milestones and rents nothing. */
  readonly runsNode: boolean;
  readonly random: SeededRandom;
  /** When the account began on this device: now, unless given. */
  readonly sinceMs?: number;
  /** Between two looks for new mail, one minute unless given. */
  readonly pollIntervalMs?: number;
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
  #isOff: () => boolean = () => false;
  #wasCutAtStart = false;
  readonly #recoveryKey: string;

  /** When it was made, linked or restored. */
  readonly sinceMs: number;

  /** On an empty disk the account begins with the first start. */
  constructor(
    options: DeviceOptions,
    tangle: LifeTangle,
    time: VirtualTime,
    disk: Disk = new Map(),
  ) {
    this.sinceMs = options.sinceMs ?? time.nowMs;
    this.#options = options;
    const secret = recoverySecret(options.seed, 0);
    this.#recoveryKey = bytesToHex(recoveryKeyOf(secret, bestSuite()));
    this.#tangle = tangle;
    this.#time = time;
    this.disk = disk;
  }

  /** The running client. */
  get client(): Client {
    if (this.#client === undefined) throw new Error('the device is off');
    return this.#client;
  }

  /** What its local API calls: a whole client has every part. */
  get services(): Required<ApiServices> {
    return this.client.services as Required<ApiServices>;
  }

  get isOn(): boolean {
    return this.#client !== undefined;
  }

  /** Whether the power went in this session. */
  get isCut(): boolean {
    return this.#isOff() || this.#wasCutAtStart;
  }

  /**
   * Starts the client; with `cutAtWrite` the power goes at that write. Where that is one of the
   * start itself, the power is back at once, and it starts again.
   */
  async start(cutAtWrite?: number): Promise<void> {
    this.#wasCutAtStart = false;
    try {
      await this.#open(cutAtWrite);
    } catch (error) {
      if (!this.#isOff()) throw error;
      await this.#open();
      this.#wasCutAtStart = true;
    }
  }

  async #open(cutAtWrite?: number): Promise<void> {
    const { seed, random } = this.#options;
    const cut = { atWrite: cutAtWrite ?? Infinity, isApplied: random.chance(0.5) };
    const memory = memoryStore(this.disk, cut);
    this.#isOff = memory.isOff;
    const store = sealedMemoryStore(memory.store);
    // A clock tells whole milliseconds, however the days of the simulation are divided.
    const clock = { nowMs: () => Math.floor(this.#time.nowMs + this.skewMs) };
    if (this.disk.size === 0) await putNewAccount(store, seed, clock.nowMs());
    this.#isOnline = true;
    const { genesis } = this.#tangle.node;
    const secrets = {
      accountRoot: bytesToHex(deriveAccountRoot(seed, 0)),
      accountIndex: 0,
      storeKey: '07'.repeat(32),
      createdAt: Math.floor(this.sinceMs / 1_000),
      recoveryKey: this.#recoveryKey,
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
      pollIntervalMs: this.#options.pollIntervalMs ?? 60_000,
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

  /** The epoch secrets on its disk, as somebody finds them who steals it. */
  epochLines(): readonly EpochLine[] {
    return EpochStore.load(sealedMemoryStore(memoryStore(this.disk).store)).state.lines;
  }

  /** How far the operations of each device of the account have come here. */
  async selfLog(): Promise<string> {
    const store = sealedMemoryStore(memoryStore(this.disk).store);
    const { heads, operations, waiting } = await loadSelfLog(store);
    const known = [...heads].map(([id, { seq, dropped }]) => `${id.slice(0, 4)} ${seq}-${dropped}`);
    const behind = [...waiting.keys()].map((dot) => `${dot.slice(0, 4)}${dot.slice(32)}`);
    return `${known.join(', ')}; ${operations.size} held; waits: ${behind.join(' ')}`;
  }
}
