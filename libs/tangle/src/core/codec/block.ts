/**
 * Blocks: parents, at most one payload, and the nonce of a proof of work. Blocks are not signed.
 * Path: io/libp2p and the node's processor before it, block/rules.ts after it.
 * Spec: docs/spec/01-block.md.
 */
import { assert, type Outcome } from '../outcome.ts';
import { MAX_BLOCK_SIZE, MAX_PARENTS } from '../params/limits.ts';
import type { Hasher } from '../ports.ts';
import { blockIdFromBytes, ID_LENGTH, type BlockId } from './ids.ts';
import { payloadSize, readPayload, writePayload, type Payload } from './payload.ts';
import { decodeWith, refuse, type Reader } from './reader.ts';
import { Writer } from './writer.ts';

/** The only version of this protocol. */
export const BLOCK_VERSION = 1;
/** Bytes behind the payload. */
export const NONCE_LENGTH = 8;
/** Bytes of the least block: one parent, no payload. */
export const MIN_BLOCK_SIZE = 1 + 8 + 1 + ID_LENGTH + 4 + NONCE_LENGTH;

/** A block without its proof of work. */
export interface UnminedBlock {
  readonly version: 1;
  /** u64. */
  readonly networkId: bigint;
  /** 1–8, ascending, each once. */
  readonly parents: readonly BlockId[];
  readonly payload: Payload | null;
}

export interface Block extends UnminedBlock {
  /** u64. */
  readonly nonce: bigint;
}

/** Writes 1–`max` parents as `count u8 | 32 bytes each`; blocks and milestones share the form. */
export function writeParents(writer: Writer, parents: readonly BlockId[], max: number): void {
  writer.count8(parents.length, 1, max);
  let previous = '';
  for (const parent of parents) {
    assert(parent > previous, 'parents ascend and are unique');
    writer.hex(parent, ID_LENGTH);
    previous = parent;
  }
}

/** Reads what {@link writeParents} writes; 'parents-not-sorted' unless strictly ascending. */
export function readParents(reader: Reader, max: number): BlockId[] {
  const parents = reader.hexList(reader.count8(1, max), ID_LENGTH) as BlockId[];
  // Lowercase hex sorts as the bytes do.
  for (let i = 1; i < parents.length; i++) {
    if (parents[i - 1]! >= parents[i]!) refuse('parents-not-sorted');
  }
  return parents;
}

function writeUnmined(block: UnminedBlock, extra: number): Writer {
  const payloadLength = block.payload === null ? 0 : payloadSize(block.payload);
  const size = MIN_BLOCK_SIZE + (block.parents.length - 1) * ID_LENGTH + payloadLength;
  assert(size <= MAX_BLOCK_SIZE, 'a block fits its limit');
  const writer = new Writer(size - NONCE_LENGTH + extra);
  writer.u8(block.version);
  writer.u64(block.networkId);
  writeParents(writer, block.parents, MAX_PARENTS);
  writer.u32(payloadLength);
  if (block.payload !== null) writePayload(writer, block.payload);
  return writer;
}

/** The block's bytes up to its nonce: what the proof of work is about. */
export function encodeBlockWithoutNonce(block: UnminedBlock): Uint8Array {
  return writeUnmined(block, 0).finish();
}

/** The block's bytes. Throws if the block breaks its form, the size limit included. */
export function encodeBlock(block: Block): Uint8Array {
  const writer = writeUnmined(block, NONCE_LENGTH);
  writer.u64(block.nonce);
  return writer.finish();
}

/**
 * Decodes a block: form only, neither proof of work nor rules. The bulk bytes of its payload share
 * memory with `bytes`.
 */
export function decodeBlock(bytes: Uint8Array): Outcome<Block> {
  return decodeWith(bytes, MAX_BLOCK_SIZE, readBlock);
}

function readBlock(reader: Reader): Block {
  const version = reader.u8();
  if (version !== BLOCK_VERSION) refuse('version-unknown');
  const networkId = reader.u64();
  const parents = readParents(reader, MAX_PARENTS);
  const payloadLength = reader.u32();
  if (payloadLength !== reader.remaining - NONCE_LENGTH) refuse('payload-length-wrong');
  const payload = payloadLength === 0 ? null : reader.within(payloadLength, readPayload);
  return { version, networkId, parents, payload, nonce: reader.u64() };
}

/** The payload's bytes inside the bytes of a valid block; empty if it has none. No copy. */
export function payloadBytesOf(blockBytes: Uint8Array): Uint8Array {
  const parentsCount = blockBytes[9] ?? 0;
  return blockBytes.subarray(
    1 + 8 + 1 + parentsCount * ID_LENGTH + 4,
    blockBytes.length - NONCE_LENGTH,
  );
}

/** BLAKE2b-256 of all bytes of the block. */
export function blockIdOf(bytes: Uint8Array, hasher: Hasher): BlockId {
  return blockIdFromBytes(hasher.blake2b256(bytes));
}
