/**
 * Mail that a mail program hands in: whose it must be, whom it can go to, and that the same mail
 * handed in again is one. Before: mail io, smtp/; after: service/mail-sender.ts.
 * Spec: docs/spec/45-mail-programs.md; RFC 6409.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { readHeaders, soleFrom } from '@tanglemail/mail/core/message/headers.ts';
import { type SmtpAccount, SmtpRefused, type Submission } from '@tanglemail/mail/io/smtp/hooks.ts';
import type { ApiServices } from '../api/service.ts';
import { ClientError, type ClientErrorCode } from '../client-error.ts';
import type { ClientParts } from '../client-parts.ts';
import { readAddress, readRecipient } from '../service/recipients.ts';

/** A program that got no answer tries again within this time. */
const REPEAT_MS = 1_800_000;
/** Mails that are remembered for that. */
const MAX_REMEMBERED = 1_000;

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

export interface SubmissionDeskDeps {
  readonly parts: Pick<ClientParts, 'account' | 'contacts'>;
  readonly service: Pick<ApiServices['local'], 'sendRawMessage'>;
  readonly nowMs: () => number;
}

interface Remembered {
  readonly atMs: number;
  readonly answer: Promise<string>;
}

export class SubmissionDesk implements SmtpAccount {
  readonly #deps: SubmissionDeskDeps;
  /** By hash of recipients and bytes, the oldest first. */
  readonly #recent = new Map<string, Remembered>();

  constructor(deps: SubmissionDeskDeps) {
    this.#deps = deps;
  }

  /** The empty sender is that of notices (RFC 5321 §4.5.5). */
  checkSender(address: string): void {
    if (address !== '' && !this.#isOwn(address)) {
      throw new SmtpRefused(550, '5.7.1', 'the sender is not this account');
    }
  }

  async checkRecipient(address: string): Promise<void> {
    const { account, contacts } = this.#deps.parts;
    const recipient = refused(() => readRecipient(account, contacts, address));
    if (contacts.get(recipient.address)?.keyChange !== undefined) {
      throw new SmtpRefused(
        550,
        '5.7.1',
        'the recipient shows other keys than before: compare safety numbers, then accept them',
      );
    }
  }

  async submit({ recipients, raw }: Submission): Promise<string> {
    this.#checkFrom(raw);
    const to = recipients.map((one) => one.address).toSorted();
    const key = bytesToHex(sha256(Buffer.concat([Buffer.from(`${to.join('\n')}\0`), raw])));
    const known = this.#recent.get(key);
    const { nowMs, service } = this.#deps;
    if (known !== undefined && nowMs() - known.atMs < REPEAT_MS) return known.answer;
    const wantsReceipt = recipients.some((one) => one.notify?.includes('SUCCESS') === true);
    // Programs that let people take a mail back wait by themselves before they hand it in.
    const choices = { undoSeconds: 0, ...(wantsReceipt ? { wantsReceipt } : {}) };
    const answer = service
      .sendRawMessage(raw, to, choices)
      .then(({ id }) => `2.0.0 queued as ${id}`, refuse);
    this.#remember(key, answer);
    return answer;
  }

  /** From must be the account: nobody is shown mail of somebody who did not write it. */
  #checkFrom(raw: Uint8Array): void {
    const headers = readHeaders(raw);
    if (!headers.ok) throw new SmtpRefused(554, '5.6.0', 'the mail has no header section');
    const from = soleFrom(headers.value);
    if (from === undefined || !this.#isOwn(from)) {
      throw new SmtpRefused(550, '5.7.1', 'From must be the address of this account alone');
    }
  }

  #isOwn(address: string): boolean {
    const { account } = this.#deps.parts;
    try {
      return readAddress(account, address) === account.address;
    } catch {
      return false;
    }
  }

  #remember(key: string, answer: Promise<string>): void {
    const { nowMs } = this.#deps;
    this.#recent.delete(key);
    this.#recent.set(key, { atMs: nowMs(), answer });
    answer.catch(() => this.#recent.delete(key));
    for (const [old, { atMs }] of this.#recent) {
      if (this.#recent.size <= MAX_REMEMBERED && nowMs() - atMs < REPEAT_MS) break;
      this.#recent.delete(old);
    }
  }
}

function refused<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    return refuse(error);
  }
}

function refuse(error: unknown): never {
  const row = error instanceof ClientError ? REFUSALS[error.code] : undefined;
  if (row === undefined || !(error instanceof ClientError)) throw error;
  throw new SmtpRefused(...row, error.message);
}
