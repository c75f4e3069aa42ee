/**
 * The secrets of the account's epochs on disk: what exists there can be opened, what was pruned can
 * never be opened again. Before: client.ts; after: inbox and descriptor.
 * Spec: docs/spec/20-identity.md.
 */
import { bytesToHex, hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import {
  decodeEpochState,
  DEFAULT_LEASE_SECONDS,
  encodeEpochState,
  type EpochState,
  pruneEpochs,
} from '@tanglemail/mail/core/identity/epoch.ts';
import { epochStates } from '../store/collections.ts';
import { type SealedBatch, SealedStoreError, type SealedStore } from '../store/sealed-store.ts';

const KEY = 'epochs';

/** What letters may still come and were sealed for an old epoch. Times in unix seconds. */
export interface PruneFacts {
  readonly now: number;
  /** When each mailbox and the node's milestones were last read to their end. */
  readonly fetchedAt: readonly number[];
  /** The last epoch of the oldest descriptor that senders may have used. */
  readonly oldestLastEpoch?: number | undefined;
  /** The longest time for which a rented mailbox keeps a letter, in seconds. */
  readonly leaseSeconds: number;
}

/**
 * The time up to which epochs may be forgotten: that of the mailbox which was read longest ago. One
 * that cannot be read for a whole lease has lost all that it kept then; what came since lies there
 * for a lease and may have waited as long with its sender.
 */
export function pruneTime({ now, fetchedAt, leaseSeconds }: PruneFacts): number {
  return Math.max(Math.min(now, ...fetchedAt), now - leaseSeconds);
}

export class EpochStore {
  readonly #store: SealedStore;
  #state: EpochState;

  private constructor(store: SealedStore, state: EpochState) {
    this.#store = store;
    this.#state = state;
  }

  /** Throws SealedStoreError when the account was never set up here. */
  static load(store: SealedStore): EpochStore {
    const record = store.get(epochStates, KEY);
    const decoded = record && decodeEpochState(hexToBytes(record.encoded));
    if (decoded?.ok !== true) throw new SealedStoreError('the account has no epoch secrets here');
    return new EpochStore(store, decoded.value);
  }

  /** Puts the first state of a new or restored account into the batch. */
  static create(batch: SealedBatch, state: EpochState): void {
    batch.put(epochStates, KEY, { encoded: bytesToHex(encodeEpochState(state)) });
  }

  get state(): EpochState {
    return this.#state;
  }

  /** Takes over what the self-log says: a line that began with fresh randomness. */
  adopt(batch: SealedBatch, state: EpochState): () => void {
    batch.put(epochStates, KEY, { encoded: bytesToHex(encodeEpochState(state)) });
    return () => {
      this.#state = state;
    };
  }

  /** Deletes what no letter that still lies at a provider can need. */
  async prune(facts: PruneFacts): Promise<void> {
    const { leaseSeconds, oldestLastEpoch } = facts;
    const lease = Math.max(leaseSeconds, DEFAULT_LEASE_SECONDS);
    const pruned = pruneEpochs(this.#state, pruneTime(facts), lease, oldestLastEpoch);
    const encoded = bytesToHex(encodeEpochState(pruned));
    if (encoded === bytesToHex(encodeEpochState(this.#state))) return;
    await this.#store.batch().put(epochStates, KEY, { encoded }).write();
    this.#state = pruned;
  }
}
