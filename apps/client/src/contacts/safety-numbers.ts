/**
 * Safety numbers of the account with its contacts, each computed once: one takes 10,000 hashes, and
 * every list of contacts shows all of them. After: mail core, identity/safety-number.ts.
 */
import { hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import { safetyNumber } from '@tanglemail/mail/core/identity/safety-number.ts';

/** Some 1 MB; of more contacts than that the numbers are computed again. */
const MAX_KEPT = 4_096;

export class SafetyNumbers {
  readonly #ownKey: Uint8Array;
  readonly #known = new Map<string, string>();
  readonly #compute: typeof safetyNumber;

  /** `ownKey` is the account key. */
  constructor(ownKey: Uint8Array, compute: typeof safetyNumber = safetyNumber) {
    this.#ownKey = ownKey;
    this.#compute = compute;
  }

  /** With the account of this key (64 hex digits). */
  of(accountKey: string): string {
    const known = this.#known.get(accountKey);
    if (known !== undefined) return known;
    const number = this.#compute(this.#ownKey, hexToBytes(accountKey));
    const [oldest] = this.#known.keys();
    if (this.#known.size >= MAX_KEPT && oldest !== undefined) this.#known.delete(oldest);
    this.#known.set(accountKey, number);
    return number;
  }
}
