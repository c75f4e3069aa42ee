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
}

export interface Submission {
  readonly recipients: readonly SubmittedRecipient[];
  /** Exactly as the program sent it. */
  readonly raw: Uint8Array;
}

/** The account of a program that has logged in. */
export interface SmtpAccount {
  /** Throws SmtpRefused for a sender that is not the account. */
  checkSender(address: string): void;
  /** Throws SmtpRefused for somebody who cannot be found, or whom mail must not go to now. */
  checkRecipient(address: string): Promise<void>;
  /** Takes the mail up; it is durable when this resolves, with what the program is told. */
  submit(submission: Submission): Promise<string>;
}

export type SmtpLogin = ServerLogin<SmtpAccount>;
