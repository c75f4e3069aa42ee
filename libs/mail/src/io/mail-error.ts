/**
 * The one error class of the mail library, for operational failures (a full disk, a message that
 * cannot be composed). Peer input never ends here: the core returns an outcome for it.
 * Spec: docs/spec/22-letter.md names the codes that reach a user.
 */
import type { MailFailure } from '../core/outcome.ts';

/** `code` is closed text of this project, `facts` go to a log line and hold no secrets. */
export class MailError extends Error {
  readonly code: string;
  readonly facts: Readonly<Record<string, string | number>>;

  constructor(
    code: string,
    message: string,
    options: { cause?: unknown; facts?: Readonly<Record<string, string | number>> } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'MailError';
    this.code = code;
    this.facts = options.facts ?? {};
  }

  /** Turns the core's verdict into an error, where a caller has nobody left to blame but itself. */
  static from(failure: MailFailure): MailError {
    const message =
      failure.detail === undefined ? failure.code : `${failure.code}: ${failure.detail}`;
    return new MailError(failure.code, message);
  }
}
