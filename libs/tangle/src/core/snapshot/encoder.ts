/**
 * Writes a snapshot part by part: the caller gives the parts in their order and stores the bytes.
 * Path: io/snapshot/write-snapshot.ts → here → codec.ts, frames.ts.
 * Spec: docs/spec/12-snapshot.md §3.
 */
import type { OutputRecord } from '../ledger/ledger-diff.ts';
import { assert } from '../outcome.ts';
import type { Hasher } from '../ports.ts';
import {
  encodeChanges,
  encodeElection,
  encodeEnd,
  encodeHeader,
  encodeOutputs,
  encodeSnapshotMilestone,
  FRAME_KINDS,
  type LedgerChange,
  type SnapshotHeader,
  type SnapshotMilestone,
} from './codec.ts';
import { encodePrefix, FrameWriter } from './frames.ts';

/** One object per file: `start`, elections, milestones, then `outputs` or `changes`, then `end`. */
export class SnapshotEncoder {
  readonly #frames: FrameWriter;
  #milestones = 0;
  #created = 0;
  #consumed = 0;

  constructor(hasher: Hasher) {
    this.#frames = new FrameWriter(hasher);
  }

  /** What the file begins with. */
  start(header: SnapshotHeader): Uint8Array[] {
    return [encodePrefix(), this.#frames.frame(FRAME_KINDS.header, encodeHeader(header))];
  }

  /** The next election, ascending by epoch. */
  election(bytes: Uint8Array): Uint8Array {
    return this.#frames.frame(FRAME_KINDS.election, encodeElection(bytes));
  }

  /** The next milestone of the window. */
  milestone(milestone: SnapshotMilestone): Uint8Array {
    this.#milestones += 1;
    return this.#frames.frame(FRAME_KINDS.milestone, encodeSnapshotMilestone(milestone));
  }

  /** Unspent outputs of a full snapshot, at least one, ascending by id over all calls. */
  outputs(records: readonly OutputRecord[]): Uint8Array {
    assert(records.length > 0, 'a frame of outputs has some');
    this.#created += records.length;
    return this.#frames.frame(FRAME_KINDS.outputs, encodeOutputs(records));
  }

  /** Changes of a delta, at least one, ascending by output id over all calls. */
  changes(changes: readonly LedgerChange[]): Uint8Array {
    assert(changes.length > 0, 'a frame of changes has some');
    const created = changes.filter(({ kind }) => kind === 'created').length;
    this.#created += created;
    this.#consumed += changes.length - created;
    return this.#frames.frame(FRAME_KINDS.changes, encodeChanges(changes));
  }

  /** What the file ends with. */
  end(): Uint8Array {
    const counts = {
      milestones: this.#milestones,
      created: this.#created,
      consumed: this.#consumed,
    };
    return this.#frames.frame(FRAME_KINDS.end, encodeEnd(counts));
  }
}
