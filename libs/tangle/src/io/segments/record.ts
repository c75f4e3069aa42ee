/**
 * One record of a segment: `length u32 | CRC-32 u32 | bytes`, little endian; the checksum is that
 * of the bytes. Path: segment-files.ts → here. Spec: docs/spec/10-storage.md.
 */
import { crc32 } from 'node:zlib';

/** Bytes before the content. */
export const RECORD_HEADER_SIZE = 8;
/** Greatest content in bytes: what the index keeps a length in. A block is smaller. */
export const MAX_RECORD_SIZE = 0xffff;

/** Bytes of the records of these contents, one behind the other. */
export function encodeRecords(contents: readonly Uint8Array[]): Uint8Array {
  let size = 0;
  for (const { length } of contents) size += RECORD_HEADER_SIZE + length;
  const bytes = Buffer.allocUnsafe(size);
  let at = 0;
  for (const content of contents) {
    at = bytes.writeUInt32LE(content.length, at);
    at = bytes.writeUInt32LE(crc32(content), at);
    bytes.set(content, at);
    at += content.length;
  }
  return bytes;
}

/** The content of the record at `offset`, not copied; undefined if no whole record stands there. */
export function recordAt(bytes: Uint8Array, offset: number): Uint8Array | undefined {
  const start = offset + RECORD_HEADER_SIZE;
  if (bytes.length < start) return undefined;
  const header = new DataView(bytes.buffer, bytes.byteOffset + offset, RECORD_HEADER_SIZE);
  const length = header.getUint32(0, true);
  // Length 0 is what a file has that grew before its bytes reached the disk.
  if (length === 0 || length > MAX_RECORD_SIZE || bytes.length < start + length) return undefined;
  const content = new Uint8Array(bytes.buffer, bytes.byteOffset + start, length);
  return crc32(content) === header.getUint32(4, true) ? content : undefined;
}
