/**
 * Looks through what strangers left in our bucket at a provider. What is ours is paid for and kept;
 * nothing is said about the rest. Before: provider-sync.ts; after: object-fetcher.ts,
 * letter-intake.ts. Spec: docs/spec/23-envelope.md, docs/spec/42-delivery.md.
 */
import { hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import {
  ENVELOPE_HEADER_LENGTH,
  ENVELOPE_VERSION,
  type MailEnvelope,
} from '@tanglemail/mail/core/envelope/envelope.ts';
import { MARKET_TIMES } from '@tanglemail/mail/core/market/constants.ts';
import type { HeldItemDto } from '@tanglemail/mail/io/provider/dto.ts';
import type { SpamGuard } from '../spam/spam-guard.ts';
import type { LetterIntake } from './letter-intake.ts';
import type { ObjectFetcher, SyncPass } from './object-fetcher.ts';

/** Held envelopes of one pass; a flooded bucket is worked through pass by pass. */
const MAX_HELD_PAGES = 50;
/** Objects that were looked at, so that it happens once while the client runs. */
const MAX_REMEMBERED = 65_536;

export class StrangerScan {
  readonly #intake: Pick<LetterIntake, 'doorAt' | 'hasTaken' | 'isForeign'>;
  readonly #fetcher: ObjectFetcher;
  readonly #spam: Pick<SpamGuard, 'askedNow' | 'hears'>;
  readonly #scanned = new Set<string>();
  /** What was found out about heads: every rented provider shows the same ones. */
  readonly #verdicts = new Map<string, boolean>();
  /** Where the next pass goes on at a provider, by bond id. */
  readonly #cursors = new Map<string, string>();

  constructor(
    intake: Pick<LetterIntake, 'doorAt' | 'hasTaken' | 'isForeign'>,
    fetcher: ObjectFetcher,
    spam: Pick<SpamGuard, 'askedNow' | 'hears'>,
  ) {
    this.#intake = intake;
    this.#fetcher = fetcher;
    this.#spam = spam;
  }

  /** Scans on from where the last pass ended, to the end of the list or for so many pages. */
  async scan(pass: SyncPass): Promise<void> {
    const { provider, session, bondId } = pass;
    // Whoever hears only contacts does not pay for a list of strangers' mail.
    if (this.#spam.askedNow() === undefined) return;
    for (let page = 0; page < MAX_HELD_PAGES; page += 1) {
      const held = await provider.held(session, this.#cursors.get(bondId));
      for (const item of held.items) await this.#look(pass, item);
      if (held.cursor === undefined) {
        this.#cursors.delete(bondId);
        return;
      }
      this.#cursors.set(bondId, held.cursor);
    }
  }

  async #look(pass: SyncPass, item: HeldItemDto): Promise<void> {
    const key = `${pass.bondId} ${item.root}`;
    if (this.#scanned.has(key)) return;
    if (this.#isOurs(item)) {
      const isNew = !this.#intake.hasTaken(item.root);
      // Beyond the day's limit it is looked at again, as long as the provider holds it.
      if (!(await this.#fetcher.retain(pass, item.root))) return;
      if (isNew) pass.result.held += 1;
      if (!(await this.#fetcher.fetch(pass, item.root))) return;
      // Once in 65,536 a head fits by chance. Kept in our mailbox the mail would have a receipt,
      // its sender would take it for stored, and whoever it is for would not find it.
      if (this.#intake.isForeign(item.root)) await this.#fetcher.release(pass, item.root);
    }
    if (this.#scanned.size >= MAX_REMEMBERED) this.#scanned.clear();
    this.#scanned.add(key);
  }

  /** By all that a verdict follows from: a provider that shows a wrong head decides for itself. */
  #isOurs(item: HeldItemDto): boolean {
    const { tag, head, stampBase, until } = item;
    const key = `${tag} ${head} ${stampBase} ${until}`;
    const known = this.#verdicts.get(key);
    if (known !== undefined) return known;
    const verdict = this.#isForUs(item);
    if (this.#verdicts.size >= MAX_REMEMBERED) this.#verdicts.clear();
    this.#verdicts.set(key, verdict);
    return verdict;
  }

  /** The tag belongs to the day on which the envelope came, which may be some days ago. */
  #isForUs(item: HeldItemDto): boolean {
    const head = hexToBytes(item.head);
    const envelope: MailEnvelope = {
      version: head[0] ?? 0,
      sizeClass: head[1] ?? 0,
      tag: hexToBytes(item.tag),
      header: head.subarray(0, ENVELOPE_HEADER_LENGTH),
      sealed: head.subarray(ENVELOPE_HEADER_LENGTH),
    };
    const arrivedAt = item.until - MARKET_TIMES.heldLife;
    if (envelope.version !== ENVELOPE_VERSION) return false;
    // The cheap look first: 12 µs for the stamp, 80 for the key. That the provider says the stamp's
    // base itself wins it nothing: a base that fits costs as much work as a stamp.
    const stamped = { stampBase: hexToBytes(item.stampBase), tag: envelope.tag };
    return this.#spam.hears(stamped, arrivedAt, () => this.#intake.doorAt(envelope, arrivedAt));
  }
}
