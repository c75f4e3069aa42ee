/**
 * The client of one account: starts and stops its parts in a written order and keeps the recurring
 * work going. Before: api/ and cli/daemon.ts; after: client-parts.ts, service/local-service.ts.
 * Spec: docs/spec/41-client-api.md, docs/architecture.md.
 */
import { errorFields } from '@tanglemail/tangle/io/logger.ts';
import {
  buildParts,
  type ClientDeps,
  type ClientOptions,
  type ClientParts,
} from './client-parts.ts';
import { pause } from './pause.ts';
import { LocalService } from './service/local-service.ts';

const DAY_MS = 86_400_000;
/** Between two attempts at something that failed, or that is not confirmed yet. */
const RETRY_MS = 3_000;
const DESCRIPTOR_CHECK_MS = 60_000;

type Rest = (timeMs: number, signal: AbortSignal) => Promise<void>;

export class Client {
  /** What the local API calls. */
  readonly service: LocalService;
  readonly #parts: ClientParts;
  readonly #abort = new AbortController();
  readonly #loops: Promise<void>[] = [];
  #unsubscribe: (() => void) | undefined;

  private constructor(parts: ClientParts) {
    this.#parts = parts;
    this.service = new LocalService(parts);
  }

  /** Builds a client over an open store. Nothing runs and nothing is sent before `start`. */
  static async open(options: ClientOptions, deps: ClientDeps): Promise<Client> {
    return new Client(await buildParts(options, deps));
  }

  /**
   * Starts, in this order: wallet (money first, others wait for it), outbox, descriptor, mail. A
   * node or a provider that is out of reach delays work and stops nothing.
   */
  start(): void {
    const { wallet, outbox, config, tangle, nodeFeed, publisher } = this.#parts;
    wallet.start();
    outbox.start();
    const restOrWake: Rest = (timeMs, signal) => publisher.rest(timeMs, signal);
    this.#loop('descriptor', (signal) => this.#publishDescriptor(signal), restOrWake);
    this.#loop('mail', () => this.#fetchMail());
    this.#loop('epochs', () => this.#pruneEpochs());
    if (config.mailFromNode) {
      this.#loop('node feed', async (signal) => {
        await nodeFeed.sync(signal);
        return config.pollIntervalMs;
      });
    }
    this.#unsubscribe = tangle.events.subscribe('milestones/confirmed', () => wallet.wake());
  }

  /** Stops in reverse order and closes the store; what was under way goes on at the next start. */
  async stop(): Promise<void> {
    const { wallet, outbox, tangle, store, writes } = this.#parts;
    this.#abort.abort(new Error('the client stops'));
    this.#unsubscribe?.();
    await Promise.allSettled(this.#loops);
    await outbox.stop();
    await wallet.stop();
    await tangle.close();
    await writes.run(async () => {});
    await store.close();
  }

  /** Runs `work` again and again; it returns how long to rest. A failure is logged and retried. */
  #loop(name: string, work: (signal: AbortSignal) => Promise<number>, rest: Rest = pause): void {
    const { signal } = this.#abort;
    const run = async (): Promise<void> => {
      while (!signal.aborted) {
        let restMs = RETRY_MS;
        try {
          restMs = await work(signal);
        } catch (error) {
          if (signal.aborted) return;
          this.#parts.logger.debug({ ...errorFields(error), loop: name }, 'trying again later');
        }
        await rest(restMs, signal);
      }
    };
    this.#loops.push(run());
  }

  async #publishDescriptor(signal: AbortSignal): Promise<number> {
    const { publisher } = this.#parts;
    await publisher.publishIfDue(signal);
    return publisher.status().state === 'confirmed' ? DESCRIPTOR_CHECK_MS : RETRY_MS;
  }

  async #fetchMail(): Promise<number> {
    await this.service.sync();
    return this.#parts.config.pollIntervalMs;
  }

  /** Deletes secrets of epochs that no letter at a provider can need any more. */
  async #pruneEpochs(): Promise<number> {
    const { tangle, epochs } = this.#parts;
    await epochs.prune(Math.floor(tangle.clock.nowMs() / 1_000));
    return DAY_MS;
  }
}
