/**
 * Reports about a mail as mails (RFC 6522, multipart/report): a text for people, fields for
 * programs, and what comes back of the mail itself. Built by nodemailer's composer. Before: the
 * client's fates; fields: core/report/fields.ts. Spec: docs/spec/45-mail-programs.md.
 */
import MailComposer from 'nodemailer/lib/mail-composer';
import { readHeaders } from '../core/message/headers.ts';
import { MailError } from './mail-error.ts';

/** `report-type`, and the second part's type under `message/`. */
export type ReportKind = 'delivery-status' | 'disposition-notification';

export interface ReportInput {
  readonly kind: ReportKind;
  readonly from: { readonly name: string; readonly address: string };
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  /** Lines ended by CRLF, ASCII. */
  readonly fields: string;
  /** The mail that it is about; undefined when it is gone. */
  readonly original: Uint8Array | undefined;
  /** RET=FULL of RFC 3461: the whole mail comes back, else its header. */
  readonly isFull: boolean;
  /** With angle brackets, as are the others. */
  readonly messageId: string;
  /** Of the mail that it is about; empty when it has none. */
  readonly aboutId: string;
  readonly dateMs: number;
}

/** More of a mail does not come back: it lies in Sent. */
export const MAX_RETURNED_BYTES = 1_048_576;

/** The report's bytes, lines ended by CRLF. Throws MailError `compose-failed`. */
export async function composeReport(input: ReportInput): Promise<Uint8Array> {
  const { kind, from, to, subject, text, fields, messageId, aboutId, dateMs } = input;
  const about = aboutId === '' ? {} : { inReplyTo: aboutId, references: [aboutId] };
  const machine = { contentType: `message/${kind}`, content: Buffer.from(fields), filename: false };
  const composer = new MailComposer({
    from,
    to,
    subject,
    text,
    attachments: [machine, ...returned(input)] as never,
    // RFC 5321 §4.5.5, RFC 3834: nobody may answer it, and no program does.
    headers: { 'Return-Path': '<>', 'Auto-Submitted': 'auto-replied' },
    messageId,
    ...about,
    date: new Date(dateMs),
    newline: 'windows',
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  try {
    const root = composer.compile();
    // The composer knows multipart/mixed only; its parts are what a report has.
    root.setHeader('Content-Type', `multipart/report; report-type=${kind}`);
    return new Uint8Array(await root.build());
  } catch (cause) {
    throw new MailError('compose-failed', 'a report could not be composed', { cause });
  }
}

/** The third part, which a report may lack. */
function returned({ original, isFull }: ReportInput): object[] {
  if (original === undefined) return [];
  if (isFull && original.length <= MAX_RETURNED_BYTES) {
    const content = Buffer.from(original);
    return [{ contentType: 'message/rfc822', content, filename: false }];
  }
  const headers = readHeaders(original);
  const end = headers.ok ? headers.value.bodyOffset : 0;
  const content = Buffer.from(original.subarray(0, end));
  // Both only say what the bytes are; the composer encodes what 7bit cannot hold.
  const encoding = { contentDisposition: 'inline', contentTransferEncoding: '7bit' };
  return [{ contentType: 'text/rfc822-headers', content, filename: false, ...encoding }];
}
