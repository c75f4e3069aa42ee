/**
 * What the user asks of strangers, and the first look at what they send: the work over an envelope
 * is measured before its key is, and its key before it is opened. Before: inbox/stranger-scan.ts and
 * inbox/node-feed.ts ask; beside it descriptor/publisher.ts tells senders, inbox/provider-sync.ts
 * the rented providers. Spec: docs/spec/42-delivery.md, section "Strangers".
 */
import { stampBase, stampBitsAt } from '@tanglemail/mail/core/envelope/stamp.ts';
import type { SpamPolicy } from '@tanglemail/mail/core/identity/sub-address.ts';
import type { SealedStore } from '../store/sealed-store.ts';
import type { WriteLock } from '../store/write-lock.ts';
import type { TangleAccess } from '../tangle/tangle-access.ts';
import { spamRules } from './spam-collections.ts';

const KEY = 'spam-rules';
/** Senders who looked before a change have this long for their mail to arrive. */
const GRACE_SECONDS = 86_400;

export interface SpamGuardDeps {
  readonly store: SealedStore;
  readonly writes: WriteLock;
  readonly tangle: Pick<TangleAccess, 'clock' | 'hasher' | 'networkId'>;
}

/** An envelope as far as its stamp goes: all of it, or what a provider's list shows. */
export type Stamped =
  | { readonly bytes: Uint8Array; readonly tag: Uint8Array }
  | { readonly stampBase: Uint8Array; readonly tag: Uint8Array };

export class SpamGuard {
  readonly #settings: SpamPolicy;
  readonly #deps: SpamGuardDeps;
  readonly #more: (() => readonly SpamPolicy[])[] = [];
  readonly #listeners: (() => void)[] = [];

  /** @param settings count until the user says otherwise. */
  constructor(settings: SpamPolicy, deps: SpamGuardDeps) {
    this.#settings = settings;
    this.#deps = deps;
  }

  /** What the descriptor says for the address itself. */
  get policy(): SpamPolicy {
    const { stampBits, contactsOnly } = this.#rules();
    return { stampBits, contactsOnly };
  }

  /** Adds policies that count beside the address's own: those of its sub-addresses. */
  include(more: () => readonly SpamPolicy[]): void {
    this.#more.push(more);
  }

  /** Told after each change. */
  observe(listener: () => void): void {
    this.#listeners.push(listener);
  }

  async change(policy: Partial<SpamPolicy>): Promise<SpamPolicy> {
    const { store, writes, tangle } = this.#deps;
    await writes.run(async () => {
      const before = this.#rules();
      const now = Math.floor(tangle.clock.nowMs() / 1_000);
      const { former: _former, ...present } = { ...before, ...policy };
      const isHarder = present.stampBits > before.stampBits;
      const former = { stampBits: before.stampBits, until: now + GRACE_SECONDS };
      const rules = isHarder ? { ...present, former } : present;
      await store.batch().put(spamRules, KEY, rules).write();
    });
    for (const listener of this.#listeners) listener();
    return this.policy;
  }

  /**
   * The least stamp bits that a stranger's envelope which arrived at `arrivedAt` (unix seconds)
   * must carry to be looked at; undefined when strangers are not heard at all.
   */
  askedAt(arrivedAt: number): number | undefined {
    const { former, ...own } = this.#rules();
    const policies = [own, ...this.#more.flatMap((more) => more())];
    const asked = policies.filter((one) => !one.contactsOnly).map((one) => one.stampBits);
    if (asked.length === 0) return undefined;
    const isGrace = former !== undefined && !own.contactsOnly && arrivedAt < former.until;
    return Math.min(...asked, ...(isGrace ? [former.stampBits] : []));
  }

  /** What providers are to ask now; undefined when they need not hold strangers' mail. */
  askedNow(): number | undefined {
    return this.askedAt(Math.floor(this.#deps.tangle.clock.nowMs() / 1_000));
  }

  /** Whether a stranger's envelope that arrived at `arrivedAt` carries enough work. */
  hears(stamped: Stamped, arrivedAt: number): boolean {
    const asked = this.askedAt(arrivedAt);
    if (asked === undefined || asked === 0) return asked === 0;
    const { networkId, hasher } = this.#deps.tangle;
    const base = 'bytes' in stamped ? stampBase(stamped.bytes) : stamped.stampBase;
    return stampBitsAt(base, stamped.tag, { networkId, arrivedAt }, hasher) >= asked;
  }

  #rules() {
    return this.#deps.store.get(spamRules, KEY) ?? { ...this.#settings, former: undefined };
  }
}
