/**
 * Taking mail back, and reports over all recipients of a mail. Before: api/; after: outbox.
 * Spec: docs/spec/42-delivery.md.
 */
import { outboxView } from './views.ts';
import { checkRegistered, encodeRegistered } from '@tanglemail/mail/core/letter/registered.ts';
import { formatEmail } from '@tanglemail/mail/core/identity/address.ts';
import { addressText } from '../account/account.ts';
import type {
  OutboxReportDto,
  RecallDto,
  RecallQueryDto,
  RegisteredLetterDto,
} from '../api/outbox-dto.ts';
import type { OutboxService } from '../api/outbox-service.ts';
import { ClientError } from '../client-error.ts';
import type { ClientParts } from '../client-parts.ts';
import { isMail } from '../outbox/outbox-entry.ts';
import { reportOf } from '../outbox/report.ts';
import { FOLDER } from '../messages/folder-name.ts';
import { DraftDesk } from './draft-desk.ts';
import type { MailSenderParts } from './mail-sender.ts';
import type { OutboxEntry } from '../store/outbox-collections.ts';
import { getRegistered } from '../store/registered-letters.ts';
import { requireMessage } from './registered-file.ts';

export type OutboxActionsParts = Pick<
  ClientParts,
  'account' | 'contacts' | 'outbox' | 'messages' | 'store' | 'tangle' | 'mailbox'
> &
  MailSenderParts;

export class OutboxActions implements OutboxService {
  readonly #parts: OutboxActionsParts;
  readonly #drafts: DraftDesk;

  constructor(parts: OutboxActionsParts) {
    this.#parts = parts;
    this.#drafts = new DraftDesk(parts);
  }

  async recall(id: string, { scope }: RecallQueryDto): Promise<RecallDto> {
    const entry = this.#entry(id);
    const mail = this.#mailOf(entry);
    const entries = scope === 'recipient' ? [entry] : mail;
    const recalled: string[] = [];
    const tooLate: string[] = [];
    const draft = await this.#draftOf(mail);
    let draftId: string | undefined;
    for (const one of entries) {
      if (one.state === 'recalled') continue;
      const isBack = await this.#parts.outbox.recall(one.id, (batch) => {
        const others = mail.filter(({ id: other }) => other !== one.id);
        const isWhole = others.every(({ id: other }) => this.#isRecalled(other));
        if (!isWhole || draft === undefined) return;
        draftId = draft.draftId;
        batch.whenWritten(draft.write(batch));
      });
      (isBack ? recalled : tooLate).push(`${one.id}`);
    }
    if (recalled.length === 0) throw new ClientError('recall-too-late', this.#entry(id).state);
    return { recalled, tooLate, ...(draftId === undefined ? {} : { draftId }) };
  }

  #isRecalled(id: number): boolean {
    return this.#parts.outbox.get(id)?.state === 'recalled';
  }

  /** Prepares the draft that a mail becomes which reaches nobody. */
  async #draftOf(mail: readonly OutboxEntry[]): ReturnType<DraftDesk['takeBack']> {
    const { account, messages } = this.#parts;
    const [first] = mail;
    if (first === undefined || first.messageId === '') return undefined;
    const copies = [...messages.all(FOLDER.Sent)];
    const copy = copies.findLast((one) => one.entry.messageId === first.messageId);
    if (copy === undefined) return undefined;
    const { network } = account;
    const named = (role: OutboxEntry['role']): string[] =>
      mail
        .filter((one) => (one.role ?? 'to') === role)
        .map(({ to: address, subAddress }) =>
          formatEmail(
            subAddress === undefined ? { address, network } : { address, network, subAddress },
          ),
        );
    const recipients = { to: named('to'), cc: named('cc'), bcc: named('bcc') };
    return this.#drafts.takeBack(copy.id, recipients);
  }

  async report(id: string): Promise<OutboxReportDto> {
    const { account, contacts, outbox } = this.#parts;
    const entries = this.#mailOf(this.#entry(id));
    const [first] = entries;
    return {
      messageId: (first?.messageId ?? '').slice(0, 1_024),
      subject: first?.subject ?? '',
      recipientCount: entries.length,
      ...reportOf(entries),
      items: entries.map((one) => outboxView(account, contacts, one, outbox.workOf(one.id))),
    };
  }

  async registered(messageId: string): Promise<RegisteredLetterDto> {
    const { account, messages, store, tangle } = this.#parts;
    const mail = messages.get(messageId);
    const raw = messages.raw(messageId);
    if (mail === undefined || raw === undefined)
      throw new ClientError('message-unknown', messageId);
    const content = getRegistered(store, mail.entry.messageKey, raw);
    if (content === undefined) throw new ClientError('not-registered');
    const { networkId, address } = account;
    const bytes = encodeRegistered(content);
    const letter = { networkId, recipient: address, bytes };
    const proven = checkRegistered(letter, tangle.verifier);
    if (!proven.ok) throw new ClientError('signature-invalid', proven.code);
    const isLarge = proven.value.kind === 'parcel';
    if (isLarge) requireMessage(proven.value.message, raw);
    const recipient = addressText(account);
    return {
      isLarge,
      sender: addressText(account, proven.value.sender),
      recipient,
      sentAt: proven.value.sentAt,
      file: {
        format: 'tanglemail-registered-letter-1',
        networkId: `${networkId}`,
        recipient,
        letter: Buffer.from(bytes).toString('base64'),
      },
    };
  }

  #entry(id: string): OutboxEntry {
    const entry = /^[0-9]{1,15}$/.test(id) ? this.#parts.outbox.get(Number(id)) : undefined;
    if (entry === undefined || !isMail(entry)) throw new ClientError('outbox-unknown', id);
    return entry;
  }

  /** All entries of the mail, one a recipient: they were given numbers one behind another. */
  #mailOf(entry: OutboxEntry): OutboxEntry[] {
    const { outbox } = this.#parts;
    const isSame = (one: OutboxEntry | undefined): one is OutboxEntry =>
      one !== undefined &&
      isMail(one) &&
      one.emailId === entry.emailId &&
      one.messageId === entry.messageId &&
      one.createdAtMs === entry.createdAtMs;
    const found = [entry];
    for (let at = entry.id - 1; ; at -= 1) {
      const one = outbox.get(at);
      if (!isSame(one)) break;
      found.unshift(one);
    }
    for (let at = entry.id + 1; ; at += 1) {
      const one = outbox.get(at);
      if (!isSame(one)) break;
      found.push(one);
    }
    return found;
  }
}
