/**
 * Reading of messages for people: decoded subject, text and attachments, by postal-mime, within
 * limits. What it gives is for showing only; the stored bytes stay as they came. Stop before:
 * core/message/headers.ts; next: the web client. Spec: docs/spec/23-envelope.md, section "Message".
 */
import PostalMime from 'postal-mime';
import type { Address } from 'postal-mime';
import { MAX_HEADER_SIZE, MAX_MESSAGE_SIZE } from '../core/limits.ts';
import { MailError } from './mail-error.ts';

/** Depth of nested parts; a hostile mail could nest thousands. */
const MAX_NESTING = 50;
/** Attachments shown; the rest stays in the message's bytes. */
const MAX_ATTACHMENTS = 500;

export interface ShownAddress {
  readonly name: string;
  readonly address: string;
}

export interface ShownAttachment {
  /** As the sender says, path separators removed; empty if it has no name. */
  readonly filename: string;
  readonly contentType: string;
  readonly isInline: boolean;
  /** By which the HTML names it, without angle brackets. */
  readonly contentId?: string;
  readonly content: Uint8Array;
}

/** A message as a person reads it. All text comes from the sender: escape it. */
export interface ShownMessage {
  readonly subject: string;
  readonly from: readonly ShownAddress[];
  readonly to: readonly ShownAddress[];
  readonly cc: readonly ShownAddress[];
  readonly text: string;
  /** Untrusted HTML; never put into a page without a sanitiser and a sandbox. */
  readonly html?: string;
  readonly attachments: readonly ShownAttachment[];
  /** Attachments beyond the limit that are not listed. */
  readonly attachmentsLeftOut: number;
}

/** Throws MailError `message-too-large` or `parse-failed` (nested too deep, headers too large). */
export async function parseMessage(bytes: Uint8Array): Promise<ShownMessage> {
  if (bytes.length > MAX_MESSAGE_SIZE) {
    throw new MailError('message-too-large', `the message has ${bytes.length} bytes`);
  }
  const email = await parse(bytes);
  const shown = email.attachments.slice(0, MAX_ATTACHMENTS);
  return {
    subject: email.subject ?? '',
    from: addresses(email.from ? [email.from] : []),
    to: addresses(email.to ?? []),
    cc: addresses(email.cc ?? []),
    text: email.text ?? '',
    ...(email.html === undefined ? {} : { html: email.html }),
    attachments: shown.map((one) => ({
      filename: (one.filename ?? '').replaceAll(/[\\/\0]/g, '_'),
      contentType: one.mimeType,
      isInline: one.disposition === 'inline',
      ...contentIdOf(one.contentId),
      content: contentBytes(one.content),
    })),
    attachmentsLeftOut: email.attachments.length - shown.length,
  };
}

async function parse(bytes: Uint8Array): Promise<Awaited<ReturnType<typeof PostalMime.parse>>> {
  try {
    return await PostalMime.parse(bytes, {
      maxNestingDepth: MAX_NESTING,
      maxHeadersSize: MAX_HEADER_SIZE,
      attachmentEncoding: 'arraybuffer',
    });
  } catch (cause) {
    throw new MailError('parse-failed', 'the message could not be read', { cause });
  }
}

/** Longest content id that is kept. */
const MAX_CONTENT_ID = 998;

function contentIdOf(written = ''): { contentId?: string } {
  const contentId = written.replaceAll(/^<|>$/g, '').slice(0, MAX_CONTENT_ID);
  return contentId === '' ? {} : { contentId };
}

function contentBytes(content: ArrayBuffer | Uint8Array | string): Uint8Array {
  return typeof content === 'string' ? Buffer.from(content, 'utf8') : new Uint8Array(content);
}

function addresses(list: readonly Address[]): ShownAddress[] {
  return list.flatMap((one) =>
    one.group
      ? one.group.map((member) => ({ name: member.name, address: member.address ?? '' }))
      : [{ name: one.name, address: one.address ?? '' }],
  );
}
