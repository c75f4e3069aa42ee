/**
 * Why a seat does not say something. Path: vote-log.ts, signer.ts and seat.ts → the agreement.
 * Spec: docs/spec/16-signer.md.
 */

/**
 * A memory that cannot be trusted, or a statement that contradicts it: the process must not
 * validate. `message` is for the operator.
 */
export class VoteError extends Error {
  override readonly name = 'VoteError';
}

/** The closed list, each with what it means to an operator. */
export const SIGNER_ERRORS = {
  contradicts: 'the signer refused: it signed the opposite',
  below: 'the view lies below what is remembered',
  'unknown-network': 'the signer serves another network',
  silent: 'this seat must not speak there',
  away: 'the signer does not answer',
  invalid: 'the signer’s answer is wrong',
} as const;

export type SignerErrorCode = keyof typeof SIGNER_ERRORS;

/** A statement is not said, and the process goes on. Only `away` may be tried again. */
export class SignerError extends Error {
  override readonly name = 'SignerError';
  readonly code: SignerErrorCode;

  constructor(code: SignerErrorCode) {
    super(SIGNER_ERRORS[code]);
    this.code = code;
  }
}

/** Not all of a group is said; the rest was signed. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
  /** `away` when anything of it may be asked for again. */
  readonly code: SignerErrorCode;
  readonly signatures: readonly (Uint8Array | undefined)[];

  constructor(codes: readonly SignerErrorCode[], signatures: readonly (Uint8Array | undefined)[]) {
    const code = codes.find((one) => one === 'away') ?? codes[0] ?? 'invalid';
    super(SIGNER_ERRORS[code]);
    this.code = code;
    this.signatures = signatures;
  }
}
