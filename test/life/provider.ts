/**
 * A storage provider of the simulated weeks: the real one with its API on a loopback socket, over a
 * disk in memory that it can lose.
 */
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { publicKeyOf } from '@tanglemail/tangle/core/crypto/ed25519-strict.ts';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import type { RunningServer } from '@tanglemail/tangle/io/shell/http.ts';
import { rangeOf } from '../../apps/storage-provider/src/store/buckets.ts';
import { createApi } from '../../apps/storage-provider/src/api/create-api.ts';
import { NodeLedger } from '../../apps/storage-provider/src/feed/node-ledger.ts';
import { Provider } from '../../apps/storage-provider/src/provider.ts';
import { MemoryKv } from '../../apps/storage-provider/src/testing/memory-kv.ts';
import { testConfig } from '../../apps/storage-provider/src/testing/world.ts';
import { SeededRandom } from '../sim/random.ts';
import type { LifeTangle } from './tangle.ts';
import type { VirtualTime } from './time.ts';

export class LifeProvider {
  readonly index: number;
  readonly port: number;
  readonly #tangle: LifeTangle;
  readonly #time: VirtualTime;
  #kv = new MemoryKv();
  #running: { readonly provider: Provider; readonly api: RunningServer } | undefined;

  constructor(index: number, port: number, tangle: LifeTangle, time: VirtualTime) {
    this.index = index;
    this.port = port;
    this.#tangle = tangle;
    this.#time = time;
  }

  get #bondKey(): Uint8Array {
    return new Uint8Array(32).fill(0x70 + this.index);
  }

  get bondId(): string {
    return bytesToHex(publicKeyOf(this.#bondKey));
  }

  get isUp(): boolean {
    return this.#running !== undefined;
  }

  async start(): Promise<void> {
    if (this.#running !== undefined) return;
    const clock = { nowMs: () => this.#time.nowMs };
    const access = await this.#tangle.access(clock, new SeededRandom(this.index));
    const { node, issuer, checker, hasher, verifier } = access;
    const endpoints = [`http://127.0.0.1:${this.port}`];
    const config = testConfig({
      api: { port: this.port, rateLimit: { perSecond: 100_000, burst: 100_000 } },
      offer: { minCredit: '120', minChannel: '500', endpoints },
    });
    const payKey = new Uint8Array(32).fill(0x90 + this.index);
    const keys = { bondKey: this.#bondKey, payKey };
    const identity = { genesis: this.#tangle.node.genesis, keys, endpoint: endpoints[0] ?? '' };
    const ledger = new NodeLedger(node, issuer);
    const parts = { node: ledger, checker, clock, hasher, verifier, logger: SILENT_LOGGER };
    this.#kv = this.#kv.reopen();
    const freeBytes = async (): Promise<number> => Number.MAX_SAFE_INTEGER;
    const provider = new Provider(config, identity, { kv: this.#kv, ...parts, freeBytes });
    await provider.feed.round();
    const api = await createApi(provider);
    this.#running = { provider, api };
  }

  /** Works off what the tangle has confirmed. */
  async follow(): Promise<void> {
    await this.#running?.provider.feed.round();
  }

  /** Goes away; what it promised is still on its disk. */
  async stop(): Promise<void> {
    const { provider, api } = this.#running ?? {};
    this.#running = undefined;
    await api?.close();
    await provider?.stop();
  }

  /** The bytes of all objects are gone; what the provider knows of them is not. */
  async loseBodies(): Promise<void> {
    await this.stop();
    this.#kv = this.#kv.reopen();
    const batch = this.#kv.batch();
    for await (const [key] of this.#kv.iterate({ ...rangeOf('body'), limit: 1_000 })) {
      batch.del(key);
    }
    await batch.write({ sync: true });
    await this.start();
  }

  /** Everything that it kept is gone; its keys are not. */
  async loseDisk(): Promise<void> {
    await this.stop();
    this.#kv = new MemoryKv();
    await this.start();
  }
}
