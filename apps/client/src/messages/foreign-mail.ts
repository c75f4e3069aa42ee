/**
 * What the lists show of a mail that was not opened from a letter: one from an archive, or one that
 * a mail program brings. Before: archive/importer.ts, bridge/bridge-store.ts; after:
 * message-store.ts.
 */
import { readFacts, readHeaders } from '@tanglemail/mail/core/message/headers.ts';
import { parseMessage } from '@tanglemail/mail/io/parse.ts';
import type { NewMail } from './listed-mail.ts';

/** The facts of such a mail; nothing proves them. */
export type ForeignFacts = Pick<
  NewMail,
  'fromName' | 'hasAttachments' | 'isRegistered' | 'messageId' | 'subject' | 'to'
> & {
  readonly importedFrom: string;
  /** Unix seconds of its Date field. */
  readonly dateSeconds: number | undefined;
};

/** Undefined for bytes that have no header section. */
export async function readForeignMail(raw: Uint8Array): Promise<ForeignFacts | undefined> {
  const headers = readHeaders(raw);
  if (!headers.ok) return undefined;
  const facts = readFacts(headers.value);
  const shown = await parseMessage(raw).catch(() => undefined);
  return {
    importedFrom: (facts.from[0] ?? '').slice(0, 320),
    dateSeconds: facts.date,
    isRegistered: false,
    hasAttachments: (shown?.attachments.length ?? 0) > 0,
    fromName: shown?.from[0]?.name ?? '',
    to: (shown?.to ?? []).map((one) => one.address).join(', '),
    subject: shown?.subject ?? facts.subject,
    messageId: facts.messageId === undefined ? '' : `<${facts.messageId}>`,
  };
}
