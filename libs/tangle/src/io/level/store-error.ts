/**
 * What can go wrong with a store, in one closed list. A failed write ends the node (its memory may
 * be ahead of the disk); the code says what its operator has to do.
 * Path: kv-store.ts → here. Spec: docs/spec/10-storage.md.
 */

/** The codes, each with what it means to the person who reads it. */
export const STORE_ERRORS = {
  locked: 'another process has this folder open',
  'no-space': 'the disk is full',
  io: 'the disk or the folder refused a read or a write',
  corrupt: 'a file of the store is damaged',
  closed: 'the store is closed',
  'wrong-network': 'this folder belongs to another network',
  'wrong-kind': 'this folder belongs to another program',
  'wrong-schema': 'this folder was written by another version',
} as const;

export type StoreErrorCode = keyof typeof STORE_ERRORS;

/** The one error class of stores. `cause` is what the library below said. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly code: StoreErrorCode;

  constructor(code: StoreErrorCode, facts = '', cause?: unknown) {
    const message = facts === '' ? STORE_ERRORS[code] : `${STORE_ERRORS[code]}: ${facts}`;
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

const CODE_OF_LEVEL: Readonly<Record<string, StoreErrorCode>> = {
  LEVEL_LOCKED: 'locked',
  LEVEL_CORRUPTION: 'corrupt',
  LEVEL_DATABASE_NOT_OPEN: 'closed',
  LEVEL_BATCH_NOT_OPEN: 'closed',
  LEVEL_ITERATOR_NOT_OPEN: 'closed',
  SEGMENT_CORRUPT: 'corrupt',
  SEGMENT_CLOSED: 'closed',
  ENOSPC: 'no-space',
  EDQUOT: 'no-space',
};

/** LevelDB passes on the text of the operating system, and no error number. */
const NO_SPACE_TEXT = /No space left on device|Disk quota exceeded/;
const MAX_CAUSES = 5;
/** Characters of the reason; a path may be long. */
const MAX_REASON_LENGTH = 300;

/**
 * The StoreError for what `level` or the operating system threw. The library wraps the reason in
 * one or two errors of its own, so the innermost one decides and is told: "not open" with a reason
 * below it means that reason.
 */
export function toStoreError(error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  let code: StoreErrorCode = 'io';
  let reason = '';
  let current: unknown = error;
  for (let depth = 0; depth < MAX_CAUSES && isErrorLike(current); depth++) {
    reason = typeof current.message === 'string' ? current.message : '';
    reason = reason.slice(0, MAX_REASON_LENGTH);
    if (NO_SPACE_TEXT.test(reason)) return new StoreError('no-space', reason, error);
    code = CODE_OF_LEVEL[String(current.code)] ?? 'io';
    current = current.cause;
  }
  return new StoreError(code, code === 'closed' ? '' : reason, error);
}

/** Errors of a native module need not be instances of this context's Error. */
function isErrorLike(
  value: unknown,
): value is { readonly message?: unknown; readonly code?: unknown; readonly cause?: unknown } {
  return typeof value === 'object' && value !== null;
}
