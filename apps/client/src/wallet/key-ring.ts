/**
 * The wallet's keys by number: which are in use, which comes next, where the next payment should
 * go. A number is handed out once; after a restore from the words the ledger tells how far they had
 * got. Before: wallet-service.ts; after: store. Spec: docs/spec/20-identity.md, "Wallet keys".
 */
import { addressFromBytes, type Address } from '@tanglemail/tangle/core/codec/ids.ts';
import type { Hasher } from '@tanglemail/tangle/core/ports.ts';
import { type AccountKeys, walletKey } from '@tanglemail/mail/core/identity/keys.ts';
import type { KeyPair } from '@tanglemail/mail/core/ports.ts';
import { counters } from '../store/collections.ts';
import type { SealedStore } from '../store/sealed-store.ts';
import type { WriteLock } from '../store/write-lock.ts';

/** Keys behind the last used one that are looked at: BIP-44's figure. */
export const GAP_LIMIT = 20;
const NEXT = 'wallet/next';
const RECEIVE = 'wallet/receive';

export interface KeyRingDeps {
  readonly keys: AccountKeys;
  readonly store: SealedStore;
  readonly writes: WriteLock;
  readonly hasher: Hasher;
}

interface RingKey extends KeyPair {
  readonly address: Address;
}

export class KeyRing {
  readonly #deps: KeyRingDeps;
  readonly #keys = new Map<number, RingKey>();
  readonly #indexes = new Map<Address, number>();
  #next: number;
  #receive: number;

  constructor(deps: KeyRingDeps) {
    this.#deps = deps;
    // A new account receives at key 0, and key 1 is the first that is free.
    this.#receive = deps.store.get(counters, RECEIVE)?.next ?? 0;
    this.#next = deps.store.get(counters, NEXT)?.next ?? 1;
  }

  /** The first number that was never handed out. */
  get next(): number {
    return this.#next;
  }

  key(index: number): RingKey {
    const known = this.#keys.get(index);
    if (known !== undefined) return known;
    const pair = walletKey(this.#deps.keys, index);
    const address = addressFromBytes(this.#deps.hasher.blake2b256(pair.publicKey));
    const key = { ...pair, address };
    this.#keys.set(index, key);
    this.#indexes.set(address, index);
    return key;
  }

  /** The number of one of the addresses up to the gap limit. */
  indexOf(address: Address): number | undefined {
    for (let index = this.#indexes.size; index < this.#next + GAP_LIMIT; index++) this.key(index);
    return this.#indexes.get(address);
  }

  /** Where the next payment should go. */
  get receiveIndex(): number {
    return this.#receive;
  }

  /**
   * A number that nobody had before. Whatever the caller writes under the same lock afterwards is
   * written after it, so that a crash cannot hand it out twice.
   */
  take(): number {
    const index = this.#next;
    this.#next += 1;
    // A store that fails here fails the caller's own write as well.
    this.#save().catch(() => undefined);
    return index;
  }

  /** The ledger shows that these numbers have been paid to: none of them is shown again. */
  async noteUsed(used: readonly number[]): Promise<void> {
    const last = Math.max(-1, ...used);
    const isReceiveUsed = used.includes(this.#receive);
    if (last < this.#next && !isReceiveUsed) return;
    this.#next = Math.max(this.#next, last + 1);
    if (isReceiveUsed) {
      this.#receive = this.#next;
      this.#next += 1;
    }
    await this.#save();
  }

  async #save(): Promise<void> {
    const { store, writes } = this.#deps;
    await writes.run(async () => {
      const batch = store.batch();
      batch.put(counters, NEXT, { next: this.#next });
      batch.put(counters, RECEIVE, { next: this.#receive });
      await batch.write();
    });
  }
}
