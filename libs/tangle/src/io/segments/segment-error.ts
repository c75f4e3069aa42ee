/**
 * What segments fail with beside the operating system's errors; `code` is read by store-error.ts.
 * Spec: docs/spec/10-storage.md.
 */

/** `SEGMENT_CORRUPT`: bytes are missing or damaged; `SEGMENT_CLOSED`: used after close. */
export type SegmentErrorCode = 'SEGMENT_CORRUPT' | 'SEGMENT_CLOSED';

export class SegmentError extends Error {
  override readonly name = 'SegmentError';
  readonly code: SegmentErrorCode;

  constructor(code: SegmentErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
