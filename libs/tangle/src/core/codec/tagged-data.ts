/**
 * Tagged data: a short tag that indexers know and opaque bytes (descriptors, provider offers). It
 * is a payload of its own or rides inside a transaction. Spec: docs/spec/01-block.md.
 */
import { MAX_TAG_SIZE } from '../params/limits.ts';
import { refuse, type Reader } from './reader.ts';
import type { Writer } from './writer.ts';

/** The payload type on the wire. */
export const TAGGED_DATA_TYPE = 3;

export interface TaggedData {
  readonly kind: 'tagged-data';
  /** 1–64 bytes. */
  readonly tag: Uint8Array;
  /** Any bytes that fit the block; shares memory with the input when decoded. */
  readonly data: Uint8Array;
}

/** Bytes that `value` takes on the wire, its type included. */
export function taggedDataSize(value: TaggedData): number {
  return 4 + 1 + value.tag.length + 4 + value.data.length;
}

/** Writes `type u32 = 3 | tagLength u8 | tag | dataLength u32 | data`. */
export function writeTaggedData(writer: Writer, value: TaggedData): void {
  writer.u32(TAGGED_DATA_TYPE);
  writer.count8(value.tag.length, 1, MAX_TAG_SIZE);
  writer.raw(value.tag);
  writer.u32(value.data.length);
  writer.raw(value.data);
}

/** Reads what {@link writeTaggedData} writes, behind the type. */
export function readTaggedDataBody(reader: Reader): TaggedData {
  const tag = reader.bytes(reader.count8(1, MAX_TAG_SIZE));
  const data = reader.view(reader.u32());
  return { kind: 'tagged-data', tag, data };
}

/** Reads tagged data, type first; 'payload-type-unknown' for any other payload. */
export function readTaggedData(reader: Reader): TaggedData {
  if (reader.u32() !== TAGGED_DATA_TYPE) refuse('payload-type-unknown');
  return readTaggedDataBody(reader);
}
