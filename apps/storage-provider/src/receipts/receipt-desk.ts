/**
 * Receipts: signs, for whoever knows the root, that an object is stored and until when. The time
 * that a receipt names is written down first, so that a release is kept long enough to answer for
 * it. Before: api/object-controller.ts. Spec: docs/spec/32-receipt.md.
 */
import { hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import { penaltyFor } from '@tanglemail/mail/core/market/prices.ts';
import { signReceipt } from '@tanglemail/mail/core/market/receipt.ts';
import type { StorageReceipt } from '@tanglemail/mail/core/market/receipt.ts';
import type { StoredObject } from '@tanglemail/mail/core/market/stored-object.ts';
import type { LedgerClock } from '../ledger-clock.ts';
import { refuseWith } from '../refused.ts';
import type { GroupStore, StoreTransaction } from '../store/group-store.ts';
import { readMailbox, readObject, readRoot, writeObject } from '../store/rows.ts';
import type { Terms } from '../terms.ts';

export class ReceiptDesk {
  readonly #store: GroupStore;
  readonly #terms: Terms;
  readonly #clock: LedgerClock;

  constructor(store: GroupStore, terms: Terms, clock: LedgerClock) {
    this.#store = store;
    this.#terms = terms;
    this.#clock = clock;
  }

  /** The receipt of the longest-paid object with this root, or `not-stored`, `object-released`. */
  issue(root: string): Promise<StorageReceipt> {
    const now = this.#clock.time;
    return this.#store.transact((transaction) => {
      const objects = this.#objectsOf(transaction, root);
      const stored = objects.filter(({ state, until }) => state === 'stored' && until > now);
      const object = stored.toSorted((a, b) => b.until - a.until)[0];
      if (!object) {
        const release = objects.find(({ state }) => state === 'released')?.release;
        if (release) refuseWith('object-released', { release });
        return refuseWith('not-stored');
      }
      if (object.receiptUntil < object.until) {
        writeObject(transaction, { ...object, receiptUntil: object.until });
      }
      return this.#sign(transaction, object);
    });
  }

  #objectsOf(transaction: StoreTransaction, root: string): StoredObject[] {
    const holders = readRoot(transaction, root)?.holders ?? [];
    return holders.flatMap((mailboxId) => readObject(transaction, mailboxId, root) ?? []);
  }

  #sign(transaction: StoreTransaction, object: StoredObject): StorageReceipt {
    const { networkId, bondId, bondSecretKey, offer } = this.#terms;
    const mailbox = readMailbox(transaction, object.mailboxId);
    const fields = {
      networkId,
      bondId,
      root: hexToBytes(object.root),
      size: object.sizeBytes,
      until: object.until,
      penalty: penaltyFor(object.paid, offer.penaltyX, offer.penaltyMin),
      challengeDeposit: offer.challengeDepositMax,
      releasePublicKey: mailbox?.publicKey ?? new Uint8Array(32),
    };
    return signReceipt(fields, bondSecretKey);
  }
}
