/**
 * Reads a snapshot from bytes in pieces of any size: a state machine that checks form, checksums,
 * order and counts, and holds one frame at most. Whether the content is true is verifier.ts's
 * question. Path: io/snapshot/read-snapshot.ts → here → verifier.ts or the importer.
 * Spec: docs/spec/12-snapshot.md §2–3.
 */
import type { OutputId } from '../codec/ids.ts';
import { decodeWith, type Reader } from '../codec/reader.ts';
import type { OutputRecord } from '../ledger/ledger-diff.ts';
import { succeed } from '../outcome.ts';
import { MAX_SNAPSHOT_ELECTIONS, MAX_SNAPSHOT_FRAME_SIZE } from '../params/limits.ts';
import type { Hasher } from '../ports.ts';
import {
  FRAME_KINDS,
  readChanges,
  readElection,
  readEnd,
  readOutputs,
  readSnapshotHeader,
  readSnapshotMilestone,
  type LedgerChange,
  type SnapshotCounts,
  type SnapshotHeader,
  type SnapshotMilestone,
} from './codec.ts';
import { refuseSnapshot, type SnapshotCode, type SnapshotOutcome } from './codes.ts';
import type { Failure } from '../outcome.ts';
import { FrameReader, type Frame } from './frames.ts';

/** One decoded frame. */
export type SnapshotPart =
  | { readonly type: 'header'; readonly header: SnapshotHeader }
  | { readonly type: 'election'; readonly bytes: Uint8Array }
  | { readonly type: 'milestone'; readonly milestone: SnapshotMilestone }
  | { readonly type: 'outputs'; readonly records: readonly OutputRecord[] }
  | { readonly type: 'changes'; readonly changes: readonly LedgerChange[] }
  | { readonly type: 'end'; readonly counts: SnapshotCounts };

type PartType = SnapshotPart['type'];

export class SnapshotParser {
  readonly #frames: FrameReader;
  #header: SnapshotHeader | undefined;
  #last: PartType | undefined;
  #elections = 0;
  #milestones = 0;
  #created = 0;
  #consumed = 0;
  #lastOutputId = '';
  #failure: Failure<SnapshotCode> | undefined;

  constructor(hasher: Hasher) {
    this.#frames = new FrameReader(hasher);
  }

  /** The parts that these bytes complete. After a failure every call gives the same one. */
  push(bytes: Uint8Array): SnapshotOutcome<SnapshotPart[]> {
    if (this.#failure !== undefined) return this.#failure;
    const parts: SnapshotPart[] = [];
    let offset = 0;
    while (offset < bytes.length) {
      if (this.#last === 'end') return this.#fail(refuseSnapshot('snapshot-trailing'));
      const taken = this.#frames.take(bytes, offset);
      if (!taken.ok) return this.#fail(taken);
      offset = taken.value.offset;
      if (taken.value.frame === undefined) continue;
      const part = this.#partOf(taken.value.frame);
      if (!part.ok) return this.#fail(part);
      parts.push(part.value);
    }
    return succeed(parts);
  }

  /** The file ends here: `snapshot-truncated` unless the end frame was the last. */
  finish(): SnapshotOutcome<void> {
    if (this.#failure !== undefined) return this.#failure;
    if (this.#last === 'end') return succeed(undefined);
    const place = this.#frames.isBetweenFrames ? 'between two frames' : 'inside a frame';
    return this.#fail(refuseSnapshot('snapshot-truncated', place));
  }

  #fail(failure: Failure<SnapshotCode>): Failure<SnapshotCode> {
    this.#failure = failure;
    return failure;
  }

  #partOf({ kind, body }: Frame): SnapshotOutcome<SnapshotPart> {
    const decoded = decodeWith(body, MAX_SNAPSHOT_FRAME_SIZE, (reader) => readPart(kind, reader));
    if (!decoded.ok) return refuseSnapshot('snapshot-form', decoded.detail ?? decoded.code);
    const part = decoded.value;
    if (part === undefined) return refuseSnapshot('snapshot-form', `a frame of kind ${kind}`);
    if (!this.#isInOrder(part.type)) {
      return refuseSnapshot('snapshot-order', `${part.type} after ${this.#last ?? 'the start'}`);
    }
    this.#last = part.type;
    const checked = this.#check(part);
    return checked.ok ? succeed(part) : checked;
  }

  /** header, election*, milestone+, outputs* (full) or changes* (delta), end. */
  #isInOrder(type: PartType): boolean {
    switch (type) {
      case 'header':
        return this.#last === undefined;
      case 'election':
        return this.#last === 'header' || this.#last === 'election';
      case 'milestone':
        return this.#last === 'milestone' || this.#isInOrder('election');
      case 'outputs':
        return this.#isLedgerPart('outputs') && this.#header?.base === undefined;
      case 'changes':
        return this.#isLedgerPart('changes') && this.#header?.base !== undefined;
      case 'end':
        return this.#isLedgerPart('outputs') || this.#isLedgerPart('changes');
      default:
        return false;
    }
  }

  #isLedgerPart(same: PartType): boolean {
    return this.#last === 'milestone' || this.#last === same;
  }

  #check(part: SnapshotPart): SnapshotOutcome<void> {
    switch (part.type) {
      case 'header':
        this.#header = part.header;
        return succeed(undefined);
      case 'election':
        this.#elections += 1;
        return this.#elections <= MAX_SNAPSHOT_ELECTIONS
          ? succeed(undefined)
          : refuseSnapshot('snapshot-count', `more than ${MAX_SNAPSHOT_ELECTIONS} elections`);
      case 'milestone':
        this.#milestones += 1;
        return this.#withinWindow();
      case 'outputs':
        this.#created += part.records.length;
        return this.#ascending(part.records.map(({ outputId }) => outputId));
      case 'changes':
        return this.#checkChanges(part.changes);
      default:
        return this.#checkCounts(part.counts);
    }
  }

  #checkChanges(changes: readonly LedgerChange[]): SnapshotOutcome<void> {
    const created = changes.filter(({ kind }) => kind === 'created').length;
    this.#created += created;
    this.#consumed += changes.length - created;
    return this.#ascending(changes.map((change) => outputIdOf(change)));
  }

  #withinWindow(): SnapshotOutcome<void> {
    const { target, windowFirst } = this.#header!;
    const most = target.index - windowFirst + 1;
    return this.#milestones <= most
      ? succeed(undefined)
      : refuseSnapshot('snapshot-count', `more than ${most} milestones`);
  }

  /** Each output once, in the order of ids: a delta is then applied and made by walking along. */
  #ascending(ids: readonly OutputId[]): SnapshotOutcome<void> {
    for (const id of ids) {
      if (id <= this.#lastOutputId) return refuseSnapshot('snapshot-order', `output ${id}`);
      this.#lastOutputId = id;
    }
    const { unspentCount } = this.#header!;
    return this.#created <= unspentCount
      ? succeed(undefined)
      : refuseSnapshot('snapshot-count', `more than ${unspentCount} outputs`);
  }

  #checkCounts(counts: SnapshotCounts): SnapshotOutcome<void> {
    const { target, windowFirst, base, unspentCount } = this.#header!;
    const isRight =
      counts.milestones === this.#milestones &&
      counts.created === this.#created &&
      counts.consumed === this.#consumed &&
      this.#milestones === target.index - windowFirst + 1 &&
      (base !== undefined || this.#created === unspentCount);
    const found = `${this.#milestones} milestones, ${this.#created} outputs`;
    return isRight ? succeed(undefined) : refuseSnapshot('snapshot-count', found);
  }
}

function outputIdOf(change: LedgerChange): OutputId {
  return change.kind === 'created' ? change.record.outputId : change.outputId;
}

function readPart(kind: number, reader: Reader): SnapshotPart | undefined {
  switch (kind) {
    case FRAME_KINDS.header:
      return { type: 'header', header: readSnapshotHeader(reader) };
    case FRAME_KINDS.election:
      return { type: 'election', bytes: readElection(reader) };
    case FRAME_KINDS.milestone:
      return { type: 'milestone', milestone: readSnapshotMilestone(reader) };
    case FRAME_KINDS.outputs:
      return { type: 'outputs', records: readOutputs(reader) };
    case FRAME_KINDS.changes:
      return { type: 'changes', changes: readChanges(reader) };
    case FRAME_KINDS.end:
      return { type: 'end', counts: readEnd(reader) };
    default:
      // The caller refuses the kind; what is left of the body does not matter then.
      reader.view(reader.remaining);
      return undefined;
  }
}
