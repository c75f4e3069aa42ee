/**
 * The first look at what strangers send: the work over an envelope is measured before its key is,
 * and its key before it is opened. What is asked is the policy of the doors that are open to
 * strangers (contacts/own-addresses.ts). Before: inbox/stranger-scan.ts, node-feed.ts and
 * filters/filter-scan.ts ask; inbox/provider-sync.ts tells the rented providers.
 * Spec: docs/spec/42-delivery.md, "Strangers".
 */
import { concatBytes } from '@tanglemail/mail/core/crypto/kdf.ts';
import type { MailEnvelope } from '@tanglemail/mail/core/envelope/envelope.ts';
import { stampBase, stampBitsAt } from '@tanglemail/mail/core/envelope/stamp.ts';
import type { Door } from '../contacts/own-addresses.ts';
import type { RecordOf } from '../store/collections.ts';
import type { SealedStore } from '../store/sealed-store.ts';
import type { WriteLock } from '../store/write-lock.ts';
import type { TangleAccess } from '../tangle/tangle-access.ts';
import { askedBits } from './spam-collections.ts';

const KEY = 'asked-bits';
/** Senders who looked before a change have this long for their mail to arrive. */
const GRACE_SECONDS = 86_400;

export interface SpamGuardDeps {
  readonly store: SealedStore;
  readonly writes: WriteLock;
  readonly tangle: Pick<TangleAccess, 'clock' | 'hasher' | 'networkId'>;
  readonly addresses: { doors(): readonly Pick<Door, 'label' | 'stampBits'>[] };
}

/** Who knows what tags mean; `LetterIntake` does. */
export interface TagReader {
  isExact(tag: Uint8Array): boolean;
  doorAt(envelope: MailEnvelope, arrivedAt: number): string | undefined;
}

/** An envelope as far as its stamp goes: all of it, or what a provider's list shows. */
export type Stamped =
  | { readonly bytes: Uint8Array; readonly tag: Uint8Array }
  | { readonly stampBase: Uint8Array; readonly tag: Uint8Array };

export class SpamGuard {
  readonly #deps: SpamGuardDeps;
  /** What the store says of earlier policies: each held envelope asks for it. */
  #noted: { readonly asked: RecordOf<typeof askedBits> | undefined } | undefined;

  constructor(deps: SpamGuardDeps) {
    this.#deps = deps;
  }

  /**
   * Notes what is asked now, so that a change does not refuse what is under way. To be called at
   * the start and after each change of a policy.
   */
  async follow(): Promise<void> {
    const { store, writes } = this.#deps;
    await writes.run(async () => {
      const before = store.get(askedBits, KEY);
      const stampBits = this.#least();
      if (before !== undefined && before.stampBits === stampBits) return;
      const past = before?.stampBits;
      const isHarder = past !== undefined && stampBits !== undefined && stampBits > past;
      const until = this.#now() + GRACE_SECONDS;
      await store
        .batch()
        .put(askedBits, KEY, {
          ...(stampBits === undefined ? {} : { stampBits }),
          ...(isHarder ? { former: { stampBits: past, until } } : {}),
        })
        .write();
      this.#noted = undefined;
    });
  }

  /** What providers are to ask now; undefined when they need not hold strangers' mail. */
  askedNow(): number | undefined {
    const least = this.#least();
    return least === undefined ? undefined : Math.min(least, this.#grace(this.#now()));
  }

  /**
   * Whether a stranger's envelope that arrived at `arrivedAt` (unix seconds) is for one of our
   * doors and carries the work that is asked there. `doorOf` gives the door's label; it costs a key
   * agreement and is called only when the work is enough for some door.
   */
  hears(stamped: Stamped, arrivedAt: number, doorOf: () => string | undefined): boolean {
    const doors = this.#deps.addresses.doors();
    const grace = this.#grace(arrivedAt);
    const asked = doors.map((one) => Math.min(one.stampBits, grace));
    if (asked.length === 0) return false;
    const bits = Math.max(...asked) === 0 ? 0 : this.#bitsOf(stamped, arrivedAt);
    if (bits < Math.min(...asked)) return false;
    const label = doorOf();
    return asked.some((least, at) => doors[at]?.label === label && bits >= least);
  }

  /** The same for a whole envelope, under a tag that is waited for or a stranger's. */
  admits(intake: TagReader, envelope: MailEnvelope, arrivedAt: number): boolean {
    const { tag, header, sealed } = envelope;
    if (intake.isExact(tag)) return true;
    const bytes = concatBytes(header, sealed);
    return this.hears({ bytes, tag }, arrivedAt, () => intake.doorAt(envelope, arrivedAt));
  }

  #bitsOf(stamped: Stamped, arrivedAt: number): number {
    const { networkId, hasher } = this.#deps.tangle;
    const base = 'bytes' in stamped ? stampBase(stamped.bytes) : stamped.stampBase;
    return stampBitsAt(base, stamped.tag, { networkId, arrivedAt }, hasher);
  }

  #least(): number | undefined {
    const bits = this.#deps.addresses.doors().map((one) => one.stampBits);
    return bits.length === 0 ? undefined : Math.min(...bits);
  }

  /** What is enough because it was asked before; no limit once that is over. */
  #grace(at: number): number {
    this.#noted ??= { asked: this.#deps.store.get(askedBits, KEY) };
    const former = this.#noted.asked?.former;
    return former !== undefined && at < former.until ? former.stampBits : Infinity;
  }

  #now(): number {
    return Math.floor(this.#deps.tangle.clock.nowMs() / 1_000);
  }
}
