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
import type { QueuedMessageDto } from '../api/dto.ts';
import type { DraftDto, SaveDraftDto } from '../api/mailbox-dto.ts';
import { ClientError } from '../client-error.ts';
import type { ClientParts } from '../client-parts.ts';
import {
  DRAFT_HEADER,
  type DraftMail,
  draftVersion,
  encodeTyped,
  readTyped,
} from '../drafts/draft-book.ts';
import { explained } from './explained.ts';
import { MailSender, type MailSenderParts } from './mail-sender.ts';
import { showOrEmpty } from './views.ts';

const ID_LENGTH = 16;

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
    const headers = readHeaders(raw);
    const [inReplyTo] = headers.ok ? valuesOf(headers.value, 'in-reply-to') : [];
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
      ...(inReplyTo === undefined ? {} : { inReplyTo }),
    };
  }

  async save(given: SaveDraftDto): Promise<DraftDto> {
    const { account, mailbox, store, writes, tangle } = this.#parts;
    const draftId = given.id ?? bytesToHex(tangle.random.bytes(ID_LENGTH));
    const { to, cc, bcc } = given;
    const attachments = await this.#attachments(draftId, given.attachments);
    const nowMs = tangle.clock.nowMs();
    const raw = await explained(() =>
      composeMessage({
        from: emailText(account),
        to: to.filter(isAddress),
        cc: cc.filter(isAddress),
        headers: { [DRAFT_HEADER]: encodeTyped({ to, cc, bcc }) },
        ...contentOf(given),
        attachments,
        // The same words are the same bytes: saving them again changes nothing on the disk.
        messageId: `<draft.${draftId}@tangle.alt>`,
        boundarySeed: draftId,
        dateMs: mailbox.drafts.get(draftId)?.createdAtMs ?? nowMs,
      }),
    );
    if (raw.length > MAX_MESSAGE_SIZE) throw new ClientError('message-too-large', `${raw.length}`);
    const version = await draftVersion(draftId, raw, nowMs);
    await writes.run(async () => {
      const batch = store.batch();
      const apply = mailbox.drafts.save(batch, version);
      await batch.write();
      apply();
    });
    return this.get(draftId);
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
  async send(id: string): Promise<QueuedMessageDto> {
    const draft = this.#find(id);
    const { to, cc, bcc, subject, text, html, inReplyTo } = await this.#view(draft);
    const { attachments } = await showOrEmpty(this.#raw(draft));
    const message = {
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
