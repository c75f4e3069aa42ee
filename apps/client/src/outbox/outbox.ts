/**
 * The durable outbox: a mail that was taken is written down before the user hears of it, and goes
 * its way step by step from what is on the disk, so that a crash at any point neither loses it nor
 * sends it twice in the recipient's eyes. Before: local API; after: letter and envelope (mail
 * core), tangle/tangle-access.ts, the recipient's providers. Spec: docs/spec/42-delivery.md.
 */
import { parseBlockId } from '@tanglemail/tangle/core/codec/ids.ts';
import type { Payload } from '@tanglemail/tangle/core/codec/payload.ts';
import type { PowProgress } from '@tanglemail/tangle/io/accel/pow-pool.ts';
import { errorFields } from '@tanglemail/tangle/io/logger.ts';
import type { IssuedBlock } from '@tanglemail/tangle/io/node-client/block-issuer.ts';
import type { MailAddress } from '@tanglemail/mail/core/identity/address.ts';
import { rawMessageKey } from '../store/collections.ts';
import { type OutboxEntry, type OutboxForm, outboxForms } from '../store/outbox-collections.ts';
import { orderedKey, type SealedBatch } from '../store/sealed-store.ts';
import type { TangleAccess } from '../tangle/tangle-access.ts';
import {
  acknowledge,
  afterReceipts,
  begin,
  enter,
  expireUnfetched,
  giveUp,
  isHere,
  isUnwatched,
  postpone,
  recall,
  sendAgain,
} from './outbox-entry.ts';
import {
  type AcceptEntries,
  chatEntry,
  copyEntry,
  entriesOf,
  type NewEntry,
  noteEntry,
  type OutgoingChat,
  type OutgoingCopy,
  type OutgoingMail,
  type OutgoingNote,
} from './outgoing.ts';
import { factsOf } from './failure-facts.ts';
import { DISK_RETRY_MS, type Lane, laneOf, MAX_ACTIVE, MAX_TIMER_MS } from './outbox-turns.ts';
import {
  type AlsoWritten,
  OutboxRecords,
  type OutboxRecordsDeps,
  type ReleaseBytes,
} from './outbox-records.ts';
import { ReceiptCollector, type ReceiptCollectorDeps } from './receipt-collector.ts';
import { type EnvelopeSealer, SealingRefused } from './sealer.ts';
import { isStampOver, lacksStamp, stampEnvelope } from './stamper.ts';

/** Starts the delivery once the batch is written; its number is known before. */
export type AcceptEntry = (() => OutboxEntry) & { readonly id: number };

export interface OutboxDeps extends OutboxRecordsDeps, ReceiptCollectorDeps {
  readonly tangle: Pick<TangleAccess, 'issuer' | 'proofOfWork' | 'networkId' | 'clock' | 'random'>;
  /** Who makes the envelope of each form. Those that are built later are added by `addSealer`. */
  readonly sealers: Readonly<Partial<Record<OutboxForm, EnvelopeSealer>>>;
  /** Has the present tags watched at every rented provider that can be reached. Never throws. */
  readonly watchTags: () => Promise<void>;
  /** Told several times a second while an entry's proof of work goes on. */
  readonly onWork: (entry: OutboxEntry, work: WorkDone) => void;
}

/** How far a proof of work has come: hashes done, and how many it takes on average. */
export type WorkDone = Pick<PowProgress, 'hashes' | 'expectedHashes'>;

interface ActiveStep {
  readonly lane: Lane;
  readonly run: Promise<void>;
  /** Ends this step alone. */
  readonly abort: AbortController;
}

export class Outbox {
  readonly #deps: OutboxDeps;
  readonly #records: OutboxRecords;
  readonly #receipts: ReceiptCollector;
  readonly #work = new Map<number, WorkDone>();
  readonly #active = new Map<number, ActiveStep>();
  /** Marked as leaving by this run of the program, and not given to a node by it. */
  readonly #heldBack = new Set<number>();
  /** Being taken back right now. */
  readonly #recalling = new Set<number>();
  readonly #abort = new AbortController();
  readonly #sealers = new Map<OutboxForm, EnvelopeSealer>();
  #timer: NodeJS.Timeout | undefined;
  readonly mailOf = (messageId: string): OutboxEntry[] => this.#records.mailOf(messageId);

  private constructor(deps: OutboxDeps) {
    this.#deps = deps;
    this.#records = new OutboxRecords(deps);
    this.#receipts = new ReceiptCollector(deps);
    for (const form of outboxForms) {
      const sealer = deps.sealers[form];
      if (sealer !== undefined) this.#sealers.set(form, sealer);
    }
  }

  static async load(deps: OutboxDeps): Promise<Outbox> {
    const outbox = new Outbox(deps);
    await outbox.#records.load();
    return outbox;
  }

  /** Says who seals the entries of a form. Call it before `start`. */
  addSealer(form: OutboxForm, sealer: EnvelopeSealer): void {
    this.#sealers.set(form, sealer);
  }

  /** Calls `listener` after every change of any entry. It must not throw. */
  observe(listener: (entry: OutboxEntry) => void): void {
    this.#records.observe(listener);
  }

  /** As `OutboxRecords.shareBytes`. */
  shareBytes(isNeeded: (emailId: string) => boolean): ReleaseBytes {
    return this.#records.shareBytes(isNeeded);
  }

  /** Goes on with everything that is not done. */
  start(): void {
    this.#schedule();
  }

  /** Stops between two steps; what is on the disk is where it goes on. */
  async stop(): Promise<void> {
    this.#abort.abort(new Error('the client stops'));
    clearTimeout(this.#timer);
    await Promise.allSettled([...this.#active.values()].map(({ run }) => run));
  }

  /** The node is there (again): what waits only for it need not wait any longer. */
  wake(): void {
    const nowMs = this.#deps.tangle.clock.nowMs();
    const isWaiting = (one: OutboxEntry): boolean =>
      one.error?.code === 'node-unreachable' && one.nextTryAtMs > nowMs;
    const waiting = this.#records.open().filter(isWaiting);
    for (const { id } of waiting) this.#records.delay(id, nowMs);
    if (waiting.length > 0) this.#schedule();
  }

  /**
   * Puts a mail for its recipients into the batch; runs under the write lock. Call the returned
   * function once the batch is written: it starts the delivery and gives the entries.
   */
  enqueue(batch: SealedBatch, mail: OutgoingMail): AcceptEntries {
    const { store, tangle } = this.#deps;
    // A copy of its own: the one in Sent may be deleted while this waits.
    batch.putBytes('outboxPayload', rawMessageKey(store, mail.emailId), mail.raw);
    const entries = entriesOf(mail, tangle.clock.nowMs());
    return this.#take(
      batch,
      entries.map((one) => this.#records.create(one)),
    );
  }

  /**
   * Puts a note into the batch; runs under the write lock. Call the returned function once the
   * batch is written.
   */
  enqueueNote(batch: SealedBatch, note: OutgoingNote): AcceptEntry {
    const { to, body, dedupe } = note;
    const waiting = dedupe === undefined ? undefined : this.#waitingNote(to, dedupe);
    if (waiting !== undefined) {
      batch.putBytes('outboxPayload', orderedKey(waiting.id), body);
      return Object.assign(() => waiting, { id: waiting.id });
    }
    return this.#enqueueOne(batch, noteEntry(note), body);
  }

  /** What a note that is not sealed yet says; for whoever wants to add to it. */
  waitingNote(to: MailAddress, dedupe: string): Uint8Array | undefined {
    const entry = this.#waitingNote(to, dedupe);
    return entry && this.#deps.store.getBytes('outboxPayload', orderedKey(entry.id));
  }

  #waitingNote(to: MailAddress, dedupe: string): OutboxEntry | undefined {
    const isSame = (one: OutboxEntry): boolean =>
      one.form === 'note' && one.to === to && one.dedupe === dedupe && one.root === undefined;
    return this.#records.open().find(isSame);
  }

  /** Puts a line of chat into the batch; as `enqueueNote`. */
  enqueueChat(batch: SealedBatch, chat: OutgoingChat): AcceptEntry {
    return this.#enqueueOne(batch, chatEntry(chat), chat.payload);
  }

  /** Puts a copy for the own devices into the batch; as `enqueueNote`. */
  enqueueCopy(batch: SealedBatch, copy: OutgoingCopy): AcceptEntry {
    return this.#enqueueOne(batch, copyEntry(copy), copy.raw);
  }

  /** What it says lies under its number or, for bytes that others may share, under their hash. */
  #enqueueOne(batch: SealedBatch, facts: NewEntry, payload: Uint8Array): AcceptEntry {
    const { store } = this.#deps;
    const entry = this.#records.create(facts);
    const { id, emailId } = entry;
    const key = emailId === '' ? orderedKey(id) : rawMessageKey(store, emailId);
    batch.putBytes('outboxPayload', key, payload);
    const accept = this.#take(batch, [entry]);
    return Object.assign(() => accept()[0] ?? entry, { id });
  }

  /** The copy of a message that is still on its way. */
  copyOf(messageKey: string): OutboxEntry | undefined {
    return this.#records.open().find((one) => one.form === 'copy' && one.dedupe === messageKey);
  }

  #take(batch: SealedBatch, entries: readonly OutboxEntry[]): AcceptEntries {
    const apply = this.#records.put(batch, entries);
    const accept = (): OutboxEntry[] => {
      apply();
      this.#schedule();
      return [...entries];
    };
    return Object.assign(accept, { entries });
  }

  get(id: number): OutboxEntry | undefined {
    return this.#records.get(id);
  }

  /** The newest entries first, below id `before`; notes and chat only if `all` are wanted. */
  async list(limit: number, before?: number, all = false): Promise<OutboxEntry[]> {
    return this.#records.list(limit, before, all);
  }

  /** How many are not in a milestone yet, and how many had a failure, the last one of late. */
  counts(): { queued: number; failed: number } {
    return this.#records.counts();
  }

  /**
   * Takes a mail back. True: no block with it has left this device, and none will. False: it may
   * have left, and goes on. `more` is written together with that.
   */
  async recall(id: number, more?: AlsoWritten): Promise<boolean> {
    const active = this.#active.get(id);
    if (!this.#isHere(this.#records.get(id))) return false;
    // The step that ends here must not begin again before the mail is taken back.
    this.#recalling.add(id);
    try {
      active?.abort.abort(new Error('the mail is recalled'));
      await active?.run;
      const nowMs = this.#deps.tangle.clock.nowMs();
      const recalled = (current: OutboxEntry): OutboxEntry =>
        this.#isHere(current) ? recall(current, nowMs) : current;
      const changed = await this.#records.update(id, recalled, more);
      this.#heldBack.delete(id);
      return changed !== undefined;
    } finally {
      this.#recalling.delete(id);
      this.#schedule();
    }
  }

  #isHere(entry: OutboxEntry | undefined): boolean {
    if (entry === undefined) return false;
    if (!this.#heldBack.has(entry.id)) return isHere(entry);
    return isHere({ ...entry, isLeaving: false });
  }

  /**
   * Notes what the recipient's client has proven or said, inside the batch of the letter that says
   * it; call what it gives once the batch is written.
   */
  acknowledge(batch: SealedBatch, id: number, what: 'fetched' | 'read'): () => void {
    const nowMs = this.#deps.tangle.clock.nowMs();
    const changed = this.#records.change(batch, id, (entry) => acknowledge(entry, what, nowMs));
    return () => {
      changed?.apply();
      this.#active.get(id)?.abort.abort(new Error('the recipient has the mail'));
    };
  }

  /** Starts what is due and sets the timer for what comes next. */
  #schedule(): void {
    if (this.#abort.signal.aborted) return;
    const nowMs = this.#deps.tangle.clock.nowMs();
    let nextMs = Number.POSITIVE_INFINITY;
    for (const entry of this.#records.open()) {
      if (this.#active.has(entry.id) || this.#recalling.has(entry.id)) continue;
      if (entry.nextTryAtMs > nowMs) nextMs = Math.min(nextMs, entry.nextTryAtMs);
      else this.#begin(entry);
    }
    clearTimeout(this.#timer);
    if (nextMs === Number.POSITIVE_INFINITY) return;
    const waitMs = Math.min(Math.max(nextMs - nowMs, 50), MAX_TIMER_MS);
    this.#timer = setTimeout(() => this.#schedule(), waitMs);
    this.#timer.unref();
  }

  /** Starts one step unless its lane is full: whoever leaves the lane looks again. */
  #begin(entry: OutboxEntry): void {
    const lane = laneOf(entry);
    const busy = [...this.#active.values()].filter((one) => one.lane === lane).length;
    if (busy >= MAX_ACTIVE[lane]) return;
    const abort = new AbortController();
    const signal = AbortSignal.any([this.#abort.signal, abort.signal]);
    const run = this.#run(entry, signal).finally(() => {
      this.#active.delete(entry.id);
      this.#schedule();
    });
    this.#active.set(entry.id, { lane, run, abort });
  }

  /** One step of one entry; every end of it is on the disk. Never throws. */
  async #run(entry: OutboxEntry, signal: AbortSignal): Promise<void> {
    try {
      await this.#step(entry, signal);
    } catch (error) {
      if (signal.aborted) return;
      const nowMs = this.#deps.tangle.clock.nowMs();
      const facts = factsOf(error);
      this.#deps.logger.debug({ ...errorFields(error), outboxId: entry.id }, 'a mail waits');
      const isFinal = error instanceof SealingRefused && error.isFinal;
      const fail = isFinal ? giveUp : postpone;
      await this.#saveFailure(entry.id, (current) =>
        current.isDone ? current : fail(current, facts, nowMs),
      );
    }
  }

  /** A disk that takes nothing is no reason to do the same step again at once, and again. */
  async #saveFailure(id: number, change: (current: OutboxEntry) => OutboxEntry): Promise<void> {
    try {
      await this.#records.update(id, change);
    } catch (error) {
      this.#deps.logger.error(errorFields(error), 'the outbox cannot be written');
      this.#records.delay(id, this.#deps.tangle.clock.nowMs() + DISK_RETRY_MS);
    }
  }

  async #step(entry: OutboxEntry, signal: AbortSignal): Promise<void> {
    const nowMs = this.#deps.tangle.clock.nowMs();
    if (entry.state === 'scheduled') await this.#move(entry.id, (one) => begin(one, nowMs));
    else if (entry.state === 'queued' && entry.root === undefined) await this.#seal(entry, signal);
    else if (entry.state === 'queued' && lacksStamp(entry, nowMs)) await this.#stamp(entry, signal);
    else if (entry.state === 'queued') await this.#attach(entry, signal);
    else if (entry.state === 'attached') await this.#confirm(entry, signal);
    else if (entry.awaitsFetchUntilMs !== undefined) {
      await this.#move(entry.id, (one) => expireUnfetched(one, nowMs));
    } else await this.#collectReceipts(entry, signal);
  }

  /** A change of what is still on its way: what is done meanwhile stays as it is. */
  async #move(
    id: number,
    change: (current: OutboxEntry) => OutboxEntry,
    more?: (batch: SealedBatch) => void,
  ): Promise<void> {
    await this.#records.update(id, (one) => (one.isDone ? one : change(one)), more);
  }

  async #seal(entry: OutboxEntry, signal: AbortSignal): Promise<void> {
    const seal = await this.#sealerOf(entry).prepare(entry);
    await this.#deps.writes.run(async () => {
      if (signal.aborted) return;
      const batch = this.#deps.store.batch();
      const { sealed, apply } = seal(batch);
      const changed = this.#records.change(batch, entry.id, (current) => {
        const { error: _settled, ...rest } = current;
        return { ...rest, ...sealed, attempts: 0, nextTryAtMs: 0 };
      });
      await batch.write();
      apply();
      changed?.apply();
    });
  }

  /** The envelope with its stamp replaces the one without: its root is known only now. */
  async #stamp(entry: OutboxEntry, signal: AbortSignal): Promise<void> {
    const { id, stampBits = 0 } = entry;
    const { bytes: sealed } = this.#payload(entry);
    try {
      const onProgress = this.#progressOf(entry);
      const options = { signal, onProgress };
      const { bytes, root, stampDay } = await stampEnvelope(
        sealed,
        stampBits,
        this.#deps.tangle,
        options,
      );
      await this.#move(
        id,
        (one) => ({ ...one, root, stampDay, attempts: 0, nextTryAtMs: 0 }),
        (batch) => batch.putBytes('outboxEnvelope', orderedKey(id), bytes),
      );
    } finally {
      this.#work.delete(id);
    }
  }

  #progressOf(entry: OutboxEntry): (work: WorkDone) => void {
    return ({ hashes, expectedHashes }) => {
      this.#work.set(entry.id, { hashes, expectedHashes });
      this.#deps.onWork(entry, { hashes, expectedHashes });
    };
  }

  #sealerOf({ form = 'message' }: OutboxEntry): EnvelopeSealer {
    const sealer = this.#sealers.get(form);
    if (sealer !== undefined) return sealer;
    throw new SealingRefused('form-unknown', 'another version of this program queued it', true);
  }

  async #attach(entry: OutboxEntry, signal: AbortSignal): Promise<void> {
    const { tangle, watchTags } = this.#deps;
    const { id } = entry;
    // The answer may come at once, under a tag that is watched only since this mail was sealed.
    await watchTags();
    signal.throwIfAborted();
    if (entry.isLeaving !== true) {
      // On the disk first: after a crash nobody can tell whether the block has left.
      await this.#move(id, (one) => ({ ...one, isLeaving: true }));
      this.#heldBack.add(id);
    }
    const onProgress = this.#progressOf(entry);
    const onSubmitting = (): void => {
      signal.throwIfAborted();
      this.#heldBack.delete(id);
    };
    try {
      const options = { signal, onProgress, onSubmitting };
      const issued = await tangle.issuer.issue(this.#payload(entry), options);
      await this.#saveAttached(id, issued);
    } finally {
      this.#work.delete(id);
    }
  }

  /** The proof of work that goes on for an entry right now. */
  workOf(id: number): WorkDone | undefined {
    return this.#work.get(id);
  }

  async #saveAttached(id: number, issued: IssuedBlock): Promise<void> {
    const nowMs = this.#deps.tangle.clock.nowMs();
    const { blockId, powMs } = issued;
    await this.#move(
      id,
      (current) => ({ ...enter(current, 'attached', nowMs, blockId), blockId, powMs }),
      (batch) => batch.putBytes('outboxBlock', orderedKey(id), issued.bytes),
    );
  }

  async #confirm(entry: OutboxEntry, signal: AbortSignal): Promise<void> {
    const { tangle, store } = this.#deps;
    const { id } = entry;
    const bytes = store.getBytes('outboxBlock', orderedKey(id));
    const blockId = entry.blockId === undefined ? undefined : parseBlockId(entry.blockId);
    if (bytes === undefined || blockId === undefined) {
      await this.#attach(entry, signal);
      return;
    }
    const issued = { blockId, bytes, payload: this.#payload(entry), powMs: entry.powMs ?? 0 };
    let saved = Promise.resolve();
    const onReattached = (again: IssuedBlock): void => {
      saved = saved.then(() => this.#saveAttached(id, again));
      saved.catch(() => undefined);
    };
    const confirming = tangle.issuer.awaitConfirmation(issued, { signal, onReattached });
    const confirmed = await confirming.finally(() => saved);
    const { milestoneIndex, blockId: referenced, milestone } = confirmed;
    const nowMs = tangle.clock.nowMs();
    if (isStampOver(entry, milestone.header.timestampMs)) {
      await this.#move(id, (current) =>
        sendAgain(current, nowMs, 'it came too late for its stamp'),
      );
      return;
    }
    await this.#move(
      id,
      (current) => ({
        ...enter(current, 'confirmed', nowMs, `milestone ${milestoneIndex}`),
        milestoneIndex,
        blockId: referenced,
      }),
      (batch) => batch.del('outboxBlock', orderedKey(id)).del('outboxEnvelope', orderedKey(id)),
    );
  }

  async #collectReceipts(entry: OutboxEntry, signal: AbortSignal): Promise<void> {
    const deliveries = await this.#receipts.collect(entry);
    signal.throwIfAborted();
    const nowMs = this.#deps.tangle.clock.nowMs();
    await this.#move(entry.id, (current) => {
      const asked = { ...current, deliveries };
      if (isUnwatched(asked, nowMs)) return sendAgain(asked, nowMs);
      return afterReceipts(current, deliveries, nowMs);
    });
  }

  #payload(entry: OutboxEntry): Payload & { kind: 'envelope' } {
    const bytes = this.#deps.store.getBytes('outboxEnvelope', orderedKey(entry.id));
    if (bytes === undefined) throw new Error('broken invariant: a sealed mail has its envelope');
    return { kind: 'envelope', bytes };
  }
}
