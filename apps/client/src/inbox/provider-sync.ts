/**
 * Fetches mail from one storage provider: logs in under the mailbox's pseudonym, tells it which
 * tags to watch, follows the log, pays for and fetches what is new, checks each root. Before:
 * client.ts; after: mail io, provider; letter-intake.ts. Spec: docs/spec/33-mailbox.md,
 * docs/spec/42-delivery.md.
 */
import { bytesToHex, hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import { MAX_FILTER_PATCH } from '@tanglemail/mail/core/market/constants.ts';
import { ProviderApiError, ProviderFault } from '@tanglemail/mail/io/provider/errors.ts';
import type {
  FilterChange,
  ProviderClient,
  ProviderSession,
} from '@tanglemail/mail/io/provider/provider-client.ts';
import { errorFields, type Logger } from '@tanglemail/tangle/io/logger.ts';
import type { RentalBook } from '../rentals/rental-book.ts';
import { hintOf, policyText, type Renter } from '../rentals/renter.ts';
import type { SpamGuard } from '../spam/spam-guard.ts';
import type { Rental } from '../store/collections.ts';
import { WriteLock } from '../store/write-lock.ts';
import { STRANGER_BUCKET_BITS } from '../tags/stranger-bucket.ts';
import type { TagBook } from '../tags/tag-book.ts';
import type { TagLists } from '../tags/tag-lists.ts';
import type { TangleAccess } from '../tangle/tangle-access.ts';
import { isBroke, ObjectFetcher, type SyncPass } from './object-fetcher.ts';
import { ProviderAudit, sampled, withLostMailbox } from './provider-audit.ts';
import { ReplicaRepair } from './replica-repair.ts';
import { StrangerScan } from './stranger-scan.ts';

/** What one synchronisation brought. */
export interface SyncResult {
  fetched: number;
  held: number;
  /** Base units that left the mailbox's balance since the last synchronisation. */
  cost: bigint;
  /** Codes of objects that could not be taken in, and of payments that failed. */
  errors: string[];
}

export interface ProviderSyncDeps {
  readonly book: RentalBook;
  readonly renter: Pick<Renter, 'providerAt' | 'topUp' | 'rent' | 'payAnew' | 'policyToTell'>;
  readonly tags: TagBook;
  readonly lists: TagLists;
  readonly fetcher: ObjectFetcher;
  readonly strangers: StrangerScan;
  readonly spam: Pick<SpamGuard, 'askedNow'>;
  /** Whether an envelope under this tag would be taken now. */
  readonly isWaitedFor: (tag: Uint8Array) => boolean;
  readonly tangle: Pick<TangleAccess, 'clock' | 'random'>;
  readonly logger: Logger;
  /** What providers are told; everything unless it is given. */
  readonly told?: ToldToProviders;
}

/** The ways in which providers find our mail; what is found by filters they need not know. */
export interface ToldToProviders {
  readonly tags: boolean;
  readonly buckets: boolean;
}

const LOG_PAGE = 200;
/** Pages of one pass: a provider cannot keep us reading, and paying, for ever. */
const MAX_LOG_PAGES = 50;
/** Objects that are tried again later; beyond this the oldest are given up. */
const MAX_PENDING = 256;
/** A session is used until shortly before its end. */
const SESSION_MARGIN_SECONDS = 60;
/** Asking for the balance costs a request: without mail it is asked for this seldom. */
const BALANCE_SECONDS = 600;
const MAX_ERRORS = 100;
const DAY_SECONDS = 86_400;
/** A provider that says again and again that it lost the mailbox must not be paid each time. */
const ANEW_EVERY_MS = 3_600_000;

export class ProviderSync {
  readonly #deps: ProviderSyncDeps;
  readonly #told: ToldToProviders;
  readonly #sessions = new Map<string, ProviderSession>();
  readonly #balanceAt = new Map<string, number>();
  /** When a mailbox may be made anew again, by bond id. */
  readonly #anewFromMs = new Map<string, number>();
  /** Providers that would not take our policy, by bond id: asked again after the next start. */
  readonly #policyRefused = new Set<string>();
  /** One change of filters at a time: an older set of tags must not replace a newer one. */
  readonly #filters = new WriteLock();

  readonly #audit: ProviderAudit;
  readonly #repair: ReplicaRepair;

  constructor(deps: ProviderSyncDeps) {
    this.#deps = deps;
    this.#audit = new ProviderAudit(deps);
    const open = (rental: Rental): Promise<SyncPass> =>
      this.#open(rental, { fetched: 0, held: 0, cost: 0n, errors: [] });
    this.#repair = new ReplicaRepair({ ...deps, open });
    this.#told = deps.told ?? { tags: true, buckets: true };
  }

  /** One pass over one rental. Throws when the provider cannot be reached or refuses the login. */
  async sync(bondId: string): Promise<SyncResult> {
    const { book } = this.#deps;
    const result: SyncResult = { fetched: 0, held: 0, cost: 0n, errors: [] };
    const rental = book.get(bondId);
    if (rental === undefined || !rental.isActive) return result;
    try {
      await this.#pass(rental, result);
    } catch (error) {
      if (!isMailboxLost(error) || !(await this.#makeAnew(rental))) throw error;
      const anew = book.get(bondId);
      if (anew?.isActive === true) await this.#pass(anew, result);
    }
    result.errors.splice(MAX_ERRORS);
    return result;
  }

  async #pass(rental: Rental, result: SyncResult): Promise<void> {
    const pass = await this.#open(rental, result);
    try {
      await this.#read(pass);
    } catch (error) {
      if (!isBroke(error)) throw error;
      await this.#noteBroke(pass, error);
    }
  }

  /**
   * The provider has lost its disk: a rental that is wanted gets a new mailbox, paid from the
   * channel, at most once an hour; one that has ended is over. False when it is too early.
   */
  async #makeAnew(rental: Rental): Promise<boolean> {
    const { book, renter, tangle, logger } = this.#deps;
    const { bondId } = rental;
    this.#sessions.delete(bondId);
    if (rental.isEnded) {
      await book.update(bondId, (present) => ({ ...present, isActive: false }));
      return true;
    }
    const nowMs = tangle.clock.nowMs();
    if (nowMs < (this.#anewFromMs.get(bondId) ?? 0)) return false;
    // After an attempt that failed the loss is written down already.
    if (rental.balance !== '0' || rental.isRestoring !== true) {
      logger.warn({ bondId }, 'a provider has lost our mailbox');
      await this.#forget(bondId, () => ({}));
    }
    await renter.payAnew(bondId);
    await renter.rent({ bondId });
    this.#anewFromMs.set(bondId, nowMs + ANEW_EVERY_MS);
    return true;
  }

  /** What a provider had is gone. A change of filters that is under way is over before. */
  #forget(bondId: string, kept: (before: Rental) => Partial<Rental>): Promise<Rental> {
    return this.#filters.run(() =>
      this.#deps.book.update(bondId, (one) => ({ ...withLostMailbox(one), ...kept(one) })),
    );
  }

  /**
   * Has all present tags watched at every rented provider that lacks some. A provider that cannot
   * be reached is left for the next pass: nothing is thrown.
   */
  async watchTags(): Promise<void> {
    const { book, logger } = this.#deps;
    for (const rental of book.wanted()) {
      const isBucketRight = this.#askedNow() === rental.bucketStampBits;
      const isTagsRight = !this.#told.tags || !this.#isBehind(rental);
      if (isBucketRight && isTagsRight) continue;
      const result: SyncResult = { fetched: 0, held: 0, cost: 0n, errors: [] };
      try {
        await this.#syncFilters(await this.#open(rental, result));
      } catch (error) {
        logger.debug({ ...errorFields(error), bondId: rental.bondId }, 'tags are not watched yet');
      }
    }
  }

  /**
   * Whether every provider that is told our tags watches those of a chain. Other tags move on with
   * each mail of a pass that is under way.
   */
  isWatching(chainId: string): boolean {
    const { book, lists } = this.#deps;
    const rentals = this.#told.tags ? book.wanted() : [];
    return rentals.every((rental) => lists.isListed(chainId, rental.lists ?? []));
  }

  #isBehind({ registered, lists = [] }: Rental): boolean {
    const { tags, lists: present } = this.#deps;
    return tags.isBehind(registered) || present.isBehind(lists);
  }

  async #open(rental: Rental, result: SyncResult): Promise<SyncPass> {
    const { book, renter } = this.#deps;
    const { bondId } = rental;
    const provider = await renter.providerAt(hintOf(rental));
    const session = await this.#session(provider, rental);
    return { provider, session, bondId, result, rental: () => book.get(bondId) ?? rental };
  }

  async #session(provider: ProviderClient, rental: Rental): Promise<ProviderSession> {
    const { book, tangle } = this.#deps;
    const nowSeconds = tangle.clock.nowMs() / 1_000;
    const known = this.#sessions.get(rental.bondId);
    if (known !== undefined && known.expiresAt - SESSION_MARGIN_SECONDS > nowSeconds) return known;
    const session = await provider.login(book.mailboxKey(rental));
    this.#sessions.set(rental.bondId, session);
    return session;
  }

  /** A session that the provider does not know any more is opened again at the next pass. */
  async #read(pass: SyncPass): Promise<void> {
    try {
      await this.#syncFilters(pass);
      await this.#tellPolicy(pass);
      await this.#topUp(pass);
      await this.#readPaid(pass).catch(async (error: unknown) => {
        if (!isBroke(error) || pass.rental().isEnded) throw error;
        // The record of the balance was wrong: with the right one the mailbox is filled up.
        await this.#setBalance(pass, balanceIn(error));
        await this.#topUp(pass);
        await this.#readPaid(pass);
      });
    } catch (error) {
      if (error instanceof ProviderApiError && error.status === 401) {
        this.#sessions.delete(pass.bondId);
      }
      throw error;
    }
  }

  /** What the mailbox takes: later versions of the client allow more than it was opened with. */
  async #tellPolicy({ provider, session, bondId, rental }: SyncPass): Promise<void> {
    const { book, renter, logger } = this.#deps;
    const policy = renter.policyToTell(rental());
    if (policy === undefined || this.#policyRefused.has(bondId)) return;
    try {
      await provider.setPolicy(session, policy);
    } catch (error) {
      // An older provider may not know all of it; mail comes as before.
      if (!(error instanceof ProviderApiError && error.status === 400)) throw error;
      this.#policyRefused.add(bondId);
      logger.debug({ ...errorFields(error), bondId }, 'a mailbox keeps its policy of before');
      return;
    }
    await book.update(bondId, (one) => ({ ...one, policyTold: policyText(policy) }));
  }

  /** Everything that costs something. */
  async #readPaid(pass: SyncPass): Promise<void> {
    const { book, fetcher, strangers, tangle } = this.#deps;
    const startedAt = Math.floor(tangle.clock.nowMs() / 1_000);
    await this.#followLog(pass);
    await this.#retryPending(pass);
    await this.#audit.auditIfDue(pass);
    await this.#repair.repairIfDue(pass);
    if (this.#told.buckets) await strangers.scan(pass);
    // New contacts bring new tags, which must be watched before their next mail comes.
    await this.#syncFilters(pass);
    await this.#refreshBalance(pass, fetcher.takeActivity(pass.bondId));
    await book.update(pass.bondId, (present) => ({ ...present, lastSyncAt: startedAt }));
  }

  /** An ended rental is over with its balance; another one waits for money, and says so. */
  async #noteBroke(pass: SyncPass, error: ProviderApiError): Promise<void> {
    const { book } = this.#deps;
    await this.#setBalance(pass, balanceIn(error));
    if (!pass.rental().isEnded) {
      pass.result.errors.push(error.code);
      return;
    }
    await book.update(pass.bondId, (present) => ({ ...present, isActive: false }));
  }

  /** A mailbox that cannot be filled up is still read: what it has may pay for that. */
  async #topUp({ bondId, result }: SyncPass): Promise<void> {
    const { renter, logger } = this.#deps;
    try {
      await renter.topUp(bondId);
    } catch (error) {
      logger.warn({ ...errorFields(error), bondId }, 'a mailbox cannot be filled up');
      result.errors.push(codeOf(error));
    }
  }

  /** Stamp bits asked of strangers at providers; undefined: none of their mail is held. */
  #askedNow(): number | undefined {
    return this.#told.buckets ? this.#deps.spam.askedNow() : undefined;
  }

  /** Tells the provider which tags to watch, in bounded requests, and remembers that it knows. */
  #syncFilters({ provider, session, bondId, rental, result }: SyncPass): Promise<void> {
    const { book, tags, lists } = this.#deps;
    return this.#filters.run(async () => {
      const { registered, hasBucket, bucketStampBits, lists: listed = [] } = rental();
      const isTold = this.#told.tags;
      const [windows, ids] = isTold ? [tags.windows(), lists.ids()] : [{}, []];
      const numbered = isTold
        ? tags.changeSince(registered)
        : { add: [], remove: tags.tagsIn(registered) };
      const single = isTold ? lists.changeSince(listed) : { add: [], remove: lists.tagsIn(listed) };
      const add = [...numbered.add, ...single.add];
      const remove = [...numbered.remove, ...single.remove];
      const asked = this.#askedNow();
      const wantsBucket = asked !== undefined;
      const isBucketRight = hasBucket === wantsBucket && asked === bucketStampBits;
      if (add.length === 0 && remove.length === 0 && isBucketRight) return;
      try {
        if (!isBucketRight) await provider.setFilters(session, bucketChange(asked));
        // First what is new: a tag watched too long costs nothing, one too late costs a mail.
        for (const addTags of chunks(add)) await provider.setFilters(session, { addTags });
        for (const removeTags of chunks(remove)) await provider.setFilters(session, { removeTags });
      } catch (error) {
        // Mail with the tags that did fit is fetched; senders of the rest fall back to strangers'.
        if (!(error instanceof ProviderApiError && error.code === 'filters-full')) throw error;
        result.errors.push(error.code);
        return;
      }
      await book.update(bondId, ({ bucketStampBits: _before, ...one }) => ({
        ...one,
        registered: windows,
        lists: ids,
        hasBucket: wantsBucket,
        ...(asked === undefined ? {} : { bucketStampBits: asked }),
      }));
      await lists.forget(book.wanted().flatMap((one) => one.lists ?? []));
    });
  }

  async #refreshBalance(pass: SyncPass, isActive: boolean): Promise<void> {
    const nowSeconds = Math.floor(this.#deps.tangle.clock.nowMs() / 1_000);
    const askedAt = this.#balanceAt.get(pass.bondId) ?? Number.NEGATIVE_INFINITY;
    if (!isActive && nowSeconds - askedAt < BALANCE_SECONDS) return;
    const { balance, objectCount } = await pass.provider.mailbox(pass.session);
    this.#balanceAt.set(pass.bondId, nowSeconds);
    await this.#setBalance(pass, balance, objectCount);
  }

  async #setBalance(
    { bondId, rental, result }: SyncPass,
    balance: string,
    storedObjects = rental().storedObjects,
  ): Promise<void> {
    result.cost += BigInt(rental().balance) - BigInt(balance);
    await this.#deps.book.update(bondId, (one) => ({ ...one, balance, storedObjects }));
  }

  /**
   * Reads on in the log. Where it is another one than before, the mailbox was made anew by another
   * device of ours, or the provider went on from an old copy of its disk: everything is told again
   * and read from the first entry, at most once an hour.
   */
  async #followLog(pass: SyncPass): Promise<void> {
    const { renter, tangle, logger } = this.#deps;
    const { bondId, provider, session } = pass;
    try {
      await this.#syncLog(pass);
    } catch (error) {
      const nowMs = tangle.clock.nowMs();
      const isRewritten = error instanceof ProviderFault && error.code === 'log-rewritten';
      if (!isRewritten || nowMs < (this.#anewFromMs.get(bondId) ?? 0)) throw error;
      logger.warn({ bondId }, 'a provider shows another log than before');
      const { balance } = await provider.mailbox(session);
      await renter.payAnew(bondId);
      // It stays named to senders meanwhile: the other device's tags are watched.
      await this.#forget(bondId, ({ hasBucket }) => ({ balance, hasBucket }));
      this.#anewFromMs.set(bondId, nowMs + ANEW_EVERY_MS);
      await this.#syncFilters(pass);
      await this.#syncLog(pass);
    }
  }

  /** Reads on in the log; what it names is fetched before the position moves on. */
  async #syncLog(pass: SyncPass): Promise<void> {
    const { book, fetcher, tangle } = this.#deps;
    for (let page = 0; page < MAX_LOG_PAGES; page += 1) {
      const known = pass.rental().log;
      const from = { ...known, hash: hexToBytes(known.hash) };
      const { log, position } = await pass.provider.log(pass.session, from, LOG_PAGE);
      const later: Rental['pending'] = [];
      for (const { state, root, tag, milestoneTime } of log.entries) {
        const isPromised = this.#isPaid(pass.rental(), milestoneTime);
        // Held is what the balance or the day's limit did not pay for, which nobody else keeps, and
        // what came under a tag that was used before.
        if (state === 'held') later.push({ root, isHeld: true, ...(tag ? { tag } : {}) });
        else if (state === 'stored' && !(await fetcher.fetch(pass, root, isPromised))) {
          later.push({ root, isHeld: false });
        }
      }
      const { length, logId } = position;
      const hash = bytesToHex(position.hash);
      await book.update(pass.bondId, (present) => ({
        ...present,
        log: { length, hash, ...(logId === undefined ? {} : { logId }) },
        sample: sampled(present, log.entries, tangle.random),
        pending: [...present.pending, ...later].slice(-MAX_PENDING),
      }));
      if (log.entries.length < LOG_PAGE) return;
    }
  }

  /** Whether what came then should be here still; who comes later finds it gone by right. */
  #isPaid({ retentionDays }: Rental, milestoneTime: number): boolean {
    const nowSeconds = this.#deps.tangle.clock.nowMs() / 1_000;
    return nowSeconds < milestoneTime + retentionDays * DAY_SECONDS;
  }

  /**
   * Another look at what could not be had so far; it stays on the list until it can, or is gone.
   */
  async #retryPending(pass: SyncPass): Promise<void> {
    const { book, fetcher, isWaitedFor } = this.#deps;
    for (const { root, isHeld, tag } of pass.rental().pending) {
      // Once the right envelope has come under a tag, its copies are worth nothing to us.
      const isWanted = tag === undefined || isWaitedFor(hexToBytes(tag));
      const isPaid = !isWanted || !isHeld || (await fetcher.retain(pass, root));
      if (!isPaid || (isWanted && !(await fetcher.fetch(pass, root)))) continue;
      await book.update(pass.bondId, (present) => ({
        ...present,
        pending: present.pending.filter((one) => one.root !== root),
      }));
    }
  }
}

/** The balance that a refusal names; nothing when it names none. */
function balanceIn(error: ProviderApiError): string {
  const { balance } = error.problem;
  return balance !== undefined && /^(?:0|[1-9][0-9]{0,19})$/.test(balance) ? balance : '0';
}

function isMailboxLost(error: unknown): boolean {
  return error instanceof ProviderApiError && error.code === 'mailbox-unknown';
}

function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code.slice(0, 64) : 'internal';
}

/** The bucket with what is asked of strangers, or without any of their mail. */
function bucketChange(asked: number | undefined): FilterChange {
  const bucket = { bits: STRANGER_BUCKET_BITS, prefix: new Uint8Array(0) };
  if (asked === undefined) return { removeBuckets: [bucket] };
  return { addBuckets: [{ ...bucket, stampBits: asked }] };
}

function chunks(tags: readonly Uint8Array[]): Uint8Array[][] {
  const parts: Uint8Array[][] = [];
  for (let at = 0; at < tags.length; at += MAX_FILTER_PATCH) {
    parts.push(tags.slice(at, at + MAX_FILTER_PATCH));
  }
  return parts;
}
