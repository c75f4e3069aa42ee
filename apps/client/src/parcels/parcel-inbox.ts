/**
 * Mails whose parts are still at the providers: shown beside the folders with a preview, fetched by
 * themselves when they are small and by demand else, part by part and durable, and filed as the
 * message once they are whole. Before: inbox/letter-intake.ts (letters of kind `parcel`); after:
 * part-fetcher.ts, messages. Spec: docs/spec/25-parcel.md section 6, docs/spec/42-delivery.md.
 */
import { bytesToHex, concatBytes, hexToBytes } from '@noble/hashes/utils.js';
import { errorFields, type Logger } from '@tanglemail/tangle/io/logger.ts';
import type { MailAddress } from '@tanglemail/mail/core/identity/address.ts';
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
import type { IntakeStep, ShownFacts, TakenLetter } from '../inbox/intake-types.ts';
import type { LetterIntake } from '../inbox/letter-intake.ts';
import type { MessageStore } from '../messages/message-store.ts';
import type { RentalBook } from '../rentals/rental-book.ts';
import { counters, seenLetters } from '../store/collections.ts';
import { dropRegistered, putRegistered, registeredContent } from '../store/registered-letters.ts';
import { type ParcelIn, parcelsIn } from '../store/parcel-collections.ts';
import { orderedKey, type SealedBatch, type SealedStore } from '../store/sealed-store.ts';
import type { WriteLock } from '../store/write-lock.ts';
import type { TangleAccess } from '../tangle/tangle-access.ts';
import { nativeSha256 } from '../native-sha256.ts';
import type { PartFetcher } from './part-fetcher.ts';

export interface ParcelInboxDeps {
  readonly store: SealedStore;
  readonly writes: WriteLock;
  readonly tangle: Pick<TangleAccess, 'clock'>;
  readonly intake: Pick<LetterIntake, 'deliver' | 'readFacts'>;
  readonly messages: Pick<MessageStore, 'deliver' | 'hasBytes' | 'rawOf'>;
  readonly book: Pick<RentalBook, 'list'>;
  readonly fetcher: PartFetcher;
  /** Mails of accepted people up to this size are fetched by themselves. */
  readonly autoFetchBytes: number;
  /** The account's address. */
  readonly own: MailAddress;
  readonly logger: Logger;
  /** Told after every part and every change; `undefined` when it is no longer in the list. */
  readonly onChange: (id: number, parcel: IncomingParcel | undefined) => void;
}

/** What another device of ours has sent, and where its bytes lie. */
export interface CopyToFetch {
  /** What the self-log calls the message. */
  readonly owner: string;
  readonly messageKey: string;
  readonly sentAtMs: number;
  /** Names the parts, as in a letter. */
  readonly letter: Uint8Array;
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
    const isFree = this.#rawHere(letter.senderAddress, decoded.value) !== undefined;
    const row: ParcelIn = {
      id,
      sender: letter.senderAddress,
      letterId: letter.letterId,
      isRegistered: letter.isRegistered,
      ...(letter.wantsReceipt ? { receiptSecret: bytesToHex(letter.receiptSecret) } : {}),
      sentAt: letter.sentAt,
      receivedAtMs,
      letter: bytesToHex(letter.message),
      isWanted: isFree || (isFriend && size <= autoFetchBytes),
      attempts: 0,
      nextTryAtMs: 0,
    };
    const apply = this.#add(batch, row, decoded.value);
    const signed = registeredContent(letter);
    if (signed !== undefined) putRegistered(store, batch, messageKeyOf(row), signed);
    return { intake: { kind: 'filed' }, apply };
  }

  #add(batch: SealedBatch, row: ParcelIn, letter: ParcelLetter): () => void {
    const { id } = row;
    batch.put(counters, COUNTER, { next: id + 1 });
    batch.put(parcelsIn, orderedKey(id), row);
    return () => {
      this.#live.set(id, liveOf(row, letter));
      this.#tell(id);
      this.#schedule();
    };
  }

  /**
   * Takes a copy of what another device has sent, under the write lock: a line in the list. One
   * that is in it, or that the user gave up here, changes nothing.
   */
  takeCopy(batch: SealedBatch, { owner, messageKey, sentAtMs, letter }: CopyToFetch): () => void {
    const { store, tangle, own, autoFetchBytes } = this.#deps;
    const decoded = decodeParcelLetter(letter);
    const known = this.#copyOf(owner);
    const isSame = known?.row.letter === bytesToHex(letter);
    const isGivenUp = store.get(seenLetters, givenUpKey(store, messageKey)) !== undefined;
    if (!decoded.ok || isSame || isGivenUp || this.#live.size >= MAX_WAITING) return () => {};
    const dropped = this.dropCopy(batch, owner);
    const id = store.get(counters, COUNTER)?.next ?? 1;
    const row: ParcelIn = {
      id,
      sender: own,
      letterId: owner.slice(0, 32),
      isRegistered: false,
      sentAt: Math.floor(sentAtMs / 1_000),
      receivedAtMs: tangle.clock.nowMs(),
      letter: bytesToHex(letter),
      isWanted: messageSize(decoded.value.spans) <= autoFetchBytes,
      attempts: 0,
      nextTryAtMs: 0,
      copy: { owner, messageKey },
    };
    const added = this.#add(batch, row, decoded.value);
    return () => {
      dropped();
      added();
    };
  }

  /** The copy was deleted, lies elsewhere now, or is here already. Under the write lock. */
  dropCopy(batch: SealedBatch, owner: string): () => void {
    const live = this.#copyOf(owner);
    if (live === undefined) return () => {};
    const { id } = live.row;
    this.#remove(batch, live);
    return () => {
      this.#live.delete(id);
      if (this.#active?.id === id) this.#abort.abort(new Error('the copy was deleted'));
      this.#deps.onChange(id, undefined);
    };
  }

  #copyOf(owner: string): Live | undefined {
    return [...this.#live.values()].find(({ row }) => row.copy?.owner === owner);
  }

  /**
   * The message of a parcel of our own, if this device has it anyway: it was sent from here, or to
   * here. Of nobody else: a receipt would tell a sender who names a hash that we have its message.
   */
  #rawHere(sender: string, { manifest, spans }: ParcelLetter): Uint8Array | undefined {
    const { messages, own } = this.#deps;
    if (sender !== own) return undefined;
    const [only] = spans;
    const isPlain = spans.length === 1 && only?.from === 0 && only.length === manifest.size;
    const emailId = bytesToHex(manifest.contentHash);
    return isPlain && messages.hasBytes(emailId) ? messages.rawOf(emailId) : undefined;
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
      const { store } = this.#deps;
      const { copy } = live.row;
      if (copy !== undefined) {
        batch.put(seenLetters, givenUpKey(store, copy.messageKey), { mailId: '' });
      }
      dropRegistered(store, batch, messageKeyOf(live.row));
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
      const raw = this.#rawHere(live.row.sender, live.letter);
      if (raw !== undefined) {
        await this.#file(live, raw);
        return;
      }
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
    const { store } = this.#deps;
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
    await this.#file(live, putTogether(content, letter.spans));
  }

  /** The whole message into its folder, and its parts away: one write. */
  async #file(live: Live, raw: Uint8Array): Promise<void> {
    const { store, intake, writes } = this.#deps;
    const { row } = live;
    const shown = await intake.readFacts(raw);
    const isFiled = await writes.run(async () => {
      // A copy may have been deleted by another device meanwhile.
      if (this.#live.get(row.id) !== live) return false;
      const batch = store.batch();
      const { apply } = this.#deliver(batch, row, raw, shown);
      this.#remove(batch, live);
      await batch.write();
      this.#live.delete(row.id);
      apply();
      return true;
    });
    if (isFiled) this.#deps.onChange(row.id, undefined);
  }

  #deliver(
    batch: SealedBatch,
    row: ParcelIn,
    raw: Uint8Array,
    shown: ShownFacts,
  ): { readonly apply: () => void } {
    const { intake, messages } = this.#deps;
    const { sender, letterId, isRegistered, receiptSecret, copy } = row;
    if (copy !== undefined) {
      const { messageKey } = copy;
      const receivedAtMs = row.sentAt * 1_000;
      const facts = { ...shown, fromName: '', receivedAtMs, flags: ['\\Seen'], isRegistered };
      return messages.deliver(batch, { folder: 'Sent', raw, messageKey, ...facts }, 'remote');
    }
    const wish = receiptSecret === undefined ? {} : { receiptSecret: hexToBytes(receiptSecret) };
    const facts = { sender, letterId: letterId as LetterId, isRegistered, raw, shown };
    return intake.deliver(batch, { ...facts, ...wish });
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

function messageKeyOf({ sender, letterId, copy }: ParcelIn): string {
  if (copy !== undefined) return copy.messageKey;
  return `${sender}:${letterId}`;
}

function givenUpKey(store: SealedStore, messageKey: string): string {
  return store.opaque(`copy-given-up/${messageKey}`);
}

function partKey(id: number, index: number): string {
  return `${orderedKey(id)}/${index.toString().padStart(2, '0')}`;
}
