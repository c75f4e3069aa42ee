/**
 * Fetches the parts of one parcel from the mailboxes that we rent, each from one provider, and from
 * the next one when it has not got them or gives something else. Before: parcel-inbox.ts; after:
 * mail io, provider/part-client.ts. Spec: docs/spec/25-parcel.md, section 6.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { utf8ToBytes } from '@noble/hashes/utils.js';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { errorFields, type Logger } from '@tanglemail/tangle/io/logger.ts';
import { parcelLayout, sealedPartSize } from '@tanglemail/mail/core/parcel/layout.ts';
import {
  markFailed,
  nextFetches,
  type ParcelReceiver,
  takePart,
} from '@tanglemail/mail/core/parcel/receiver.ts';
import type { SealingSuite } from '@tanglemail/mail/core/ports.ts';
import { ProviderApiError } from '@tanglemail/mail/io/provider/errors.ts';
import type { PartClient } from '@tanglemail/mail/io/provider/part-client.ts';
import type { ProviderSession } from '@tanglemail/mail/io/provider/provider-client.ts';
import { pause } from '../pause.ts';
import type { RentalBook } from '../rentals/rental-book.ts';
import { hintOf, type Renter } from '../rentals/renter.ts';
import { nativeSha256 } from '../native-sha256.ts';

export interface PartFetcherDeps {
  readonly book: RentalBook;
  readonly renter: Pick<Renter, 'providerAt' | 'topUp'>;
  readonly suite: SealingSuite;
  readonly logger: Logger;
}

/** The parcel that is fetched. */
export interface FetchJob {
  readonly receiver: () => ParcelReceiver;
  /** Makes the new state durable, with the opened bytes of a part that came. */
  readonly keep: (
    receiver: ParcelReceiver,
    index: number,
    content: Uint8Array | undefined,
  ) => Promise<void>;
  readonly signal: AbortSignal;
}

interface Source {
  readonly parts: PartClient;
  readonly session: ProviderSession;
}

/** Parts on their way at once. */
const LANES = 2;
/** Attempts at one part from one provider: a login that ended, a balance that was filled up. */
const MAX_ATTEMPTS = 4;
const BUSY_MS = 1_000;

export class PartFetcher {
  readonly #deps: PartFetcherDeps;
  readonly #sources = new Map<string, Promise<Source>>();

  constructor(deps: PartFetcherDeps) {
    this.#deps = deps;
  }

  /** Fetches until nothing is left, or every provider has failed at what is left. */
  async run(job: FetchJob): Promise<void> {
    while (!job.signal.aborted) {
      const next = nextFetches(job.receiver(), LANES);
      if (next.length === 0) return;
      await Promise.all(next.map(({ index, source }) => this.#fetch(job, index, source)));
    }
  }

  async #fetch(job: FetchJob, index: number, source: number): Promise<void> {
    const { receiver, keep, signal } = job;
    const bondId = receiver().sources[source] ?? '';
    let bytes: Uint8Array;
    try {
      bytes = await this.#ask(job, index, bondId);
    } catch (error) {
      if (signal.aborted) return;
      this.#deps.logger.debug({ ...errorFields(error), bondId }, 'a part is asked elsewhere');
      await keep(markFailed(receiver(), index, source), index, undefined);
      return;
    }
    const taken = takePart(receiver(), index, source, bytes, this.#deps.suite, nativeSha256);
    await keep(taken.receiver, index, taken.content.ok ? taken.content.value : undefined);
  }

  /** One part from one provider. Throws when it does not give it. */
  async #ask({ receiver, signal }: FetchJob, index: number, bondId: string): Promise<Uint8Array> {
    const { manifest } = receiver();
    const root = bytesToHex(manifest.roots[index] ?? new Uint8Array(0));
    const size = sealedPartSize(parcelLayout(manifest.size), index);
    for (let attempt = 1; ; attempt += 1) {
      const source = this.#sources.get(bondId) ?? this.#open(bondId);
      this.#sources.set(bondId, source);
      try {
        const { parts, session } = await source;
        const key = idempotencyKey(session.mailboxId, root);
        return await parts.fetch(session, { root, size }, key, signal);
      } catch (error) {
        const isLast = attempt >= MAX_ATTEMPTS || signal.aborted;
        if (isLast || !(await this.#mayRepeat(bondId, error, signal))) throw error;
      }
    }
  }

  /** Does what makes another attempt worth while; false when nothing does. */
  async #mayRepeat(bondId: string, error: unknown, signal: AbortSignal): Promise<boolean> {
    if (!(error instanceof ProviderApiError)) {
      // The provider may have been away for a moment, or the login with it.
      this.#sources.delete(bondId);
      return false;
    }
    if (error.status === 401) this.#sources.delete(bondId);
    else if (error.status === 402) await this.#fillUp(bondId, error);
    else if (error.status === 429) await pause(BUSY_MS, signal);
    else return false;
    return true;
  }

  async #fillUp(bondId: string, error: ProviderApiError): Promise<void> {
    const { book, renter } = this.#deps;
    const { balance } = error.problem;
    // The record of the balance was wrong: with the right one the mailbox is filled up.
    if (balance !== undefined) await book.update(bondId, (one) => ({ ...one, balance }));
    await renter.topUp(bondId);
  }

  async #open(bondId: string): Promise<Source> {
    const { book, renter } = this.#deps;
    const rental = book.get(bondId);
    if (rental === undefined) throw new Error('this provider is not rented any more');
    const provider = await renter.providerAt(hintOf(rental));
    const session = await provider.login(book.mailboxKey(rental));
    return { parts: provider.parts(nativeSha256), session };
  }
}

/** The same for a part and a mailbox, so that what was paid for is not paid again. */
function idempotencyKey(mailboxId: string, root: string): string {
  const hash = sha256(utf8ToBytes(`tmail/idempotency/v1 part ${mailboxId} ${root}`));
  return bytesToHex(hash.subarray(0, 16));
}
