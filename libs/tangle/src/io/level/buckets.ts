/**
 * The closed list of a node's buckets. A key is the bucket's number as one byte, then what `key`
 * says; numbers are never reused (2 to 5 were blocks and their marks until schema 1).
 * A test compares this table with docs/spec/10-storage.md.
 * Integers in keys are big endian, so that they sort by value; in values they are little endian.
 */
import { assert } from '../../core/outcome.ts';
import type { KeyRange } from './kv-store.ts';

export interface Bucket {
  /** First byte of every key. */
  readonly number: number;
  readonly key: string;
  readonly value: string;
}

export const BUCKETS = {
  meta: { number: 0, key: '(nothing)', value: 'schema u16, network id u64, kind' },
  nodeState: { number: 1, key: 'name', value: 'depends on the name' },
  milestones: { number: 6, key: 'milestone index u32', value: 'milestone bytes' },
  milestoneIds: { number: 7, key: 'milestone id 32', value: 'milestone index u32' },
  cones: { number: 8, key: 'milestone index u32', value: 'block ids 32 each, white-flag order' },
  milestoneSummaries: {
    number: 9,
    key: 'milestone index u32',
    value: 'timestamp ms u64, blocks u32, applied u32, conflicting u32',
  },
  outputs: {
    number: 10,
    key: 'output id 34',
    value:
      'block id 32, milestone index u32, timestamp ms u64, spent u8, [transaction id 32, ' +
      'milestone index u32, timestamp ms u64], output bytes',
  },
  unspent: { number: 11, key: 'output id 34', value: '(nothing)' },
  outputsByAddress: {
    number: 12,
    key: 'address 32, role u8, spent u8, milestone index u32, output id 34',
    value: '(nothing)',
  },
  outputsByTag: {
    number: 13,
    key: 'BLAKE2b-256 of the tag 32, spent u8, milestone index u32, output id 34',
    value: '(nothing)',
  },
  taggedData: {
    number: 14,
    key: 'BLAKE2b-256 of the tag 32, inverted milestone index u32, inverted position u32',
    value: 'block id 32',
  },
  transactions: { number: 15, key: 'transaction id 32', value: 'applied u8, block id 32' },
  ledgerDiffs: { number: 16, key: 'milestone index u32', value: 'ledger diff' },
  evidence: { number: 17, key: 'milestone index u32, milestone id 32', value: 'milestone bytes' },
  blocks: {
    number: 18,
    key: 'block id 32',
    value:
      'segment u32, offset u32, length u16, kind u8, milestone index u32, white-flag position ' +
      'u32, state u8, conflict code u8',
  },
  children: {
    number: 19,
    key: 'segment u32 and offset u32 of the parent, then of the child',
    value: 'length u16 of the child',
  },
  segments: { number: 20, key: 'segment u32', value: 'blocks u32, end u32' },
  contradictions: {
    number: 21,
    key: 'epoch u32, view u64, seat u8, kind u8',
    value: 'two consensus messages, each with its length u16 before it',
  },
  elections: { number: 22, key: 'epoch u32', value: 'milestone bytes' },
  filters: { number: 23, key: 'milestone index u32', value: 'filter header 32, filter' },
} as const satisfies Record<string, Bucket>;

export type BucketName = keyof typeof BUCKETS;

const U32_MAX = 0xffff_ffff;

/** One piece of a key: raw bytes, lowercase hex (an id), or a number as u32 big endian. */
export type KeyPart = Uint8Array | string | number;

function partSize(part: KeyPart): number {
  if (typeof part === 'number') return 4;
  return typeof part === 'string' ? part.length >>> 1 : part.length;
}

/** The key of `bucket` with `parts` behind its number. */
export function keyOf(bucket: BucketName, ...parts: readonly KeyPart[]): Uint8Array {
  let size = 1;
  for (const part of parts) size += partSize(part);
  // Memory of Node's pool, a third of the cost of fresh zeroes; every byte is written below.
  const key = Buffer.allocUnsafe(size);
  key[0] = BUCKETS[bucket].number;
  let at = 1;
  for (const part of parts) {
    if (typeof part === 'number') at = key.writeUInt32BE(part, at);
    else if (typeof part === 'string') at += key.write(part, at, 'hex');
    else {
      key.set(part, at);
      at += part.length;
    }
  }
  assert(at === size, 'the hex of a key is whole');
  return key;
}

/** A u8 as a key part. */
export function u8Part(value: number): Uint8Array {
  return Uint8Array.of(value);
}

/** Turns the order round: what is newest comes first. */
export function inverted(value: number): number {
  return U32_MAX - value;
}

/** All keys that begin with `prefix`, which has a byte below 255 (every bucket number is one). */
export function prefixRange(prefix: Uint8Array): KeyRange {
  const lt = Uint8Array.from(prefix);
  let last = lt.length - 1;
  while (last > 0 && lt[last] === 0xff) last--;
  lt[last] = (lt[last] ?? 0) + 1;
  return { gte: prefix, lt: lt.subarray(0, last + 1) };
}

/** The lowercase hex of `length` key bytes from `offset` on (bucket number not counted). */
export function hexInKey(key: Uint8Array, offset: number, length: number): string {
  return Buffer.from(key.buffer, key.byteOffset + 1 + offset, length).toString('hex');
}

/** The u32 at `offset` of a key (bucket number not counted). */
export function u32InKey(key: Uint8Array, offset: number): number {
  return new DataView(key.buffer, key.byteOffset + 1 + offset, 4).getUint32(0);
}
