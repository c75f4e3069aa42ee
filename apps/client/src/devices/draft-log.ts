/**
 * Drafts in the self-log: the whole message, attachments included, as long as it fits an operation.
 * Before: drafts/draft-book.ts; after: the other devices. Spec: docs/spec/26-self-log.md, "Values".
 */
import { concatBytes } from '@noble/hashes/utils.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import {
  isKind,
  MAX_VALUE_LENGTH,
  type Operation,
} from '@tanglemail/mail/core/self-log/operation.ts';
import { elementsOf, readRegister, registerKey } from '@tanglemail/mail/core/self-log/view.ts';
import { type DraftBook, draftKey, type DraftVersion, draftVersion } from '../drafts/draft-book.ts';
import { FOLDER } from '../messages/folder-name.ts';
import type { MessageChange } from '../messages/message-change.ts';
import type { MessageStore } from '../messages/message-store.ts';
import type { SealedBatch } from '../store/sealed-store.ts';
import type { DeviceLog } from './device-log.ts';
import { folderElement, ownerOf } from './mail-log.ts';

/** First byte of a value: the message follows, or it is too large and lies on its device alone. */
const WHOLE = 1;
const TOO_LARGE = 2;
const HEADER_LENGTH = 9;
/** Bytes of the largest draft that the other devices get. */
export const MAX_SHARED_DRAFT = MAX_VALUE_LENGTH - HEADER_LENGTH;
const ID = /^[0-9a-f]{32}$/;

interface DraftValue {
  readonly savedAtMs: number;
  /** Undefined when it is too large. */
  readonly raw: Uint8Array | undefined;
}

export interface DraftLogDeps {
  readonly log: DeviceLog;
  readonly drafts: DraftBook;
  readonly messages: MessageStore;
  readonly nowMs: () => number;
}

export class DraftLog {
  readonly #deps: DraftLogDeps;
  /** What a list shows of versions that are about to be taken over, by message key. */
  readonly #prepared = new Map<string, DraftVersion>();

  constructor(deps: DraftLogDeps) {
    this.#deps = deps;
    deps.messages.observe((batch, change) => this.#journal(batch, change));
  }

  #journal(batch: SealedBatch, change: MessageChange): void {
    if (change.kind !== 'draft-saved' && change.kind !== 'draft-deleted') return;
    const { log, nowMs } = this.#deps;
    const key = change.draftId;
    if (change.origin === 'remote') return;
    if (change.kind === 'draft-deleted')
      log.journal(batch, { kind: 'set', register: 'draft', key });
    else {
      const value = encode({ savedAtMs: nowMs(), raw: change.raw });
      log.journal(batch, { kind: 'set', register: 'draft', key, value });
    }
  }

  /** Drafts of before the first device was made. */
  journalAll(batch: SealedBatch): void {
    const { log, drafts, messages } = this.#deps;
    for (const { draftId: key, mail, updatedAtMs: savedAtMs } of drafts.list()) {
      const raw = messages.rawOf(mail.entry.emailId);
      const isKnown = log.view().registers.has(registerKey('draft', key));
      if (isKnown || raw === undefined) continue;
      const value = encode({ savedAtMs, raw });
      log.journal(batch, { kind: 'set', register: 'draft', key, value });
    }
  }

  /** Reads the versions that are about to be taken over: parsing a message takes a while. */
  async prepare(operations: readonly Operation[]): Promise<void> {
    this.#prepared.clear();
    for (const id of touchedBy(operations)) {
      const { raw, savedAtMs } = this.#valueOf(id) ?? {};
      if (raw === undefined || savedAtMs === undefined) continue;
      if (this.#deps.drafts.keyOf(id) === draftKey(id, raw)) continue;
      this.#prepared.set(draftKey(id, raw), await draftVersion(id, raw, savedAtMs));
    }
  }

  /** Puts the drafts of other devices into the batch, after `prepare` with the same operations. */
  apply(batch: SealedBatch, operations: readonly Operation[]): (() => void)[] {
    return touchedBy(operations).flatMap((id) => this.#applyOne(batch, id));
  }

  #applyOne(batch: SealedBatch, id: string): (() => void)[] {
    const { drafts } = this.#deps;
    const isHere = drafts.keyOf(id) !== undefined;
    const value = this.#valueOf(id);
    const isDeleted = readRegister(this.#deps.log.view(), 'draft', id) === undefined;
    // What this device has of one that is too large is older, unless it is that version itself.
    const isOlder = value !== undefined && value.raw === undefined && !this.#isLarge(id);
    if (isHere && (isDeleted || isOlder)) return [drafts.delete(batch, id, 'remote')];
    if (value?.raw === undefined) return [];
    const messageKey = draftKey(id, value.raw);
    const version = this.#prepared.get(messageKey);
    // The same version, or one that came meanwhile: its own operation brings it.
    if (version === undefined || drafts.keyOf(id) === messageKey) return [];
    // Somebody threw this version away, or moved it, in a mail program.
    const places = elementsOf(this.#deps.log.view(), 'folder', ownerOf(messageKey));
    if (places.length > 0 && !places.includes(folderElement(FOLDER.Drafts))) return [];
    const kept = this.#isLarge(id) ? this.#keepLarge(batch, id) : [];
    return [...kept, drafts.save(batch, version, 'remote')];
  }

  /** A version that no other device has, beside one that won: it becomes a draft of its own. */
  #keepLarge(batch: SealedBatch, id: string): (() => void)[] {
    const { drafts, messages, nowMs } = this.#deps;
    const mail = drafts.get(id)?.mail;
    const raw = mail && messages.rawOf(mail.entry.emailId);
    if (mail === undefined || raw === undefined) return [];
    const draftId = bytesToHex(sha256(raw)).slice(0, 32);
    const { to, subject, messageId, hasAttachments } = mail.entry;
    const facts = { to, subject, messageId, hasAttachments };
    return [drafts.save(batch, { draftId, raw, nowMs: nowMs(), ...facts })];
  }

  #isLarge(id: string): boolean {
    const size = this.#deps.drafts.get(id)?.mail.entry.sizeBytes ?? 0;
    return size > MAX_SHARED_DRAFT;
  }

  #valueOf(id: string): DraftValue | undefined {
    return decode(readRegister(this.#deps.log.view(), 'draft', id));
  }
}

function touchedBy(operations: readonly Operation[]): string[] {
  const ids = new Set<string>();
  for (const one of operations) {
    if (!isKind(one, 'set') || one.body.register !== 'draft') continue;
    if (ID.test(one.body.key)) ids.add(one.body.key);
  }
  return [...ids];
}

function encode({ savedAtMs, raw }: DraftValue): Uint8Array {
  const isWhole = raw !== undefined && raw.length <= MAX_SHARED_DRAFT;
  const header = new Uint8Array(HEADER_LENGTH);
  header[0] = isWhole ? WHOLE : TOO_LARGE;
  new DataView(header.buffer).setBigUint64(1, BigInt(savedAtMs), true);
  return isWhole ? concatBytes(header, raw) : header;
}

/** Undefined for a draft that was deleted, and for a value that a later program wrote. */
function decode(value: Uint8Array | undefined): DraftValue | undefined {
  if (value === undefined || value.length < HEADER_LENGTH) return undefined;
  const view = new DataView(value.buffer, value.byteOffset, value.length);
  const savedAtMs = Number(view.getBigUint64(1, true) & 0x1f_ffff_ffff_ffffn);
  if (value[0] === TOO_LARGE) return { savedAtMs, raw: undefined };
  return value[0] === WHOLE ? { savedAtMs, raw: value.slice(HEADER_LENGTH) } : undefined;
}
