/**
 * Packs: several blocks in one gossip message, because a message of its own for each block costs
 * more than the block. Path: io/libp2p on both sides. Spec: docs/spec/07-gossip.md.
 */
import { assert, type Outcome } from '../outcome.ts';
import { MAX_BLOCK_SIZE, MAX_PACK_BLOCKS, MAX_PACK_SIZE } from '../params/limits.ts';
import { decodeWith, type Reader } from './reader.ts';
import { Writer } from './writer.ts';

/** Bytes that a list of blocks takes behind its count: `length u16 | bytes` each. */
export function blockListSize(blocks: readonly Uint8Array[]): number {
  let size = 0;
  for (const block of blocks) size += 2 + block.length;
  return size;
}

/** `count u16 | (length u16 | bytes)*`; 1–512 blocks. Throws if they exceed the limits. */
export function encodePack(blocks: readonly Uint8Array[]): Uint8Array {
  const size = 2 + blockListSize(blocks);
  assert(size <= MAX_PACK_SIZE, 'a pack fits its limit');
  const writer = new Writer(size);
  writer.count16(blocks.length, 1, MAX_PACK_BLOCKS);
  for (const block of blocks) {
    writer.count16(block.length, 1, MAX_BLOCK_SIZE);
    writer.raw(block);
  }
  return writer.finish();
}

/** The blocks' bytes, which share memory with `bytes`; none of them is decoded. */
export function decodePack(bytes: Uint8Array): Outcome<Uint8Array[]> {
  return decodeWith(bytes, MAX_PACK_SIZE, readPack);
}

function readPack(reader: Reader): Uint8Array[] {
  const count = reader.count16(1, MAX_PACK_BLOCKS);
  const blocks: Uint8Array[] = [];
  for (let i = 0; i < count; i++) blocks.push(reader.view(reader.count16(1, MAX_BLOCK_SIZE)));
  return blocks;
}
