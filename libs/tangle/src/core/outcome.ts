/**
 * What the core says of input that came from outside: a value, or a verdict with a code. The core
 * never throws at a peer's bytes. Every code stands once in the table below with the action that a
 * node takes; `docs/spec/09-error-codes.md` is checked against it by a test.
 */

/**
 * `ignore`: drop without penalty (it may be old, early or known). `reject`: the sender is at
 * fault.
 */
export type Action = 'ignore' | 'reject';

/** The closed table of codes: action towards the sender, and the spec page that states the rule. */
export const ERROR_CODES = {
  // Form of any wire object.
  'too-large': { action: 'reject', spec: '01-block' },
  truncated: { action: 'reject', spec: '01-block' },
  'trailing-bytes': { action: 'reject', spec: '01-block' },
  'count-out-of-range': { action: 'reject', spec: '01-block' },
  'number-out-of-range': { action: 'reject', spec: '01-block' },
  'not-canonical': { action: 'reject', spec: '01-block' },
  // Block.
  'version-unknown': { action: 'reject', spec: '01-block' },
  'network-id-wrong': { action: 'reject', spec: '01-block' },
  'parents-not-sorted': { action: 'reject', spec: '01-block' },
  'payload-type-unknown': { action: 'reject', spec: '01-block' },
  'payload-length-wrong': { action: 'reject', spec: '01-block' },
  'envelope-too-short': { action: 'reject', spec: '01-block' },
  'pow-insufficient': { action: 'reject', spec: '01-block' },
  'pow-below-load': { action: 'ignore', spec: '01-block' },
  'below-max-depth': { action: 'ignore', spec: '03-dag' },
  'block-known': { action: 'ignore', spec: '03-dag' },
  'too-many-unsolid': { action: 'ignore', spec: '03-dag' },
  // Transaction.
  'output-type-unknown': { action: 'reject', spec: '02-transaction' },
  'output-type-reserved': { action: 'reject', spec: '02-transaction' },
  'output-flags-unknown': { action: 'reject', spec: '02-transaction' },
  'output-field-zero': { action: 'reject', spec: '02-transaction' },
  'output-key-invalid': { action: 'reject', spec: '02-transaction' },
  'input-not-unique': { action: 'reject', spec: '02-transaction' },
  'amount-zero': { action: 'reject', spec: '02-transaction' },
  'sum-overflow': { action: 'reject', spec: '02-transaction' },
  'deposit-too-small': { action: 'reject', spec: '02-transaction' },
  'unlock-type-unknown': { action: 'reject', spec: '02-transaction' },
  'unlock-reference-invalid': { action: 'reject', spec: '02-transaction' },
  'unlock-not-unique': { action: 'reject', spec: '02-transaction' },
  'evidence-invalid': { action: 'reject', spec: '02-transaction' },
  'signature-invalid': { action: 'reject', spec: '02-transaction' },
  // Address text: what a person typed or copied.
  'address-length': { action: 'reject', spec: '02-transaction' },
  'address-prefix': { action: 'reject', spec: '02-transaction' },
  'address-mixed-case': { action: 'reject', spec: '02-transaction' },
  'address-character': { action: 'reject', spec: '02-transaction' },
  'address-checksum': { action: 'reject', spec: '02-transaction' },
  'address-version': { action: 'reject', spec: '02-transaction' },
  'address-network': { action: 'reject', spec: '02-transaction' },
  // Milestone and certificate.
  'option-unknown': { action: 'reject', spec: '04-milestone' },
  'option-order': { action: 'reject', spec: '04-milestone' },
  'certificate-kind-unknown': { action: 'reject', spec: '04-milestone' },
  'certificate-mismatch': { action: 'reject', spec: '04-milestone' },
  'certificate-quorum': { action: 'reject', spec: '04-milestone' },
  'certificate-signature': { action: 'reject', spec: '04-milestone' },
  'milestone-index': { action: 'ignore', spec: '04-milestone' },
  'milestone-previous': { action: 'reject', spec: '04-milestone' },
  'milestone-timestamp': { action: 'reject', spec: '04-milestone' },
  'milestone-root': { action: 'reject', spec: '04-milestone' },
  'milestone-cone-missing': { action: 'ignore', spec: '04-milestone' },
  'milestone-cone-too-large': { action: 'reject', spec: '04-milestone' },
  'milestone-below-max-depth': { action: 'reject', spec: '04-milestone' },
  'milestone-parent-referenced': { action: 'reject', spec: '04-milestone' },
  'milestone-parent-covered': { action: 'reject', spec: '04-milestone' },
  'milestone-epoch': { action: 'reject', spec: '04-milestone' },
  'milestone-empty': { action: 'reject', spec: '04-milestone' },
  'milestone-options': { action: 'reject', spec: '04-milestone' },
  'milestone-committee': { action: 'reject', spec: '04-milestone' },
  'committee-invalid': { action: 'reject', spec: '04-milestone' },
  // Agreement of the committee.
  'consensus-type-unknown': { action: 'reject', spec: '15-consensus' },
  'consensus-view': { action: 'ignore', spec: '15-consensus' },
  'consensus-signature': { action: 'reject', spec: '15-consensus' },
  // Light client.
  'proof-invalid': { action: 'reject', spec: '05-light-client' },
  'proof-stale': { action: 'ignore', spec: '05-light-client' },
  'milestone-fork': { action: 'reject', spec: '05-light-client' },
  'checkpoint-invalid': { action: 'reject', spec: '05-light-client' },
  // Wallet: a transaction that a client was asked to build.
  'insufficient-funds': { action: 'ignore', spec: '08-ledger' },
  'too-many-inputs': { action: 'ignore', spec: '08-ledger' },
  'too-many-outputs': { action: 'ignore', spec: '08-ledger' },
  'dust-change': { action: 'ignore', spec: '08-ledger' },
  'change-address-missing': { action: 'ignore', spec: '08-ledger' },
  // Genesis document.
  'genesis-invalid': { action: 'reject', spec: '06-genesis' },
  // Request protocol.
  'frame-type-unknown': { action: 'reject', spec: '07-gossip' },
  // Node: nothing is wrong with the block, the node cannot take it now.
  'queue-full': { action: 'ignore', spec: '11-node-api' },
} as const satisfies Record<string, { action: Action; spec: string }>;

export type ErrorCode = keyof typeof ERROR_CODES;

export interface Failure<C extends string = ErrorCode> {
  readonly ok: false;
  readonly action: Action;
  readonly code: C;
  /** Facts for a log line or a problem body. Never text that came from a peer. */
  readonly detail?: string;
}

export interface Success<T> {
  readonly ok: true;
  readonly value: T;
}

export type Outcome<T, C extends string = ErrorCode> = Success<T> | Failure<C>;

export function succeed<T>(value: T): Success<T> {
  return { ok: true, value };
}

/** A failure with the action that the table gives for `code`. */
export function fail(code: ErrorCode, detail?: string): Failure {
  const { action } = ERROR_CODES[code];
  return detail === undefined ? { ok: false, action, code } : { ok: false, action, code, detail };
}

/** A broken invariant of our own: stays on in production and stops the process. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`broken invariant: ${message}`);
}
