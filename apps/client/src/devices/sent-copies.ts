/**
 * Copies of what was sent, for the other devices: in the self-log when an operation can carry them,
 * else as parts at the own providers, which the log names; until they are there, or where nobody
 * keeps them, the log says on which device they lie. Before: service/mail-sender.ts, mail store;
 * after: outbox (form `copy`), parcels, the other devices.
 * Spec: docs/spec/26-self-log.md, section "Values".
 */
import { isKind, type Operation } from '@tanglemail/mail/core/self-log/operation.ts';
import { elementsOf, readRegister, registerKey } from '@tanglemail/mail/core/self-log/view.ts';
import type { MailAddress } from '@tanglemail/mail/core/identity/address.ts';
import { readFacts, readHeaders } from '@tanglemail/mail/core/message/headers.ts';
import { decodeParcelLetter } from '@tanglemail/mail/core/parcel/letter.ts';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { errorFields, type Logger } from '@tanglemail/tangle/io/logger.ts';
import type { MessageChange } from '../messages/message-change.ts';
import type { MessageStore } from '../messages/message-store.ts';
import type { Outbox } from '../outbox/outbox.ts';
import type { ParcelInbox } from '../parcels/parcel-inbox.ts';
import type { PartReleases } from '../parcels/part-releases.ts';
import type { RentalBook } from '../rentals/rental-book.ts';
import type { SealedBatch } from '../store/sealed-store.ts';
import type { DeviceLog } from './device-log.ts';
import { NOWHERE } from './log-values.ts';
import { ownerOf } from './mail-log.ts';
import {
  decodeSentCopy,
  encodeFar,
  encodeWhole,
  type FarCopy,
  isFar,
  type KeptCopy,
} from './sent-copy-value.ts';

export interface SentCopiesDeps {
  readonly address: MailAddress;
  readonly log: DeviceLog;
  readonly messages: MessageStore;
  readonly outbox: Pick<Outbox, 'enqueueCopy' | 'copyOf' | 'recall'>;
  readonly inbox: Pick<ParcelInbox, 'takeCopy' | 'dropCopy'>;
  readonly releases: Pick<PartReleases, 'add'>;
  readonly book: Pick<RentalBook, 'wanted' | 'list'>;
  /** Whether the own providers may be paid to keep them. */
  readonly isPaid: boolean;
  readonly nowMs: () => number;
  readonly logger: Logger;
}

/** A mail that was just put into Sent. */
export interface SentMail {
  readonly messageKey: string;
  readonly raw: Uint8Array;
  readonly emailId: string;
  /** The same bytes go to the own address. */
  readonly isToSelf: boolean;
  /** It rests until then. */
  readonly notBeforeMs?: number;
}

/** Keys of what was sent from here; others came from elsewhere into the folder. */
const SENT = 'sent:';
const DAY_MS = 86_400_000;
/** For which mailboxes usually pay. */
const USUAL_DAYS = 30;

export class SentCopies {
  readonly #deps: SentCopiesDeps;
  /** What lies on another device alone, by what the log calls it. */
  readonly #away = new Map<string, FarCopy>();
  #later: (operations: readonly Operation[]) => void = () => {};

  constructor(deps: SentCopiesDeps) {
    this.#deps = deps;
  }

  /** Follows the mails; `later` gets operations whose message came in another way. */
  observe(later: (operations: readonly Operation[]) => void): void {
    this.#later = later;
    this.#deps.messages.observe((batch, change) => this.#follow(batch, change));
  }

  /** Copies that this device has not got and cannot fetch, the newest first. */
  away(): FarCopy[] {
    return [...this.#away.values()].toSorted((a, b) => b.sentAtMs - a.sentAtMs);
  }

  /** Whether a copy of a mail of this size is kept at the own providers, and paid there. */
  isUploaded(sizeBytes: number): boolean {
    const { log, book, isPaid } = this.#deps;
    const messageKey = `${SENT}${'00'.repeat(16)}`;
    const isSmall = encodeWhole({ messageKey, raw: new Uint8Array(sizeBytes) }) !== undefined;
    return isPaid && !isSmall && log.others().length > 0 && book.wanted().length > 0;
  }

  /** Has the copy of a mail kept at the own providers, if that is wanted and needed. */
  upload(batch: SealedBatch, { isToSelf, ...mail }: SentMail): void {
    // What goes to oneself comes to every device by itself.
    if (isToSelf || !this.isUploaded(mail.raw.length)) return;
    const accept = this.#deps.outbox.enqueueCopy(batch, { ...mail, to: this.#deps.address });
    batch.whenWritten(() => void accept());
  }

  /** Says where the parts of a copy lie; false when the message was deleted meanwhile. */
  tell(batch: SealedBatch, messageKey: string, letter: Uint8Array): boolean {
    const { log, messages } = this.#deps;
    const key = ownerOf(messageKey);
    const told = decodeSentCopy(readRegister(log.view(), 'sent-copy', key));
    if (told === undefined || !isFar(told) || messages.find(messageKey).length === 0) return false;
    const value = encodeFar({ ...told, kept: { letter, sinceMs: this.#deps.nowMs() } });
    log.journal(batch, { kind: 'set', register: 'sent-copy', key, value });
    return true;
  }

  #follow(batch: SealedBatch, change: MessageChange): void {
    if (change.kind === 'delivered') {
      if (change.origin === 'local' && change.folderId === 'Sent') this.#note(batch, change);
      this.#noteBytes(batch, change.entry.emailId);
    }
    if (change.kind !== 'expunged' || !change.isGone || change.origin === 'remote') return;
    this.#forget(batch, change.messageKey);
  }

  /** Other devices get a copy of what was sent, or hear that there is one. */
  #note(
    batch: SealedBatch,
    { messageKey, raw, entry }: Extract<MessageChange, { kind: 'delivered' }>,
  ): void {
    const { log } = this.#deps;
    if (log.others().length === 0) return;
    const key = ownerOf(messageKey);
    const whole = encodeWhole({ messageKey, raw });
    if (whole === undefined && !messageKey.startsWith(SENT)) return;
    const { sizeBytes, internalDate, to, subject, emailId } = entry;
    const sentAtMs = internalDate * 1_000;
    const far = { messageKey, device: log.own.id, sizeBytes, sentAtMs, to, subject, emailId };
    const value = whole ?? encodeFar(far);
    log.journal(batch, { kind: 'set', register: 'sent-copy', key, value });
  }

  /** The bytes of a copy that lies elsewhere came in another way: as a mail to oneself. */
  #noteBytes(batch: SealedBatch, emailId: string): void {
    const found = [...this.#away].filter(([, copy]) => copy.emailId === emailId);
    const { registers } = this.#deps.log.view();
    const told = found.flatMap(([key]) => registers.get(registerKey('sent-copy', key)) ?? []);
    if (told.length > 0) batch.whenWritten(() => this.#later(told));
  }

  /** Deleted for good: nobody needs its copy any more, and what was paid ahead comes back. */
  #forget(batch: SealedBatch, messageKey: string): void {
    const { log, outbox, releases, logger } = this.#deps;
    const key = ownerOf(messageKey);
    const told = decodeSentCopy(readRegister(log.view(), 'sent-copy', key));
    if (told === undefined) return;
    log.journal(batch, { kind: 'set', register: 'sent-copy', key });
    const letter = isFar(told) && told.kept ? decodeParcelLetter(told.kept.letter) : undefined;
    if (letter?.ok === true) releases.add(batch, letter.value.manifest.roots.map(bytesToHex));
    const entry = outbox.copyOf(messageKey);
    if (entry === undefined) return;
    batch.whenWritten(() => {
      outbox.recall(entry.id).catch((error: unknown) => {
        logger.debug(errorFields(error), 'a copy of a deleted mail goes on');
      });
    });
  }

  /** Puts what other devices tell of copies into the batch. */
  apply(batch: SealedBatch, operations: readonly Operation[]): (() => void)[] {
    const keys = new Set<string>();
    for (const one of operations) {
      if (isKind(one, 'set') && one.body.register === 'sent-copy') keys.add(one.body.key);
    }
    return [...keys].flatMap((key) => this.#applyOne(batch, key));
  }

  #applyOne(batch: SealedBatch, key: string): (() => void)[] {
    const { log, messages, inbox } = this.#deps;
    const told = decodeSentCopy(readRegister(log.view(), 'sent-copy', key));
    const copy = told !== undefined && ownerOf(told.messageKey) === key ? told : undefined;
    const isHere = copy !== undefined && messages.find(copy.messageKey).length > 0;
    const isOver = copy === undefined || isHere || this.#isDeleted(key);
    const forget = (): unknown => this.#away.delete(key);
    if (isOver) return [inbox.dropCopy(batch, key), forget];
    const raw = isFar(copy) ? this.#rawOf(copy.emailId) : copy.raw;
    if (raw !== undefined) {
      return [this.#deliver(batch, copy.messageKey, raw), inbox.dropCopy(batch, key), forget];
    }
    if (!isFar(copy)) return [];
    const { messageKey, sentAtMs, kept } = copy;
    if (kept !== undefined && this.#isPaidStill(kept)) {
      const { letter } = kept;
      return [inbox.takeCopy(batch, { owner: key, messageKey, sentAtMs, letter }), forget];
    }
    return [inbox.dropCopy(batch, key), () => this.#away.set(key, copy)];
  }

  /** Whether the own providers may have it: they keep it as long as mail that came in then. */
  #isPaidStill({ sinceMs }: KeptCopy): boolean {
    const days = this.#deps.book.list().map((one) => one.retentionDays);
    const keptMs = (Math.max(USUAL_DAYS, ...days) + 1) * DAY_MS;
    return this.#deps.nowMs() < sinceMs + keptMs;
  }

  #rawOf(emailId: string): Uint8Array | undefined {
    const { messages } = this.#deps;
    return messages.hasBytes(emailId) ? messages.rawOf(emailId) : undefined;
  }

  /** A device deleted it for good, and no other has moved it at the same time. */
  #isDeleted(owner: string): boolean {
    const places = elementsOf(this.#deps.log.view(), 'folder', owner);
    return places.length > 0 && places.every((one) => one === NOWHERE);
  }

  #deliver(batch: SealedBatch, messageKey: string, raw: Uint8Array): () => void {
    const headers = readHeaders(raw);
    if (!headers.ok) return () => {};
    const facts = readFacts(headers.value);
    const mail = {
      folder: 'Sent',
      raw,
      messageKey,
      receivedAtMs: (facts.date ?? 0) * 1_000,
      flags: ['\\Seen'],
      isRegistered: false,
      hasAttachments: false,
      fromName: '',
      to: facts.to.join(', '),
      subject: facts.subject,
      messageId: facts.messageId === undefined ? '' : `<${facts.messageId}>`,
    } as const;
    return this.#deps.messages.deliver(batch, mail, 'remote').apply;
  }
}
