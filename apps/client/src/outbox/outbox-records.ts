/**
 * The outbox's entries on the disk and in memory: every change of one is decided on its newest
 * record, under the write lock, and told once it is written. Before: outbox.ts; after: the store.
 * Spec: docs/spec/42-delivery.md.
 */
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { counters, rawMessageKey } from '../store/collections.ts';
import { type OutboxEntry, outboxEntries } from '../store/outbox-collections.ts';
import { orderedKey, type SealedBatch, type SealedStore } from '../store/sealed-store.ts';
import type { WriteLock } from '../store/write-lock.ts';
import type { TangleAccess } from '../tangle/tangle-access.ts';
import { isMail, isSilent } from './outbox-entry.ts';
import type { NewEntry } from './outgoing.ts';

export interface OutboxRecordsDeps {
  readonly store: SealedStore;
  readonly writes: WriteLock;
  readonly tangle: Pick<TangleAccess, 'clock' | 'random'>;
  /** Told of every change of an entry. */
  readonly onChange: (entry: OutboxEntry) => void;
}

/** Deletes the bytes of a message in the batch if no mail that is under way needs them. */
export type ReleaseBytes = (batch: SealedBatch, emailId: string) => void;

/** How long a mail that failed for good counts in the status, and a done note is kept. */
const SHOWN_MS = 7 * 86_400_000;
const COUNTER = 'outbox';
const LETTER_ID_LENGTH = 16;

/** Mails whose way the lists show; what is older is found by its number alone. */
const MAX_MAILS = 100_000;

/** Puts more into a batch; what follows from that waits for `batch.whenWritten`. */
export type AlsoWritten = (batch: SealedBatch) => void;

export class OutboxRecords {
  readonly #deps: OutboxRecordsDeps;
  /** Entries that are not done. */
  readonly #open = new Map<number, OutboxEntry>();
  /** Entries that ended badly, and when. */
  readonly #failed = new Map<number, number>();
  readonly #observers: ((entry: OutboxEntry) => void)[] = [];
  /** Numbers of the entries of a mail, by its Message-ID; the mails longest in it go. */
  readonly #mails = new Map<string, number[]>();
  #isShared: (emailId: string) => boolean = () => false;
  #nextId = 1;

  constructor(deps: OutboxRecordsDeps) {
    this.#deps = deps;
  }

  async load(): Promise<void> {
    const { store, tangle } = this.#deps;
    this.#nextId = store.get(counters, COUNTER)?.next ?? 1;
    const oldMs = tangle.clock.nowMs() - SHOWN_MS;
    const batch = store.batch();
    let isEmpty = true;
    for await (const { key, value } of store.scan(outboxEntries)) {
      // Nobody ever looks at old notes, and there is one for almost every mail.
      if (isSilent(value) && value.isDone && value.createdAtMs < oldMs) {
        batch.del('outbox', key);
        isEmpty = false;
      } else this.#note(value);
    }
    if (!isEmpty) await batch.write();
  }

  /** Calls `listener` after every change of any entry. It must not throw. */
  observe(listener: (entry: OutboxEntry) => void): void {
    this.#observers.push(listener);
  }

  /**
   * Says who needs the bytes of a message beyond the end of its mails. Gives what is to be called
   * in the batch in which that ends.
   */
  shareBytes(isNeeded: (emailId: string) => boolean): ReleaseBytes {
    this.#isShared = isNeeded;
    return (batch, emailId) => this.#dropBytes(batch, { id: 0, emailId });
  }

  /** All that is not done. */
  open(): OutboxEntry[] {
    return [...this.#open.values()];
  }

  get(id: number): OutboxEntry | undefined {
    return this.#open.get(id) ?? this.#deps.store.get(outboxEntries, orderedKey(id));
  }

  /** All recipients of the last mail that was sent with this Message-ID. */
  mailOf(messageId: string): OutboxEntry[] {
    const entries = (this.#mails.get(messageId) ?? []).flatMap((id) => this.get(id) ?? []);
    const newestMs = Math.max(0, ...entries.map((one) => one.createdAtMs));
    return entries.filter((one) => one.createdAtMs === newestMs);
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
    const sinceMs = this.#deps.tangle.clock.nowMs() - SHOWN_MS;
    const open = this.open().filter((one) => !isSilent(one));
    const failing = open.filter((one) => one.error !== undefined).length;
    const failed = [...this.#failed.values()].filter((atMs) => atMs >= sinceMs).length;
    const isWaiting = (one: OutboxEntry): boolean =>
      one.milestoneIndex === undefined && one.state !== 'scheduled';
    return { queued: open.filter(isWaiting).length, failed: failing + failed };
  }

  /** A queued entry under the next number. */
  create(facts: NewEntry): OutboxEntry {
    const { clock, random } = this.#deps.tangle;
    const nowMs = clock.nowMs();
    const id = this.#nextId;
    this.#nextId += 1;
    const state = facts.state ?? 'queued';
    return {
      id,
      letterId: bytesToHex(random.bytes(LETTER_ID_LENGTH)),
      emailId: '',
      messageId: '',
      subject: '',
      createdAtMs: nowMs,
      state,
      deliveries: [],
      isDone: false,
      attempts: 0,
      nextTryAtMs: facts.notBeforeMs ?? nowMs,
      history: [{ state, atMs: nowMs }],
      ...facts,
    };
  }

  /** Puts new entries into a batch; call what it gives once the batch is written. */
  put(batch: SealedBatch, entries: readonly OutboxEntry[]): () => void {
    batch.put(counters, COUNTER, { next: this.#nextId });
    for (const entry of entries) batch.put(outboxEntries, orderedKey(entry.id), entry);
    return () => {
      for (const entry of entries) this.#note(entry);
      for (const entry of entries) this.#tell(entry);
    };
  }

  /**
   * Changes one entry in a step of its own; `more` puts what belongs to it into the same batch.
   * Undefined when there is no such entry, or `change` leaves it as it is.
   */
  async update(
    id: number,
    change: (current: OutboxEntry) => OutboxEntry,
    more?: AlsoWritten,
  ): Promise<OutboxEntry | undefined> {
    const { store, writes } = this.#deps;
    return writes.run(async () => {
      const batch = store.batch();
      const changed = this.change(batch, id, change);
      if (changed === undefined) return undefined;
      more?.(batch);
      await batch.write();
      changed.apply();
      return changed.entry;
    });
  }

  /** The same inside the batch of another step, which holds the write lock. */
  change(
    batch: SealedBatch,
    id: number,
    change: (current: OutboxEntry) => OutboxEntry,
  ): { readonly entry: OutboxEntry; readonly apply: () => void } | undefined {
    const current = this.get(id);
    const entry = current && change(current);
    if (entry === undefined || entry === current) return undefined;
    const key = orderedKey(id);
    batch.put(outboxEntries, key, entry);
    if (entry.isDone) {
      batch.del('outboxEnvelope', key).del('outboxBlock', key).del('outboxPayload', key);
      this.#dropBytes(batch, entry);
    }
    const apply = (): void => {
      this.#note(entry);
      this.#tell(entry);
    };
    return { entry, apply };
  }

  /** Changes what is in memory only: when it is tried again. */
  delay(id: number, nextTryAtMs: number): void {
    const entry = this.#open.get(id);
    if (entry !== undefined) this.#open.set(id, { ...entry, nextTryAtMs });
  }

  /** The message's bytes are kept as long as some mail with them may have to be sealed. */
  #dropBytes(batch: SealedBatch, { id, emailId }: Pick<OutboxEntry, 'id' | 'emailId'>): void {
    if (emailId === '') return;
    const isOpen = this.open().some((one) => one.id !== id && one.emailId === emailId);
    if (!isOpen && !this.#isShared(emailId))
      batch.del('outboxPayload', rawMessageKey(this.#deps.store, emailId));
  }

  #tell(entry: OutboxEntry): void {
    this.#deps.onChange(entry);
    for (const observer of this.#observers) observer(entry);
  }

  #index(entry: OutboxEntry): void {
    const { id, messageId } = entry;
    if (messageId === '' || !isMail(entry)) return;
    const known = this.#mails.get(messageId);
    if (known === undefined) this.#mails.set(messageId, [id]);
    else if (!known.includes(id)) known.push(id);
    const [oldest] = this.#mails.keys();
    if (this.#mails.size > MAX_MAILS && oldest !== undefined) this.#mails.delete(oldest);
  }

  #note(entry: OutboxEntry): void {
    this.#index(entry);
    if (!entry.isDone) this.#open.set(entry.id, entry);
    else this.#open.delete(entry.id);
    const isBad = entry.state === 'failed' || entry.state === 'expired';
    if (isBad && !isSilent(entry)) {
      this.#failed.set(entry.id, entry.history.at(-1)?.atMs ?? entry.createdAtMs);
    } else this.#failed.delete(entry.id);
  }
}
