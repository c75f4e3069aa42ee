/**
 * Drafts in the self-log: the whole message, attachments included, as long as it fits an operation.
 * Before: drafts/draft-book.ts; after: the other devices. Spec: docs/spec/26-self-log.md, "Values".
 */
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { readFacts, readHeaders } from '@tanglemail/mail/core/message/headers.ts';
import {
  isKind,
  MAX_VALUE_LENGTH,
  type Operation,
} from '@tanglemail/mail/core/self-log/operation.ts';
import { elementsOf, readRegister, registerKey } from '@tanglemail/mail/core/self-log/view.ts';
import { z } from 'zod';
import { type DraftBook, draftKey, type DraftVersion, draftVersion } from '../drafts/draft-book.ts';
import { FOLDER } from '../messages/folder-name.ts';
import type { MessageChange } from '../messages/message-change.ts';
import type { MessageStore } from '../messages/message-store.ts';
import { count, hex } from '../store/collections.ts';
import type { SealedBatch } from '../store/sealed-store.ts';
import type { DeviceLog } from './device-log.ts';
import { readJson } from './log-values.ts';
import { folderElement, ownerOf } from './mail-log.ts';

/** First byte of a value: the message follows, or it is too large and lies on its device alone. */
const WHOLE = 1;
const TOO_LARGE = 2;
const HEADER_LENGTH = 9;
/** Bytes of the largest draft that the other devices get. */
export const MAX_SHARED_DRAFT = MAX_VALUE_LENGTH - HEADER_LENGTH;
const ID = /^[0-9a-f]{32}$/;
const MAX_SHOWN = 512;

/** What the other devices show of a draft that is too large for them. */
const farDraft = z.object({
  device: hex.length(32),
  /** Key of the version. */
  messageKey: z.string().min(1).max(255),
  sizeBytes: count,
  to: z.string().max(MAX_SHOWN),
  subject: z.string().max(MAX_SHOWN),
});

/** A draft that lies on another device alone. */
export type FarDraft = z.infer<typeof farDraft> & { readonly savedAtMs: number };

interface DraftValue {
  readonly savedAtMs: number;
  /** Undefined when it is too large. */
  readonly raw: Uint8Array | undefined;
  /** Of one that is too large. */
  readonly far?: z.infer<typeof farDraft> | undefined;
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
      const value = this.#encode(key, change.raw, nowMs());
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
      const value = this.#encode(key, raw, savedAtMs);
      log.journal(batch, { kind: 'set', register: 'draft', key, value });
    }
  }

  /** Drafts of which this device only knows that another one has them. */
  away(): FarDraft[] {
    const { log, drafts } = this.#deps;
    const view = log.view();
    const found: FarDraft[] = [];
    for (const { body } of view.registers.values()) {
      if (body.register !== 'draft' || body.value?.[0] !== TOO_LARGE) continue;
      const { far, savedAtMs } = decode(body.value) ?? {};
      const isElsewhere = far !== undefined && far.device !== log.own.id;
      if (!isElsewhere || savedAtMs === undefined || drafts.get(body.key) !== undefined) continue;
      if (this.#isInDrafts(far.messageKey)) found.push({ ...far, savedAtMs });
    }
    return found;
  }

  /** Whether nobody threw a version away, or moved it, in a mail program. */
  #isInDrafts(messageKey: string): boolean {
    const places = elementsOf(this.#deps.log.view(), 'folder', ownerOf(messageKey));
    return places.length === 0 || places.includes(folderElement(FOLDER.Drafts));
  }

  #encode(id: string, raw: Uint8Array, savedAtMs: number): Uint8Array {
    if (raw.length <= MAX_SHARED_DRAFT) return encode({ savedAtMs, raw });
    const headers = readHeaders(raw);
    const facts = headers.ok ? readFacts(headers.value) : undefined;
    const far = {
      device: this.#deps.log.own.id,
      messageKey: draftKey(id, raw),
      sizeBytes: raw.length,
      to: (facts?.to ?? []).join(', ').slice(0, MAX_SHOWN),
      subject: (facts?.subject ?? '').slice(0, MAX_SHOWN),
    };
    return encode({ savedAtMs, raw: undefined, far });
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
    if (!this.#isInDrafts(messageKey)) return [];
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

function encode({ savedAtMs, raw, far }: DraftValue): Uint8Array {
  const header = new Uint8Array(HEADER_LENGTH);
  header[0] = raw === undefined ? TOO_LARGE : WHOLE;
  new DataView(header.buffer).setBigUint64(1, BigInt(savedAtMs), true);
  return concatBytes(header, raw ?? utf8ToBytes(JSON.stringify(far)));
}

/** Undefined for a draft that was deleted, and for a value that a later program wrote. */
function decode(value: Uint8Array | undefined): DraftValue | undefined {
  if (value === undefined || value.length < HEADER_LENGTH) return undefined;
  const view = new DataView(value.buffer, value.byteOffset, value.length);
  const savedAtMs = Number(view.getBigUint64(1, true) & 0x1f_ffff_ffff_ffffn);
  const rest = value.slice(HEADER_LENGTH);
  if (value[0] === TOO_LARGE) return { savedAtMs, raw: undefined, far: readJson(rest, farDraft) };
  return value[0] === WHOLE ? { savedAtMs, raw: rest } : undefined;
}
