/**
 * Brings back to a provider what it has lost, from another one that the user rents: single objects
 * that an audit or a fetch missed, or all of them after the mailbox was made anew. Before:
 * provider-sync.ts; after: object-fetcher.ts. Spec: docs/spec/42-delivery.md, section 26.
 */
import { errorFields, type Logger } from '@tanglemail/tangle/io/logger.ts';
import type { LogEntryDto } from '@tanglemail/mail/io/provider/dto.ts';
import type { LogPosition } from '@tanglemail/mail/io/provider/provider-client.ts';
import type { RentalBook } from '../rentals/rental-book.ts';
import type { Rental } from '../store/collections.ts';
import type { TangleAccess } from '../tangle/tangle-access.ts';
import { isBroke, type ObjectFetcher, type SyncPass } from './object-fetcher.ts';
import { withoutLost } from './provider-audit.ts';

export interface ReplicaRepairDeps {
  readonly book: Pick<RentalBook, 'update' | 'wanted'>;
  readonly fetcher: Pick<ObjectFetcher, 'copy' | 'restore'>;
  /** Logs in at another provider. */
  readonly open: (rental: Rental) => Promise<SyncPass>;
  readonly tangle: Pick<TangleAccess, 'clock'>;
  readonly logger: Logger;
}

/** Between two attempts at one provider. */
const REPAIR_EVERY_MS = 3_600_000;
const LOG_PAGE = 1_000;
/** Pages of one log: mails of some years. */
const MAX_LOG_PAGES = 50;
const DAY_SECONDS = 86_400;

type Arrival = Pick<LogEntryDto, 'milestoneTime'>;
/** Objects that a provider stores by its own log, by root. */
type Stored = Map<string, Arrival>;

export class ReplicaRepair {
  readonly #deps: ReplicaRepairDeps;
  readonly #triedAtMs = new Map<string, number>();

  constructor(deps: ReplicaRepairDeps) {
    this.#deps = deps;
  }

  /** Brings what can be had now; the rest at a later pass. What others do never fails this pass. */
  async repairIfDue(pass: SyncPass): Promise<void> {
    const { book, tangle, logger } = this.#deps;
    const { bondId, rental } = pass;
    const { lost = [], isRestoring = false, isEnded } = rental();
    const others = book.wanted().filter((one) => one.bondId !== bondId);
    if (isEnded || others.length === 0 || (lost.length === 0 && !isRestoring)) return;
    const nowMs = tangle.clock.nowMs();
    if (nowMs - (this.#triedAtMs.get(bondId) ?? Number.NEGATIVE_INFINITY) < REPAIR_EVERY_MS) return;
    this.#triedAtMs.set(bondId, nowMs);
    const known = isRestoring ? await storedAt(pass) : new Map<string, Arrival>();
    let isWhole = true;
    for (const other of others) {
      try {
        isWhole = (await this.#copyFrom(await this.#deps.open(other), pass, known)) && isWhole;
      } catch (error) {
        // Of the other provider, or of a balance: the hour is over soon.
        isWhole = false;
        logger.debug({ ...errorFields(error), bondId }, 'copies wait for the next time');
        if (isBroke(error)) return;
      }
    }
    if (!isWhole) return;
    await book.update(bondId, ({ isRestoring: _done, ...present }) => present);
  }

  /** False when the money of the day is used up. */
  async #copyFrom(from: SyncPass, to: SyncPass, known: Stored): Promise<boolean> {
    const { book, fetcher } = this.#deps;
    const stored = await storedAt(from);
    const { lost = [], isRestoring = false } = to.rental();
    const wanted = isRestoring ? [...stored.keys()].filter((root) => !known.has(root)) : [];
    for (const root of new Set([...lost, ...wanted])) {
      const arrival = stored.get(root);
      const bytes = arrival && (await fetcher.copy(from, root));
      if (arrival === undefined || bytes === undefined) continue;
      if (!(await fetcher.restore(to, root, bytes, await this.#daysLeft(to, arrival))))
        return false;
      known.set(root, arrival);
      await book.update(to.bondId, (present) => withoutLost(present, root));
    }
    return true;
  }

  /** As long as it would have been kept, within what the provider sells. */
  async #daysLeft({ provider, rental }: SyncPass, { milestoneTime }: Arrival): Promise<number> {
    const nowSeconds = this.#deps.tangle.clock.nowMs() / 1_000;
    const age = Math.floor((nowSeconds - milestoneTime) / DAY_SECONDS);
    const { minRetentionDays, maxRetentionDays } = await provider.offer();
    const wanted = Math.max(rental().retentionDays - age, minRetentionDays);
    return Math.min(wanted, maxRetentionDays);
  }
}

/** Reads a provider's whole log. */
async function storedAt({ provider, session }: SyncPass): Promise<Stored> {
  const stored = new Map<string, Arrival>();
  let from: LogPosition = { length: 0, hash: new Uint8Array(32) };
  for (let page = 0; page < MAX_LOG_PAGES; page += 1) {
    const { log, position } = await provider.log(session, from, LOG_PAGE);
    for (const { root, state, milestoneTime } of log.entries) {
      if (state === 'stored') stored.set(root, { milestoneTime });
      else if (state !== 'held' && state !== 'part') stored.delete(root);
    }
    if (log.entries.length < LOG_PAGE) break;
    from = position;
  }
  return stored;
}
