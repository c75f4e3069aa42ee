/**
 * What the key-value store says of blocks whose bytes stand in segments: the entry of a referenced
 * block, its edges, how many blocks a segment holds, and where the unreferenced ones begin.
 * Buckets: blocks, children, segments, nodeState `tail`.
 * Path: block-repository.ts → here → kv-store.ts. Spec: docs/spec/10-storage.md.
 */
import { ENVELOPE_TYPE } from '../../core/codec/envelope.ts';
import type { BlockId } from '../../core/codec/ids.ts';
import { ID_LENGTH } from '../../core/codec/ids.ts';
import type { PayloadKind } from '../../core/codec/payload.ts';
import { TAGGED_DATA_TYPE } from '../../core/codec/tagged-data.ts';
import { TRANSACTION_TYPE } from '../../core/codec/transaction.ts';
import { Writer } from '../../core/codec/writer.ts';
import type { ConflictCode } from '../../core/ledger/conflict.ts';
import { CONFLICT } from '../../core/ledger/conflict.ts';
import { MAX_PARENTS } from '../../core/params/limits.ts';
import type { Location, Position } from '../segments/segment-files.ts';
import { FIRST_POSITION } from '../segments/segment-files.ts';
import { BUCKETS, keyOf, prefixRange, u32InKey } from './buckets.ts';
import type { KvBatch, KvReader } from './kv-store.ts';
import { StoreError } from './store-error.ts';
import { decodeStored } from './stored.ts';

/** What a block's transaction did to the ledger; the numbers stand in the store. */
const STATES = ['no-transaction', 'applied', 'conflicting'] as const;
export type BlockState = (typeof STATES)[number];

/** What the milestone that referenced a block decided. */
export interface BlockMeta {
  readonly milestoneIndex: number;
  /** Place in the milestone's white-flag order, from 0. */
  readonly position: number;
  readonly state: BlockState;
  /** 0 unless the state is `conflicting`. */
  readonly conflict: ConflictCode;
}

/** A referenced block: where its bytes are, what it carries, what became of it. */
export interface BlockEntry {
  /** Undefined for a block that a snapshot named and that never came. */
  readonly location: Location | undefined;
  readonly kind: PayloadKind | null;
  readonly meta: BlockMeta;
}

const KNOWN_CONFLICTS: ReadonlySet<number> = new Set(
  Object.values(CONFLICT).map(({ code }) => code),
);
/** The numbers stand in the store. */
const KINDS: readonly (PayloadKind | null)[] = [null, 'transaction', 'envelope', 'tagged-data'];
/** By the first byte of the payload's type, which is little endian and below 256. */
const KIND_OF_TYPE: Readonly<Record<number, PayloadKind>> = {
  [TRANSACTION_TYPE]: 'transaction',
  [ENVELOPE_TYPE]: 'envelope',
  [TAGGED_DATA_TYPE]: 'tagged-data',
};
/** Bytes of a block before its parents: version, network id, count. */
const PARENTS_OFFSET = 10;
/** Bytes of an id that stand for a place; the parents of what is found there decide. */
const EDGE_PREFIX_LENGTH = 8;
/** Bytes of a place in a key. */
const PLACE_LENGTH = 8;
/** Blocks whose edges are looked for at a time. */
const EDGE_ROOTS = 32;

/** What the bytes of a block, which has been checked before, carry. */
export function kindOf(bytes: Uint8Array): PayloadKind | null {
  const at = PARENTS_OFFSET + (bytes[PARENTS_OFFSET - 1] ?? 0) * ID_LENGTH;
  // Without a payload its length is zero and the nonce follows.
  const isEmpty = bytes[at] === 0 && bytes[at + 1] === 0 && bytes[at + 2] === 0;
  return isEmpty ? null : (KIND_OF_TYPE[bytes[at + 4] ?? 0] ?? null);
}

/** The parents of a stored block, from its first bytes. */
export function parentsIn(head: Uint8Array): BlockId[] {
  const count = head[PARENTS_OFFSET - 1] ?? 0;
  const end = PARENTS_OFFSET + count * ID_LENGTH;
  if (count === 0 || count > MAX_PARENTS || head.length < end) {
    throw new StoreError('corrupt', 'the parents of a block');
  }
  const hex = Buffer.from(head.buffer, head.byteOffset, end).toString('hex', PARENTS_OFFSET);
  return Array.from({ length: count }, (_, i) => {
    return hex.slice(i * 2 * ID_LENGTH, (i + 1) * 2 * ID_LENGTH) as BlockId;
  });
}

/** Adds the entry of a referenced block. */
export function putEntry(batch: KvBatch, id: BlockId, { location, kind, meta }: BlockEntry): void {
  const writer = new Writer(21);
  writer.u32(location?.segment ?? 0);
  writer.u32(location?.offset ?? 0);
  writer.u16(location?.length ?? 0);
  writer.u8(KINDS.indexOf(kind));
  writer.u32(meta.milestoneIndex);
  writer.u32(meta.position);
  writer.u8(STATES.indexOf(meta.state));
  writer.u8(meta.conflict);
  batch.put(keyOf('blocks', id), writer.finish());
}

/** The opposite; throws StoreError `corrupt`. */
export function decodeEntry(value: Uint8Array): BlockEntry {
  return decodeStored(value, 'block entry', (reader) => {
    const location = { segment: reader.u32(), offset: reader.u32(), length: reader.u16() };
    const kind = KINDS[reader.u8()];
    const [milestoneIndex, position] = [reader.u32(), reader.u32()];
    const state = STATES[reader.u8()];
    const code = reader.u8();
    if (kind === undefined || state === undefined || !KNOWN_CONFLICTS.has(code)) {
      throw new StoreError('corrupt', 'block entry');
    }
    const meta = { milestoneIndex, position, state, conflict: code as ConflictCode };
    return { location: location.segment === 0 ? undefined : location, kind, meta };
  });
}

/**
 * What the edges to the children of a block are kept under: its place, or, when its bytes never
 * came, a part of its id. Places ascend as blocks arrive, so edges are written where the last ones
 * were, which costs a sorted store far less than ids that fall anywhere.
 */
export function edgeRoot(id: BlockId, place: Position | undefined): Uint8Array {
  if (place) return keyOf('children', place.segment, place.offset);
  return keyOf('children', 0, id.slice(0, 2 * EDGE_PREFIX_LENGTH));
}

/** Adds the edge from a block to one of its parents. */
export function putEdge(batch: KvBatch, root: Uint8Array, child: Location): void {
  const [key, value] = [Buffer.allocUnsafe(root.length + PLACE_LENGTH), new Uint8Array(2)];
  key.set(root);
  key.writeUInt32BE(child.segment, root.length);
  key.writeUInt32BE(child.offset, root.length + 4);
  new DataView(value.buffer).setUint16(0, child.length, true);
  batch.put(key, value);
}

/** Where the children of a block are; below a part of an id also some that have another parent. */
export async function* edgesBelow(store: KvReader, root: Uint8Array): AsyncGenerator<Location> {
  for await (const [key, value] of store.iterate(prefixRange(root))) {
    const segment = u32InKey(key, root.length - 1);
    const offset = u32InKey(key, root.length + 3);
    yield { segment, offset, length: decodeStored(value, 'edge', (reader) => reader.u16()) };
  }
}

/**
 * Adds that the edges to the children of these blocks are gone. Neighbours, such as the blocks of
 * one milestone are, are looked through together.
 */
export async function delEdges(
  batch: KvBatch,
  store: KvReader,
  roots: readonly Uint8Array[],
): Promise<void> {
  const sorted = roots.toSorted((a, b) => Buffer.compare(a, b));
  for (let from = 0; from < sorted.length; from += EDGE_ROOTS) {
    const some = sorted.slice(from, from + EDGE_ROOTS);
    const [first, last] = [some[0], some.at(-1)];
    if (!first || !last) return;
    const doomed = new Set(some.map((root) => hexOf(root)));
    const range = { gte: first, lt: prefixRange(last).lt };
    for await (const [key] of store.iterate(range)) {
      if (doomed.has(hexOf(key.subarray(0, key.length - PLACE_LENGTH)))) batch.del(key);
    }
  }
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
}

/** What milestones reference in one segment. */
export interface SegmentUse {
  readonly blocks: number;
  /** End of the last such record: the file is at least so long. */
  readonly end: number;
}

/** The segments in which milestones reference something. */
export async function readSegmentUses(store: KvReader): Promise<Map<number, SegmentUse>> {
  const uses = new Map<number, SegmentUse>();
  const range = prefixRange(Uint8Array.of(BUCKETS.segments.number));
  for await (const [key, value] of store.iterate(range)) {
    const use = decodeStored(value, 'segment', (reader) => {
      return { blocks: reader.u32(), end: reader.u32() };
    });
    uses.set(u32InKey(key, 0), use);
  }
  return uses;
}

/** Adds what is used of a segment; nothing of it is no entry. */
export function putSegmentUse(batch: KvBatch, segment: number, { blocks, end }: SegmentUse): void {
  const key = keyOf('segments', segment);
  if (blocks === 0) {
    batch.del(key);
    return;
  }
  const writer = new Writer(8);
  writer.u32(blocks);
  writer.u32(end);
  batch.put(key, writer.finish());
}

/** What a start has to look at. */
export interface Tail {
  /** Everything before it is on the disk for good. */
  readonly synced: Position;
  /** No unreferenced block stands before it. */
  readonly oldest: Position;
}

const TAIL_KEY = keyOf('nodeState', Buffer.from('tail', 'ascii'));

export function readTail(store: KvReader): Tail {
  const value = store.getSync(TAIL_KEY);
  if (!value) return { synced: FIRST_POSITION, oldest: FIRST_POSITION };
  return decodeStored(value, 'tail', (reader) => ({
    synced: { segment: reader.u32(), offset: reader.u32() },
    oldest: { segment: reader.u32(), offset: reader.u32() },
  }));
}

export function putTail(batch: KvBatch, tail: Tail): void {
  const writer = new Writer(16);
  for (const { segment, offset } of [tail.synced, tail.oldest]) {
    writer.u32(segment);
    writer.u32(offset);
  }
  batch.put(TAIL_KEY, writer.finish());
}
