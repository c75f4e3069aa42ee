/**
 * Pays for single objects at a provider and takes them in: each is fetched from one replica only,
 * opened once, and kept on at every replica that the user rents. Before: provider-sync.ts; after:
 * mail io, provider; letter-intake.ts. Spec: docs/spec/42-delivery.md.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { utf8ToBytes } from '@noble/hashes/utils.js';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { ProviderApiError, ProviderFault } from '@tanglemail/mail/io/provider/errors.ts';
import type {
  ProviderClient,
  ProviderSession,
} from '@tanglemail/mail/io/provider/provider-client.ts';
import type { Logger } from '@tanglemail/tangle/io/logger.ts';
import { type Rental, retainedRoots } from '../store/collections.ts';
import type { SealedStore } from '../store/sealed-store.ts';
import type { TangleAccess } from '../tangle/tangle-access.ts';
import type { RentalBook } from '../rentals/rental-book.ts';
import type { LetterIntake } from './letter-intake.ts';
import { withFailedFetch, withoutLost } from './provider-audit.ts';

/** One pass over one rental. */
export interface SyncPass {
  readonly provider: ProviderClient;
  readonly session: ProviderSession;
  readonly bondId: string;
  /** The newest record of the rental. */
  readonly rental: () => Rental;
  readonly result: { fetched: number; held: number; cost: bigint; errors: string[] };
}

export interface ObjectFetcherDeps {
  readonly store: SealedStore;
  readonly intake: Pick<LetterIntake, 'take' | 'hasTaken' | 'isLetter'>;
  readonly book: Pick<RentalBook, 'update' | 'mailboxKey'>;
  readonly tangle: Pick<TangleAccess, 'clock'>;
  readonly logger: Logger;
}

export interface ObjectFetcherOptions {
  /** Base units a day that may be paid to keep mail which the provider only holds. */
  readonly retainPerDay: bigint;
}

const DAY_MS = 86_400_000;
/** Objects of one pass at which a provider may fail. */
const MAX_FAILURES = 8;

export class ObjectFetcher {
  readonly #options: ObjectFetcherOptions;
  readonly #deps: ObjectFetcherDeps;
  /** Rentals from whose balance something was paid since `takeActivity`. */
  readonly #active = new Set<string>();
  #retained = { day: 0, used: 0n };

  constructor(options: ObjectFetcherOptions, deps: ObjectFetcherDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** Whether a rental's balance has changed by our doing since the last call. */
  takeActivity(bondId: string): boolean {
    return this.#active.delete(bondId);
  }

  /**
   * Fetches one object and files it; one that was looked into before, from whichever replica, costs
   * nothing. False when it should be tried again: the provider sent something else, or says that it
   * failed. That counts against it, and so does what it does not give although its log says that
   * it stores it (`isPromised`); another replica brings it by its own log. Throws when it fails at
   * too many: that is more than a damaged object, and what waits to be tried again has a bound.
   */
  async fetch(pass: SyncPass, root: string, isPromised = false): Promise<boolean> {
    const { intake, logger } = this.#deps;
    const { provider, session, bondId, result } = pass;
    if (intake.hasTaken(root)) return true;
    // The same key after a crash: what was paid for is not paid for again.
    const key = idempotencyKey(session.mailboxId, root, 'fetch');
    this.#active.add(bondId);
    let bytes: Uint8Array;
    try {
      bytes = await provider.fetchObject(session, root, key);
    } catch (error) {
      const isFault = error instanceof ProviderFault || isFailure(error);
      if (isFault || (isPromised && isRefusal(error))) {
        await this.#deps.book.update(bondId, (rental) => withFailedFetch(rental, root));
      }
      if (!isFault && !isRefusal(error)) throw error;
      result.errors.push(error.code);
      if (result.errors.filter((code) => code === 'internal').length > MAX_FAILURES) throw error;
      return !isFault;
    }
    if (pass.rental().lost?.includes(root) === true) {
      await this.#deps.book.update(bondId, (rental) => withoutLost(rental, root));
    }
    const taken = await intake.take(bytes);
    if (taken.kind === 'delivered') result.fetched += 1;
    if (taken.kind === 'refused') {
      logger.debug({ root, code: taken.code }, 'an envelope does not open');
      result.errors.push(taken.code);
    }
    return true;
  }

  /**
   * Pays once for a held object, so that it is stored. False when today's limit is used up. A
   * refusal is no failure: the object may be gone, or be stored by now, as `fetch` will tell.
   */
  async retain(pass: SyncPass, root: string): Promise<boolean> {
    const { store, intake } = this.#deps;
    const { provider, session, bondId, rental } = pass;
    if (intake.hasTaken(root) && !intake.isLetter(root)) return true;
    const marker = store.opaque(`retained/${session.mailboxId}/${root}`);
    if (store.get(retainedRoots, marker) !== undefined) return true;
    if (this.#usedToday() >= this.#options.retainPerDay) return false;
    const key = idempotencyKey(session.mailboxId, root, 'retain');
    this.#active.add(bondId);
    try {
      const { minRetentionDays, maxRetentionDays } = await provider.offer();
      const least = Math.max(rental().retentionDays, minRetentionDays);
      const days = Math.min(least, maxRetentionDays);
      const { cost, until } = await provider.retain(session, root, days, key);
      this.#retained = { day: this.#today(), used: this.#usedToday() + BigInt(cost) };
      await store.batch().put(retainedRoots, marker, { until }).write();
    } catch (error) {
      if (!isRefusal(error)) throw error;
    }
    return true;
  }

  /** Gives an object up; what was paid for days to come comes back. */
  async release(pass: SyncPass, root: string): Promise<void> {
    const { provider, session, bondId, rental } = pass;
    this.#active.add(bondId);
    try {
      await provider.release(session, this.#deps.book.mailboxKey(rental()), root);
    } catch (error) {
      if (!isRefusal(error)) throw error;
    }
  }

  /**
   * Has a provider keep a copy of what it has lost, within the limit of the day. False when that is
   * used up; a provider that does not want it keeps none.
   */
  async restore(pass: SyncPass, root: string, bytes: Uint8Array, days: number): Promise<boolean> {
    const { provider, session, bondId } = pass;
    if (this.#usedToday() >= this.#options.retainPerDay) return false;
    const key = idempotencyKey(session.mailboxId, root, `restore ${this.#today()}`);
    this.#active.add(bondId);
    try {
      const { cost } = await provider.restore(session, root, { bytes, days }, key);
      this.#retained = { day: this.#today(), used: this.#usedToday() + BigInt(cost) };
    } catch (error) {
      if (!isRefusal(error)) throw error;
    }
    return true;
  }

  /** The bytes of a copy that a provider has; undefined when it does not give it. */
  async copy(pass: SyncPass, root: string): Promise<Uint8Array | undefined> {
    const { provider, session, bondId } = pass;
    this.#active.add(bondId);
    try {
      return await provider.fetchObject(
        session,
        root,
        idempotencyKey(session.mailboxId, root, 'copy'),
      );
    } catch (error) {
      if (!(error instanceof ProviderFault) && !isRefusal(error)) throw error;
      return undefined;
    }
  }

  #today(): number {
    return Math.floor(this.#deps.tangle.clock.nowMs() / DAY_MS);
  }

  #usedToday(): bigint {
    return this.#retained.day === this.#today() ? this.#retained.used : 0n;
  }
}

/** The balance does not cover a request. */
export function isBroke(error: unknown): error is ProviderApiError {
  return error instanceof ProviderApiError && error.status === 402;
}

/** The provider looked at the request and will not do it, however often it is asked. */
function isRefusal(error: unknown): error is ProviderApiError {
  const isClients = (status: number): boolean => status >= 400 && status < 500;
  return (
    error instanceof ProviderApiError &&
    isClients(error.status) &&
    ![401, 402, 429].includes(error.status)
  );
}

/** The provider says that it failed by itself, as with a damaged disk. */
function isFailure(error: unknown): error is ProviderApiError {
  return error instanceof ProviderApiError && error.status === 500;
}

function idempotencyKey(mailboxId: string, root: string, purpose: string): string {
  const hash = sha256(utf8ToBytes(`tmail/idempotency/v1 ${purpose} ${mailboxId} ${root}`));
  return bytesToHex(hash.subarray(0, 16));
}
