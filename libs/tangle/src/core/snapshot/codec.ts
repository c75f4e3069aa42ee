/**
 * The bodies of a snapshot's frames: header, milestones with their cones, outputs, changes, end.
 * Field order is that of the spec. Path: parser.ts and encoder.ts → here → core/codec.
 * Spec: docs/spec/12-snapshot.md §3.
 */
import type { BlockId, MilestoneId, OutputId } from '../codec/ids.ts';
import { ID_LENGTH, OUTPUT_ID_LENGTH } from '../codec/ids.ts';
import type { Output } from '../codec/output.ts';
import { readOutput, writeOutput } from '../codec/output.ts';
import { refuse, type Reader } from '../codec/reader.ts';
import { Writer } from '../codec/writer.ts';
import type { OutputRecord } from '../ledger/ledger-diff.ts';
import { MAX_CONE, MAX_MILESTONE_SIZE, MAX_SNAPSHOT_RECORDS } from '../params/limits.ts';

/** Kinds of frames on disk; never reused. */
export const FRAME_KINDS = {
  header: 1,
  milestone: 2,
  outputs: 3,
  changes: 4,
  end: 5,
  election: 6,
} as const;

/** The milestone whose ledger a delta changes. */
export interface SnapshotBase {
  readonly index: number;
  readonly id: MilestoneId;
}

/** What a file says of itself first. */
export interface SnapshotHeader {
  readonly networkId: bigint;
  readonly genesisId: MilestoneId;
  /** The milestone after which the ledger is told. */
  readonly target: {
    readonly index: number;
    readonly id: MilestoneId;
    readonly timestampMs: number;
  };
  /** Index of the first milestone in the file; the last one is the target. */
  readonly windowFirst: number;
  /** Unspent outputs after the target, u32. */
  readonly unspentCount: number;
  /** Present in a delta. */
  readonly base?: SnapshotBase;
}

/** A milestone of the window. */
export interface SnapshotMilestone {
  /** As it travels, with its certificate. */
  readonly bytes: Uint8Array;
  /** Blocks that it newly referenced, in white-flag order. */
  readonly cone: readonly BlockId[];
}

/** One output that entered or left the ledger between base and target. */
export type LedgerChange =
  | { readonly kind: 'created'; readonly record: OutputRecord }
  | { readonly kind: 'consumed'; readonly outputId: OutputId; readonly output: Output };

/** How many entries of each sort the file had. */
export interface SnapshotCounts {
  readonly milestones: number;
  /** Outputs of a full snapshot, created ones of a delta. */
  readonly created: number;
  /** 0 in a full snapshot. */
  readonly consumed: number;
}

const CONSUMED = 0;
const CREATED = 1;

/** `kind u8 | networkId u64 | genesis id | target | first index u32 | unspent u32 | [base]`. */
export function encodeHeader(header: SnapshotHeader): Uint8Array {
  const { target, base } = header;
  const writer = new Writer(140);
  writer.u8(base === undefined ? 1 : 2);
  writer.u64(header.networkId);
  writer.hex(header.genesisId, ID_LENGTH);
  writer.u32(target.index);
  writer.hex(target.id, ID_LENGTH);
  writer.u53(target.timestampMs);
  writer.u32(header.windowFirst);
  writer.u32(header.unspentCount);
  if (base !== undefined) {
    writer.u32(base.index);
    writer.hex(base.id, ID_LENGTH);
  }
  return writer.finish();
}

/** Reads a header. */
export function readSnapshotHeader(reader: Reader): SnapshotHeader {
  const kind = reader.u8();
  if (kind !== 1 && kind !== 2) refuse('number-out-of-range', `kind ${kind}`);
  const header = {
    networkId: reader.u64(),
    genesisId: readMilestoneId(reader),
    target: { index: reader.u32(), id: readMilestoneId(reader), timestampMs: reader.u53() },
    windowFirst: reader.u32(),
    unspentCount: reader.u32(),
  };
  if (kind === 1) return header;
  return { ...header, base: { index: reader.u32(), id: readMilestoneId(reader) } };
}

/** `length u32 | milestone`, with its certificate. */
export function encodeElection(bytes: Uint8Array): Uint8Array {
  const writer = new Writer(4 + bytes.length);
  writer.u32(bytes.length);
  writer.raw(bytes);
  return writer.finish();
}

/** Reads the bytes of an election. */
export function readElection(reader: Reader): Uint8Array {
  return reader.bytes(readCount(reader, 1, MAX_MILESTONE_SIZE));
}

/** `length u16 | milestone | count u32 | block ids 32 each`. */
export function encodeSnapshotMilestone({ bytes, cone }: SnapshotMilestone): Uint8Array {
  const writer = new Writer(6 + bytes.length + cone.length * ID_LENGTH);
  writer.count16(bytes.length, 1, MAX_MILESTONE_SIZE);
  writer.raw(bytes);
  writer.u32(cone.length);
  for (const id of cone) writer.hex(id, ID_LENGTH);
  return writer.finish();
}

/** Reads a milestone with its cone. */
export function readSnapshotMilestone(reader: Reader): SnapshotMilestone {
  const bytes = reader.bytes(reader.count16(1, MAX_MILESTONE_SIZE));
  const count = readCount(reader, 0, MAX_CONE);
  return { bytes, cone: reader.hexList(count, ID_LENGTH) as BlockId[] };
}

/** `count u32 | records`; one is `output id 34 | block id 32 | index u32 | time u64 | output`. */
export function encodeOutputs(records: readonly OutputRecord[]): Uint8Array {
  const writer = new Writer(4 + records.length * 128);
  writer.u32(records.length);
  for (const record of records) writeRecord(writer, record);
  return writer.finish();
}

/** Reads the outputs of one frame. */
export function readOutputs(reader: Reader): OutputRecord[] {
  const count = readCount(reader, 1, MAX_SNAPSHOT_RECORDS);
  return Array.from({ length: count }, () => readRecord(reader));
}

/** `count u32 | changes`: `1 u8 | record`, or `0 u8 | output id 34 | output`. */
export function encodeChanges(changes: readonly LedgerChange[]): Uint8Array {
  const writer = new Writer(4 + changes.length * 128);
  writer.u32(changes.length);
  for (const change of changes) {
    writer.u8(change.kind === 'created' ? CREATED : CONSUMED);
    if (change.kind === 'created') writeRecord(writer, change.record);
    else {
      writer.hex(change.outputId, OUTPUT_ID_LENGTH);
      writeOutput(writer, change.output);
    }
  }
  return writer.finish();
}

/** Reads the changes of one frame. */
export function readChanges(reader: Reader): LedgerChange[] {
  const count = readCount(reader, 1, MAX_SNAPSHOT_RECORDS);
  return Array.from({ length: count }, () => readChange(reader));
}

/** `milestones u32 | created u32 | consumed u32`. */
export function encodeEnd(counts: SnapshotCounts): Uint8Array {
  const writer = new Writer(12);
  writer.u32(counts.milestones);
  writer.u32(counts.created);
  writer.u32(counts.consumed);
  return writer.finish();
}

/** Reads the end. */
export function readEnd(reader: Reader): SnapshotCounts {
  return { milestones: reader.u32(), created: reader.u32(), consumed: reader.u32() };
}

function readChange(reader: Reader): LedgerChange {
  const kind = reader.u8();
  if (kind === CREATED) return { kind: 'created', record: readRecord(reader) };
  if (kind !== CONSUMED) refuse('number-out-of-range', `change ${kind}`);
  const outputId = reader.hex(OUTPUT_ID_LENGTH) as OutputId;
  return { kind: 'consumed', outputId, output: readOutput(reader) };
}

function writeRecord(writer: Writer, record: OutputRecord): void {
  writer.hex(record.outputId, OUTPUT_ID_LENGTH);
  writer.hex(record.blockId, ID_LENGTH);
  writer.u32(record.milestoneIndex);
  writer.u53(record.milestoneTimestampMs);
  writeOutput(writer, record.output);
}

function readRecord(reader: Reader): OutputRecord {
  return {
    outputId: reader.hex(OUTPUT_ID_LENGTH) as OutputId,
    blockId: reader.hex(ID_LENGTH) as BlockId,
    milestoneIndex: reader.u32(),
    milestoneTimestampMs: reader.u53(),
    output: readOutput(reader),
  };
}

function readMilestoneId(reader: Reader): MilestoneId {
  return reader.hex(ID_LENGTH) as MilestoneId;
}

function readCount(reader: Reader, minimum: number, maximum: number): number {
  const count = reader.u32();
  if (count < minimum || count > maximum) refuse('count-out-of-range');
  return count;
}
