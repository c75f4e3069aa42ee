/**
 * Parts in the own mailboxes that nobody needs any more: given up at each provider, so that the
 * rent of the days to come goes back to the balance. Durable until all have heard it. Before:
 * devices/sent-copies.ts; after: mail io, provider-client.ts. Spec: docs/spec/33-mailbox.md.
 */
import { errorFields, type Logger } from '@tanglemail/tangle/io/logger.ts';
import { ProviderApiError } from '@tanglemail/mail/io/provider/errors.ts';
import type { RentalBook } from '../rentals/rental-book.ts';
import { hintOf, type Renter } from '../rentals/renter.ts';
import type { Rental } from '../store/collections.ts';
import { type PartRelease, partReleases } from '../store/parcel-collections.ts';
import type { SealedBatch, SealedStore } from '../store/sealed-store.ts';
import type { TangleAccess } from '../tangle/tangle-access.ts';

export interface PartReleasesDeps {
  readonly store: SealedStore;
  readonly book: Pick<RentalBook, 'list' | 'mailboxKey' | 'update'>;
  readonly renter: Pick<Renter, 'providerAt'>;
  readonly tangle: Pick<TangleAccess, 'clock'>;
  readonly logger: Logger;
}

/** Prefix of their keys in their bucket. */
const RELEASE = 'release/';
const RETRY_MS = 600_000;
/** What was paid ahead is over by then. */
const MAX_AGE_MS = 40 * 86_400_000;
/** Deletions that wait; the rent of more runs out by itself. */
const MAX_WAITING = 1_000;

export class PartReleases {
  readonly #deps: PartReleasesDeps;
  readonly #waiting = new Map<string, PartRelease>();
  #running: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #isStarted = false;

  private constructor(deps: PartReleasesDeps) {
    this.#deps = deps;
  }

  static async load(deps: PartReleasesDeps): Promise<PartReleases> {
    const releases = new PartReleases(deps);
    for await (const { key, value } of deps.store.scan(partReleases, { prefix: RELEASE })) {
      releases.#waiting.set(key, value);
    }
    return releases;
  }

  start(): void {
    this.#isStarted = true;
    this.#wake();
  }

  async stop(): Promise<void> {
    this.#isStarted = false;
    clearTimeout(this.#timer);
    await this.#running;
  }

  /** Puts into the batch that these parts (roots, hex) are needed no more. */
  add(batch: SealedBatch, roots: readonly string[]): void {
    const [first] = roots;
    if (first === undefined || this.#waiting.size >= MAX_WAITING) return;
    const { store, tangle } = this.#deps;
    const key = `${RELEASE}${store.opaque(`release/${first}`)}`;
    const release = { roots: [...roots], since: tangle.clock.nowMs() };
    batch.put(partReleases, key, release);
    batch.whenWritten(() => {
      this.#waiting.set(key, release);
      this.#wake();
    });
  }

  #wake(): void {
    if (!this.#isStarted) return;
    clearTimeout(this.#timer);
    this.#running = this.#running.then(() => this.#run());
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    for (const [key, release] of this.#waiting) {
      if (!this.#isStarted) return;
      try {
        await this.#give(release);
        await this.#done(key);
      } catch (error) {
        this.#deps.logger.debug(errorFields(error), 'parts are released later');
        const isOld = this.#deps.tangle.clock.nowMs() - release.since > MAX_AGE_MS;
        if (isOld) await this.#done(key).catch(() => undefined);
      }
    }
    if (this.#waiting.size === 0 || !this.#isStarted) return;
    this.#timer = setTimeout(() => this.#wake(), RETRY_MS);
    this.#timer.unref();
  }

  async #done(key: string): Promise<void> {
    await this.#deps.store.batch().del('parcelOut', key).write();
    this.#waiting.delete(key);
  }

  /** Throws when a provider has not heard of it. */
  async #give({ roots }: PartRelease): Promise<void> {
    const rentals = this.#deps.book.list().filter((one) => one.isActive);
    const gone = await Promise.allSettled(rentals.map((one) => this.#giveAt(one, roots)));
    for (const one of gone) if (one.status === 'rejected') throw one.reason;
  }

  async #giveAt(rental: Rental, roots: readonly string[]): Promise<void> {
    const { book, renter } = this.#deps;
    const provider = await renter.providerAt(hintOf(rental));
    const key = book.mailboxKey(rental);
    const session = await provider.login(key);
    for (const root of roots) {
      try {
        const { balance } = await provider.release(session, key, root);
        await book.update(rental.bondId, (one) => ({ ...one, balance }));
      } catch (error) {
        // It has it no more, or never had.
        const isGone = error instanceof ProviderApiError && [404, 409, 410].includes(error.status);
        if (!isGone) throw error;
      }
    }
  }
}
