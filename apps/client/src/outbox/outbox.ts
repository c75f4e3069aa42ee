/**
 * The durable outbox: a mail that was taken is written down before the user hears of it, and goes
 * its way step by step from what is on the disk, so that a crash at any point neither loses it nor
 * sends it twice in the recipient's eyes. Before: local API; after: letter and envelope (mail
 * core), tangle/tangle-access.ts, the recipient's providers. Spec: docs/spec/42-delivery.md.
 */
import { bytesToHex, hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import type { Payload } from '@tanglemail/tangle/core/codec/payload.ts';
import { parseBlockId } from '@tanglemail/tangle/core/codec/ids.ts';
import type { PowProgress } from '@tanglemail/tangle/io/accel/pow-pool.ts';
import { errorFields, type Logger } from '@tanglemail/tangle/io/logger.ts';
import type { IssuedBlock } from '@tanglemail/tangle/io/node-client/block-issuer.ts';
import type { MailAddress } from '@tanglemail/mail/core/identity/address.ts';
import type { ProviderHint } from '@tanglemail/mail/core/identity/descriptor.ts';
import { encodeReceipt } from '@tanglemail/mail/core/market/receipt.ts';
import type { ProviderClient } from '@tanglemail/mail/io/provider/provider-client.ts';
import { counters } from '../store/collections.ts';
import {
  type Delivery,
  type OutboxEntry,
  outboxEntries,
  type OutboxForm,
  outboxForms,
} from '../store/outbox-collections.ts';
import { orderedKey, type SealedBatch, type SealedStore } from '../store/sealed-store.ts';
import type { WriteLock } from '../store/write-lock.ts';
import type { TangleAccess } from '../tangle/tangle-access.ts';
import {
  afterReceipts,
  enter,
  giveUp,
  isMail,
  isUnwatched,
  postpone,
  sendAgain,
} from './outbox-entry.ts';
import { type EnvelopeSealer, SealingRefused } from './sealer.ts';

/** One mail as it is taken: the same bytes for every recipient, each sealed separately. */
export interface OutgoingMail {
  /** `parcel` when no envelope holds it; its sealer uploads the message's bytes in parts. */
  readonly form?: 'message' | 'parcel';
  readonly recipients: readonly MailAddress[];
  readonly raw: Uint8Array;
  readonly emailId: string;
  readonly messageId: string;
  readonly subject: string;
}

/** A note between clients: durable like a mail, and shown to nobody. */
export interface OutgoingNote {
  readonly to: MailAddress;
  /** Its first byte names its family (inbox/note-router.ts). */
  readonly body: Uint8Array;
  /** A note to the same person with the same key which is not sealed yet is replaced. */
  readonly dedupe?: string;
}

/** A line of chat: one envelope under a chain's tag, which everybody of the audience watches. */
export interface OutgoingChat {
  /** At least one. */
  readonly audience: readonly MailAddress[];
  /** What the sealer of form `chat` needs to seal it. */
  readonly payload: Uint8Array;
  readonly letterId?: string;
}

export interface OutboxDeps {
  readonly store: SealedStore;
  readonly writes: WriteLock;
  readonly tangle: Pick<TangleAccess, 'issuer' | 'clock' | 'random'>;
  /** Who makes the envelope of each form. Those that are built later are added by `addSealer`. */
  readonly sealers: Readonly<Partial<Record<OutboxForm, EnvelopeSealer>>>;
  /** The provider at an endpoint, which has shown that it is the one with this bond. */
  readonly providerAt: (hint: ProviderHint) => Promise<Pick<ProviderClient, 'receipt'>>;
  /** Has the present tags watched at every rented provider that can be reached. Never throws. */
  readonly watchTags: () => Promise<void>;
  readonly logger: Logger;
  /** Told of every change of an entry. */
  readonly onChange: (entry: OutboxEntry) => void;
  /** Told several times a second while an entry's proof of work goes on. */
  readonly onWork: (entry: OutboxEntry, work: WorkDone) => void;
}

/** How far a proof of work has come: hashes done, and how many it takes on average. */
export type WorkDone = Pick<PowProgress, 'hashes' | 'expectedHashes'>;

/** Which steps take turns: a slow provider of somebody must not hold up what wants to leave. */
type Lane = 'sending' | 'receipts' | 'parcels';

/**
 * Mails at work at once in each lane. Proof of work runs one at a time anyway; a parcel that is
 * uploaded holds its mail in memory.
 */
const MAX_ACTIVE: Readonly<Record<Lane, number>> = { sending: 8, receipts: 8, parcels: 2 };
/** Between two attempts when not even the failure can be written down. */
const DISK_RETRY_MS = 60_000;
/** How long a mail that failed for good counts in the status. */
const FAILED_SHOWN_MS = 7 * 86_400_000;
const COUNTER = 'outbox';
const LETTER_ID_LENGTH = 16;

export class Outbox {
  readonly #deps: OutboxDeps;
  readonly #work = new Map<number, WorkDone>();
  /** Entries that are not done. */
  readonly #open = new Map<number, OutboxEntry>();
  /** Entries that ended badly, and when. */
  readonly #failed = new Map<number, number>();
  readonly #active = new Map<number, { readonly lane: Lane; readonly run: Promise<void> }>();
  readonly #abort = new AbortController();
  readonly #sealers = new Map<OutboxForm, EnvelopeSealer>();
  readonly #observers: ((entry: OutboxEntry) => void)[] = [];
  #timer: NodeJS.Timeout | undefined;
  #nextId = 1;

  private constructor(deps: OutboxDeps) {
    this.#deps = deps;
    for (const form of outboxForms) {
      const sealer = deps.sealers[form];
      if (sealer !== undefined) this.#sealers.set(form, sealer);
    }
  }

  static async load(deps: OutboxDeps): Promise<Outbox> {
    const outbox = new Outbox(deps);
    outbox.#nextId = deps.store.get(counters, COUNTER)?.next ?? 1;
    for await (const { value } of deps.store.scan(outboxEntries)) outbox.#note(value);
    return outbox;
  }

  /** Says who seals the entries of a form. Call it before `start`. */
  addSealer(form: OutboxForm, sealer: EnvelopeSealer): void {
    this.#sealers.set(form, sealer);
  }

  /** Calls `listener` after every change of any entry. It must not throw. */
  observe(listener: (entry: OutboxEntry) => void): void {
    this.#observers.push(listener);
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
    const waiting = [...this.#open.values()].filter(isWaiting);
    for (const entry of waiting) this.#open.set(entry.id, { ...entry, nextTryAtMs: nowMs });
    if (waiting.length > 0) this.#schedule();
  }

  /**
   * Puts a mail for its recipients into the batch. Call the returned function once the batch is
   * written: it starts the delivery and gives the entries.
   */
  enqueue(batch: SealedBatch, mail: OutgoingMail): () => OutboxEntry[] {
    const { form, emailId, raw } = mail;
    const common = {
      ...(form === undefined ? {} : { form }),
      emailId,
      messageId: mail.messageId.slice(0, 998),
      subject: mail.subject.slice(0, 998),
      sizeBytes: raw.length,
    };
    return this.#take(
      batch,
      mail.recipients.map((to) => this.#newEntry({ ...common, to })),
    );
  }

  /**
   * Puts a note into the batch; runs under the write lock. Call the returned function once the
   * batch is written.
   */
  enqueueNote(batch: SealedBatch, note: OutgoingNote): () => OutboxEntry {
    const { to, body, dedupe } = note;
    const isSame = (one: OutboxEntry): boolean =>
      one.form === 'note' && one.to === to && one.dedupe === dedupe && one.root === undefined;
    const waiting = dedupe === undefined ? undefined : [...this.#open.values()].find(isSame);
    if (waiting !== undefined) {
      batch.putBytes('outboxPayload', orderedKey(waiting.id), body);
      return () => waiting;
    }
    const entry = this.#newEntry({
      form: 'note',
      to,
      sizeBytes: body.length,
      ...(dedupe === undefined ? {} : { dedupe }),
    });
    batch.putBytes('outboxPayload', orderedKey(entry.id), body);
    const accept = this.#take(batch, [entry]);
    return () => accept()[0] ?? entry;
  }

  /** Puts a line of chat into the batch; as `enqueueNote`. */
  enqueueChat(batch: SealedBatch, chat: OutgoingChat): () => OutboxEntry {
    const { audience, payload, letterId } = chat;
    const [to] = audience;
    if (to === undefined) throw new Error('broken invariant: a line of chat has an audience');
    const entry = this.#newEntry({
      form: 'chat',
      to,
      audience: [...audience],
      sizeBytes: payload.length,
      ...(letterId === undefined ? {} : { letterId }),
    });
    batch.putBytes('outboxPayload', orderedKey(entry.id), payload);
    const accept = this.#take(batch, [entry]);
    return () => accept()[0] ?? entry;
  }

  /** A queued entry under the next number. */
  #newEntry(facts: Partial<OutboxEntry> & Pick<OutboxEntry, 'to' | 'sizeBytes'>): OutboxEntry {
    const { clock, random } = this.#deps.tangle;
    const nowMs = clock.nowMs();
    const id = this.#nextId;
    this.#nextId += 1;
    return {
      id,
      letterId: bytesToHex(random.bytes(LETTER_ID_LENGTH)),
      emailId: '',
      messageId: '',
      subject: '',
      createdAtMs: nowMs,
      state: 'queued',
      deliveries: [],
      isDone: false,
      attempts: 0,
      nextTryAtMs: nowMs,
      history: [{ state: 'queued', atMs: nowMs }],
      ...facts,
    };
  }

  #take(batch: SealedBatch, entries: readonly OutboxEntry[]): () => OutboxEntry[] {
    batch.put(counters, COUNTER, { next: this.#nextId });
    for (const entry of entries) batch.put(outboxEntries, orderedKey(entry.id), entry);
    return () => {
      for (const entry of entries) this.#open.set(entry.id, entry);
      for (const entry of entries) this.#tell(entry);
      this.#schedule();
      return [...entries];
    };
  }

  get(id: number): OutboxEntry | undefined {
    return this.#open.get(id) ?? this.#deps.store.get(outboxEntries, orderedKey(id));
  }

  /** The newest entries first, below id `before`; notes and chat only if `all` are wanted. */
  async list(limit: number, before?: number, all = false): Promise<OutboxEntry[]> {
    const entries: OutboxEntry[] = [];
    const end = before === undefined ? {} : { before: orderedKey(before) };
    const options = { reverse: true, ...end };
    for await (const { value } of this.#deps.store.scan(outboxEntries, options)) {
      if (entries.length >= limit) break;
      if (all || isMail(value)) entries.push(value);
    }
    return entries;
  }

  /** How many are not in a milestone yet, and how many had a failure, the last one of late. */
  counts(): { queued: number; failed: number } {
    const sinceMs = this.#deps.tangle.clock.nowMs() - FAILED_SHOWN_MS;
    const open = [...this.#open.values()].filter((one) => one.form !== 'note');
    const failing = open.filter((one) => one.error !== undefined).length;
    const failed = [...this.#failed.values()].filter((atMs) => atMs >= sinceMs).length;
    const queued = open.filter((one) => laneOf(one) !== 'receipts').length;
    return { queued, failed: failing + failed };
  }

  /** Starts what is due and sets the timer for what comes next. */
  #schedule(): void {
    if (this.#abort.signal.aborted) return;
    const nowMs = this.#deps.tangle.clock.nowMs();
    let nextMs = Number.POSITIVE_INFINITY;
    for (const entry of this.#open.values()) {
      if (this.#active.has(entry.id)) continue;
      if (entry.nextTryAtMs > nowMs) nextMs = Math.min(nextMs, entry.nextTryAtMs);
      else this.#begin(entry);
    }
    clearTimeout(this.#timer);
    if (nextMs === Number.POSITIVE_INFINITY) return;
    this.#timer = setTimeout(() => this.#schedule(), Math.max(nextMs - nowMs, 50));
    this.#timer.unref();
  }

  /** Starts one step unless its lane is full: whoever leaves the lane looks again. */
  #begin(entry: OutboxEntry): void {
    const lane = laneOf(entry);
    const busy = [...this.#active.values()].filter((one) => one.lane === lane).length;
    if (busy >= MAX_ACTIVE[lane]) return;
    const run = this.#run(entry).finally(() => {
      this.#active.delete(entry.id);
      this.#schedule();
    });
    this.#active.set(entry.id, { lane, run });
  }

  /** One step of one entry; every end of it is on the disk. Never throws. */
  async #run(entry: OutboxEntry): Promise<void> {
    try {
      await this.#step(entry);
    } catch (error) {
      if (this.#abort.signal.aborted) return;
      const current = this.#current(entry);
      const nowMs = this.#deps.tangle.clock.nowMs();
      const facts = factsOf(error);
      this.#deps.logger.debug({ ...errorFields(error), outboxId: entry.id }, 'a mail waits');
      const isFinal = error instanceof SealingRefused && error.isFinal;
      await this.#saveFailure(
        isFinal ? giveUp(current, facts, nowMs) : postpone(current, facts, nowMs),
      );
    }
  }

  /** A disk that takes nothing is no reason to do the same step again at once, and again. */
  async #saveFailure(entry: OutboxEntry): Promise<void> {
    try {
      await this.#save(entry);
    } catch (error) {
      this.#deps.logger.error(errorFields(error), 'the outbox cannot be written');
      const nextTryAtMs = this.#deps.tangle.clock.nowMs() + DISK_RETRY_MS;
      this.#open.set(entry.id, { ...this.#current(entry), nextTryAtMs });
    }
  }

  async #step(entry: OutboxEntry): Promise<void> {
    if (entry.state === 'queued' && entry.root === undefined) await this.#seal(entry);
    else if (entry.state === 'queued') await this.#attach(entry);
    else if (entry.state === 'attached') await this.#confirm(entry);
    else await this.#collectReceipts(entry);
  }

  async #seal(entry: OutboxEntry): Promise<void> {
    const seal = await this.#sealerOf(entry).prepare(entry);
    await this.#deps.writes.run(async () => {
      const batch = this.#deps.store.batch();
      const { sealed, apply } = seal(batch);
      const { error: _settled, ...rest } = entry;
      const next: OutboxEntry = { ...rest, ...sealed, attempts: 0, nextTryAtMs: 0 };
      batch.put(outboxEntries, orderedKey(entry.id), next);
      await batch.write();
      apply();
      this.#changed(next);
    });
  }

  #sealerOf({ form = 'message' }: OutboxEntry): EnvelopeSealer {
    const sealer = this.#sealers.get(form);
    if (sealer !== undefined) return sealer;
    throw new SealingRefused('form-unknown', 'another version of this program queued it', true);
  }

  async #attach(entry: OutboxEntry): Promise<void> {
    const { tangle, watchTags } = this.#deps;
    const { signal } = this.#abort;
    // The answer may come at once, under a tag that is watched only since this mail was sealed.
    await watchTags();
    signal.throwIfAborted();
    const onProgress = ({ hashes, expectedHashes }: WorkDone): void => {
      this.#work.set(entry.id, { hashes, expectedHashes });
      this.#deps.onWork(entry, { hashes, expectedHashes });
    };
    try {
      const issued = await tangle.issuer.issue(this.#payload(entry), { signal, onProgress });
      await this.#saveAttached(entry, issued);
    } finally {
      this.#work.delete(entry.id);
    }
  }

  /** The proof of work that goes on for an entry right now. */
  workOf(id: number): WorkDone | undefined {
    return this.#work.get(id);
  }

  async #saveAttached(entry: OutboxEntry, issued: IssuedBlock): Promise<void> {
    const nowMs = this.#deps.tangle.clock.nowMs();
    const { blockId, powMs } = issued;
    const next = { ...enter(entry, 'attached', nowMs, blockId), blockId, powMs };
    await this.#save(next, (batch) => {
      batch.putBytes('outboxBlock', orderedKey(entry.id), issued.bytes);
    });
  }

  async #confirm(entry: OutboxEntry): Promise<void> {
    const { tangle, store } = this.#deps;
    const { signal } = this.#abort;
    const bytes = store.getBytes('outboxBlock', orderedKey(entry.id));
    const blockId = entry.blockId === undefined ? undefined : parseBlockId(entry.blockId);
    if (bytes === undefined || blockId === undefined) {
      await this.#attach(entry);
      return;
    }
    const issued = { blockId, bytes, payload: this.#payload(entry), powMs: entry.powMs ?? 0 };
    let saved = Promise.resolve();
    const onReattached = (again: IssuedBlock): void => {
      saved = saved.then(() => this.#saveAttached(this.#current(entry), again));
      saved.catch(() => undefined);
    };
    const confirming = tangle.issuer.awaitConfirmation(issued, { signal, onReattached });
    const confirmed = await confirming.finally(() => saved);
    const { milestoneIndex, blockId: referenced } = confirmed;
    const detail = `milestone ${milestoneIndex}`;
    const next = enter(this.#current(entry), 'confirmed', tangle.clock.nowMs(), detail);
    await this.#save({ ...next, milestoneIndex, blockId: referenced }, (batch) => {
      batch.del('outboxBlock', orderedKey(entry.id));
      batch.del('outboxEnvelope', orderedKey(entry.id));
    });
  }

  async #collectReceipts(entry: OutboxEntry): Promise<void> {
    const deliveries = await Promise.all(entry.deliveries.map((one) => this.#ask(entry, one)));
    this.#abort.signal.throwIfAborted();
    const nowMs = this.#deps.tangle.clock.nowMs();
    const asked = { ...entry, deliveries };
    const isAgain = isUnwatched(asked, nowMs);
    await this.#save(isAgain ? sendAgain(asked, nowMs) : afterReceipts(entry, deliveries, nowMs));
  }

  /** Asks one provider for its receipt; one that cannot be reached is asked again. */
  async #ask(entry: OutboxEntry, delivery: Delivery): Promise<Delivery> {
    const { root, envelopeBytes } = entry;
    if (delivery.state === 'stored' || root === undefined || envelopeBytes === undefined) {
      return delivery;
    }
    const { bondId, endpoint } = delivery;
    const ledgerTime = Math.floor(this.#deps.tangle.clock.nowMs() / 1_000);
    try {
      const provider = await this.#deps.providerAt({ bondId: hexToBytes(bondId), endpoint });
      const receipt = await provider.receipt(root, { size: envelopeBytes, ledgerTime });
      if (receipt === undefined) return { ...delivery, state: 'absent' };
      const { until } = receipt;
      const encoded = bytesToHex(encodeReceipt(receipt));
      return { ...delivery, state: 'stored', until, receipt: encoded };
    } catch (error) {
      this.#deps.logger.debug({ ...errorFields(error), outboxId: entry.id }, 'no receipt yet');
      return delivery;
    }
  }

  #payload(entry: OutboxEntry): Payload {
    const bytes = this.#deps.store.getBytes('outboxEnvelope', orderedKey(entry.id));
    if (bytes === undefined) throw new Error('broken invariant: a sealed mail has its envelope');
    return { kind: 'envelope', bytes };
  }

  /** The newest record of an entry that a step began with. */
  #current(entry: OutboxEntry): OutboxEntry {
    return this.#open.get(entry.id) ?? entry;
  }

  async #save(entry: OutboxEntry, more?: (batch: SealedBatch) => void): Promise<void> {
    const batch = this.#deps.store.batch();
    const key = orderedKey(entry.id);
    batch.put(outboxEntries, key, entry);
    if (entry.isDone) {
      batch.del('outboxEnvelope', key).del('outboxBlock', key).del('outboxPayload', key);
    }
    more?.(batch);
    await batch.write();
    this.#changed(entry);
  }

  #changed(entry: OutboxEntry): void {
    this.#note(entry);
    this.#tell(entry);
  }

  #tell(entry: OutboxEntry): void {
    this.#deps.onChange(entry);
    for (const observer of this.#observers) observer(entry);
  }

  #note(entry: OutboxEntry): void {
    if (!entry.isDone) this.#open.set(entry.id, entry);
    else this.#open.delete(entry.id);
    const isBad = entry.state === 'failed' || entry.state === 'expired';
    if (isBad && entry.form !== 'note')
      this.#failed.set(entry.id, entry.history.at(-1)?.atMs ?? entry.createdAtMs);
  }
}

function laneOf(entry: OutboxEntry): Lane {
  if (entry.form === 'parcel' && entry.root === undefined) return 'parcels';
  return entry.milestoneIndex === undefined ? 'sending' : 'receipts';
}

/** A code and a sentence for whoever waits for the mail. */
function factsOf(error: unknown): { code: string; detail: string } {
  const message = error instanceof Error ? error.message : 'unknown failure';
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (error instanceof Error && error.name === 'NodeUnreachableError') {
    return { code: 'node-unreachable', detail: message };
  }
  return { code: typeof code === 'string' ? code : 'failed', detail: message };
}
