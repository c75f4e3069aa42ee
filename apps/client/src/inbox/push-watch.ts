/**
 * Listens at every rented provider for the word that mail has come, so that it is fetched within a
 * second or two and looking by the clock can be rare. Before: client.ts waits here between two
 * looks; after: mail io, provider/push-link.ts. Spec: docs/spec/42-delivery.md, section "Push".
 */
import type { Logger } from '@tanglemail/tangle/io/logger.ts';
import { PushLink } from '@tanglemail/mail/io/provider/push-link.ts';
import type { PushTopic } from '@tanglemail/mail/io/provider/push-dto.ts';
import { pause } from '../pause.ts';
import type { RentalBook } from '../rentals/rental-book.ts';
import { hintOf, type Renter } from '../rentals/renter.ts';
import type { Rental } from '../store/collections.ts';

export interface PushWatchDeps {
  readonly book: Pick<RentalBook, 'wanted' | 'mailboxKey'>;
  readonly renter: Pick<Renter, 'providerAt'>;
  readonly logger: Logger;
  /** From 0 to below 1. */
  readonly random: () => number;
  readonly nowMs: () => number;
}

/**
 * Everybody who shares a bucket is told of each stranger's mail in it: they look at most so often,
 * and not all at once.
 */
const HELD_INTERVAL_MS = 60_000;
const HELD_SPREAD_MS = 2_000;

interface Watched {
  readonly endpoint: string;
  readonly link: PushLink;
  /** When strangers' mail was looked for last because of a hint. */
  heldAtMs: number;
  timer: NodeJS.Timeout | undefined;
}

export class PushWatch {
  readonly #deps: PushWatchDeps;
  readonly #watched = new Map<string, Watched>();
  readonly #hinted = new Set<string>();
  #wake: (() => void) | undefined;

  constructor(deps: PushWatchDeps) {
    this.#deps = deps;
  }

  /** Opens a socket at each provider that is rented, and closes those at others. */
  follow(): void {
    const wanted = new Map(this.#deps.book.wanted().map((rental) => [rental.bondId, rental]));
    for (const [bondId, { endpoint }] of this.#watched) {
      if (wanted.get(bondId)?.endpoint !== endpoint) this.#drop(bondId);
    }
    for (const [bondId, rental] of wanted) {
      if (!this.#watched.has(bondId)) this.#watch(bondId, rental);
    }
  }

  /** True when every rented provider tells by itself. */
  get coversAll(): boolean {
    const wanted = this.#deps.book.wanted();
    return wanted.length > 0 && wanted.every(({ bondId }) => this.isReady(bondId));
  }

  /** Whether the provider tells by itself. */
  isReady(bondId: string): boolean {
    return this.#watched.get(bondId)?.link.isReady === true;
  }

  /** The providers that have told of mail since the last call. */
  takeHints(): ReadonlySet<string> {
    const hinted = new Set(this.#hinted);
    this.#hinted.clear();
    return hinted;
  }

  /** Waits `timeMs`, until a hint (also one since the last `takeHints`), or until `signal`. */
  async rest(timeMs: number, signal: AbortSignal): Promise<void> {
    if (this.#hinted.size > 0) return;
    await pause(timeMs, signal, (wake) => {
      this.#wake = wake;
    });
  }

  close(): void {
    for (const bondId of this.#watched.keys()) this.#drop(bondId);
  }

  #watch(bondId: string, rental: Rental): void {
    const { book, renter, logger, random } = this.#deps;
    const login = async (): Promise<string> => {
      const provider = await renter.providerAt(hintOf(rental));
      return (await provider.login(book.mailboxKey(rental))).token;
    };
    const onHint = (topic: PushTopic): void => this.#onHint(bondId, topic);
    const { endpoint } = rental;
    // Whoever rests looks again how long: the clock has to do now what the provider did.
    const onLost = (): void => this.#wake?.();
    const link = new PushLink({ baseUrl: endpoint, login, onHint, onLost, random, logger });
    const heldAtMs = Number.NEGATIVE_INFINITY;
    this.#watched.set(bondId, { endpoint, link, heldAtMs, timer: undefined });
  }

  #drop(bondId: string): void {
    const watched = this.#watched.get(bondId);
    watched?.link.close();
    clearTimeout(watched?.timer);
    this.#watched.delete(bondId);
  }

  #onHint(bondId: string, topic: PushTopic): void {
    const watched = this.#watched.get(bondId);
    if (watched === undefined) return;
    if (topic !== 'held') {
      this.#hint(bondId);
      return;
    }
    if (watched.timer !== undefined) return;
    const { nowMs, random } = this.#deps;
    const sinceMs = nowMs() - watched.heldAtMs;
    const waitMs = Math.max(0, HELD_INTERVAL_MS - sinceMs) + random() * HELD_SPREAD_MS;
    watched.timer = setTimeout(() => {
      watched.timer = undefined;
      watched.heldAtMs = nowMs();
      this.#hint(bondId);
    }, waitMs);
    watched.timer.unref();
  }

  #hint(bondId: string): void {
    this.#hinted.add(bondId);
    this.#wake?.();
  }
}
