/**
 * The ledger on disk: every output with where it was booked and spent, the set of unspent ones, and
 * the diff of each milestone. Buckets: outputs, unspent, ledgerDiffs.
 * Path: core/ledger → milestone-batch.ts → here → kv-store.ts. Spec: docs/spec/10-storage.md.
 */
import type { BlockId, OutputId, TransactionId } from '../../core/codec/ids.ts';
import { ID_LENGTH, OUTPUT_ID_LENGTH } from '../../core/codec/ids.ts';
import type { Output } from '../../core/codec/output.ts';
import { encodeOutput, readOutput } from '../../core/codec/output.ts';
import type { Reader } from '../../core/codec/reader.ts';
import { Writer } from '../../core/codec/writer.ts';
import type { OutputState } from '../../core/ledger/apply-milestone.ts';
import type { ConsumedOutput, LedgerDiff, OutputRecord } from '../../core/ledger/ledger-diff.ts';
import { BUCKETS, hexInKey, keyOf, prefixRange } from './buckets.ts';
import type { KvBatch, KvReader } from './kv-store.ts';
import { StoreError } from './store-error.ts';
import { decodeStored, mapFound } from './stored.ts';

/** What spent an output, and when. */
export interface Spending {
  readonly transactionId: TransactionId;
  readonly milestoneIndex: number;
  readonly milestoneTimestampMs: number;
}

/** An output that was booked at some time, spent since or not. */
export interface StoredOutput extends OutputRecord {
  readonly spent?: Spending;
}

const NOTHING = new Uint8Array();
/** Unspent outputs that are loaded at a time: a node that writes a snapshot waits for each step. */
const LOAD_CHUNK = 256;

export class LedgerRepository {
  readonly #store: KvReader;

  constructor(store: KvReader) {
    this.#store = store;
  }

  /** An output, spent or not; undefined when no milestone booked it. */
  output(id: OutputId): StoredOutput | undefined {
    const value = this.#store.getSync(keyOf('outputs', id));
    return value && decodeStoredOutput(value, id);
  }

  /** The same for many; unknown ones are left out. */
  async outputs(ids: readonly OutputId[]): Promise<Map<OutputId, StoredOutput>> {
    const values = await this.#store.getMany(ids.map((id) => keyOf('outputs', id)));
    return mapFound(ids, values, decodeStoredOutput);
  }

  /** What white flag asks of each input: the record, `spent`, or `unknown`. */
  async outputStates(ids: readonly OutputId[]): Promise<Map<OutputId, OutputState>> {
    const found = await this.outputs(ids);
    return new Map(ids.map((id) => [id, stateOf(found.get(id))]));
  }

  isUnspent(id: OutputId): boolean {
    return this.#store.getSync(keyOf('unspent', id)) !== undefined;
  }

  /** All unspent outputs by id, in one consistent view of the store. */
  async *unspent(): AsyncGenerator<OutputRecord> {
    let ids: OutputId[] = [];
    const range = prefixRange(Uint8Array.of(BUCKETS.unspent.number));
    for await (const [key] of this.#store.iterate(range)) {
      ids.push(hexInKey(key, 0, OUTPUT_ID_LENGTH) as OutputId);
      if (ids.length < LOAD_CHUNK) continue;
      yield* await this.#unspentRecords(ids);
      ids = [];
    }
    yield* await this.#unspentRecords(ids);
  }

  /** What milestone `index` changed; undefined when it is unknown or pruned. */
  diff(index: number): LedgerDiff | undefined {
    const value = this.#store.getSync(keyOf('ledgerDiffs', index));
    return value && decodeDiff(value);
  }

  async #unspentRecords(ids: readonly OutputId[]): Promise<OutputRecord[]> {
    const found = await this.outputs(ids);
    return ids.map((id) => {
      const record = found.get(id);
      if (!record) throw new StoreError('corrupt', 'an unspent output has no record');
      return record;
    });
  }
}

function stateOf(stored: StoredOutput | undefined): OutputState {
  if (!stored) return 'unknown';
  return stored.spent ? 'spent' : stored;
}

/** Adds an output that a milestone created. */
export function putCreated(batch: KvBatch, record: OutputRecord): void {
  batch.put(keyOf('outputs', record.outputId), encodeStoredOutput(record));
  batch.put(keyOf('unspent', record.outputId), NOTHING);
}

/** Adds that a milestone consumed an output. */
export function putConsumed(batch: KvBatch, consumed: ConsumedOutput, diff: LedgerDiff): void {
  const { transactionId, ...record } = consumed;
  const spent: Spending = {
    transactionId,
    milestoneIndex: diff.index,
    milestoneTimestampMs: diff.timestampMs,
  };
  batch.put(keyOf('outputs', record.outputId), encodeStoredOutput({ ...record, spent }));
  batch.del(keyOf('unspent', record.outputId));
}

/** Adds the diff itself, for the API and for undoing it. */
export function putDiff(batch: KvBatch, diff: LedgerDiff): void {
  batch.put(keyOf('ledgerDiffs', diff.index), encodeDiff(diff));
}

/** Adds that a milestone's diff is gone, and with it the outputs that it consumed. */
export function delDiff(batch: KvBatch, diff: LedgerDiff): void {
  for (const { outputId } of diff.consumed) batch.del(keyOf('outputs', outputId));
  batch.del(keyOf('ledgerDiffs', diff.index));
}

/** The value of one output: booking, spending, output. */
export function encodeStoredOutput(stored: StoredOutput): Uint8Array {
  const { spent } = stored;
  const writer = new Writer(128);
  writeBooking(writer, stored);
  writer.u8(spent ? 1 : 0);
  if (spent) {
    writer.hex(spent.transactionId, ID_LENGTH);
    writer.u32(spent.milestoneIndex);
    writer.u53(spent.milestoneTimestampMs);
  }
  writer.raw(encodeOutput(stored.output));
  return writer.finish();
}

/** The opposite; throws StoreError `corrupt`. */
export function decodeStoredOutput(value: Uint8Array, outputId: OutputId): StoredOutput {
  return decodeStored(value, 'output', (reader) => {
    const booking = readBooking(reader);
    const spent = reader.u8() === 1 ? readSpending(reader) : undefined;
    const record = { outputId, ...booking, output: readOutput(reader) };
    return spent ? { ...record, spent } : record;
  });
}

type Booking = Omit<OutputRecord, 'outputId' | 'output'>;

function writeBooking(writer: Writer, booking: Booking): void {
  writer.hex(booking.blockId, ID_LENGTH);
  writer.u32(booking.milestoneIndex);
  writer.u53(booking.milestoneTimestampMs);
}

function readBooking(reader: Reader): Booking {
  return {
    blockId: reader.hex(ID_LENGTH) as BlockId,
    milestoneIndex: reader.u32(),
    milestoneTimestampMs: reader.u53(),
  };
}

function readSpending(reader: Reader): Spending {
  return {
    transactionId: reader.hex(ID_LENGTH) as TransactionId,
    milestoneIndex: reader.u32(),
    milestoneTimestampMs: reader.u53(),
  };
}

/**
 * The value of a diff: `index u32 | timestampMs u64 | count u32 | created | count u32 | consumed`;
 * a record is `output id 34 | booking 44 | output`, a consumed one ends with its transaction id.
 */
export function encodeDiff({ index, timestampMs, created, consumed }: LedgerDiff): Uint8Array {
  const writer = new Writer(20 + (created.length + consumed.length) * 160);
  writer.u32(index);
  writer.u53(timestampMs);
  writer.u32(created.length);
  for (const record of created) writeRecord(writer, record);
  writer.u32(consumed.length);
  for (const record of consumed) {
    writeRecord(writer, record);
    writer.hex(record.transactionId, ID_LENGTH);
  }
  return writer.finish();
}

/** The opposite; throws StoreError `corrupt`. */
export function decodeDiff(value: Uint8Array): LedgerDiff {
  return decodeStored(value, 'ledger diff', (reader) => ({
    index: reader.u32(),
    timestampMs: reader.u53(),
    created: readList(reader, readRecord),
    consumed: readList(reader, (one) => ({
      ...readRecord(one),
      transactionId: one.hex(ID_LENGTH) as TransactionId,
    })),
  }));
}

function writeRecord(writer: Writer, record: OutputRecord): void {
  writer.hex(record.outputId, OUTPUT_ID_LENGTH);
  writeBooking(writer, record);
  writer.raw(encodeOutput(record.output));
}

function readRecord(reader: Reader): OutputRecord {
  const outputId = reader.hex(OUTPUT_ID_LENGTH) as OutputId;
  const booking = readBooking(reader);
  const output: Output = readOutput(reader);
  return { outputId, output, ...booking };
}

function readList<T>(reader: Reader, readOne: (reader: Reader) => T): T[] {
  const list: T[] = [];
  for (let left = reader.u32(); left > 0; left--) list.push(readOne(reader));
  return list;
}
