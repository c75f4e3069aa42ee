/** What a submission over SMTP needs of an account. The bridge of the client stands behind it. */

import type { ServerLogin } from '../socket/mail-server.ts';

/** Refuses a command; code and enhanced code are those of RFC 5321 and RFC 3463. */
export class SmtpRefused extends Error {
  readonly responseCode: number;

  /** `enhanced` as `5.1.1`; the text is shown to the person. */
  constructor(responseCode: number, enhanced: string, text: string) {
    super(`${enhanced} ${text}`);
    this.name = 'SmtpRefused';
    this.responseCode = responseCode;
  }
}

export interface SubmittedRecipient {
  /** As the program wrote it. */
  readonly address: string;
  /** NOTIFY of RFC 3461, upper case; absent when the program asked for nothing. */
  readonly notify?: readonly string[] | undefined;
  /** ORCPT of RFC 3461, `type;address` without xtext. */
  readonly originalRecipient?: string | undefined;
}

export interface Submission {
  /** Empty: a notice, of which nobody wants to hear notices (RFC 5321 §4.5.5). */
  readonly sender: string;
  /** ENVID of RFC 3461 without xtext. */
  readonly envelopeId?: string | undefined;
  /** RET=FULL of RFC 3461: the whole mail comes back with a failure. */
  readonly returnsFull: boolean;
  readonly recipients: readonly SubmittedRecipient[];
  /** Exactly as the program sent it. */
  readonly raw: Uint8Array;
}

/** The account of a program that has logged in. */
export interface SmtpAccount {
  /** Throws SmtpRefused for a sender that is not the account. */
  checkSender(address: string): void;
  /**
   * Throws SmtpRefused for somebody who cannot be found, or whom this mail must not go to.
   * `sizeBytes`: SIZE of RFC 1870, if the program said it.
   */
  checkRecipient(address: string, sizeBytes: number | undefined): Promise<void>;
  /** Takes the mail up; it is durable when this resolves, with what the program is told. */
  submit(submission: Submission): Promise<string>;
}

export type SmtpLogin = ServerLogin<SmtpAccount>;
