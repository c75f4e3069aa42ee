/**
 * The secrets of the account's epochs on disk: what exists there can be opened, what was pruned can
 * never be opened again. Before: client.ts; after: inbox and descriptor.
 * Spec: docs/spec/20-identity.md.
 */
import { bytesToHex, hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import {
  decodeEpochState,
  encodeEpochState,
  type EpochState,
  pruneEpochs,
} from '@tanglemail/mail/core/identity/epoch.ts';
import { epochStates } from '../store/collections.ts';
import { type SealedBatch, SealedStoreError, type SealedStore } from '../store/sealed-store.ts';

const KEY = 'epochs';

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

  /** Deletes what no letter that still lies at a provider can need. */
  async prune(nowSeconds: number): Promise<void> {
    const pruned = pruneEpochs(this.#state, nowSeconds);
    const encoded = bytesToHex(encodeEpochState(pruned));
    await this.#store.batch().put(epochStates, KEY, { encoded }).write();
    this.#state = pruned;
  }
}
