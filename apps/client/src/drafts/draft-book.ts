/**
 * Drafts: RFC 5322 messages in folder Drafts, each under an id that stays while its text changes.
 * Saving again replaces the message in one batch, so a composer may save as often as it likes.
 * What a composer typed for recipients, which need be no addresses yet, stands in a header of its
 * own. Before: the mailbox service; after: message-store.ts. Spec: docs/spec/41-client-api.md §20.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { readFacts, readHeaders, valuesOf } from '@tanglemail/mail/core/message/headers.ts';
import { parseMessage } from '@tanglemail/mail/io/parse.ts';
import { z } from 'zod';
import { ClientError } from '../client-error.ts';
import { FOLDER } from '../messages/folder-name.ts';
import type { ListedMail } from '../messages/listed-mail.ts';
import type { ChangeOrigin } from '../messages/message-change.ts';
import type { MessageStore } from '../messages/message-store.ts';
import { drafts } from '../store/mailbox-collections.ts';
import type { SealedBatch, SealedStore } from '../store/sealed-store.ts';

/** The header that holds the recipients as they were typed. */
export const DRAFT_HEADER = 'X-Tanglemail-Draft';
/** Drafts of one account; a program that saves under new ids each time fills no disk. */
const MAX_DRAFTS = 1_000;
const ID = /^[0-9a-f]{32}$/;

const people = z.array(z.string().max(1_024)).max(100);
const typedSchema = z.strictObject({ to: people, cc: people, bcc: people });
/** Recipients as somebody typed them: addresses, names of contacts, or half of one. */
export type TypedRecipients = z.infer<typeof typedSchema>;

export interface DraftMail {
  readonly draftId: string;
  readonly mail: ListedMail;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

/** A version of a draft as it is saved. */
export interface DraftVersion {
  readonly draftId: string;
  readonly raw: Uint8Array;
  readonly nowMs: number;
  readonly to: string;
  readonly subject: string;
  readonly messageId: string;
  readonly hasAttachments: boolean;
}

/** The message key of a version: the same on every device. */
export function draftKey(draftId: string, raw: Uint8Array): string {
  return `draft:${draftId}:${bytesToHex(sha256(raw)).slice(0, 32)}`;
}

/** The recipients as the value of the header. */
export function encodeTyped(typed: TypedRecipients): string {
  const text = Buffer.from(JSON.stringify(typedSchema.parse(typed))).toString('base64url');
  // Lines of a header may be folded only where a space is.
  return text.match(/.{1,900}/g)?.join(' ') ?? '';
}

/** What was typed; undefined for a draft that another program wrote. */
export function readTyped(raw: Uint8Array): TypedRecipients | undefined {
  const headers = readHeaders(raw);
  if (!headers.ok) return undefined;
  const [value] = valuesOf(headers.value, DRAFT_HEADER.toLowerCase());
  try {
    const text = Buffer.from((value ?? '').replaceAll(/\s/g, ''), 'base64url').toString('utf8');
    return typedSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** A message as a version of a draft, for whoever has only its bytes: another device. */
export async function draftVersion(
  draftId: string,
  raw: Uint8Array,
  nowMs: number,
): Promise<DraftVersion> {
  const headers = readHeaders(raw);
  const id = headers.ok ? readFacts(headers.value).messageId : undefined;
  const messageId = id === undefined ? '' : `<${id}>`;
  try {
    const shown = await parseMessage(raw);
    const to = shown.to.map((one) => one.address).join(', ');
    const hasAttachments = shown.attachments.length > 0;
    return { draftId, raw, nowMs, to, subject: shown.subject, messageId, hasAttachments };
  } catch {
    return { draftId, raw, nowMs, to: '', subject: '', messageId, hasAttachments: false };
  }
}

export class DraftBook {
  readonly #messages: MessageStore;
  readonly #known = new Map<string, Omit<DraftMail, 'mail'> & { readonly messageKey: string }>();

  private constructor(messages: MessageStore) {
    this.#messages = messages;
  }

  static async load(store: SealedStore, messages: MessageStore): Promise<DraftBook> {
    const book = new DraftBook(messages);
    for await (const { key, value } of store.scan(drafts)) {
      book.#known.set(key, { draftId: key, ...value });
    }
    return book;
  }

  /** The newest first. One whose message was deleted or moved away is none any more. */
  list(): DraftMail[] {
    const all = [...this.#known.keys()].flatMap((id) => this.get(id) ?? []);
    return all.toSorted((a, b) => b.updatedAtMs - a.updatedAtMs);
  }

  /** Whether there are as many as may be. */
  isFull(): boolean {
    return this.list().length >= MAX_DRAFTS;
  }

  get(draftId: string): DraftMail | undefined {
    const known = this.#known.get(draftId);
    if (known === undefined) return undefined;
    const { messageKey, createdAtMs, updatedAtMs } = known;
    const mail = this.#messages.find(messageKey).find((one) => one.folderId === FOLDER.Drafts);
    return mail && { draftId, mail, createdAtMs, updatedAtMs };
  }

  /** The key of the newest version that was saved, also of one whose message is gone. */
  keyOf(draftId: string): string | undefined {
    return this.#known.get(draftId)?.messageKey;
  }

  /**
   * Saves a draft in place of its last version. `draftId` is 32 hex digits. Saving the same bytes
   * again changes nothing. Throws ClientError `draft-unknown` (no id), `busy` (too many).
   */
  save(batch: SealedBatch, version: DraftVersion, origin: ChangeOrigin = 'local'): () => void {
    const { draftId, raw, nowMs } = version;
    if (!ID.test(draftId)) throw new ClientError('draft-unknown', draftId.slice(0, 64));
    const known = this.#known.get(draftId);
    if (known === undefined && this.isFull()) {
      throw new ClientError('busy', `there are ${MAX_DRAFTS} drafts already`);
    }
    const messageKey = draftKey(draftId, raw);
    if (known?.messageKey === messageKey && this.get(draftId) !== undefined) return () => {};
    const removed = known && this.#messages.remove(batch, known.messageKey);
    const { change } = this.#messages.add(batch, {
      folder: FOLDER.Drafts,
      raw,
      messageKey,
      receivedAtMs: nowMs,
      flags: ['\\Draft', '\\Seen'],
      isRegistered: false,
      fromName: '',
      to: version.to,
      subject: version.subject,
      messageId: version.messageId,
      hasAttachments: version.hasAttachments,
    });
    const record = { messageKey, createdAtMs: known?.createdAtMs ?? nowMs, updatedAtMs: nowMs };
    batch.put(drafts, draftId, record);
    const replaced = known?.messageKey ?? '';
    this.#messages.tell(batch, { kind: 'draft-saved', origin, draftId, messageKey, replaced, raw });
    return () => {
      removed?.();
      change.apply();
      this.#known.set(draftId, { draftId, ...record });
    };
  }

  /** Deletes a draft. Throws ClientError `draft-unknown`. */
  delete(batch: SealedBatch, draftId: string, origin: ChangeOrigin = 'local'): () => void {
    const known = this.#known.get(draftId);
    if (known === undefined) throw new ClientError('draft-unknown', draftId.slice(0, 64));
    const removed = this.#messages.remove(batch, known.messageKey);
    batch.del('draft', draftId);
    const { messageKey } = known;
    this.#messages.tell(batch, { kind: 'draft-deleted', origin, draftId, messageKey });
    return () => {
      removed();
      this.#known.delete(draftId);
    };
  }
}
