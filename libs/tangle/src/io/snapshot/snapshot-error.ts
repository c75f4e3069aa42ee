/**
 * What can go wrong with snapshots outside their content: files, sources, a writer that is busy.
 * The codes of the content are those of core/snapshot/codes.ts. Path: every file of this folder →
 * here → the node's log, its command line and API. Spec: docs/spec/12-snapshot.md §5.
 */
import { SNAPSHOT_CODES, type SnapshotCode } from '../../core/snapshot/codes.ts';
import type { Failure } from '../../core/outcome.ts';

/** The codes, each with what it means to the person who reads it. */
export const SNAPSHOT_FILE_CODES = {
  unreadable: 'the snapshot cannot be read',
  unwritable: 'the snapshot cannot be written',
  unavailable: 'the source of a snapshot does not answer as it should',
  'too-large': 'the source has more bytes than snapshot.maxDownloadBytes allows',
  'no-source': 'no source of snapshot.from gave a snapshot that holds',
  'no-base': 'there is no full snapshot on this disk that a delta could change',
  'not-ahead': 'there is no milestone after the last snapshot yet',
  busy: 'another snapshot is being written',
  stopped: 'the node stops',
} as const;

export type SnapshotErrorCode = SnapshotCode | keyof typeof SNAPSHOT_FILE_CODES;

const MEANINGS: Readonly<Record<SnapshotErrorCode, string>> = {
  ...SNAPSHOT_CODES,
  ...SNAPSHOT_FILE_CODES,
};

/** The one error class of snapshots. `cause` is what the system below said. */
export class SnapshotError extends Error {
  override readonly name = 'SnapshotError';
  readonly code: SnapshotErrorCode;

  /** @param facts a path or a URL, and what is known beside the code. */
  constructor(code: SnapshotErrorCode, facts: string, cause?: unknown) {
    super(`${MEANINGS[code]}: ${facts}`, cause === undefined ? undefined : { cause });
    this.code = code;
  }

  /** For a check of the core that failed on the file at `path`. */
  static of({ code, detail }: Failure<SnapshotCode>, path: string): SnapshotError {
    return new SnapshotError(code, detail === undefined ? path : `${path} (${detail})`);
  }
}
