/**
 * What can be wrong with a snapshot file, in one closed list. They are apart from the codes of wire
 * objects, because no peer is judged by them: an operator reads them and takes another file.
 * Path: parser.ts, verifier.ts → here → io/snapshot. Spec: docs/spec/12-snapshot.md §5.
 */
import type { Failure, Outcome } from '../outcome.ts';

/** The codes, each with what it means to the person who reads it. */
export const SNAPSHOT_CODES = {
  'snapshot-magic': 'the file is not a snapshot',
  'snapshot-version': 'the snapshot was written by a newer program',
  'snapshot-truncated': 'the file ends too early',
  'snapshot-checksum': 'the file is damaged: its bytes do not fit their checksum',
  'snapshot-form': 'a part of the file does not decode',
  'snapshot-order': 'a part, a milestone or an output stands out of order',
  'snapshot-count': 'the file has more or fewer entries than it says',
  'snapshot-trailing': 'bytes follow the end of the snapshot',
  'snapshot-network': 'the snapshot belongs to another network',
  'snapshot-base': 'the snapshot does not follow the one that it was given with',
  'snapshot-election': 'the elections in the file do not lead from genesis to its milestones',
  'snapshot-window': 'the milestones in the file are not those that a start needs',
  'snapshot-milestone': 'a milestone of the file breaks a rule of the chain',
  'snapshot-certificate': 'a milestone of the file is not certified by the committee',
  'snapshot-inclusion': 'the blocks listed for a milestone are not those that it references',
  'snapshot-ledger': 'a change does not fit the ledger that it changes',
  'snapshot-state-root': 'the outputs are not those that the certified milestone commits to',
  'snapshot-supply': 'the outputs do not add up to what genesis gave out',
} as const;

export type SnapshotCode = keyof typeof SNAPSHOT_CODES;

/** What the checks of a snapshot give back. */
export type SnapshotOutcome<T> = Outcome<T, SnapshotCode>;

/** A failure with facts of our own making. */
export function refuseSnapshot(code: SnapshotCode, detail?: string): Failure<SnapshotCode> {
  const failure = { ok: false, action: 'reject', code } as const;
  return detail === undefined ? failure : { ...failure, detail };
}
