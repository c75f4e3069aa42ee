/**
 * A line of chat of somebody who is no contact, as the mail that Requests shows. Before:
 * chat-inbox.ts; after: letter-intake.ts. Spec: docs/spec/43-chat.md.
 */
import type { ShownFacts } from '../inbox/intake-types.ts';

const SUBJECT = 'Chat message';
/** Of base64, so that no line is too long. */
const LINE = /.{1,76}/g;

/** Addresses in e-mail form; `sentAt` in unix seconds. The text stands in base64. */
export function mailOfText(facts: {
  readonly from: string;
  readonly to: string;
  readonly text: string;
  readonly sentAt: number;
}): { readonly raw: Uint8Array; readonly shown: ShownFacts } {
  const { from, to, text, sentAt } = facts;
  const body = Buffer.from(text).toString('base64').match(LINE) ?? [];
  const lines = [
    `From: ${from}`,
    `To: ${to}`,
    `Subject: ${SUBJECT}`,
    `Date: ${new Date(sentAt * 1_000).toUTCString().replace('GMT', '+0000')}`,
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: base64',
    '',
    ...body,
    '',
  ];
  const raw = new Uint8Array(Buffer.from(lines.join('\r\n')));
  const shown = { hasAttachments: false, messageId: '', fromName: '', to, subject: SUBJECT };
  return { raw, shown };
}
