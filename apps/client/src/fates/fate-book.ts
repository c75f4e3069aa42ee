/**
 * Mails that programs handed in, and what becomes of them: keeps the keywords of the copy in Sent
 * in step with the outbox, and files a report in the inbox when something is to be told. What was
 * told is written in the batch that files it, so that nothing is told twice or forgotten, whatever
 * is cut off. Before: bridge/submission-desk.ts, outbox; after: messages, mail io, report.ts.
 * Spec: docs/spec/45-mail-programs.md §8.
 */
import { bytesToHex } from '@noble/hashes/utils.js';
import {
  deliveryFields,
  dispositionFields,
  type RecipientStatus,
} from '@tanglemail/mail/core/report/fields.ts';
import { composeReport, type ReportInput } from '@tanglemail/mail/io/report.ts';
import { errorFields, type Logger } from '@tanglemail/tangle/io/logger.ts';
import { type Account, emailText } from '../account/account.ts';
import { FOLDER } from '../messages/folder-name.ts';
import type { MessageStore } from '../messages/message-store.ts';
import type { Outbox } from '../outbox/outbox.ts';
import type { QueuedAlong } from '../outbox/outgoing.ts';
import {
  type Fate,
  MAX_SUBMITTED,
  type Notify,
  reportTimes,
  type SubmissionRecord,
  submissions,
} from '../store/bridge-collections.ts';
import type { OutboxEntry } from '../store/outbox-collections.ts';
import { orderedKey, type SealedBatch, type SealedStore } from '../store/sealed-store.ts';
import type { WriteLock } from '../store/write-lock.ts';
import type { TangleAccess } from '../tangle/tangle-access.ts';
import { delayedAt, dueFates, FATE_KEYWORDS, keywordsOf } from './fate.ts';
import { statusOf, subjectOf, textOf } from './fate-texts.ts';

export interface FateBookDeps {
  readonly account: Account;
  readonly store: SealedStore;
  readonly writes: WriteLock;
  readonly messages: MessageStore;
  readonly outbox: Pick<Outbox, 'get' | 'observe'>;
  readonly tangle: Pick<TangleAccess, 'clock' | 'random'>;
  readonly logger: Logger;
  /** Told of each report, by its mail id. */
  readonly onReport: (mailId: string) => void;
  /** Told when keywords of a mail have changed. */
  readonly onKeywords: () => void;
  /** What comes of one mail within this time is told together; default 2 s. */
  readonly gatherMs?: number;
}

/** What a program says of a mail beside its bytes. */
export interface Submitted {
  /** 64 hex digits that stand for recipients and bytes. */
  readonly hash: string;
  readonly isNotice: boolean;
  readonly asksRead: boolean;
  readonly envelopeId?: string | undefined;
  readonly isFull: boolean;
  /** By address. */
  readonly wishes: ReadonlyMap<string, SubmittedWish>;
}

export interface SubmittedWish {
  readonly notify?: readonly Notify[] | undefined;
  readonly originalRecipient?: string | undefined;
}

const PREFIX = 'submission/';
const TIMES_KEY = 'reports';
/** Mails that are remembered; the oldest make room. */
const MAX_RECORDS = 10_000;
/** What is done is forgotten so much later: a receipt may still come. */
const KEEP_MS = 60 * 86_400_000;
const GATHER_MS = 2_000;
const HOUR_MS = 3_600_000;
/** Reports within an hour; what is due beyond waits for the next. */
export const MAX_REPORTS_PER_HOUR = 60;
const MESSAGE_ID_LENGTH = 16;
const REPORTER = 'localhost';
const MAILER = { name: 'Mail delivery', address: 'mailer-daemon@tangle.alt' } as const;

type Recipient = SubmissionRecord['recipients'][number];

/** A recipient and what is to be told of it now. */
interface Due {
  readonly recipient: Recipient;
  readonly entry: OutboxEntry;
  readonly fates: readonly Fate[];
}

type Draft = Pick<ReportInput, 'kind' | 'from' | 'subject' | 'text' | 'fields'>;

export class FateBook {
  readonly #deps: FateBookDeps;
  /** By key, the oldest first. */
  readonly #records = new Map<string, SubmissionRecord>();
  readonly #keyOf = new Map<number, string>();
  readonly #byHash = new Map<string, string>();
  /** Whose keywords, and whose reports, are to be looked at. */
  readonly #changed = new Set<string>();
  readonly #due = new Set<string>();
  #reportTimes: readonly number[];
  /** When a recipient's mail is late, by its number in the outbox; only of those under way. */
  readonly #lateMs = new Map<number, number>();
  /** What is under way, one step behind the other. */
  #tail: Promise<void> = Promise.resolve();
  #isQueued = false;
  #timer: NodeJS.Timeout | undefined;
  /** Between `start` and `stop`. */
  #isRunning = false;

  private constructor(deps: FateBookDeps) {
    this.#deps = deps;
    this.#reportTimes = deps.store.get(reportTimes, TIMES_KEY)?.atMs ?? [];
  }

  static async load(deps: FateBookDeps): Promise<FateBook> {
    const book = new FateBook(deps);
    for await (const { key, value } of deps.store.scan(submissions, { prefix: PREFIX })) {
      book.#keep(key, value);
    }
    return book;
  }

  /** Follows the outbox from now on, and looks at all once: a crash may have come between. */
  start(): void {
    this.#isRunning = true;
    this.#deps.outbox.observe(({ id }) => {
      const key = this.#keyOf.get(id);
      if (key !== undefined) this.#look(key);
    });
    for (const key of this.#records.keys()) this.#changed.add(key);
    this.#wake();
  }

  /** What was not told is told after the next start. */
  async stop(): Promise<void> {
    this.#isRunning = false;
    clearTimeout(this.#timer);
    await this.#tail;
  }

  /** Looks for what is late, for what had to wait for the next hour, and forgets what is old. */
  async tick(): Promise<void> {
    const nowMs = this.#nowMs();
    for (const [outboxId, lateMs] of this.#lateMs) {
      const key = lateMs <= nowMs ? this.#keyOf.get(outboxId) : undefined;
      if (key !== undefined) this.#changed.add(key);
    }
    await this.#forget(nowMs - KEEP_MS);
    this.#wake();
  }

  /** The Message-ID of the same mail to the same people, if it was handed in since `sinceMs`. */
  repeated(hash: string, sinceMs: number): string | undefined {
    const record = this.#records.get(this.#byHash.get(hash) ?? '');
    return record !== undefined && record.atMs > sinceMs ? record.messageId : undefined;
  }

  /** What writes a submission down in the batch that queues its mails. */
  note(submitted: Submitted): QueuedAlong {
    return (batch, { sentKey, messageId, subject, entries }) => {
      const [first] = entries;
      if (first === undefined) return () => {};
      const { wishes, envelopeId, ...given } = submitted;
      const key = PREFIX + orderedKey(first.id);
      const record: SubmissionRecord = {
        sentKey,
        messageId: messageId.slice(0, 998),
        subject: subject.slice(0, 998),
        atMs: this.#nowMs(),
        ...given,
        ...(envelopeId === undefined ? {} : { envelopeId: envelopeId.slice(0, 256) }),
        recipients: entries
          .slice(0, MAX_SUBMITTED)
          .map(({ id, to }) => recipientOf(id, wishes.get(to))),
      };
      batch.put(submissions, key, record);
      const oldest = this.#records.size < MAX_RECORDS ? undefined : this.#firstKey();
      if (oldest !== undefined) batch.del('bridge', oldest);
      return () => {
        if (oldest !== undefined) this.#drop(oldest);
        this.#keep(key, record);
        this.#look(key);
      };
    };
  }

  #nowMs(): number {
    return this.#deps.tangle.clock.nowMs();
  }

  #firstKey(): string | undefined {
    return this.#records.keys().next().value;
  }

  #keep(key: string, record: SubmissionRecord): void {
    this.#records.set(key, record);
    this.#byHash.set(record.hash, key);
    for (const { outboxId } of record.recipients) this.#keyOf.set(outboxId, key);
  }

  #drop(key: string): void {
    const record = this.#records.get(key);
    this.#records.delete(key);
    if (record === undefined) return;
    if (this.#byHash.get(record.hash) === key) this.#byHash.delete(record.hash);
    for (const { outboxId } of record.recipients) {
      this.#keyOf.delete(outboxId);
      this.#lateMs.delete(outboxId);
    }
  }

  async #forget(beforeMs: number): Promise<void> {
    const { store, writes, outbox } = this.#deps;
    const isOver = ({ atMs, recipients }: SubmissionRecord): boolean =>
      atMs < beforeMs && recipients.every((one) => outbox.get(one.outboxId)?.isDone !== false);
    const old = [...this.#records].filter(([, record]) => isOver(record)).map(([key]) => key);
    if (old.length === 0) return;
    await writes.run(async () => {
      const batch = store.batch();
      for (const key of old) batch.del('bridge', key);
      await batch.write();
      for (const key of old) this.#drop(key);
    });
  }

  #look(key: string): void {
    this.#changed.add(key);
    this.#wake();
  }

  #wake(): void {
    if (!this.#isRunning || this.#isQueued) return;
    this.#isQueued = true;
    this.#tail = this.#tail.then(() => {
      this.#isQueued = false;
      return this.#workOff();
    });
  }

  async #workOff(): Promise<void> {
    const failed: string[] = [];
    for (const key of this.#changed) {
      if (!this.#isRunning) return;
      this.#changed.delete(key);
      if (!(await this.#guard(() => this.#showKeywords(key)))) failed.push(key);
      this.#noteLate(key);
      if (this.#dueOf(key).length > 0) this.#due.add(key);
    }
    for (const key of failed) this.#changed.add(key);
    this.#gather();
  }

  #gather(): void {
    if (this.#due.size === 0 || !this.#isRunning || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#tail = this.#tail.then(() => this.#tellAll());
    }, this.#deps.gatherMs ?? GATHER_MS);
    this.#timer.unref();
  }

  /** A full disk or a damaged mail holds up no other. What failed is tried at the next look. */
  async #guard(work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      this.#deps.logger.warn(errorFields(error), 'the fate of a mail could not be told');
      return false;
    }
  }

  #noteLate(key: string): void {
    const record = this.#records.get(key);
    if (record === undefined) return;
    for (const { recipient, entry } of this.#entriesOf(record)) {
      const lateMs = recipient.told.includes('delayed') ? undefined : delayedAt(entry);
      if (lateMs === undefined) this.#lateMs.delete(entry.id);
      else this.#lateMs.set(entry.id, lateMs);
    }
  }

  async #showKeywords(key: string): Promise<void> {
    const { store, writes, messages, onKeywords } = this.#deps;
    await writes.run(async () => {
      const record = this.#records.get(key);
      const [copy] = record === undefined ? [] : messages.find(record.sentKey);
      if (record === undefined || copy === undefined) return;
      const wanted = keywordsOf(this.#entriesOf(record).map(({ entry }) => entry));
      const { flags } = copy.entry;
      const added = wanted.filter((one) => !flags.includes(one));
      const removed = flags.filter((one) => FATE_KEYWORDS.includes(one) && !wanted.includes(one));
      if (added.length + removed.length === 0) return;
      const batch = store.batch();
      messages.flagAll(batch, [copy.id], 'remove', removed, 'device');
      const apply = messages.flagAll(batch, [copy.id], 'add', added, 'device');
      await batch.write();
      apply();
      onKeywords();
    });
  }

  #entriesOf({ recipients }: SubmissionRecord): Omit<Due, 'fates'>[] {
    return recipients.flatMap((recipient) => {
      const entry = this.#deps.outbox.get(recipient.outboxId);
      return entry === undefined ? [] : [{ recipient, entry }];
    });
  }

  #dueOf(key: string): Due[] {
    const record = this.#records.get(key);
    if (record === undefined || record.isNotice) return [];
    const { asksRead } = record;
    const nowMs = this.#nowMs();
    return this.#entriesOf(record)
      .map(({ recipient, entry }) => {
        const { notify, told } = recipient;
        return { recipient, entry, fates: dueFates(entry, { notify, told, asksRead }, nowMs) };
      })
      .filter(({ fates }) => fates.length > 0);
  }

  async #tellAll(): Promise<void> {
    const failed: string[] = [];
    for (const key of this.#due) {
      if (!this.#isRunning || !this.#hasRoom()) break;
      this.#due.delete(key);
      if (!(await this.#guard(() => this.#tell(key)))) failed.push(key);
      this.#noteLate(key);
    }
    for (const key of failed) this.#due.add(key);
  }

  #hasRoom(): boolean {
    const sinceMs = this.#nowMs() - HOUR_MS;
    this.#reportTimes = this.#reportTimes.filter((atMs) => atMs > sinceMs);
    return this.#reportTimes.length < MAX_REPORTS_PER_HOUR;
  }

  /** Files what is due of one mail: one report of all deliveries, and one for each reader. */
  async #tell(key: string): Promise<void> {
    const { store, writes, messages, onReport } = this.#deps;
    await writes.run(async () => {
      const record = this.#records.get(key);
      const due = this.#dueOf(key);
      if (record === undefined || due.length === 0) return;
      const [copy] = messages.find(record.sentKey);
      const original = copy && messages.rawOf(copy.entry.emailId);
      const batch = store.batch();
      const filed = [];
      for (const draft of this.#draftsOf(record, due)) {
        filed.push(await this.#file(batch, draft, record, original));
      }
      const told = withTold(record, due);
      const nowMs = this.#nowMs();
      const times = [...this.#reportTimes, ...filed.map(() => nowMs)].slice(-1_000);
      batch.put(submissions, key, told).put(reportTimes, TIMES_KEY, { atMs: times });
      await batch.write();
      this.#records.set(key, told);
      this.#reportTimes = times;
      for (const { id, apply } of filed) {
        apply();
        onReport(id);
      }
    });
  }

  #draftsOf(record: SubmissionRecord, due: readonly Due[]): Draft[] {
    const { account } = this.#deps;
    const statuses = due.flatMap(({ entry, recipient, fates }) => {
      const told = fates.find((one) => one !== 'displayed');
      const finalRecipient = emailText(account, entry.to);
      const names = { finalRecipient, originalRecipient: recipient.originalRecipient };
      return told === undefined ? [] : [statusOf(entry, told, names)];
    });
    const read = due.filter(({ fates }) => fates.includes('displayed'));
    const reports = statuses.length === 0 ? [] : [deliveryReport(record, statuses)];
    return [...reports, ...read.map((one) => this.#readReport(record, one))];
  }

  #readReport({ subject, messageId }: SubmissionRecord, { entry, recipient }: Due): Draft {
    const address = emailText(this.#deps.account, entry.to);
    const { originalRecipient } = recipient;
    return {
      kind: 'disposition-notification',
      from: { name: '', address },
      subject: `Read: ${subject}`.slice(0, 998),
      text:
        `Your mail was displayed to ${address}.\n\n` +
        'Their program has sent a read receipt. It does not prove that anybody understood it.\n',
      fields: dispositionFields({
        reporter: REPORTER,
        finalRecipient: address,
        ...(originalRecipient === undefined ? {} : { originalRecipient }),
        messageId,
      }),
    };
  }

  async #file(
    batch: SealedBatch,
    draft: Draft,
    record: SubmissionRecord,
    original: Uint8Array | undefined,
  ): Promise<{ readonly id: string; readonly apply: () => void }> {
    const { account, messages, tangle } = this.#deps;
    const nowMs = this.#nowMs();
    const id = bytesToHex(tangle.random.bytes(MESSAGE_ID_LENGTH));
    const messageId = `<${id}@tangle.alt>`;
    const to = emailText(account);
    const raw = await composeReport({
      ...draft,
      to,
      original,
      isFull: record.isFull && draft.kind === 'delivery-status',
      messageId,
      aboutId: record.messageId,
      dateMs: nowMs,
    });
    return messages.deliver(batch, {
      folder: FOLDER.INBOX,
      raw,
      messageKey: `report:${id}`,
      receivedAtMs: nowMs,
      flags: [],
      isRegistered: false,
      hasAttachments: false,
      fromName: draft.from.name,
      to,
      subject: draft.subject,
      messageId,
      importedFrom: draft.from.address,
    });
  }
}

function recipientOf(outboxId: number, wish: SubmittedWish = {}): Recipient {
  const { notify, originalRecipient } = wish;
  return {
    outboxId,
    ...(notify === undefined ? {} : { notify: [...notify].slice(0, 4) }),
    ...(originalRecipient === undefined
      ? {}
      : { originalRecipient: originalRecipient.slice(0, 512) }),
    told: [],
  };
}

function withTold(record: SubmissionRecord, due: readonly Due[]): SubmissionRecord {
  const recipients = record.recipients.map((one) => {
    const fates = due.find(({ recipient }) => recipient === one)?.fates ?? [];
    return { ...one, told: [...one.told, ...fates] };
  });
  return { ...record, recipients };
}

function deliveryReport(
  { envelopeId, atMs, subject }: SubmissionRecord,
  statuses: readonly (RecipientStatus & { readonly text: string })[],
): Draft {
  const told = statuses.map((one) => one.action);
  return {
    kind: 'delivery-status',
    from: MAILER,
    subject: subjectOf(told, subject),
    text: textOf(statuses),
    fields: deliveryFields({
      reporter: REPORTER,
      ...(envelopeId === undefined ? {} : { envelopeId }),
      arrivedMs: atMs,
      recipients: statuses,
    }),
  };
}
