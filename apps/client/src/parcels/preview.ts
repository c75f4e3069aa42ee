/**
 * What a recipient sees of a mail before its parts are there. Before: parcel-content.ts; after: mail core, parcel/letter.ts. Spec: docs/spec/25-parcel.md, section 4.
 */
import { readFacts, readHeaders } from '@tanglemail/mail/core/message/headers.ts';
import { type ParcelPreview, PREVIEW_LIMITS } from '@tanglemail/mail/core/parcel/letter.ts';
import { parseMessage } from '@tanglemail/mail/io/parse.ts';

/** A preview shows how a mail begins: no more of it is read. */
const HEAD_SIZE = 65_536;

/** Never throws: what cannot be read is left empty. */
export async function previewOf(message: Uint8Array): Promise<ParcelPreview> {
  const head = message.subarray(0, HEAD_SIZE);
  try {
    const { from, subject, text } = await parseMessage(head);
    const author = from[0];
    return {
      from: author?.name || author?.address || '',
      subject,
      date: dateOf(head),
      text: text.trim().slice(0, PREVIEW_LIMITS.text),
    };
  } catch {
    return { from: '', subject: '', date: 0, text: '' };
  }
}

function dateOf(head: Uint8Array): number {
  const headers = readHeaders(head);
  const date = headers.ok ? readFacts(headers.value).date : undefined;
  return Math.min(Math.max(0, date ?? 0), 0xffff_ffff);
}
