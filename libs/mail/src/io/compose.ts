/**
 * Building of RFC 5322 messages for the web client and the command line, by nodemailer's composer.
 * A mail program's own message never passes here: its bytes stay as they are. Next stop:
 * core/message/check.ts. Spec: docs/spec/23-envelope.md, section "Message".
 */
import MailComposer from 'nodemailer/lib/mail-composer';
import { MAX_MESSAGE_SIZE } from '../core/limits.ts';
import { MailError } from './mail-error.ts';

export interface ComposeAttachment {
  readonly filename: string;
  readonly contentType?: string;
  readonly content: Uint8Array;
}

/** A mail as a person wrote it. Addresses in e-mail form, with display names if wanted. */
export interface ComposeInput {
  readonly from: string | { readonly name: string; readonly address: string };
  readonly to: readonly string[];
  readonly cc?: readonly string[];
  readonly subject: string;
  readonly text: string;
  readonly html?: string;
  readonly attachments?: readonly ComposeAttachment[];
  /** With angle brackets. */
  readonly messageId: string;
  readonly inReplyTo?: string;
  readonly references?: readonly string[];
  /** Milliseconds since 1970. */
  readonly dateMs: number;
  /** Further headers; values are folded where they have spaces. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Makes the lines between parts the same each time: the same mail, the same bytes. */
  readonly boundarySeed?: string;
}

/**
 * The message's bytes, lines ended by CRLF. Blind copies have no place in it: each recipient is
 * sealed separately. Throws MailError `compose-failed` or `message-too-large`.
 */
export async function composeMessage(input: ComposeInput): Promise<Uint8Array> {
  const attachments = (input.attachments ?? []).map((one) => ({
    filename: one.filename,
    content: Buffer.from(one.content),
    contentType: one.contentType ?? 'application/octet-stream',
  }));
  const composer = new MailComposer({
    from: input.from,
    to: [...input.to],
    ...(input.cc ? { cc: [...input.cc] } : {}),
    subject: input.subject,
    text: input.text,
    ...(input.html === undefined ? {} : { html: input.html }),
    attachments,
    messageId: input.messageId,
    ...(input.inReplyTo === undefined ? {} : { inReplyTo: input.inReplyTo }),
    ...(input.references ? { references: [...input.references] } : {}),
    ...(input.headers ? { headers: { ...input.headers } } : {}),
    ...(input.boundarySeed === undefined ? {} : { baseBoundary: input.boundarySeed }),
    date: new Date(input.dateMs),
    newline: 'windows',
    // A "path" or "href" in what a web page sends must never read a file or fetch an address.
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  const bytes = await build(composer);
  if (bytes.length > MAX_MESSAGE_SIZE) {
    throw new MailError('message-too-large', `the message has ${bytes.length} bytes`);
  }
  return bytes;
}

async function build(composer: MailComposer): Promise<Uint8Array> {
  try {
    return new Uint8Array(await composer.compile().build());
  } catch (cause) {
    throw new MailError('compose-failed', 'the message could not be composed', { cause });
  }
}
