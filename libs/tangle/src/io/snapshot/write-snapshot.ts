/**
 * Writes a snapshot of a store's view, in small steps that leave the thread to the node: the view
 * does not change while milestones go on being confirmed. A delta is what differs between the view
 * and a full snapshot on the disk, found by walking both in the order of ids.
 * Path: apps/node snapshot keeper and `tools snapshot export` → here → core/snapshot/encoder.ts.
 * Spec: docs/spec/12-snapshot.md §6.
 */
import { setImmediate } from 'node:timers/promises';
import type { BlockId, MilestoneId, OutputId } from '../../core/codec/ids.ts';
import { encodeMilestone } from '../../core/codec/milestone.ts';
import type { OutputRecord } from '../../core/ledger/ledger-diff.ts';
import type { GenesisMilestone } from '../../core/milestone/genesis.ts';
import { MAX_SNAPSHOT_ELECTIONS } from '../../core/params/limits.ts';
import type { NetworkParams } from '../../core/params/networks.ts';
import type { Hasher } from '../../core/ports.ts';
import type { LedgerChange, SnapshotHeader } from '../../core/snapshot/codec.ts';
import { SnapshotEncoder } from '../../core/snapshot/encoder.ts';
import { windowFirstOf } from '../../core/snapshot/window.ts';
import { StoreError } from '../level/store-error.ts';
import { Cursor } from './cursor.ts';
import { readHeader, readOutputsOf } from './read-snapshot.ts';
import { SnapshotError } from './snapshot-error.ts';
import { SnapshotFileWriter } from './snapshot-file.ts';

/** A store as it was at one moment; the view of the node's store is one. */
export interface LedgerView {
  readonly state: {
    readonly index: number;
    readonly id: MilestoneId;
    readonly timestampMs: number;
    readonly unspentCount: number;
  };
  milestoneBytes(index: number): Uint8Array | undefined;
  cone(index: number): readonly BlockId[] | undefined;
  /** The milestones that named committees, ascending by epoch. */
  elections(): Promise<readonly { readonly bytes: Uint8Array }[]>;
  /** By id, ascending. */
  unspent(): AsyncIterable<OutputRecord>;
}

export interface WriteOptions {
  readonly genesis: GenesisMilestone;
  readonly params: NetworkParams;
  readonly hasher: Hasher;
  /** Path of the full snapshot that a delta changes; absent for a full one. */
  readonly base?: string;
  /** Told of outputs that were looked at, and how many there are. */
  readonly onProgress?: (done: number, all: number) => void;
  /** Stops the writing; nothing is left then. */
  readonly signal?: AbortSignal;
}

/** A file that is on the disk. */
export interface WrittenSnapshot {
  readonly header: SnapshotHeader;
  readonly sizeBytes: number;
}

/** Outputs of one frame and of one step between two turns of the event loop: a millisecond. */
const STEP = 256;

/** Writes the snapshot to `path`. Throws SnapshotError, and StoreError for a view that fails. */
export async function writeSnapshot(
  path: string,
  view: LedgerView,
  options: WriteOptions,
): Promise<WrittenSnapshot> {
  const header = await headerOf(view, options);
  const elections = await view.elections();
  if (elections.length > MAX_SNAPSHOT_ELECTIONS) {
    throw new SnapshotError('too-large', `${elections.length} elections`);
  }
  const file = await SnapshotFileWriter.create(path);
  try {
    const encoder = new SnapshotEncoder(options.hasher);
    for (const bytes of encoder.start(header)) await file.write(bytes);
    for (const { bytes } of elections) {
      await file.write(encoder.election(bytes));
      await pause(options);
    }
    for (let index = header.windowFirst; index <= header.target.index; index++) {
      await file.write(encoder.milestone(milestoneOf(view, index, options.genesis)));
      await pause(options);
    }
    const base = options.base;
    if (base === undefined) {
      const progress = counted(view.unspent(), header.unspentCount, options);
      for await (const some of steps(progress)) {
        await file.write(encoder.outputs(some));
        await pause(options);
      }
    } else {
      const progress = counted(view.unspent(), header.unspentCount, options);
      const changes = changesBetween(readOutputsOf(base, options.hasher), progress, options);
      for await (const some of steps(changes)) await file.write(encoder.changes(some));
    }
    await file.write(encoder.end());
    return { header, sizeBytes: await file.commit() };
  } catch (error) {
    await file.abort();
    throw error;
  }
}

async function headerOf(
  { state }: LedgerView,
  { genesis, params, hasher, base }: WriteOptions,
): Promise<SnapshotHeader> {
  const { index, id, timestampMs } = state;
  const header: SnapshotHeader = {
    networkId: genesis.networkId,
    genesisId: genesis.id,
    target: { index, id, timestampMs },
    windowFirst: windowFirstOf(index, params),
    unspentCount: state.unspentCount,
  };
  if (base === undefined) return header;
  const { target, base: deeper } = await readHeader(base, hasher);
  if (deeper !== undefined) throw new SnapshotError('no-base', `${base} is a delta itself`);
  if (target.index >= index) throw new SnapshotError('not-ahead', `milestone ${index}`);
  return { ...header, base: { index: target.index, id: target.id } };
}

function milestoneOf(view: LedgerView, index: number, genesis: GenesisMilestone) {
  // A store that began with a snapshot has no milestone 0, and nothing has to be stored to know it.
  if (index === 0) return { bytes: encodeMilestone(genesis.milestone), cone: [] };
  const [bytes, cone] = [view.milestoneBytes(index), view.cone(index)];
  if (bytes === undefined || cone === undefined) {
    throw new StoreError('corrupt', `milestone ${index} is missing`);
  }
  return { bytes, cone };
}

/** Lets the node do whatever else is due. */
async function pause({ signal }: WriteOptions): Promise<void> {
  await setImmediate();
  if (signal?.aborted === true) throw new SnapshotError('stopped', 'the snapshot is not written');
}

async function* counted(
  records: AsyncIterable<OutputRecord>,
  all: number,
  { onProgress }: WriteOptions,
): AsyncGenerator<OutputRecord> {
  let done = 0;
  for await (const record of records) {
    yield record;
    done += 1;
    if (done % STEP === 0 || done === all) onProgress?.(done, all);
  }
}

/** The same items, with a pause after each step. */
async function* pausing<T>(items: AsyncIterable<T>, options: WriteOptions): AsyncGenerator<T> {
  let count = 0;
  for await (const item of items) {
    yield item;
    count += 1;
    if (count % STEP === 0) await pause(options);
  }
}

async function* steps<T>(items: AsyncIterable<T>): AsyncGenerator<T[]> {
  let some: T[] = [];
  for await (const item of items) {
    some.push(item);
    if (some.length < STEP) continue;
    yield some;
    some = [];
  }
  if (some.length > 0) yield some;
}

/** What left `before` and what came in `after`; both ascend by id, and so does the result. */
async function* changesBetween(
  before: AsyncIterable<OutputRecord>,
  after: AsyncIterable<OutputRecord>,
  options: WriteOptions,
): AsyncGenerator<LedgerChange> {
  const old = await Cursor.at(pausing(before, options));
  try {
    for await (const record of pausing(after, options)) {
      yield* consumedBelow(old, record.outputId);
      if (old.current?.outputId === record.outputId) await old.advance();
      else yield { kind: 'created', record };
    }
    yield* consumedBelow(old, undefined);
  } finally {
    await old.close();
  }
}

/** What is left of the base below `outputId`, or to its end. */
async function* consumedBelow(
  old: Cursor<OutputRecord>,
  outputId: OutputId | undefined,
): AsyncGenerator<LedgerChange> {
  for (let record = old.current; record !== undefined; record = old.current) {
    if (outputId !== undefined && record.outputId >= outputId) return;
    yield { kind: 'consumed', outputId: record.outputId, output: record.output };
    await old.advance();
  }
}
