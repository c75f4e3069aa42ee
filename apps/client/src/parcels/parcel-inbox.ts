/**
 * Mails whose parts are still at the providers: shown beside the folders with a preview, fetched by
 * themselves when they are small and by demand else, part by part and durable, and filed as the
 * message once they are whole. Before: inbox/letter-intake.ts (letters of kind `parcel`); after:
 * part-fetcher.ts, messages. Spec: docs/spec/25-parcel.md section 6, docs/spec/42-delivery.md.
 */
import { bytesToHex, concatBytes, hexToBytes } from '@noble/hashes/utils.js';
import { errorFields, type Logger } from '@tanglemail/tangle/io/logger.ts';
import type { LetterId } from '@tanglemail/mail/core/letter/content.ts';
import { decodeParcelLetter, type ParcelLetter } from '@tanglemail/mail/core/parcel/letter.ts';
import {
  concludeParcel,
  decodeReceiver,
  encodeReceiver,
  fetchProgress,
  MAX_PARCEL_SOURCES,
  type ParcelReceiver,
  receiverPhase,
  retrySources,
  startReceiver,
} from '@tanglemail/mail/core/parcel/receiver.ts';
import type { ParcelProgress } from '@tanglemail/mail/core/parcel/progress.ts';
import { messageSize, putTogether } from '@tanglemail/mail/core/parcel/repeats.ts';
import type { IntakeStep, TakenLetter } from '../inbox/intake-types.ts';
import type { LetterIntake } from '../inbox/letter-intake.ts';
import type { RentalBook } from '../rentals/rental-book.ts';
import { counters } from '../store/collections.ts';
import { dropRegistered, putRegistered, registeredContent } from '../store/registered-letters.ts';
import { type ParcelIn, parcelsIn } from '../store/parcel-collections.ts';
import { orderedKey, type SealedBatch, type SealedStore } from '../store/sealed-store.ts';
import type { WriteLock } from '../store/write-lock.ts';
import type { TangleAccess } from '../tangle/tangle-access.ts';
import { nativeSha256 } from './native-sha256.ts';
import type { PartFetcher } from './part-fetcher.ts';

export interface ParcelInboxDeps {
  readonly store: SealedStore;
  readonly writes: WriteLock;
  readonly tangle: Pick<TangleAccess, 'clock'>;
  readonly intake: Pick<LetterIntake, 'deliver' | 'readFacts'>;
  readonly book: Pick<RentalBook, 'list'>;
  readonly fetcher: PartFetcher;
  /** Mails of accepted people up to this size are fetched by themselves. */
  readonly autoFetchBytes: number;
  readonly logger: Logger;
  /** Told after every part and every change; `undefined` when it is no longer in the list. */
  readonly onChange: (id: number, parcel: IncomingParcel | undefined) => void;
}

/** One mail that is not whole yet. */
export interface IncomingParcel {
  readonly row: ParcelIn;
  readonly letter: ParcelLetter;
  readonly phase: 'waiting' | 'fetching' | 'blocked' | 'refused';
  readonly progress: ParcelProgress;
  /** Bytes of the message. */
  readonly sizeBytes: number;
}

const COUNTER = 'parcelIn';
/** Mails that wait: whoever may write to us cannot fill the list without end. */
const MAX_WAITING = 1_000;
const RETRY_MS = { first: 1_000, last: 3_600_000 } as const;
/** Between two attempts when not even the failure can be written down. */
const DISK_RETRY_MS = 60_000;

interface Live {
  row: ParcelIn;
  readonly letter: ParcelLetter;
  receiver: ParcelReceiver | undefined;
}

export class ParcelInbox {
  readonly #deps: ParcelInboxDeps;
  readonly #live = new Map<number, Live>();
  #abort = new AbortController();
  #active: { readonly id: number; readonly run: Promise<void> } | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isStarted = false;

  private constructor(deps: ParcelInboxDeps) {
    this.#deps = deps;
  }

  static async load(deps: ParcelInboxDeps): Promise<ParcelInbox> {
    const inbox = new ParcelInbox(deps);
    for await (const { value } of deps.store.scan(parcelsIn)) {
      const letter = decodeParcelLetter(hexToBytes(value.letter));
      if (letter.ok) inbox.#live.set(value.id, liveOf(value, letter.value));
    }
    return inbox;
  }

  start(): void {
    this.#isStarted = true;
    this.#schedule();
  }

  async stop(): Promise<void> {
    this.#isStarted = false;
    clearTimeout(this.#timer);
    this.#abort.abort(new Error('the client stops'));
    await this.#active?.run;
  }

  /** Takes a letter that names a parcel: a line in the list, written with the letter's batch. */
  take(batch: SealedBatch, { letter, senderState, receivedAtMs }: TakenLetter): IntakeStep {
    const decoded = decodeParcelLetter(letter.message);
    const none = (): void => {};
    if (!decoded.ok) return { intake: { kind: 'refused', code: decoded.code }, apply: none };
    if (senderState === 'blocked') return { intake: { kind: 'filed' }, apply: none };
    if (this.#live.size >= MAX_WAITING) {
      return { intake: { kind: 'refused', code: 'parcels-too-many' }, apply: none };
    }
    const { store, autoFetchBytes } = this.#deps;
    const id = store.get(counters, COUNTER)?.next ?? 1;
    const size = messageSize(decoded.value.spans);
    const isFriend = senderState === 'accepted' || senderState === 'own';
    const row: ParcelIn = {
      id,
      sender: letter.senderAddress,
      letterId: letter.letterId,
      isRegistered: letter.isRegistered,
      ...(letter.wantsReceipt ? { receiptSecret: bytesToHex(letter.receiptSecret) } : {}),
      sentAt: letter.sentAt,
      receivedAtMs,
      letter: bytesToHex(letter.message),
      isWanted: isFriend && size <= autoFetchBytes,
      attempts: 0,
      nextTryAtMs: 0,
    };
    batch.put(counters, COUNTER, { next: id + 1 });
    batch.put(parcelsIn, orderedKey(id), row);
    const signed = registeredContent(letter);
    if (signed !== undefined) putRegistered(store, batch, messageKeyOf(row), signed);
    const apply = (): void => {
      this.#live.set(id, liveOf(row, decoded.value));
      this.#tell(id);
      this.#schedule();
    };
    return { intake: { kind: 'filed' }, apply };
  }

  /** All that wait, oldest first. */
  list(): IncomingParcel[] {
    return [...this.#live.keys()].toSorted((a, b) => a - b).flatMap((id) => this.get(id) ?? []);
  }

  get(id: number): IncomingParcel | undefined {
    const live = this.#live.get(id);
    if (live === undefined) return undefined;
    const { row, letter } = live;
    const receiver = live.receiver ?? startReceiver(letter.manifest, ['00'.repeat(32)]);
    const progress = fetchProgress(receiver);
    return {
      row,
      letter,
      progress,
      phase: this.#phaseOf(live),
      sizeBytes: messageSize(letter.spans),
    };
  }

  #phaseOf({ row, receiver }: Live): IncomingParcel['phase'] {
    if (receiver?.verdict === 'refused') return 'refused';
    if (this.#active?.id === row.id) return 'fetching';
    return row.error === undefined ? 'waiting' : 'blocked';
  }

  /** The user wants it now, whatever failed before. False when there is none. */
  async fetch(id: number): Promise<boolean> {
    const live = this.#live.get(id);
    if (live === undefined) return false;
    const { error: _error, ...row } = live.row;
    await this.#save(live, { ...row, isWanted: true, attempts: 0, nextTryAtMs: 0 });
    this.#schedule();
    return true;
  }

  /** Gives a mail up: it leaves the list for ever. False when there is none. */
  async cancel(id: number): Promise<boolean> {
    const live = this.#live.get(id);
    if (live === undefined) return false;
    if (this.#active?.id === id) {
      this.#abort.abort(new Error('the user gave it up'));
      await this.#active.run;
    }
    await this.#deps.writes.run(async () => {
      const batch = this.#deps.store.batch();
      this.#remove(batch, live);
      dropRegistered(this.#deps.store, batch, messageKeyOf(live.row));
      await batch.write();
      this.#live.delete(id);
    });
    this.#deps.onChange(id, undefined);
    return true;
  }

  #remove(batch: SealedBatch, { row: { id }, letter }: Live): void {
    batch.del('parcelIn', orderedKey(id));
    letter.manifest.roots.forEach((_, index) => batch.del('parcelPart', partKey(id, index)));
  }

  /** Begins with the oldest that is wanted; one at a time, since each is held in memory whole. */
  #schedule(): void {
    if (!this.#isStarted || this.#active !== undefined) return;
    const nowMs = this.#deps.tangle.clock.nowMs();
    const wanted = [...this.#live.values()]
      .filter(({ row, receiver }) => row.isWanted && receiver?.verdict !== 'refused')
      .toSorted((a, b) => a.row.nextTryAtMs - b.row.nextTryAtMs || a.row.id - b.row.id);
    const next = wanted[0];
    clearTimeout(this.#timer);
    if (next === undefined) return;
    const waitMs = next.row.nextTryAtMs - nowMs;
    if (waitMs > 0) {
      this.#timer = setTimeout(() => this.#schedule(), Math.min(Math.max(waitMs, 50), 60_000));
      this.#timer.unref();
      return;
    }
    this.#abort = new AbortController();
    const run = this.#run(next).finally(() => {
      this.#active = undefined;
      this.#schedule();
    });
    this.#active = { id: next.row.id, run };
  }

  /** One go at one mail; every end of it is on the disk. Never rejects. */
  async #run(live: Live): Promise<void> {
    const { signal } = this.#abort;
    try {
      await this.#fetchParts(live, signal);
      if (live.receiver === undefined) return;
      const phase = receiverPhase(live.receiver);
      if (phase === 'assembling') await this.#assemble(live);
      else if (phase === 'blocked') await this.#postpone(live, 'parcel-blocked');
    } catch (error) {
      if (signal.aborted) return;
      this.#deps.logger.debug({ ...errorFields(error), parcel: live.row.id }, 'a mail waits');
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'failed';
      await this.#postpone(live, code).catch((failed: unknown) => {
        this.#deps.logger.error(errorFields(failed), 'a parcel cannot be written');
        // A disk that takes nothing is no reason to do the same again at once, and again.
        const nextTryAtMs = this.#deps.tangle.clock.nowMs() + DISK_RETRY_MS;
        live.row = { ...live.row, nextTryAtMs };
      });
    }
  }

  async #fetchParts(live: Live, signal: AbortSignal): Promise<void> {
    const { book, fetcher } = this.#deps;
    if (live.receiver === undefined) {
      const bonds = book
        .list()
        .filter((one) => one.isActive)
        .map((one) => one.bondId);
      if (bonds.length === 0) {
        await this.#postpone(live, 'no-provider');
        return;
      }
      live.receiver = startReceiver(live.letter.manifest, bonds.slice(0, MAX_PARCEL_SOURCES));
    }
    live.receiver = retrySources(live.receiver);
    await fetcher.run({
      receiver: () => live.receiver as ParcelReceiver,
      // A part and the state that says that it is there are one write.
      keep: (receiver, index, content) => {
        live.receiver = receiver;
        return this.#save(live, live.row, (batch) => {
          if (content) batch.putBytes('parcelPart', partKey(live.row.id, index), content);
        });
      },
      signal,
    });
  }

  async #postpone(live: Live, code: string): Promise<void> {
    const { attempts } = live.row;
    const waitMs = Math.min(RETRY_MS.first * 2 ** Math.min(attempts, 20), RETRY_MS.last);
    const nextTryAtMs = this.#deps.tangle.clock.nowMs() + waitMs;
    const error = code.slice(0, 64);
    await this.#save(live, { ...live.row, attempts: attempts + 1, nextTryAtMs, error });
  }

  /** The whole content against its hash, then the message into its folder: one write. */
  async #assemble(live: Live): Promise<void> {
    const { store, intake, writes } = this.#deps;
    const { row, letter, receiver } = live;
    const parts = letter.manifest.roots.map((_, index) => {
      const bytes = store.getBytes('parcelPart', partKey(row.id, index));
      if (bytes === undefined) throw new Error('broken invariant: a verified part is on the disk');
      return bytes;
    });
    const content = concatBytes(...parts);
    const concluded = concludeParcel(receiver as ParcelReceiver, nativeSha256(content));
    if (!concluded.result.ok) {
      live.receiver = concluded.receiver;
      await this.#save(live, { ...row, error: concluded.result.code });
      return;
    }
    const raw = putTogether(content, letter.spans);
    const shown = await intake.readFacts(raw);
    const { sender, letterId, isRegistered, receiptSecret } = row;
    const arrived = {
      sender,
      letterId: letterId as LetterId,
      isRegistered,
      raw,
      shown,
      ...(receiptSecret === undefined ? {} : { receiptSecret: hexToBytes(receiptSecret) }),
    };
    await writes.run(async () => {
      const batch = store.batch();
      const { apply } = intake.deliver(batch, arrived);
      this.#remove(batch, live);
      await batch.write();
      this.#live.delete(row.id);
      apply();
    });
    this.#deps.onChange(row.id, undefined);
  }

  #save(live: Live, row: ParcelIn, more?: (batch: SealedBatch) => void): Promise<void> {
    return this.#deps.writes.run(async () => {
      if (!this.#live.has(row.id)) return;
      const receiver = live.receiver && { receiver: bytesToHex(encodeReceiver(live.receiver)) };
      const next = { ...row, ...receiver };
      const batch = this.#deps.store.batch().put(parcelsIn, orderedKey(row.id), next);
      more?.(batch);
      await batch.write();
      live.row = next;
      this.#tell(row.id);
    });
  }

  #tell(id: number): void {
    this.#deps.onChange(id, this.get(id));
  }
}

function liveOf(row: ParcelIn, letter: ParcelLetter): Live {
  const receiver =
    row.receiver === undefined ? undefined : decodeReceiver(hexToBytes(row.receiver));
  return { row, letter, receiver: receiver?.ok === true ? receiver.value : undefined };
}

function messageKeyOf({ sender, letterId }: ParcelIn): string {
  return `${sender}:${letterId}`;
}

function partKey(id: number, index: number): string {
  return `${orderedKey(id)}/${index.toString().padStart(2, '0')}`;
}
