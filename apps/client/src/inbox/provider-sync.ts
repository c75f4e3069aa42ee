/**
 * Fetches mail from one storage provider: logs in under the mailbox's pseudonym, tells it which tags
 * to watch, follows the log, pays for and fetches what is new, checks each root. Before: client.ts;
 * after: mail io, provider; letter-intake.ts. Spec: docs/spec/33-mailbox.md, docs/spec/42-delivery.md.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import { utf8ToBytes } from '@noble/hashes/utils.js';
import {
  ENVELOPE_HEADER_LENGTH,
  ENVELOPE_VERSION,
  type MailEnvelope,
} from '@tanglemail/mail/core/envelope/envelope.ts';
import { MAX_FILTER_PATCH } from '@tanglemail/mail/core/market/constants.ts';
import type { HeldItemDto } from '@tanglemail/mail/io/provider/dto.ts';
import type {
  ProviderClient,
  ProviderSession,
} from '@tanglemail/mail/io/provider/provider-client.ts';
import { errorFields, type Logger } from '@tanglemail/tangle/io/logger.ts';
import type { RentalBook } from '../rentals/rental-book.ts';
import { hintOf, type Renter } from '../rentals/renter.ts';
import type { Rental } from '../store/collections.ts';
import { STRANGER_BUCKET_BITS } from '../tags/stranger-bucket.ts';
import type { TagBook } from '../tags/tag-book.ts';
import type { TangleAccess } from '../tangle/tangle-access.ts';
import type { LetterIntake } from './letter-intake.ts';

/** What one synchronisation brought. */
export interface SyncResult {
  fetched: number;
  held: number;
  /** Base units that left the mailbox's balance. */
  cost: bigint;
  /** Codes of objects that could not be taken in, and of providers that did not answer. */
  errors: string[];
}

export interface ProviderSyncDeps {
  readonly book: RentalBook;
  readonly renter: Renter;
  readonly tags: TagBook;
  readonly intake: LetterIntake;
  readonly tangle: TangleAccess;
  readonly logger: Logger;
}

const LOG_PAGE = 200;
/** Held envelopes of one pass; a flooded bucket is worked through pass by pass. */
const MAX_HELD_PAGES = 50;
/** Roots that were looked at or fetched, so that it happens once while the client runs. */
const MAX_REMEMBERED = 65_536;

export class ProviderSync {
  readonly #deps: ProviderSyncDeps;
  readonly #scanned = new Set<string>();
  readonly #fetched = new Set<string>();

  constructor(deps: ProviderSyncDeps) {
    this.#deps = deps;
  }

  /** One pass over one rental. Throws when the provider cannot be reached or refuses the login. */
  async sync(bondId: string): Promise<SyncResult> {
    const { book, renter } = this.#deps;
    const rental = book.get(bondId);
    const result: SyncResult = { fetched: 0, held: 0, cost: 0n, errors: [] };
    if (rental === undefined || !rental.isActive) return result;
    const provider = renter.providerAt(hintOf(rental));
    const session = await provider.login(book.mailboxKey(rental));
    await this.#syncFilters(provider, session, bondId);
    const before = await this.#refreshBalance(provider, session, bondId);
    await renter.topUp(before);
    await this.#syncLog(provider, session, bondId, result);
    await this.#scanHeld(provider, session, bondId, result);
    // New contacts bring new tags, which must be watched before their next mail comes.
    await this.#syncFilters(provider, session, bondId);
    const credited = book.get(bondId)?.balance ?? before.balance;
    const after = await this.#refreshBalance(provider, session, bondId);
    result.cost = BigInt(credited) - BigInt(after.balance);
    return result;
  }

  /** Tells the provider which tags to watch, in bounded requests, and remembers that it knows. */
  async #syncFilters(
    provider: ProviderClient,
    session: ProviderSession,
    bondId: string,
  ): Promise<void> {
    const { book, tags } = this.#deps;
    const rental = book.get(bondId);
    if (rental === undefined) return;
    const windows = tags.windows();
    const { add, remove } = tags.changeSince(rental.registered);
    const isNothing = add.length === 0 && remove.length === 0 && rental.hasBucket;
    if (isNothing) return;
    const bucket = { bits: STRANGER_BUCKET_BITS, prefix: new Uint8Array(0) };
    const addBuckets = rental.hasBucket ? [] : [bucket];
    await provider.setFilters(session, { addBuckets });
    // First what is new: a tag that is watched too long costs nothing, one too late costs a mail.
    for (const addTags of chunks(add)) await provider.setFilters(session, { addTags });
    for (const removeTags of chunks(remove)) await provider.setFilters(session, { removeTags });
    await book.update(bondId, (present) => ({ ...present, registered: windows, hasBucket: true }));
  }

  async #refreshBalance(
    provider: ProviderClient,
    session: ProviderSession,
    bondId: string,
  ): Promise<Rental> {
    const { balance, objectCount: storedObjects } = await provider.mailbox(session);
    const lastSyncAt = Math.floor(this.#deps.tangle.clock.nowMs() / 1_000);
    return this.#deps.book.update(bondId, (present) => ({
      ...present,
      balance,
      storedObjects,
      lastSyncAt,
    }));
  }

  async #syncLog(
    provider: ProviderClient,
    session: ProviderSession,
    bondId: string,
    result: SyncResult,
  ): Promise<void> {
    const { book } = this.#deps;
    for (;;) {
      const known = book.get(bondId)?.log;
      if (known === undefined) return;
      const from = { length: known.length, hash: hexToBytes(known.hash) };
      const { log, position } = await provider.log(session, from, LOG_PAGE);
      for (const entry of log.entries) {
        if (entry.state === 'stored') await this.#fetch(provider, session, entry.root, result);
      }
      const { length } = position;
      const hash = bytesToHex(position.hash);
      await book.update(bondId, (present) => ({ ...present, log: { length, hash } }));
      if (log.entries.length < LOG_PAGE) return;
    }
  }

  /** Fetches one object and files it. The key is the same after a crash, so it is paid for once. */
  async #fetch(
    provider: ProviderClient,
    session: ProviderSession,
    root: string,
    result: SyncResult,
  ): Promise<void> {
    if (this.#fetched.has(root)) return;
    const key = idempotencyKey(session.mailboxId, root, 'fetch');
    const bytes = await provider.fetchObject(session, root, key).catch((error: unknown) => {
      if (!isGone(error)) throw error;
      result.errors.push('object-gone');
      return undefined;
    });
    if (bytes === undefined) return;
    const taken = await this.#deps.intake.take(bytes);
    if (taken.kind === 'delivered') result.fetched += 1;
    if (taken.kind === 'refused') {
      this.#deps.logger.debug({ root, code: taken.code }, 'an envelope does not open');
      result.errors.push(taken.code);
    }
    if (this.#fetched.size >= MAX_REMEMBERED) this.#fetched.clear();
    this.#fetched.add(root);
  }

  /** Looks through what strangers left in our bucket; what is ours is paid for and kept. */
  async #scanHeld(
    provider: ProviderClient,
    session: ProviderSession,
    bondId: string,
    result: SyncResult,
  ): Promise<void> {
    let cursor: string | undefined;
    for (let page = 0; page < MAX_HELD_PAGES; page += 1) {
      const held = await provider.held(session, cursor);
      for (const item of held.items) {
        if (this.#scanned.has(item.root)) continue;
        if (this.#isOurs(item)) await this.#retain(provider, session, bondId, item.root, result);
        if (this.#scanned.size >= MAX_REMEMBERED) this.#scanned.clear();
        this.#scanned.add(item.root);
      }
      if (held.cursor === undefined) return;
      ({ cursor } = held);
    }
  }

  async #retain(
    provider: ProviderClient,
    session: ProviderSession,
    bondId: string,
    root: string,
    result: SyncResult,
  ): Promise<void> {
    const days = this.#deps.book.get(bondId)?.retentionDays ?? 1;
    const key = idempotencyKey(session.mailboxId, root, 'retain');
    try {
      await provider.retain(session, root, days, key);
    } catch (error) {
      if (!isGone(error)) throw error;
      this.#deps.logger.debug({ ...errorFields(error), root }, 'a held envelope is gone');
      return;
    }
    result.held += 1;
    await this.#fetch(provider, session, root, result);
  }

  #isOurs(item: HeldItemDto): boolean {
    const head = hexToBytes(item.head);
    const envelope: MailEnvelope = {
      version: head[0] ?? 0,
      sizeClass: head[1] ?? 0,
      tag: hexToBytes(item.tag),
      header: head.subarray(0, ENVELOPE_HEADER_LENGTH),
      sealed: head.subarray(ENVELOPE_HEADER_LENGTH),
    };
    return envelope.version === ENVELOPE_VERSION && this.#deps.intake.isStrangers(envelope);
  }
}

function idempotencyKey(mailboxId: string, root: string, purpose: string): string {
  const hash = sha256(utf8ToBytes(`tmail/idempotency/v1 ${purpose} ${mailboxId} ${root}`));
  return bytesToHex(hash.subarray(0, 16));
}

/** The object has expired or was released: asking again does not help. */
function isGone(error: unknown): boolean {
  if (!(error instanceof Error) || error.name !== 'ProviderApiError') return false;
  return 'status' in error && (error.status === 404 || error.status === 410);
}

function chunks(tags: readonly Uint8Array[]): Uint8Array[][] {
  const parts: Uint8Array[][] = [];
  for (let at = 0; at < tags.length; at += MAX_FILTER_PATCH) {
    parts.push(tags.slice(at, at + MAX_FILTER_PATCH));
  }
  return parts;
}
