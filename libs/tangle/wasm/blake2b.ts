/**
 * BLAKE2b-256 (RFC 7693, no key) in AssemblyScript, for what a node hashes most: a whole block, of
 * which the proof of work hashes all bytes but eight and the id all bytes, in one pass; and Merkle
 * trees over ids, in one call. Spec: docs/spec/01-block.md. Caller: src/io/accel/wasm-hasher.ts.
 *
 * The rounds are written out, because the compiler keeps local variables in registers but array
 * elements in memory. Message words are read where the input lies, so nothing is copied but the
 * last, padded part of a message.
 *
 * ABI: write the message to `INPUT` of the exported memory, call, read from `OUTPUT`. Nothing of
 * one call matters to the next. There is no allocator and no import; whoever hashes more than
 * MAX_INPUT bytes grows the memory first.
 */

/** A state of eight words, and a second one. */
const STATE: usize = memory.data(64);
const OTHER: usize = memory.data(64);
/** The last part of a message, with zeros behind it. */
const TAIL: usize = memory.data(128);
/** Where the caller finds the digest: 32 bytes. */
export const OUTPUT: usize = memory.data(32);
/** Where the caller writes the message: behind everything else. */
export const INPUT: usize = __heap_base;

// @ts-ignore: decorator
@inline function word(m: usize, i: usize): u64 { return load<u64>(m + (i << 3)); }

const IV0: u64 = 0x6a09e667f3bcc908;
const IV1: u64 = 0xbb67ae8584caa73b;
const IV2: u64 = 0x3c6ef372fe94f82b;
const IV3: u64 = 0xa54ff53a5f1d36f1;
const IV4: u64 = 0x510e527fade682d1;
const IV5: u64 = 0x9b05688c2b3e6c1f;
const IV6: u64 = 0x1f83d9abfb41bd6b;
const IV7: u64 = 0x5be0cd19137e2179;
/** IV0 with the parameter block: 32-byte digest, no key, fan-out 1, depth 1. */
const H0: u64 = IV0 ^ 0x01010020;
/** Bytes of one compression. */
const STEP: u32 = 128;

/** Takes the 128 bytes at `m` into the state `h`; `counter` bytes then are in it. */
function compress(h: usize, m: usize, counter: u64, isLast: bool): void {
  let v0 = word(h, 0), v1 = word(h, 1), v2 = word(h, 2), v3 = word(h, 3);
  let v4 = word(h, 4), v5 = word(h, 5), v6 = word(h, 6), v7 = word(h, 7);
  let v8 = IV0, v9 = IV1, va = IV2, vb = IV3;
  let vc = IV4 ^ counter, vd = IV5, ve = isLast ? ~IV6 : IV6, vf = IV7;
  // Round 0.
  v0 += v4 + word(m, 0); vc = rotr(vc ^ v0, 32); v8 += vc; v4 = rotr(v4 ^ v8, 24);
  v0 += v4 + word(m, 1); vc = rotr(vc ^ v0, 16); v8 += vc; v4 = rotr(v4 ^ v8, 63);
  v1 += v5 + word(m, 2); vd = rotr(vd ^ v1, 32); v9 += vd; v5 = rotr(v5 ^ v9, 24);
  v1 += v5 + word(m, 3); vd = rotr(vd ^ v1, 16); v9 += vd; v5 = rotr(v5 ^ v9, 63);
  v2 += v6 + word(m, 4); ve = rotr(ve ^ v2, 32); va += ve; v6 = rotr(v6 ^ va, 24);
  v2 += v6 + word(m, 5); ve = rotr(ve ^ v2, 16); va += ve; v6 = rotr(v6 ^ va, 63);
  v3 += v7 + word(m, 6); vf = rotr(vf ^ v3, 32); vb += vf; v7 = rotr(v7 ^ vb, 24);
  v3 += v7 + word(m, 7); vf = rotr(vf ^ v3, 16); vb += vf; v7 = rotr(v7 ^ vb, 63);
  v0 += v5 + word(m, 8); vf = rotr(vf ^ v0, 32); va += vf; v5 = rotr(v5 ^ va, 24);
  v0 += v5 + word(m, 9); vf = rotr(vf ^ v0, 16); va += vf; v5 = rotr(v5 ^ va, 63);
  v1 += v6 + word(m, 10); vc = rotr(vc ^ v1, 32); vb += vc; v6 = rotr(v6 ^ vb, 24);
  v1 += v6 + word(m, 11); vc = rotr(vc ^ v1, 16); vb += vc; v6 = rotr(v6 ^ vb, 63);
  v2 += v7 + word(m, 12); vd = rotr(vd ^ v2, 32); v8 += vd; v7 = rotr(v7 ^ v8, 24);
  v2 += v7 + word(m, 13); vd = rotr(vd ^ v2, 16); v8 += vd; v7 = rotr(v7 ^ v8, 63);
  v3 += v4 + word(m, 14); ve = rotr(ve ^ v3, 32); v9 += ve; v4 = rotr(v4 ^ v9, 24);
  v3 += v4 + word(m, 15); ve = rotr(ve ^ v3, 16); v9 += ve; v4 = rotr(v4 ^ v9, 63);
  // Round 1.
  v0 += v4 + word(m, 14); vc = rotr(vc ^ v0, 32); v8 += vc; v4 = rotr(v4 ^ v8, 24);
  v0 += v4 + word(m, 10); vc = rotr(vc ^ v0, 16); v8 += vc; v4 = rotr(v4 ^ v8, 63);
  v1 += v5 + word(m, 4); vd = rotr(vd ^ v1, 32); v9 += vd; v5 = rotr(v5 ^ v9, 24);
  v1 += v5 + word(m, 8); vd = rotr(vd ^ v1, 16); v9 += vd; v5 = rotr(v5 ^ v9, 63);
  v2 += v6 + word(m, 9); ve = rotr(ve ^ v2, 32); va += ve; v6 = rotr(v6 ^ va, 24);
  v2 += v6 + word(m, 15); ve = rotr(ve ^ v2, 16); va += ve; v6 = rotr(v6 ^ va, 63);
  v3 += v7 + word(m, 13); vf = rotr(vf ^ v3, 32); vb += vf; v7 = rotr(v7 ^ vb, 24);
  v3 += v7 + word(m, 6); vf = rotr(vf ^ v3, 16); vb += vf; v7 = rotr(v7 ^ vb, 63);
  v0 += v5 + word(m, 1); vf = rotr(vf ^ v0, 32); va += vf; v5 = rotr(v5 ^ va, 24);
  v0 += v5 + word(m, 12); vf = rotr(vf ^ v0, 16); va += vf; v5 = rotr(v5 ^ va, 63);
  v1 += v6 + word(m, 0); vc = rotr(vc ^ v1, 32); vb += vc; v6 = rotr(v6 ^ vb, 24);
  v1 += v6 + word(m, 2); vc = rotr(vc ^ v1, 16); vb += vc; v6 = rotr(v6 ^ vb, 63);
  v2 += v7 + word(m, 11); vd = rotr(vd ^ v2, 32); v8 += vd; v7 = rotr(v7 ^ v8, 24);
  v2 += v7 + word(m, 7); vd = rotr(vd ^ v2, 16); v8 += vd; v7 = rotr(v7 ^ v8, 63);
  v3 += v4 + word(m, 5); ve = rotr(ve ^ v3, 32); v9 += ve; v4 = rotr(v4 ^ v9, 24);
  v3 += v4 + word(m, 3); ve = rotr(ve ^ v3, 16); v9 += ve; v4 = rotr(v4 ^ v9, 63);
  // Round 2.
  v0 += v4 + word(m, 11); vc = rotr(vc ^ v0, 32); v8 += vc; v4 = rotr(v4 ^ v8, 24);
  v0 += v4 + word(m, 8); vc = rotr(vc ^ v0, 16); v8 += vc; v4 = rotr(v4 ^ v8, 63);
  v1 += v5 + word(m, 12); vd = rotr(vd ^ v1, 32); v9 += vd; v5 = rotr(v5 ^ v9, 24);
  v1 += v5 + word(m, 0); vd = rotr(vd ^ v1, 16); v9 += vd; v5 = rotr(v5 ^ v9, 63);
  v2 += v6 + word(m, 5); ve = rotr(ve ^ v2, 32); va += ve; v6 = rotr(v6 ^ va, 24);
  v2 += v6 + word(m, 2); ve = rotr(ve ^ v2, 16); va += ve; v6 = rotr(v6 ^ va, 63);
  v3 += v7 + word(m, 15); vf = rotr(vf ^ v3, 32); vb += vf; v7 = rotr(v7 ^ vb, 24);
  v3 += v7 + word(m, 13); vf = rotr(vf ^ v3, 16); vb += vf; v7 = rotr(v7 ^ vb, 63);
  v0 += v5 + word(m, 10); vf = rotr(vf ^ v0, 32); va += vf; v5 = rotr(v5 ^ va, 24);
  v0 += v5 + word(m, 14); vf = rotr(vf ^ v0, 16); va += vf; v5 = rotr(v5 ^ va, 63);
  v1 += v6 + word(m, 3); vc = rotr(vc ^ v1, 32); vb += vc; v6 = rotr(v6 ^ vb, 24);
  v1 += v6 + word(m, 6); vc = rotr(vc ^ v1, 16); vb += vc; v6 = rotr(v6 ^ vb, 63);
  v2 += v7 + word(m, 7); vd = rotr(vd ^ v2, 32); v8 += vd; v7 = rotr(v7 ^ v8, 24);
  v2 += v7 + word(m, 1); vd = rotr(vd ^ v2, 16); v8 += vd; v7 = rotr(v7 ^ v8, 63);
  v3 += v4 + word(m, 9); ve = rotr(ve ^ v3, 32); v9 += ve; v4 = rotr(v4 ^ v9, 24);
  v3 += v4 + word(m, 4); ve = rotr(ve ^ v3, 16); v9 += ve; v4 = rotr(v4 ^ v9, 63);
  // Round 3.
  v0 += v4 + word(m, 7); vc = rotr(vc ^ v0, 32); v8 += vc; v4 = rotr(v4 ^ v8, 24);
  v0 += v4 + word(m, 9); vc = rotr(vc ^ v0, 16); v8 += vc; v4 = rotr(v4 ^ v8, 63);
  v1 += v5 + word(m, 3); vd = rotr(vd ^ v1, 32); v9 += vd; v5 = rotr(v5 ^ v9, 24);
  v1 += v5 + word(m, 1); vd = rotr(vd ^ v1, 16); v9 += vd; v5 = rotr(v5 ^ v9, 63);
  v2 += v6 + word(m, 13); ve = rotr(ve ^ v2, 32); va += ve; v6 = rotr(v6 ^ va, 24);
  v2 += v6 + word(m, 12); ve = rotr(ve ^ v2, 16); va += ve; v6 = rotr(v6 ^ va, 63);
  v3 += v7 + word(m, 11); vf = rotr(vf ^ v3, 32); vb += vf; v7 = rotr(v7 ^ vb, 24);
  v3 += v7 + word(m, 14); vf = rotr(vf ^ v3, 16); vb += vf; v7 = rotr(v7 ^ vb, 63);
  v0 += v5 + word(m, 2); vf = rotr(vf ^ v0, 32); va += vf; v5 = rotr(v5 ^ va, 24);
  v0 += v5 + word(m, 6); vf = rotr(vf ^ v0, 16); va += vf; v5 = rotr(v5 ^ va, 63);
  v1 += v6 + word(m, 5); vc = rotr(vc ^ v1, 32); vb += vc; v6 = rotr(v6 ^ vb, 24);
  v1 += v6 + word(m, 10); vc = rotr(vc ^ v1, 16); vb += vc; v6 = rotr(v6 ^ vb, 63);
  v2 += v7 + word(m, 4); vd = rotr(vd ^ v2, 32); v8 += vd; v7 = rotr(v7 ^ v8, 24);
  v2 += v7 + word(m, 0); vd = rotr(vd ^ v2, 16); v8 += vd; v7 = rotr(v7 ^ v8, 63);
  v3 += v4 + word(m, 15); ve = rotr(ve ^ v3, 32); v9 += ve; v4 = rotr(v4 ^ v9, 24);
  v3 += v4 + word(m, 8); ve = rotr(ve ^ v3, 16); v9 += ve; v4 = rotr(v4 ^ v9, 63);
  // Round 4.
  v0 += v4 + word(m, 9); vc = rotr(vc ^ v0, 32); v8 += vc; v4 = rotr(v4 ^ v8, 24);
  v0 += v4 + word(m, 0); vc = rotr(vc ^ v0, 16); v8 += vc; v4 = rotr(v4 ^ v8, 63);
  v1 += v5 + word(m, 5); vd = rotr(vd ^ v1, 32); v9 += vd; v5 = rotr(v5 ^ v9, 24);
  v1 += v5 + word(m, 7); vd = rotr(vd ^ v1, 16); v9 += vd; v5 = rotr(v5 ^ v9, 63);
  v2 += v6 + word(m, 2); ve = rotr(ve ^ v2, 32); va += ve; v6 = rotr(v6 ^ va, 24);
  v2 += v6 + word(m, 4); ve = rotr(ve ^ v2, 16); va += ve; v6 = rotr(v6 ^ va, 63);
  v3 += v7 + word(m, 10); vf = rotr(vf ^ v3, 32); vb += vf; v7 = rotr(v7 ^ vb, 24);
  v3 += v7 + word(m, 15); vf = rotr(vf ^ v3, 16); vb += vf; v7 = rotr(v7 ^ vb, 63);
  v0 += v5 + word(m, 14); vf = rotr(vf ^ v0, 32); va += vf; v5 = rotr(v5 ^ va, 24);
  v0 += v5 + word(m, 1); vf = rotr(vf ^ v0, 16); va += vf; v5 = rotr(v5 ^ va, 63);
  v1 += v6 + word(m, 11); vc = rotr(vc ^ v1, 32); vb += vc; v6 = rotr(v6 ^ vb, 24);
  v1 += v6 + word(m, 12); vc = rotr(vc ^ v1, 16); vb += vc; v6 = rotr(v6 ^ vb, 63);
  v2 += v7 + word(m, 6); vd = rotr(vd ^ v2, 32); v8 += vd; v7 = rotr(v7 ^ v8, 24);
  v2 += v7 + word(m, 8); vd = rotr(vd ^ v2, 16); v8 += vd; v7 = rotr(v7 ^ v8, 63);
  v3 += v4 + word(m, 3); ve = rotr(ve ^ v3, 32); v9 += ve; v4 = rotr(v4 ^ v9, 24);
  v3 += v4 + word(m, 13); ve = rotr(ve ^ v3, 16); v9 += ve; v4 = rotr(v4 ^ v9, 63);
  // Round 5.
  v0 += v4 + word(m, 2); vc = rotr(vc ^ v0, 32); v8 += vc; v4 = rotr(v4 ^ v8, 24);
  v0 += v4 + word(m, 12); vc = rotr(vc ^ v0, 16); v8 += vc; v4 = rotr(v4 ^ v8, 63);
  v1 += v5 + word(m, 6); vd = rotr(vd ^ v1, 32); v9 += vd; v5 = rotr(v5 ^ v9, 24);
  v1 += v5 + word(m, 10); vd = rotr(vd ^ v1, 16); v9 += vd; v5 = rotr(v5 ^ v9, 63);
  v2 += v6 + word(m, 0); ve = rotr(ve ^ v2, 32); va += ve; v6 = rotr(v6 ^ va, 24);
  v2 += v6 + word(m, 11); ve = rotr(ve ^ v2, 16); va += ve; v6 = rotr(v6 ^ va, 63);
  v3 += v7 + word(m, 8); vf = rotr(vf ^ v3, 32); vb += vf; v7 = rotr(v7 ^ vb, 24);
  v3 += v7 + word(m, 3); vf = rotr(vf ^ v3, 16); vb += vf; v7 = rotr(v7 ^ vb, 63);
  v0 += v5 + word(m, 4); vf = rotr(vf ^ v0, 32); va += vf; v5 = rotr(v5 ^ va, 24);
  v0 += v5 + word(m, 13); vf = rotr(vf ^ v0, 16); va += vf; v5 = rotr(v5 ^ va, 63);
  v1 += v6 + word(m, 7); vc = rotr(vc ^ v1, 32); vb += vc; v6 = rotr(v6 ^ vb, 24);
  v1 += v6 + word(m, 5); vc = rotr(vc ^ v1, 16); vb += vc; v6 = rotr(v6 ^ vb, 63);
  v2 += v7 + word(m, 15); vd = rotr(vd ^ v2, 32); v8 += vd; v7 = rotr(v7 ^ v8, 24);
  v2 += v7 + word(m, 14); vd = rotr(vd ^ v2, 16); v8 += vd; v7 = rotr(v7 ^ v8, 63);
  v3 += v4 + word(m, 1); ve = rotr(ve ^ v3, 32); v9 += ve; v4 = rotr(v4 ^ v9, 24);
  v3 += v4 + word(m, 9); ve = rotr(ve ^ v3, 16); v9 += ve; v4 = rotr(v4 ^ v9, 63);
  // Round 6.
  v0 += v4 + word(m, 12); vc = rotr(vc ^ v0, 32); v8 += vc; v4 = rotr(v4 ^ v8, 24);
  v0 += v4 + word(m, 5); vc = rotr(vc ^ v0, 16); v8 += vc; v4 = rotr(v4 ^ v8, 63);
  v1 += v5 + word(m, 1); vd = rotr(vd ^ v1, 32); v9 += vd; v5 = rotr(v5 ^ v9, 24);
  v1 += v5 + word(m, 15); vd = rotr(vd ^ v1, 16); v9 += vd; v5 = rotr(v5 ^ v9, 63);
  v2 += v6 + word(m, 14); ve = rotr(ve ^ v2, 32); va += ve; v6 = rotr(v6 ^ va, 24);
  v2 += v6 + word(m, 13); ve = rotr(ve ^ v2, 16); va += ve; v6 = rotr(v6 ^ va, 63);
  v3 += v7 + word(m, 4); vf = rotr(vf ^ v3, 32); vb += vf; v7 = rotr(v7 ^ vb, 24);
  v3 += v7 + word(m, 10); vf = rotr(vf ^ v3, 16); vb += vf; v7 = rotr(v7 ^ vb, 63);
  v0 += v5 + word(m, 0); vf = rotr(vf ^ v0, 32); va += vf; v5 = rotr(v5 ^ va, 24);
  v0 += v5 + word(m, 7); vf = rotr(vf ^ v0, 16); va += vf; v5 = rotr(v5 ^ va, 63);
  v1 += v6 + word(m, 6); vc = rotr(vc ^ v1, 32); vb += vc; v6 = rotr(v6 ^ vb, 24);
  v1 += v6 + word(m, 3); vc = rotr(vc ^ v1, 16); vb += vc; v6 = rotr(v6 ^ vb, 63);
  v2 += v7 + word(m, 9); vd = rotr(vd ^ v2, 32); v8 += vd; v7 = rotr(v7 ^ v8, 24);
  v2 += v7 + word(m, 2); vd = rotr(vd ^ v2, 16); v8 += vd; v7 = rotr(v7 ^ v8, 63);
  v3 += v4 + word(m, 8); ve = rotr(ve ^ v3, 32); v9 += ve; v4 = rotr(v4 ^ v9, 24);
  v3 += v4 + word(m, 11); ve = rotr(ve ^ v3, 16); v9 += ve; v4 = rotr(v4 ^ v9, 63);
  // Round 7.
  v0 += v4 + word(m, 13); vc = rotr(vc ^ v0, 32); v8 += vc; v4 = rotr(v4 ^ v8, 24);
  v0 += v4 + word(m, 11); vc = rotr(vc ^ v0, 16); v8 += vc; v4 = rotr(v4 ^ v8, 63);
  v1 += v5 + word(m, 7); vd = rotr(vd ^ v1, 32); v9 += vd; v5 = rotr(v5 ^ v9, 24);
  v1 += v5 + word(m, 14); vd = rotr(vd ^ v1, 16); v9 += vd; v5 = rotr(v5 ^ v9, 63);
  v2 += v6 + word(m, 12); ve = rotr(ve ^ v2, 32); va += ve; v6 = rotr(v6 ^ va, 24);
  v2 += v6 + word(m, 1); ve = rotr(ve ^ v2, 16); va += ve; v6 = rotr(v6 ^ va, 63);
  v3 += v7 + word(m, 3); vf = rotr(vf ^ v3, 32); vb += vf; v7 = rotr(v7 ^ vb, 24);
  v3 += v7 + word(m, 9); vf = rotr(vf ^ v3, 16); vb += vf; v7 = rotr(v7 ^ vb, 63);
  v0 += v5 + word(m, 5); vf = rotr(vf ^ v0, 32); va += vf; v5 = rotr(v5 ^ va, 24);
  v0 += v5 + word(m, 0); vf = rotr(vf ^ v0, 16); va += vf; v5 = rotr(v5 ^ va, 63);
  v1 += v6 + word(m, 15); vc = rotr(vc ^ v1, 32); vb += vc; v6 = rotr(v6 ^ vb, 24);
  v1 += v6 + word(m, 4); vc = rotr(vc ^ v1, 16); vb += vc; v6 = rotr(v6 ^ vb, 63);
  v2 += v7 + word(m, 8); vd = rotr(vd ^ v2, 32); v8 += vd; v7 = rotr(v7 ^ v8, 24);
  v2 += v7 + word(m, 6); vd = rotr(vd ^ v2, 16); v8 += vd; v7 = rotr(v7 ^ v8, 63);
  v3 += v4 + word(m, 2); ve = rotr(ve ^ v3, 32); v9 += ve; v4 = rotr(v4 ^ v9, 24);
  v3 += v4 + word(m, 10); ve = rotr(ve ^ v3, 16); v9 += ve; v4 = rotr(v4 ^ v9, 63);
  // Round 8.
  v0 += v4 + word(m, 6); vc = rotr(vc ^ v0, 32); v8 += vc; v4 = rotr(v4 ^ v8, 24);
  v0 += v4 + word(m, 15); vc = rotr(vc ^ v0, 16); v8 += vc; v4 = rotr(v4 ^ v8, 63);
  v1 += v5 + word(m, 14); vd = rotr(vd ^ v1, 32); v9 += vd; v5 = rotr(v5 ^ v9, 24);
  v1 += v5 + word(m, 9); vd = rotr(vd ^ v1, 16); v9 += vd; v5 = rotr(v5 ^ v9, 63);
  v2 += v6 + word(m, 11); ve = rotr(ve ^ v2, 32); va += ve; v6 = rotr(v6 ^ va, 24);
  v2 += v6 + word(m, 3); ve = rotr(ve ^ v2, 16); va += ve; v6 = rotr(v6 ^ va, 63);
  v3 += v7 + word(m, 0); vf = rotr(vf ^ v3, 32); vb += vf; v7 = rotr(v7 ^ vb, 24);
  v3 += v7 + word(m, 8); vf = rotr(vf ^ v3, 16); vb += vf; v7 = rotr(v7 ^ vb, 63);
  v0 += v5 + word(m, 12); vf = rotr(vf ^ v0, 32); va += vf; v5 = rotr(v5 ^ va, 24);
  v0 += v5 + word(m, 2); vf = rotr(vf ^ v0, 16); va += vf; v5 = rotr(v5 ^ va, 63);
  v1 += v6 + word(m, 13); vc = rotr(vc ^ v1, 32); vb += vc; v6 = rotr(v6 ^ vb, 24);
  v1 += v6 + word(m, 7); vc = rotr(vc ^ v1, 16); vb += vc; v6 = rotr(v6 ^ vb, 63);
  v2 += v7 + word(m, 1); vd = rotr(vd ^ v2, 32); v8 += vd; v7 = rotr(v7 ^ v8, 24);
  v2 += v7 + word(m, 4); vd = rotr(vd ^ v2, 16); v8 += vd; v7 = rotr(v7 ^ v8, 63);
  v3 += v4 + word(m, 10); ve = rotr(ve ^ v3, 32); v9 += ve; v4 = rotr(v4 ^ v9, 24);
  v3 += v4 + word(m, 5); ve = rotr(ve ^ v3, 16); v9 += ve; v4 = rotr(v4 ^ v9, 63);
  // Round 9.
  v0 += v4 + word(m, 10); vc = rotr(vc ^ v0, 32); v8 += vc; v4 = rotr(v4 ^ v8, 24);
  v0 += v4 + word(m, 2); vc = rotr(vc ^ v0, 16); v8 += vc; v4 = rotr(v4 ^ v8, 63);
  v1 += v5 + word(m, 8); vd = rotr(vd ^ v1, 32); v9 += vd; v5 = rotr(v5 ^ v9, 24);
  v1 += v5 + word(m, 4); vd = rotr(vd ^ v1, 16); v9 += vd; v5 = rotr(v5 ^ v9, 63);
  v2 += v6 + word(m, 7); ve = rotr(ve ^ v2, 32); va += ve; v6 = rotr(v6 ^ va, 24);
  v2 += v6 + word(m, 6); ve = rotr(ve ^ v2, 16); va += ve; v6 = rotr(v6 ^ va, 63);
  v3 += v7 + word(m, 1); vf = rotr(vf ^ v3, 32); vb += vf; v7 = rotr(v7 ^ vb, 24);
  v3 += v7 + word(m, 5); vf = rotr(vf ^ v3, 16); vb += vf; v7 = rotr(v7 ^ vb, 63);
  v0 += v5 + word(m, 15); vf = rotr(vf ^ v0, 32); va += vf; v5 = rotr(v5 ^ va, 24);
  v0 += v5 + word(m, 11); vf = rotr(vf ^ v0, 16); va += vf; v5 = rotr(v5 ^ va, 63);
  v1 += v6 + word(m, 9); vc = rotr(vc ^ v1, 32); vb += vc; v6 = rotr(v6 ^ vb, 24);
  v1 += v6 + word(m, 14); vc = rotr(vc ^ v1, 16); vb += vc; v6 = rotr(v6 ^ vb, 63);
  v2 += v7 + word(m, 3); vd = rotr(vd ^ v2, 32); v8 += vd; v7 = rotr(v7 ^ v8, 24);
  v2 += v7 + word(m, 12); vd = rotr(vd ^ v2, 16); v8 += vd; v7 = rotr(v7 ^ v8, 63);
  v3 += v4 + word(m, 13); ve = rotr(ve ^ v3, 32); v9 += ve; v4 = rotr(v4 ^ v9, 24);
  v3 += v4 + word(m, 0); ve = rotr(ve ^ v3, 16); v9 += ve; v4 = rotr(v4 ^ v9, 63);
  // Round 10.
  v0 += v4 + word(m, 0); vc = rotr(vc ^ v0, 32); v8 += vc; v4 = rotr(v4 ^ v8, 24);
  v0 += v4 + word(m, 1); vc = rotr(vc ^ v0, 16); v8 += vc; v4 = rotr(v4 ^ v8, 63);
  v1 += v5 + word(m, 2); vd = rotr(vd ^ v1, 32); v9 += vd; v5 = rotr(v5 ^ v9, 24);
  v1 += v5 + word(m, 3); vd = rotr(vd ^ v1, 16); v9 += vd; v5 = rotr(v5 ^ v9, 63);
  v2 += v6 + word(m, 4); ve = rotr(ve ^ v2, 32); va += ve; v6 = rotr(v6 ^ va, 24);
  v2 += v6 + word(m, 5); ve = rotr(ve ^ v2, 16); va += ve; v6 = rotr(v6 ^ va, 63);
  v3 += v7 + word(m, 6); vf = rotr(vf ^ v3, 32); vb += vf; v7 = rotr(v7 ^ vb, 24);
  v3 += v7 + word(m, 7); vf = rotr(vf ^ v3, 16); vb += vf; v7 = rotr(v7 ^ vb, 63);
  v0 += v5 + word(m, 8); vf = rotr(vf ^ v0, 32); va += vf; v5 = rotr(v5 ^ va, 24);
  v0 += v5 + word(m, 9); vf = rotr(vf ^ v0, 16); va += vf; v5 = rotr(v5 ^ va, 63);
  v1 += v6 + word(m, 10); vc = rotr(vc ^ v1, 32); vb += vc; v6 = rotr(v6 ^ vb, 24);
  v1 += v6 + word(m, 11); vc = rotr(vc ^ v1, 16); vb += vc; v6 = rotr(v6 ^ vb, 63);
  v2 += v7 + word(m, 12); vd = rotr(vd ^ v2, 32); v8 += vd; v7 = rotr(v7 ^ v8, 24);
  v2 += v7 + word(m, 13); vd = rotr(vd ^ v2, 16); v8 += vd; v7 = rotr(v7 ^ v8, 63);
  v3 += v4 + word(m, 14); ve = rotr(ve ^ v3, 32); v9 += ve; v4 = rotr(v4 ^ v9, 24);
  v3 += v4 + word(m, 15); ve = rotr(ve ^ v3, 16); v9 += ve; v4 = rotr(v4 ^ v9, 63);
  // Round 11.
  v0 += v4 + word(m, 14); vc = rotr(vc ^ v0, 32); v8 += vc; v4 = rotr(v4 ^ v8, 24);
  v0 += v4 + word(m, 10); vc = rotr(vc ^ v0, 16); v8 += vc; v4 = rotr(v4 ^ v8, 63);
  v1 += v5 + word(m, 4); vd = rotr(vd ^ v1, 32); v9 += vd; v5 = rotr(v5 ^ v9, 24);
  v1 += v5 + word(m, 8); vd = rotr(vd ^ v1, 16); v9 += vd; v5 = rotr(v5 ^ v9, 63);
  v2 += v6 + word(m, 9); ve = rotr(ve ^ v2, 32); va += ve; v6 = rotr(v6 ^ va, 24);
  v2 += v6 + word(m, 15); ve = rotr(ve ^ v2, 16); va += ve; v6 = rotr(v6 ^ va, 63);
  v3 += v7 + word(m, 13); vf = rotr(vf ^ v3, 32); vb += vf; v7 = rotr(v7 ^ vb, 24);
  v3 += v7 + word(m, 6); vf = rotr(vf ^ v3, 16); vb += vf; v7 = rotr(v7 ^ vb, 63);
  v0 += v5 + word(m, 1); vf = rotr(vf ^ v0, 32); va += vf; v5 = rotr(v5 ^ va, 24);
  v0 += v5 + word(m, 12); vf = rotr(vf ^ v0, 16); va += vf; v5 = rotr(v5 ^ va, 63);
  v1 += v6 + word(m, 0); vc = rotr(vc ^ v1, 32); vb += vc; v6 = rotr(v6 ^ vb, 24);
  v1 += v6 + word(m, 2); vc = rotr(vc ^ v1, 16); vb += vc; v6 = rotr(v6 ^ vb, 63);
  v2 += v7 + word(m, 11); vd = rotr(vd ^ v2, 32); v8 += vd; v7 = rotr(v7 ^ v8, 24);
  v2 += v7 + word(m, 7); vd = rotr(vd ^ v2, 16); v8 += vd; v7 = rotr(v7 ^ v8, 63);
  v3 += v4 + word(m, 5); ve = rotr(ve ^ v3, 32); v9 += ve; v4 = rotr(v4 ^ v9, 24);
  v3 += v4 + word(m, 3); ve = rotr(ve ^ v3, 16); v9 += ve; v4 = rotr(v4 ^ v9, 63);
  store<u64>(h, word(h, 0) ^ v0 ^ v8);
  store<u64>(h + 8, word(h, 1) ^ v1 ^ v9);
  store<u64>(h + 16, word(h, 2) ^ v2 ^ va);
  store<u64>(h + 24, word(h, 3) ^ v3 ^ vb);
  store<u64>(h + 32, word(h, 4) ^ v4 ^ vc);
  store<u64>(h + 40, word(h, 5) ^ v5 ^ vd);
  store<u64>(h + 48, word(h, 6) ^ v6 ^ ve);
  store<u64>(h + 56, word(h, 7) ^ v7 ^ vf);
}

function begin(h: usize): void {
  store<u64>(h, H0);
  store<u64>(h + 8, IV1);
  store<u64>(h + 16, IV2);
  store<u64>(h + 24, IV3);
  store<u64>(h + 32, IV4);
  store<u64>(h + 40, IV5);
  store<u64>(h + 48, IV6);
  store<u64>(h + 56, IV7);
}

/** Takes in the bytes of a message from `done` to `length`, the last of it included. */
function finish(h: usize, input: usize, done: u32, length: u32): void {
  while (length - done > STEP) {
    done += STEP;
    compress(h, input + done - STEP, done, false);
  }
  const rest = length - done;
  memory.copy(TAIL, input + done, rest);
  memory.fill(TAIL + rest, 0, STEP - rest);
  compress(h, TAIL, length, true);
}

/** Writes the digest of the `length` bytes at `INPUT` to `OUTPUT`. */
export function hash(length: u32): void {
  begin(STATE);
  finish(STATE, INPUT, 0, length);
  memory.copy(OUTPUT, STATE, 32);
}

/**
 * The block of `length` ≥ 8 bytes at `INPUT`: writes its id to `OUTPUT` and returns the leading
 * zero bits of its proof of work, the hash of the hash without the nonce and the nonce.
 */
export function hashBlock(length: u32): u32 {
  const unmined = length - 8;
  let done: u32 = 0;
  begin(STATE);
  while (unmined - done > STEP) {
    done += STEP;
    compress(STATE, INPUT + done - STEP, done, false);
  }
  memory.copy(OTHER, STATE, 64);
  finish(STATE, INPUT, done, length);
  memory.copy(OUTPUT, STATE, 32);
  finish(OTHER, INPUT, done, unmined);
  memory.copy(TAIL, OTHER, 32);
  store<u64>(TAIL + 32, load<u64>(INPUT + unmined));
  memory.fill(TAIL + 40, 0, STEP - 40);
  begin(OTHER);
  compress(OTHER, TAIL, 40, true);
  return leadingZeroBits(OTHER);
}

/** Of the 32 bytes at `at`, most significant bit of the first byte first. */
function leadingZeroBits(at: usize): u32 {
  for (let i: u32 = 0; i < 4; i++) {
    const bits = bswap<u64>(word(at, i));
    if (bits != 0) return (i << 6) + <u32>clz<u64>(bits);
  }
  return 256;
}

/**
 * Writes the TIP-4 Merkle root over `count` ≥ 1 leaves of 32 bytes at `INPUT` to `OUTPUT`. The
 * leaves are overwritten: first by their hashes, then level by level.
 */
export function merkleRoot(count: u32): void {
  memory.fill(TAIL, 0, STEP);
  for (let i: u32 = 0; i < count; i++) {
    const at = INPUT + (i << 5);
    memory.copy(TAIL + 1, at, 32);
    begin(STATE);
    compress(STATE, TAIL, 33, true);
    memory.copy(at, STATE, 32);
  }
  store<u8>(TAIL, 1);
  for (let width = count; width > 1; width = (width + 1) >>> 1) {
    const pairs = width >>> 1;
    for (let i: u32 = 0; i < pairs; i++) {
      memory.copy(TAIL + 1, INPUT + (i << 6), 64);
      begin(STATE);
      compress(STATE, TAIL, 65, true);
      memory.copy(INPUT + (i << 5), STATE, 32);
    }
    if ((width & 1) == 1) memory.copy(INPUT + (pairs << 5), INPUT + ((width - 1) << 5), 32);
  }
  memory.copy(OUTPUT, INPUT, 32);
}
