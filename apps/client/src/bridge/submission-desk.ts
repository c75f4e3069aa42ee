/**
 * Mail that a mail program hands in: whose it must be, whom it can go to, and that the same mail
 * handed in again is one. Before: mail io, smtp/; after: service/mail-sender.ts, fates/.
 * Spec: docs/spec/45-mail-programs.md; RFC 6409.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { doorwayOf } from '@tanglemail/mail/core/identity/sub-address.ts';
import { readAddresses } from '@tanglemail/mail/core/message/addresses.ts';
import {
  type HeaderSection,
  readHeaders,
  soleFrom,
} from '@tanglemail/mail/core/message/headers.ts';
import { type SmtpAccount, SmtpRefused, type Submission } from '@tanglemail/mail/io/smtp/hooks.ts';
import type { QueuedMessageDto, SendChoicesDto } from '../api/dto.ts';
import { ClientError, type ClientErrorCode } from '../client-error.ts';
import type { ClientParts } from '../client-parts.ts';
import type { DescriptorResolver } from '../descriptor/resolver.ts';
import type { FateBook, Submitted, SubmittedWish } from '../fates/fate-book.ts';
import type { QueuedAlong } from '../outbox/outgoing.ts';
import { readAddress, readRecipient, type Recipient } from '../service/recipients.ts';
import { NOTIFY } from '../store/bridge-collections.ts';

/** A program that got no answer tries again within this time. */
const REPEAT_MS = 1_800_000;

type Row = readonly [responseCode: number, enhanced: string];
/** RFC 3463 codes of what can go wrong with a mail. */
const REFUSALS: Readonly<Partial<Record<ClientErrorCode, Row>>> = {
  'address-invalid': [550, '5.1.1'],
  'contact-is-self': [550, '5.1.1'],
  'insufficient-funds': [452, '4.3.1'],
  'key-changed': [550, '5.7.1'],
  'link-invalid': [550, '5.1.1'],
  'message-malformed': [554, '5.6.0'],
  'message-too-large': [552, '5.3.4'],
  'recipient-unknown': [550, '5.1.1'],
};

/** What queues a mail. */
export interface SubmissionService {
  sendRawMessage(
    raw: Uint8Array,
    to: readonly string[],
    choices: SendChoicesDto,
    alongside: QueuedAlong,
  ): Promise<QueuedMessageDto>;
}

export interface SubmissionDeskDeps {
  readonly parts: Pick<ClientParts, 'account' | 'contacts'> & {
    readonly fates: Pick<FateBook, 'note' | 'repeated'>;
    readonly resolver: Pick<DescriptorResolver, 'cached' | 'resolve'>;
  };
  readonly service: SubmissionService;
  readonly nowMs: () => number;
}

export class SubmissionDesk implements SmtpAccount {
  readonly #deps: SubmissionDeskDeps;
  /** Mails that are being queued, by hash of recipients and bytes. */
  readonly #underWay = new Map<string, Promise<string>>();

  constructor(deps: SubmissionDeskDeps) {
    this.#deps = deps;
  }

  /** The empty sender is that of notices (RFC 5321 §4.5.5). */
  checkSender(address: string): void {
    if (address !== '' && !this.#isOwn(address)) {
      throw new SmtpRefused(550, '5.7.1', 'the sender is not this account');
    }
  }

  async checkRecipient(address: string, sizeBytes: number | undefined): Promise<void> {
    const recipient = this.#read(address);
    if (this.#deps.parts.contacts.get(recipient.address)?.keyChange !== undefined) {
      throw new SmtpRefused(
        550,
        '5.7.1',
        'the recipient shows other keys than before: compare safety numbers, then accept them',
      );
    }
    await this.#checkWill(recipient, sizeBytes);
  }

  /**
   * What the recipient publishes of itself: who may write, and how large. What was seen last may
   * be over, so that a refusal is asked about again; who cannot be asked gets the mail queued.
   */
  async #checkWill(recipient: Recipient, sizeBytes: number | undefined): Promise<void> {
    const { resolver } = this.#deps.parts;
    const { address } = recipient;
    if (this.#refusalBy(resolver.cached(address), recipient, sizeBytes) === undefined) return;
    const newest = await resolver.resolve(address).catch(() => undefined);
    const refusal = this.#refusalBy(newest, recipient, sizeBytes);
    if (refusal !== undefined) throw refusal;
  }

  #refusalBy(
    descriptor: ReturnType<DescriptorResolver['cached']>,
    { address, subAddress }: Recipient,
    sizeBytes = 0,
  ): SmtpRefused | undefined {
    if (descriptor === undefined) return undefined;
    const { maxMail } = descriptor;
    if (sizeBytes > maxMail) {
      return new SmtpRefused(552, '5.3.4', `the recipient takes mails of at most ${maxMail} bytes`);
    }
    const contact = this.#deps.parts.contacts.get(address);
    const door = doorwayOf(descriptor, address, subAddress ?? contact?.writeBy);
    if (door === undefined) {
      return new SmtpRefused(550, '5.1.1', 'the recipient has no such sub-address (any more)');
    }
    const isKnown = contact?.knowsUs === true || contact?.invite !== undefined;
    if (isKnown || !door.policy.contactsOnly || this.#isOwnAddress(address)) return undefined;
    return new SmtpRefused(550, '5.7.1', 'the recipient takes mail of contacts only');
  }

  #isOwnAddress(address: string): boolean {
    return address === this.#deps.parts.account.address;
  }

  async submit(submission: Submission): Promise<string> {
    const { recipients, raw } = submission;
    const headers = this.#checkFrom(raw);
    const to = recipients.map((one) => one.address).toSorted();
    const hash = bytesToHex(sha256(Buffer.concat([Buffer.from(`${to.join('\n')}\0`), raw])));
    const { nowMs, parts } = this.#deps;
    const known = parts.fates.repeated(hash, nowMs() - REPEAT_MS);
    if (known !== undefined) return answerOf(known);
    const underWay = this.#underWay.get(hash);
    if (underWay !== undefined) return underWay;
    const answer = this.#queue(submission, to, this.#submitted(submission, headers, hash));
    this.#underWay.set(hash, answer);
    return answer.finally(() => this.#underWay.delete(hash));
  }

  async #queue({ raw }: Submission, to: readonly string[], submitted: Submitted): Promise<string> {
    const { service, parts } = this.#deps;
    const wishes = [...submitted.wishes.values()];
    const isSuccessWanted = wishes.some((one) => one.notify?.includes('SUCCESS') === true);
    // Programs that let people take a mail back wait by themselves before they hand it in.
    const choices = {
      undoSeconds: 0,
      ...(isSuccessWanted || submitted.asksRead ? { wantsReceipt: true } : {}),
    };
    const alongside = parts.fates.note(submitted);
    const { id } = await service.sendRawMessage(raw, to, choices, alongside).catch(refuse);
    return answerOf(id);
  }

  #submitted(submission: Submission, headers: HeaderSection, hash: string): Submitted {
    const { sender, envelopeId, returnsFull, recipients } = submission;
    const isNotice = sender === '';
    const asked = headers.fields
      .filter((one) => one.name === 'disposition-notification-to')
      .flatMap((one) => readAddresses(one.value));
    const wishes = recipients.map((one): readonly [string, SubmittedWish] => {
      const { address, originalRecipient } = one;
      const notify = NOTIFY.filter((word) => one.notify?.includes(word) === true);
      const wish = { originalRecipient, ...(notify.length === 0 ? {} : { notify }) };
      return [this.#read(address).address, wish];
    });
    return {
      hash,
      isNotice,
      // Another account of the same person hears of it by its own client.
      asksRead: !isNotice && asked.some((one) => this.#isOwn(one.address)),
      envelopeId,
      isFull: returnsFull,
      wishes: new Map(wishes),
    };
  }

  #read(address: string): Recipient {
    const { account, contacts } = this.#deps.parts;
    try {
      return readRecipient(account, contacts, address);
    } catch (error) {
      return refuse(error);
    }
  }

  /** From must be the account: nobody is shown mail of somebody who did not write it. */
  #checkFrom(raw: Uint8Array): HeaderSection {
    const headers = readHeaders(raw);
    if (!headers.ok) throw new SmtpRefused(554, '5.6.0', 'the mail has no header section');
    const from = soleFrom(headers.value);
    if (from === undefined || !this.#isOwn(from)) {
      throw new SmtpRefused(550, '5.7.1', 'From must be the address of this account alone');
    }
    return headers.value;
  }

  #isOwn(address: string): boolean {
    const { account } = this.#deps.parts;
    try {
      return readAddress(account, address) === account.address;
    } catch {
      return false;
    }
  }
}

function answerOf(id: string): string {
  return `2.0.0 queued as ${id}`;
}

function refuse(error: unknown): never {
  const row = error instanceof ClientError ? REFUSALS[error.code] : undefined;
  if (row === undefined || !(error instanceof ClientError)) throw error;
  throw new SmtpRefused(...row, error.message);
}
