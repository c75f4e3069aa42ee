/**
 * From what a user wrote to what the outbox takes: composes, answers, forwards, finds the
 * recipients, and puts entries and the copy in Sent into one synced batch. Before:
 * local-service.ts; after: mail io, compose.ts; outbox. Spec: docs/spec/42-delivery.md.
 */
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import {
  formatEmail,
  type MailAddress,
  parseMailAddress,
} from '@tanglemail/mail/core/identity/address.ts';
import { MAX_MESSAGE_SIZE } from '@tanglemail/mail/core/limits.ts';
import { withBcc, withoutBcc } from '@tanglemail/mail/core/message/blind-copies.ts';
import { checkMessage } from '@tanglemail/mail/core/message/check.ts';
import { readFacts, readHeaders } from '@tanglemail/mail/core/message/headers.ts';
import { type ComposeAttachment, composeMessage } from '@tanglemail/mail/io/compose.ts';
import { addressText, emailText } from '../account/account.ts';
import type * as dto from '../api/dto.ts';
import { ClientError } from '../client-error.ts';
import type { ClientParts } from '../client-parts.ts';
import { messageIdOf } from '../inbox/letter-intake.ts';
import { nativeSha256 } from '../native-sha256.ts';
import type { QueuedAlong } from '../outbox/outgoing.ts';
import type { OutboxEntry } from '../store/outbox-collections.ts';
import { type Answer, answerTo, forwardOf } from './answers.ts';
import { explained } from './explained.ts';
import { formOf } from './message-form.ts';
import { checkKeyChanges, readRecipient, type Recipient } from './recipients.ts';
import { showOrEmpty } from './views.ts';

type Role = NonNullable<OutboxEntry['role']>;
type AttachmentInput = NonNullable<dto.SendMessageDto['attachments']>[number];

const MESSAGE_ID_LENGTH = 16;

interface NamedRecipient extends Recipient {
  readonly role: Role;
}

/** Everybody whom a mail goes to, once, under the header that names them first. */
type Recipients = ReadonlyMap<MailAddress, NamedRecipient>;

/** A message ready to be queued. */
interface Outgoing {
  /** What every recipient gets. */
  readonly raw: Uint8Array;
  /** What lies in Sent: it may name blind copies. */
  readonly copy: Uint8Array;
  readonly recipients: Recipients;
  readonly choices: dto.SendChoicesDto;
}

/** What only a draft has. */
export interface SentAlong {
  readonly html?: string | undefined;
  readonly alongside?: QueuedAlong;
}

export type MailSenderParts = Pick<
  ClientParts,
  | 'account'
  | 'contacts'
  | 'tangle'
  | 'store'
  | 'writes'
  | 'messages'
  | 'outbox'
  | 'config'
  | 'ownSettings'
> & { readonly devices: Pick<ClientParts['devices'], 'copies'> };

export class MailSender {
  readonly #parts: MailSenderParts;

  constructor(parts: MailSenderParts) {
    this.#parts = parts;
  }

  /** Composes and queues; durable when it resolves, with what `also` brings along. */
  async send(message: dto.SendMessageDto, also: SentAlong = {}): Promise<dto.QueuedMessageDto> {
    const { account, contacts, ownSettings, tangle } = this.#parts;
    const answer = await this.#answerOf(message);
    const recipients = this.#recipientsOf(message, answer);
    await checkKeyChanges(contacts, [...recipients.values()], message.acceptKeyChange === true);
    const { profileName: name } = ownSettings.get();
    const id = bytesToHex(tangle.random.bytes(MESSAGE_ID_LENGTH));
    const named = (role: Role): string[] =>
      [...recipients.values()]
        .filter((one) => one.role === role)
        .map((one) => formatEmail({ ...one, network: account.network }));
    const given = (message.attachments ?? []).map(readAttachment);
    const cc = named('cc');
    const raw = await explained(() =>
      composeMessage({
        from: name === '' ? emailText(account) : { name, address: emailText(account) },
        to: named('to'),
        ...(cc.length === 0 ? {} : { cc }),
        subject: message.subject === '' ? answer.subject : message.subject,
        text: message.text + answer.text,
        ...(also.html === undefined ? {} : { html: also.html }),
        attachments: [...given, ...answer.attachments],
        messageId: `<${id}@tangle.alt>`,
        dateMs: tangle.clock.nowMs(),
        ...threadFields(message, answer),
      }),
    );
    const copy = withBcc(raw, named('bcc'));
    return this.#queue({ raw, copy, recipients, choices: message }, also.alongside);
  }

  /** Queues bytes as they are but for a Bcc field, which stays in Sent. */
  async sendRaw(
    raw: Uint8Array,
    to: readonly string[],
    choices: dto.SendChoicesDto,
    alongside?: QueuedAlong,
  ): Promise<dto.QueuedMessageDto> {
    const { account, contacts } = this.#parts;
    const named = to.map((text) => readRecipient(account, contacts, text));
    await checkKeyChanges(contacts, named, choices.acceptKeyChange === true);
    const recipients = new Map(
      named.map((one) => [one.address, { ...one, role: this.#roleIn(raw, one) }] as const),
    );
    return this.#queue({ raw: withoutBcc(raw), copy: raw, recipients, choices }, alongside);
  }

  /** Under which header a message names a recipient; in none it is a blind copy. */
  #roleIn(raw: Uint8Array, { address }: Recipient): Role {
    const headers = readHeaders(raw);
    if (!headers.ok) return 'bcc';
    const { to, cc } = readFacts(headers.value);
    const isIn = (texts: readonly string[]): boolean =>
      texts.some((text) => {
        const parsed = parseMailAddress(text, this.#parts.account.network);
        return parsed.ok && parsed.value.address === address;
      });
    if (isIn(to)) return 'to';
    return isIn(cc) ? 'cc' : 'bcc';
  }

  /** What the message takes over from the one that it answers or forwards. */
  async #answerOf({ replyTo, replyAll, forward, quote }: dto.SendMessageDto): Promise<Answer> {
    const { account, messages } = this.#parts;
    const id = replyTo ?? forward;
    if (id === undefined) {
      return { subject: '', text: '', references: [], to: [], cc: [], attachments: [] };
    }
    const mail = messages.get(id);
    const raw = messages.raw(id);
    if (mail === undefined || raw === undefined) throw new ClientError('message-unknown', id);
    const parent = { mail, raw, shown: await showOrEmpty(raw) };
    const isQuoted = quote !== false;
    if (replyTo === undefined) return forwardOf(account, parent, isQuoted);
    return answerTo(account, parent, { isToAll: replyAll === true, isQuoted });
  }

  /** Given names first, then those whom an answer goes to. Throws when nobody is left. */
  #recipientsOf(message: dto.SendMessageDto, answer: Answer): Recipients {
    const { account, contacts } = this.#parts;
    const read = (texts: readonly string[] = []): Recipient[] =>
      texts.map((text) => readRecipient(account, contacts, text));
    const given = { to: read(message.to), cc: read(message.cc), bcc: read(message.bcc) };
    const answered = { to: answer.to.map(plain), cc: answer.cc.map(plain) };
    const named = new Map<MailAddress, NamedRecipient>();
    const add = (role: Role, recipients: readonly Recipient[]): void => {
      for (const one of recipients) {
        if (!named.has(one.address)) named.set(one.address, { ...one, role });
      }
    };
    add('to', given.to);
    if (given.to.length === 0) add('to', answered.to);
    add('cc', [...given.cc, ...answered.cc]);
    add('bcc', given.bcc);
    if (named.size > 0) return named;
    throw new ClientError('request-malformed', 'a message needs a recipient');
  }

  /** The same bytes to each recipient once, a copy in Sent; all of it one synced write. */
  async #queue(
    outgoing: Outgoing,
    alongside: QueuedAlong = () => () => {},
  ): Promise<dto.QueuedMessageDto> {
    const { account, store, writes, messages, outbox, tangle, config, devices } = this.#parts;
    const { raw, copy, recipients, choices } = outgoing;
    const isRegistered = choices.registered === true;
    checkSize(raw);
    const { to, subject, attachments } = await showOrEmpty(raw);
    const messageId = messageIdOf(raw);
    return writes.run(async () => {
      const batch = store.batch();
      const messageKey = `sent:${bytesToHex(tangle.random.bytes(MESSAGE_ID_LENGTH))}`;
      const sent = messages.deliver(batch, {
        folder: 'Sent',
        raw: copy,
        messageKey,
        receivedAtMs: tangle.clock.nowMs(),
        flags: ['\\Seen'],
        isRegistered,
        hasAttachments: attachments.length > 0,
        fromName: '',
        to: to.map((one) => one.address).join(', '),
        subject,
        messageId,
      });
      const { sendAtMs } = choices;
      const nowMs = tangle.clock.nowMs();
      const undoMs = (choices.undoSeconds ?? config.send.undoSeconds) * 1_000;
      const accept = outbox.enqueue(batch, {
        form: formOf(raw.length, isRegistered),
        recipients: [...recipients.keys()],
        roleOf: (address) => recipients.get(address)?.role,
        subAddresses: subAddressesOf(recipients),
        raw,
        emailId: bytesToHex(nativeSha256(raw)),
        messageId,
        subject,
        isRegistered,
        wantsReceipt: choices.wantsReceipt ?? config.receipts.ask,
        undoMs,
        ...(sendAtMs === undefined ? {} : { sendAtMs }),
      });
      devices.copies.upload(batch, {
        messageKey,
        raw: copy,
        emailId: bytesToHex(nativeSha256(copy)),
        isToSelf: recipients.has(account.address) && Buffer.compare(raw, copy) === 0,
        notBeforeMs: Math.max(sendAtMs ?? 0, nowMs + undoMs),
      });
      const { entries } = accept;
      const facts = { sentKey: messageKey, messageId, subject, entries };
      const applyAlongside = alongside(batch, facts);
      await batch.write();
      sent.apply();
      applyAlongside();
      const queued = accept().map((entry) => ({
        address: addressText(account, entry.to),
        outboxId: `${entry.id}`,
      }));
      return { id: messageId, recipients: queued };
    });
  }
}

function plain(address: MailAddress): Recipient {
  return { address };
}

function subAddressesOf(recipients: Recipients): Map<MailAddress, string> {
  return new Map(
    [...recipients.values()].flatMap(({ address, subAddress }) =>
      subAddress === undefined ? [] : [[address, subAddress]],
    ),
  );
}

function checkSize(raw: Uint8Array): void {
  const checked = checkMessage(raw, MAX_MESSAGE_SIZE);
  if (checked.ok) return;
  const isLarge = checked.code === 'message-too-large';
  const detail = isLarge ? `${raw.length} bytes, at most ${MAX_MESSAGE_SIZE}` : checked.code;
  throw new ClientError(isLarge ? 'message-too-large' : 'message-malformed', detail);
}

/** An answer's own thread, or the one that the caller names. */
function threadFields(
  { inReplyTo }: dto.SendMessageDto,
  answer: Answer,
): { inReplyTo?: string; references?: readonly string[] } {
  if (inReplyTo !== undefined) return { inReplyTo, references: [inReplyTo] };
  if (answer.references.length === 0) return {};
  const { references } = answer;
  return answer.inReplyTo === undefined
    ? { references }
    : { inReplyTo: answer.inReplyTo, references };
}

function readAttachment(input: AttachmentInput): ComposeAttachment {
  const { filename, contentType, contentBase64 } = input;
  const content = Buffer.from(contentBase64, 'base64');
  return contentType === undefined ? { filename, content } : { filename, contentType, content };
}
