/** Blocks in a file between the processes of a benchmark: `length u32 | bytes` each. */

/** All blocks in one buffer. */
export function encodeBlocks(blocks: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(
    blocks.flatMap((bytes) => {
      const length = Buffer.alloc(4);
      length.writeUInt32LE(bytes.length);
      return [length, bytes];
    }),
  );
}

/** What `encodeBlocks` wrote. */
export function decodeBlocks(bytes: Buffer): Uint8Array[] {
  const blocks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = at + 4 + bytes.readUInt32LE(at);
    blocks.push(Uint8Array.from(bytes.subarray(at + 4, end)));
    at = end;
  }
  return blocks;
}
