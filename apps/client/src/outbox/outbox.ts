/**
 * The durable outbox: a mail that was taken is written down before the user hears of it, and goes
 * its way step by step from what is on the disk, so that a crash at any point neither loses it nor
 * sends it twice in the recipient's eyes. Before: local API; after: letter and envelope (mail
 * core), tangle/tangle-access.ts, the recipient's providers. Spec: docs/spec/42-delivery.md.
 */
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import type { Payload } from '@tanglemail/tangle/core/codec/payload.ts';
import { parseBlockId } from '@tanglemail/tangle/core/codec/ids.ts';
import { errorFields, type Logger } from '@tanglemail/tangle/io/logger.ts';
import type { IssuedBlock } from '@tanglemail/tangle/io/node-client/block-issuer.ts';
import type { MailAddress } from '@tanglemail/mail/core/identity/address.ts';
import type { ProviderHint } from '@tanglemail/mail/core/identity/descriptor.ts';
import { encodeReceipt } from '@tanglemail/mail/core/market/receipt.ts';
import type { ProviderClient } from '@tanglemail/mail/io/provider/provider-client.ts';
import { counters, type Delivery, type OutboxEntry, outboxEntries } from '../store/collections.ts';
import { orderedKey, type SealedBatch, type SealedStore } from '../store/sealed-store.ts';
import type { WriteLock } from '../store/write-lock.ts';
import type { TangleAccess } from '../tangle/tangle-access.ts';
import { afterReceipts, enter, giveUp, postpone } from './outbox-entry.ts';
import { type Sealer, SealingRefused } from './sealer.ts';

/** One mail as it is taken: the same bytes for every recipient, each sealed separately. */
export interface OutgoingMail {
  readonly recipients: readonly MailAddress[];
  readonly raw: Uint8Array;
  readonly emailId: string;
  readonly messageId: string;
  readonly subject: string;
}

export interface OutboxDeps {
  readonly store: SealedStore;
  readonly writes: WriteLock;
  readonly tangle: TangleAccess;
  readonly sealer: Sealer;
  readonly providerAt: (hint: ProviderHint) => ProviderClient;
  readonly logger: Logger;
  /** Told of every change of an entry. */
  readonly onChange: (entry: OutboxEntry) => void;
}

/** Mails on their way at once. Proof of work runs one at a time anyway. */
const MAX_ACTIVE = 8;
const COUNTER = 'outbox';
const LETTER_ID_LENGTH = 16;

export class Outbox {
  readonly #deps: OutboxDeps;
  /** Entries that are not done. */
  readonly #open = new Map<number, OutboxEntry>();
  readonly #active = new Map<number, Promise<void>>();
  readonly #abort = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #nextId = 1;

  private constructor(deps: OutboxDeps) {
    this.#deps = deps;
  }

  static async load(deps: OutboxDeps): Promise<Outbox> {
    const outbox = new Outbox(deps);
    outbox.#nextId = deps.store.get(counters, COUNTER)?.next ?? 1;
    for await (const { value } of deps.store.scan(outboxEntries)) {
      if (!value.isDone) outbox.#open.set(value.id, value);
    }
    return outbox;
  }

  /** Goes on with everything that is not done. */
  start(): void {
    this.#schedule();
  }

  /** Stops between two steps; what is on the disk is where it goes on. */
  async stop(): Promise<void> {
    this.#abort.abort(new Error('the client stops'));
    clearTimeout(this.#timer);
    await Promise.allSettled(this.#active.values());
  }

  /**
   * Puts a mail for its recipients into the batch. Call the returned function once the batch is
   * written: it starts the delivery and gives the entries.
   */
  enqueue(batch: SealedBatch, mail: OutgoingMail): () => OutboxEntry[] {
    const nowMs = this.#deps.tangle.clock.nowMs();
    const entries = mail.recipients.map((to, position): OutboxEntry => ({
      id: this.#nextId + position,
      letterId: bytesToHex(this.#deps.tangle.random.bytes(LETTER_ID_LENGTH)),
      emailId: mail.emailId,
      messageId: mail.messageId.slice(0, 998),
      to,
      subject: mail.subject.slice(0, 998),
      sizeBytes: mail.raw.length,
      createdAtMs: nowMs,
      state: 'queued',
      deliveries: [],
      isDone: false,
      attempts: 0,
      nextTryAtMs: nowMs,
      history: [{ state: 'queued', atMs: nowMs }],
    }));
    this.#nextId += entries.length;
    batch.put(counters, COUNTER, { next: this.#nextId });
    for (const entry of entries) batch.put(outboxEntries, orderedKey(entry.id), entry);
    return () => {
      for (const entry of entries) this.#open.set(entry.id, entry);
      for (const entry of entries) this.#deps.onChange(entry);
      this.#schedule();
      return entries;
    };
  }

  get(id: number): OutboxEntry | undefined {
    return this.#open.get(id) ?? this.#deps.store.get(outboxEntries, orderedKey(id));
  }

  /** The newest entries first, below id `before`. */
  async list(limit: number, before?: number): Promise<OutboxEntry[]> {
    const entries: OutboxEntry[] = [];
    const end = before === undefined ? {} : { before: orderedKey(before) };
    const options = { reverse: true, limit, ...end };
    for await (const { value } of this.#deps.store.scan(outboxEntries, options)) {
      entries.push(value);
    }
    return entries;
  }

  /** How many wait or are on their way, and how many of these had a failure. */
  counts(): { queued: number; failed: number } {
    const open = [...this.#open.values()];
    const queued = open.filter((one) => one.milestoneIndex === undefined);
    return { queued: queued.length, failed: open.filter((one) => one.error !== undefined).length };
  }

  /** Starts what is due and sets the timer for what comes next. */
  #schedule(): void {
    if (this.#abort.signal.aborted) return;
    const nowMs = this.#deps.tangle.clock.nowMs();
    let nextMs = Number.POSITIVE_INFINITY;
    for (const entry of this.#open.values()) {
      if (this.#active.has(entry.id)) continue;
      if (entry.nextTryAtMs > nowMs || this.#active.size >= MAX_ACTIVE) {
        nextMs = Math.min(nextMs, entry.nextTryAtMs);
        continue;
      }
      const run = this.#run(entry).finally(() => {
        this.#active.delete(entry.id);
        this.#schedule();
      });
      this.#active.set(entry.id, run);
    }
    clearTimeout(this.#timer);
    if (nextMs === Number.POSITIVE_INFINITY) return;
    this.#timer = setTimeout(() => this.#schedule(), Math.max(nextMs - nowMs, 50));
    this.#timer.unref();
  }

  /** One step of one entry; every end of it is on the disk. */
  async #run(entry: OutboxEntry): Promise<void> {
    try {
      await this.#step(entry);
    } catch (error) {
      if (this.#abort.signal.aborted) return;
      const current = this.#open.get(entry.id) ?? entry;
      const nowMs = this.#deps.tangle.clock.nowMs();
      const facts = factsOf(error);
      this.#deps.logger.debug({ ...errorFields(error), outboxId: entry.id }, 'a mail waits');
      const next =
        error instanceof SealingRefused && error.isFinal
          ? giveUp(current, facts, nowMs)
          : postpone(current, facts, nowMs);
      await this.#save(next);
    }
  }

  async #step(entry: OutboxEntry): Promise<void> {
    if (entry.state === 'queued' && entry.root === undefined) await this.#seal(entry);
    else if (entry.state === 'queued') await this.#attach(entry);
    else if (entry.state === 'attached') await this.#confirm(entry);
    else await this.#collectReceipts(entry);
  }

  async #seal(entry: OutboxEntry): Promise<void> {
    const { sealer, writes } = this.#deps;
    const recipient = await sealer.findRecipient(entry.to);
    await writes.run(async () => {
      const batch = this.#deps.store.batch();
      const { sealed, apply } = sealer.seal(batch, entry, recipient);
      const next: OutboxEntry = { ...entry, ...sealed, attempts: 0, nextTryAtMs: 0 };
      batch.put(outboxEntries, orderedKey(entry.id), next);
      await batch.write();
      apply();
      this.#changed(next);
    });
  }

  async #attach(entry: OutboxEntry): Promise<void> {
    const { tangle } = this.#deps;
    const { signal } = this.#abort;
    const issued = await tangle.issuer.issue(this.#payload(entry), { signal });
    await this.#saveAttached(entry, issued);
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
    let saving: Promise<void> = Promise.resolve();
    const onReattached = (again: IssuedBlock): void => {
      saving = this.#saveAttached(entry, again);
    };
    const confirmed = await tangle.issuer.awaitConfirmation(issued, { signal, onReattached });
    await saving;
    const { milestoneIndex, blockId: referenced } = confirmed;
    const current = this.#open.get(entry.id) ?? entry;
    const detail = `milestone ${milestoneIndex}`;
    const next = enter(current, 'confirmed', tangle.clock.nowMs(), detail);
    await this.#save({ ...next, milestoneIndex, blockId: referenced }, (batch) => {
      batch.del('outboxBlock', orderedKey(entry.id));
      batch.del('outboxEnvelope', orderedKey(entry.id));
    });
  }

  async #collectReceipts(entry: OutboxEntry): Promise<void> {
    const deliveries = await Promise.all(entry.deliveries.map((one) => this.#ask(entry, one)));
    const nowMs = this.#deps.tangle.clock.nowMs();
    await this.#save(afterReceipts(entry, deliveries, nowMs));
  }

  /** Asks one provider for its receipt; one that cannot be reached is asked again. */
  async #ask(entry: OutboxEntry, delivery: Delivery): Promise<Delivery> {
    const { root, envelopeBytes } = entry;
    if (delivery.state !== 'waiting' || root === undefined || envelopeBytes === undefined) {
      return delivery;
    }
    const { bondId, endpoint } = delivery;
    const ledgerTime = Math.floor(this.#deps.tangle.clock.nowMs() / 1_000);
    try {
      const provider = this.#deps.providerAt({ bondId: Buffer.from(bondId, 'hex'), endpoint });
      const receipt = await provider.receipt(root, { size: envelopeBytes, ledgerTime });
      if (receipt === undefined) return delivery;
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

  async #save(entry: OutboxEntry, more?: (batch: SealedBatch) => void): Promise<void> {
    const batch = this.#deps.store.batch();
    batch.put(outboxEntries, orderedKey(entry.id), entry);
    more?.(batch);
    await batch.write();
    this.#changed(entry);
  }

  #changed(entry: OutboxEntry): void {
    if (entry.isDone) this.#open.delete(entry.id);
    else this.#open.set(entry.id, entry);
    this.#deps.onChange(entry);
  }
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
