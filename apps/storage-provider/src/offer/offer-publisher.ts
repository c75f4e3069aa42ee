/**
 * Signs the provider's offer and publishes it in the tangle: at the first start, on every change,
 * and every 24 hours. The offer that is served is the one that was published last. Before: feed/.
 * Spec: docs/spec/30-offer.md.
 */
import { equalBytes } from '@noble/curves/utils.js';
import { assert } from '@tanglemail/tangle/core/outcome.ts';
import type { Payload } from '@tanglemail/tangle/core/codec/payload.ts';
import { errorFields } from '@tanglemail/tangle/io/logger.ts';
import type { Logger } from '@tanglemail/tangle/io/logger.ts';
import {
  decodeOffer,
  encodeOffer,
  inconsistentField,
  MAX_OFFER_LIFE,
  OFFER_INTERVAL,
  OFFER_TAG,
  offerMessage,
  signOffer,
} from '@tanglemail/mail/core/market/offer.ts';
import type { Offer } from '@tanglemail/mail/core/market/offer.ts';
import type { LedgerClock } from '../ledger-clock.ts';
import { keyOf } from '../store/buckets.ts';
import type { GroupStore } from '../store/group-store.ts';
import type { Terms } from '../terms.ts';

const OFFER_KEY = keyOf('meta', new TextEncoder().encode('offer'));
/** Written when a block with the present offer was handed to the node. */
const PUBLISHED_KEY = keyOf('meta', new TextEncoder().encode('offer-published'));

export interface OfferPublisherDeps {
  readonly store: GroupStore;
  readonly ledgerClock: LedgerClock;
  readonly publish: (payload: Payload) => Promise<string>;
  readonly logger: Logger;
}

export class OfferPublisher {
  readonly #terms: Terms;
  readonly #deps: OfferPublisherDeps;
  #offer: { readonly offer: Offer; readonly bytes: Uint8Array } | undefined;

  constructor(terms: Terms, deps: OfferPublisherDeps) {
    this.#terms = terms;
    this.#deps = deps;
  }

  /** The bytes of the present offer; undefined before ledger time is known. */
  get bytes(): Uint8Array | undefined {
    return this.#offer?.bytes;
  }

  get offer(): Offer | undefined {
    return this.#offer?.offer;
  }

  /** Signs a new offer when there is none, it is a day old or the terms changed; publishes. */
  async tick(): Promise<void> {
    const now = this.#deps.ledgerClock.time;
    if (now === 0) return;
    const known = this.#load();
    const isCurrent =
      known && now - known.offer.issuedAt < OFFER_INTERVAL && this.#fits(known.offer);
    this.#offer = isCurrent ? known : await this.#renew(known?.offer.seq ?? 0n, now);
    const published = this.#deps.store.get(PUBLISHED_KEY);
    if (published && equalBytes(published, this.#offer.offer.signature)) return;
    await this.#publish(this.#offer.bytes, this.#offer.offer);
  }

  #load(): { offer: Offer; bytes: Uint8Array } | undefined {
    const bytes = this.#deps.store.get(OFFER_KEY);
    const decoded = bytes && decodeOffer(bytes);
    return bytes && decoded?.ok ? { offer: decoded.value, bytes } : undefined;
  }

  /** True when the offer says what the terms say. */
  #fits(offer: Offer): boolean {
    const { seq, issuedAt, validUntil } = offer;
    const same = { ...this.#terms.offer, seq, issuedAt, validUntil };
    return equalBytes(offerMessage(offer), offerMessage(same));
  }

  /** The next sequence number goes to disk before the offer goes anywhere. */
  async #renew(seq: bigint, now: number): Promise<{ offer: Offer; bytes: Uint8Array }> {
    const validUntil = now + MAX_OFFER_LIFE;
    const fields = { ...this.#terms.offer, seq: seq + 1n, issuedAt: now, validUntil };
    const wrong = inconsistentField(fields);
    assert(wrong === undefined, `the offer is consistent, ${wrong}`);
    const offer = signOffer(fields, this.#terms.bondSecretKey);
    const bytes = encodeOffer(offer);
    await this.#deps.store.transact((transaction) => transaction.put(OFFER_KEY, bytes));
    return { offer, bytes };
  }

  async #publish(data: Uint8Array, offer: Offer): Promise<void> {
    const { store, publish, logger } = this.#deps;
    try {
      const blockId = await publish({ kind: 'tagged-data', tag: OFFER_TAG, data });
      await store.transact((transaction) => transaction.put(PUBLISHED_KEY, offer.signature));
      logger.info({ blockId, seq: `${offer.seq}` }, 'offer published');
    } catch (error) {
      logger.warn(errorFields(error), 'the offer could not be published; trying again');
    }
  }
}
