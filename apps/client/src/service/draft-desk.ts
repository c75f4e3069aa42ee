/**
 * Drafts between a composer and the mail store: fields in, a message in folder Drafts out, and back
 * again; and the way from there into the outbox. Before: mailbox-service.ts; after:
 * drafts/draft-book.ts. Spec: docs/spec/41-client-api.md §20.
 */
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { MAX_MESSAGE_SIZE } from '@tanglemail/mail/core/limits.ts';
import { readHeaders, valuesOf } from '@tanglemail/mail/core/message/headers.ts';
import { type ComposeAttachment, composeMessage } from '@tanglemail/mail/io/compose.ts';
import { emailText } from '../account/account.ts';
import type { QueuedMessageDto, SendChoicesDto } from '../api/dto.ts';
import type { DraftDto, SaveDraftDto } from '../api/mailbox-dto.ts';
import { ClientError } from '../client-error.ts';
import type { ClientParts } from '../client-parts.ts';
import {
  DRAFT_HEADER,
  type DraftMail,
  type DraftVersion,
  draftVersion,
  encodeTyped,
  readTyped,
  type TypedRecipients,
} from '../drafts/draft-book.ts';
import type { SealedBatch } from '../store/sealed-store.ts';
import { explained } from './explained.ts';
import { MailSender, type MailSenderParts } from './mail-sender.ts';
import { showOrEmpty } from './views.ts';

const ID_LENGTH = 16;

/** Puts a draft into a batch; what it gives is called once that is written. */
type WriteDraft = (batch: SealedBatch) => () => void;

type Parts = MailSenderParts & Pick<ClientParts, 'mailbox'>;

export class DraftDesk {
  readonly #parts: Parts;
  readonly #sender: MailSender;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#sender = new MailSender(parts);
  }

  async list(): Promise<DraftDto[]> {
    return Promise.all(this.#parts.mailbox.drafts.list().map((one) => this.#view(one)));
  }

  async get(id: string): Promise<DraftDto> {
    return this.#view(this.#find(id));
  }

  #find(id: string): DraftMail {
    const found = this.#parts.mailbox.drafts.get(id);
    if (found === undefined) throw new ClientError('draft-unknown', id);
    return found;
  }

  #raw(draft: DraftMail): Uint8Array {
    const raw = this.#parts.messages.raw(draft.mail.id);
    if (raw === undefined) throw new ClientError('draft-unknown', draft.draftId);
    return raw;
  }

  async #view(draft: DraftMail): Promise<DraftDto> {
    const raw = this.#raw(draft);
    const shown = await showOrEmpty(raw);
    const addresses = (list: typeof shown.to): string[] => list.map((one) => one.address);
    const typed = readTyped(raw) ?? { to: addresses(shown.to), cc: addresses(shown.cc), bcc: [] };
    return {
      id: draft.draftId,
      messageId: draft.mail.id,
      createdAtMs: draft.createdAtMs,
      updatedAtMs: draft.updatedAtMs,
      ...typed,
      subject: shown.subject,
      text: shown.text.replace(/\n$/, ''),
      ...(shown.html === undefined ? {} : { html: shown.html }),
      attachments: shown.attachments.map(({ filename, contentType, content }, index) => ({
        index,
        filename,
        contentType,
        sizeBytes: content.length,
      })),
      ...inReplyToOf(raw),
    };
  }

  async save(given: SaveDraftDto): Promise<DraftDto> {
    const { mailbox, store, writes } = this.#parts;
    const draftId = given.id ?? this.#newId();
    const attachments = await this.#attachments(draftId, given.attachments);
    const version = await this.#compose(draftId, given, attachments);
    await writes.run(async () => {
      const batch = store.batch();
      const apply = mailbox.drafts.save(batch, version);
      await batch.write();
      apply();
    });
    return this.get(draftId);
  }

  /**
   * Prepares that a mail which never left becomes a draft again, for the batch that takes it back:
   * its copy in Sent goes, and what it held can be changed and sent anew. Undefined when the user
   * has deleted that copy, or has as many drafts as may be.
   */
  async takeBack(
    sentId: string,
    recipients: TypedRecipients,
  ): Promise<{ readonly draftId: string; readonly write: WriteDraft } | undefined> {
    const { mailbox, messages } = this.#parts;
    const raw = messages.raw(sentId);
    if (raw === undefined || mailbox.drafts.isFull()) return undefined;
    const { subject, text, html, attachments } = await showOrEmpty(raw);
    const draftId = this.#newId();
    const content = { subject, text: text.replace(/\n$/, ''), ...inReplyToOf(raw) };
    const given = { ...recipients, ...content, ...(html === undefined ? {} : { html }) };
    const version = await this.#compose(draftId, given, attachments);
    const write: WriteDraft = (batch) => {
      const { apply } = messages.expunge(batch, [sentId]);
      const applyDraft = mailbox.drafts.save(batch, version);
      return () => {
        apply();
        applyDraft();
      };
    };
    return { draftId, write };
  }

  #newId(): string {
    return bytesToHex(this.#parts.tangle.random.bytes(ID_LENGTH));
  }

  async #compose(
    draftId: string,
    given: Omit<SaveDraftDto, 'attachments'>,
    attachments: readonly ComposeAttachment[],
  ): Promise<DraftVersion> {
    const { account, mailbox, tangle } = this.#parts;
    const { to, cc, bcc } = given;
    const nowMs = tangle.clock.nowMs();
    const raw = await explained(() =>
      composeMessage({
        from: emailText(account),
        to: to.filter(isAddress),
        cc: cc.filter(isAddress),
        headers: { [DRAFT_HEADER]: encodeTyped({ to, cc, bcc }) },
        ...contentOf(given),
        attachments: [...attachments],
        // The same words are the same bytes: saving them again changes nothing on the disk.
        messageId: `<draft.${draftId}@tangle.alt>`,
        boundarySeed: draftId,
        dateMs: mailbox.drafts.get(draftId)?.createdAtMs ?? nowMs,
      }),
    );
    if (raw.length > MAX_MESSAGE_SIZE) throw new ClientError('message-too-large', `${raw.length}`);
    return draftVersion(draftId, raw, nowMs);
  }

  /** New ones, those to be kept of the saved version, or all of that when none are named. */
  async #attachments(
    draftId: string,
    given: SaveDraftDto['attachments'],
  ): Promise<ComposeAttachment[]> {
    const before = this.#parts.mailbox.drafts.get(draftId);
    const kept = before === undefined ? [] : (await showOrEmpty(this.#raw(before))).attachments;
    if (given === undefined) return [...kept];
    return given.map((one): ComposeAttachment => {
      if ('keep' in one) {
        const found = kept[one.keep];
        if (found === undefined) throw new ClientError('attachment-unknown', `#${one.keep}`);
        return found;
      }
      const { filename, contentType, contentBase64 } = one;
      const content = Buffer.from(contentBase64, 'base64');
      return contentType === undefined ? { filename, content } : { filename, contentType, content };
    });
  }

  /** Composes the message anew, without what only the draft had, and queues it. */
  async send(id: string, choices: SendChoicesDto = {}): Promise<QueuedMessageDto> {
    const draft = this.#find(id);
    const { to, cc, bcc, subject, text, html, inReplyTo } = await this.#view(draft);
    const { attachments } = await showOrEmpty(this.#raw(draft));
    const message = {
      ...choices,
      to,
      cc,
      bcc,
      subject,
      text,
      attachments: attachments.map(({ filename, contentType, content }) => ({
        filename: filename === '' ? 'attachment' : filename,
        contentType,
        contentBase64: Buffer.from(content).toString('base64'),
      })),
      ...(inReplyTo === undefined ? {} : { inReplyTo }),
    };
    const { drafts } = this.#parts.mailbox;
    return this.#sender.send(message, { html, alongside: (batch) => drafts.delete(batch, id) });
  }
}

function inReplyToOf(raw: Uint8Array): { readonly inReplyTo?: string } {
  const headers = readHeaders(raw);
  const [inReplyTo] = headers.ok ? valuesOf(headers.value, 'in-reply-to') : [];
  return inReplyTo === undefined ? {} : { inReplyTo };
}

function contentOf({
  subject,
  text,
  html,
  inReplyTo,
}: Pick<SaveDraftDto, 'subject' | 'text' | 'html' | 'inReplyTo'>): {
  readonly subject: string;
  readonly text: string;
  readonly html?: string;
  readonly inReplyTo?: string;
  readonly references?: readonly string[];
} {
  return {
    subject,
    text,
    ...(html === undefined ? {} : { html }),
    ...(inReplyTo === undefined ? {} : { inReplyTo, references: [inReplyTo] }),
  };
}

function isAddress(text: string): boolean {
  return /^[^\s@<>]+@[^\s@<>]+$/.test(text);
}
