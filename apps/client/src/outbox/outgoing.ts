/**
 * What the outbox takes, and the entries that come of it. Before: the local API, chat, receipts;
 * after: outbox.ts. Spec: docs/spec/42-delivery.md.
 */
import type { MailAddress } from '@tanglemail/mail/core/identity/address.ts';
import type { OutboxEntry } from '../store/outbox-collections.ts';
import type { SealedBatch } from '../store/sealed-store.ts';

/** One mail as it is taken: the same bytes for every recipient, each sealed separately. */
export interface OutgoingMail {
  /** `parcel` when no envelope holds it; its sealer uploads the message's bytes in parts. */
  readonly form?: 'message' | 'parcel';
  readonly recipients: readonly MailAddress[];
  /** Of those who are written to by a sub-address of theirs. */
  readonly subAddresses?: ReadonlyMap<MailAddress, string>;
  /** Which header names a recipient. */
  readonly roleOf?: (address: MailAddress) => OutboxEntry['role'];
  readonly raw: Uint8Array;
  readonly emailId: string;
  readonly messageId: string;
  readonly subject: string;
  readonly isRegistered?: boolean;
  readonly wantsReceipt?: boolean;
  /** It rests so long that the user may take it back. */
  readonly undoMs?: number;
  /** The user wants it to leave then and not before. */
  readonly sendAtMs?: number;
}

/** A mail that is being queued: its copy in Sent, and where each recipient's stands. */
export interface QueuedMail {
  /** Key of the copy in Sent. */
  readonly sentKey: string;
  readonly messageId: string;
  readonly subject: string;
  readonly entries: readonly OutboxEntry[];
}

/** Puts more into the batch that queues a mail; what it gives is called once that is written. */
export type QueuedAlong = (batch: SealedBatch, queued: QueuedMail) => () => void;

/** Starts the deliveries once the batch is written; the entries are known before. */
export type AcceptEntries = (() => OutboxEntry[]) & { readonly entries: readonly OutboxEntry[] };

/** A note between clients: durable like a mail, and shown to nobody. */
export interface OutgoingNote {
  readonly to: MailAddress;
  /** Its first byte names its family (inbox/note-router.ts). */
  readonly body: Uint8Array;
  /** A note to the same person with the same key which is not sealed yet is replaced. */
  readonly dedupe?: string;
  /** It rests until then. */
  readonly notBeforeMs?: number;
  /** No act of the user: it makes nobody an accepted contact, as any other mail to him would. */
  readonly isQuiet?: boolean;
}

/** A line of chat: one envelope under a chain's tag, which everybody of the audience watches. */
export interface OutgoingChat {
  /** At least one. */
  readonly audience: readonly MailAddress[];
  /** What the sealer of form `chat` needs to seal it. */
  readonly payload: Uint8Array;
  readonly letterId?: string;
}

/** A copy of what lies in Sent, uploaded to the own mailboxes. */
export interface OutgoingCopy {
  /** The own address. */
  readonly to: MailAddress;
  readonly messageKey: string;
  readonly raw: Uint8Array;
  readonly emailId: string;
  /** The mail itself rests until then. */
  readonly notBeforeMs?: number;
}

/** What is given of a new entry; the rest is the same for all. */
export type NewEntry = Partial<OutboxEntry> & Pick<OutboxEntry, 'to' | 'sizeBytes'>;

/** One entry for each recipient. */
export function entriesOf(mail: OutgoingMail, nowMs: number): NewEntry[] {
  const { form, emailId, raw, isRegistered, wantsReceipt, undoMs = 0, sendAtMs = 0 } = mail;
  const isLater = sendAtMs > nowMs;
  const notBeforeMs = isLater ? sendAtMs : nowMs + undoMs;
  const common = {
    ...(form === undefined ? {} : { form }),
    emailId,
    messageId: mail.messageId.slice(0, 998),
    subject: mail.subject.slice(0, 998),
    sizeBytes: raw.length,
    ...(isRegistered === true ? { isRegistered } : {}),
    ...(wantsReceipt === true ? { wantsReceipt } : {}),
    ...(notBeforeMs > nowMs ? { notBeforeMs } : {}),
    ...(isLater ? { state: 'scheduled' as const } : {}),
  };
  return mail.recipients.map((to) => {
    const role = mail.roleOf?.(to);
    const subAddress = mail.subAddresses?.get(to);
    return {
      ...common,
      to,
      ...(role === undefined ? {} : { role }),
      ...(subAddress === undefined ? {} : { subAddress }),
    };
  });
}

export function noteEntry({ to, body, dedupe, notBeforeMs, isQuiet }: OutgoingNote): NewEntry {
  return {
    form: 'note',
    to,
    sizeBytes: body.length,
    ...(dedupe === undefined ? {} : { dedupe }),
    ...(notBeforeMs === undefined ? {} : { notBeforeMs }),
    ...(isQuiet === true ? { isQuiet } : {}),
  };
}

export function chatEntry({ audience, payload, letterId }: OutgoingChat): NewEntry {
  const [to] = audience;
  if (to === undefined) throw new Error('broken invariant: a line of chat has an audience');
  return {
    form: 'chat',
    to,
    audience: [...audience],
    sizeBytes: payload.length,
    ...(letterId === undefined ? {} : { letterId }),
  };
}

export function copyEntry({ to, messageKey, raw, emailId, notBeforeMs }: OutgoingCopy): NewEntry {
  return {
    form: 'copy',
    to,
    dedupe: messageKey,
    emailId,
    sizeBytes: raw.length,
    ...(notBeforeMs === undefined ? {} : { notBeforeMs }),
  };
}
