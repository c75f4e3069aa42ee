/**
 * The search loop of the proof of work, in AssemblyScript: BLAKE2b-256 (RFC 7693, no key) of the
 * 40 bytes `digest 32 ‖ nonce u64 LE` for nonce after nonce, until a hash has the asked number of
 * leading zero bits. Spec: docs/spec/01-block.md. Caller: src/io/accel/pow-backend.ts.
 *
 * Forty bytes are one BLAKE2b block, so the hash is one compression with counter 40 and the final
 * flag set. Of its sixteen message words only m0–m4 are not zero. Two nonces are tried at once, one
 * per lane of a 128-bit vector. What one nonce shares with the next (three of the four column steps
 * of round 0) is computed before the loop, and of round 11 only what reaches v0 and v8, because the
 * first eight bytes of the hash decide. The rounds are written out, because the compiler keeps
 * local variables in registers but array elements in memory: that is worth a factor of two.
 *
 * ABI: write the digest to the 32 bytes at `INPUT` of the exported memory, then call `search`.
 * There is no allocator and no import.
 */

/** Where the caller writes the 32 bytes of the digest. */
export const INPUT: usize = memory.data(32);

// @ts-ignore: decorator
@inline function add(a: v128, b: v128): v128 { return i64x2.add(a, b); }
// @ts-ignore: decorator
@inline function r32(d: v128, a: v128): v128 {
  const x = v128.xor(d, a);
  return i8x16.shuffle(x, x, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11);
}
// @ts-ignore: decorator
@inline function r24(b: v128, c: v128): v128 {
  const x = v128.xor(b, c);
  return i8x16.shuffle(x, x, 3, 4, 5, 6, 7, 0, 1, 2, 11, 12, 13, 14, 15, 8, 9, 10);
}
// @ts-ignore: decorator
@inline function r16(d: v128, a: v128): v128 {
  const x = v128.xor(d, a);
  return i8x16.shuffle(x, x, 2, 3, 4, 5, 6, 7, 0, 1, 10, 11, 12, 13, 14, 15, 8, 9);
}
// @ts-ignore: decorator
@inline function r63(b: v128, c: v128): v128 {
  const x = v128.xor(b, c);
  return v128.or(i64x2.shr_u(x, 63), i64x2.add(x, x));
}

// The initial vector of BLAKE2b. h0 also takes in the parameter block: 32-byte digest, no key,
// fan-out 1, depth 1. v12 takes in the counter (40 bytes), v14 the final flag.
const IV0: u64 = 0x6a09e667f3bcc908;
const H0: u64 = IV0 ^ 0x01010020;
const IV1: u64 = 0xbb67ae8584caa73b;
const IV2: u64 = 0x3c6ef372fe94f82b;
const IV3: u64 = 0xa54ff53a5f1d36f1;
const IV4: u64 = 0x510e527fade682d1;
const IV5: u64 = 0x9b05688c2b3e6c1f;
const IV6: u64 = 0x1f83d9abfb41bd6b;
const IV7: u64 = 0x5be0cd19137e2179;
const V12: u64 = IV4 ^ 40;
const V14: u64 = ~IV6;

/**
 * Tries `nonce`, `nonce + 1`, … `nonce + count - 1` (modulo 2^64) with the digest at `INPUT`.
 * `mask` has a one for every bit that must be zero in the hash's first eight bytes, read as a
 * little-endian u64. Returns the offset of the first nonce that fits, or `count` when none does.
 * `count` is even.
 */
export function search(nonce: u64, count: u32, mask: u64): u32 {
  const m0 = v128.load_splat<u64>(INPUT);
  const m1 = v128.load_splat<u64>(INPUT + 8);
  const m2 = v128.load_splat<u64>(INPUT + 16);
  const m3 = v128.load_splat<u64>(INPUT + 24);
  const h0 = i64x2.splat(H0);
  const zeros = i64x2.splat(mask);
  const two = i64x2.splat(2);
  let m4 = i64x2.replace_lane(i64x2.splat(nonce), 1, nonce + 1);

  // Round 0, columns 0, 1 and 3: the same for every nonce.
  let v0 = h0, v4 = i64x2.splat(IV4), v8 = i64x2.splat(IV0), vc = i64x2.splat(V12);
  v0 = add(add(v0, v4), m0); vc = r32(vc, v0); v8 = add(v8, vc); v4 = r24(v4, v8);
  v0 = add(add(v0, v4), m1); vc = r16(vc, v0); v8 = add(v8, vc); v4 = r63(v4, v8);
  let v1 = i64x2.splat(IV1), v5 = i64x2.splat(IV5), v9 = i64x2.splat(IV1), vd = i64x2.splat(IV5);
  v1 = add(add(v1, v5), m2); vd = r32(vd, v1); v9 = add(v9, vd); v5 = r24(v5, v9);
  v1 = add(add(v1, v5), m3); vd = r16(vd, v1); v9 = add(v9, vd); v5 = r63(v5, v9);
  let v3 = i64x2.splat(IV3), v7 = i64x2.splat(IV7), vb = i64x2.splat(IV3), vf = i64x2.splat(IV7);
  v3 = add(v3, v7); vf = r32(vf, v3); vb = add(vb, vf); v7 = r24(v7, vb);
  v3 = add(v3, v7); vf = r16(vf, v3); vb = add(vb, vf); v7 = r63(v7, vb);
  const s0 = v0, s1 = v1, s3 = v3, s4 = v4, s5 = v5, s7 = v7;
  const s8 = v8, s9 = v9, sb = vb, sc = vc, sd = vd, sf = vf;
  let v2: v128, v6: v128, va: v128, ve: v128;

  for (let done: u32 = 0; done < count; done += 2) {
    v0 = s0; v1 = s1; v2 = i64x2.splat(IV2); v3 = s3; v4 = s4; v5 = s5; v6 = i64x2.splat(IV6);
    v7 = s7; v8 = s8; v9 = s9; va = i64x2.splat(IV2); vb = sb; vc = sc; vd = sd;
    ve = i64x2.splat(V14); vf = sf;
    // Round 0.
    v2 = add(add(v2, v6), m4); ve = r32(ve, v2); va = add(va, ve); v6 = r24(v6, va);
    v2 = add(v2, v6); ve = r16(ve, v2); va = add(va, ve); v6 = r63(v6, va);
    v0 = add(v0, v5); vf = r32(vf, v0); va = add(va, vf); v5 = r24(v5, va);
    v0 = add(v0, v5); vf = r16(vf, v0); va = add(va, vf); v5 = r63(v5, va);
    v1 = add(v1, v6); vc = r32(vc, v1); vb = add(vb, vc); v6 = r24(v6, vb);
    v1 = add(v1, v6); vc = r16(vc, v1); vb = add(vb, vc); v6 = r63(v6, vb);
    v2 = add(v2, v7); vd = r32(vd, v2); v8 = add(v8, vd); v7 = r24(v7, v8);
    v2 = add(v2, v7); vd = r16(vd, v2); v8 = add(v8, vd); v7 = r63(v7, v8);
    v3 = add(v3, v4); ve = r32(ve, v3); v9 = add(v9, ve); v4 = r24(v4, v9);
    v3 = add(v3, v4); ve = r16(ve, v3); v9 = add(v9, ve); v4 = r63(v4, v9);
    // Round 1.
    v0 = add(v0, v4); vc = r32(vc, v0); v8 = add(v8, vc); v4 = r24(v4, v8);
    v0 = add(v0, v4); vc = r16(vc, v0); v8 = add(v8, vc); v4 = r63(v4, v8);
    v1 = add(add(v1, v5), m4); vd = r32(vd, v1); v9 = add(v9, vd); v5 = r24(v5, v9);
    v1 = add(v1, v5); vd = r16(vd, v1); v9 = add(v9, vd); v5 = r63(v5, v9);
    v2 = add(v2, v6); ve = r32(ve, v2); va = add(va, ve); v6 = r24(v6, va);
    v2 = add(v2, v6); ve = r16(ve, v2); va = add(va, ve); v6 = r63(v6, va);
    v3 = add(v3, v7); vf = r32(vf, v3); vb = add(vb, vf); v7 = r24(v7, vb);
    v3 = add(v3, v7); vf = r16(vf, v3); vb = add(vb, vf); v7 = r63(v7, vb);
    v0 = add(add(v0, v5), m1); vf = r32(vf, v0); va = add(va, vf); v5 = r24(v5, va);
    v0 = add(v0, v5); vf = r16(vf, v0); va = add(va, vf); v5 = r63(v5, va);
    v1 = add(add(v1, v6), m0); vc = r32(vc, v1); vb = add(vb, vc); v6 = r24(v6, vb);
    v1 = add(add(v1, v6), m2); vc = r16(vc, v1); vb = add(vb, vc); v6 = r63(v6, vb);
    v2 = add(v2, v7); vd = r32(vd, v2); v8 = add(v8, vd); v7 = r24(v7, v8);
    v2 = add(v2, v7); vd = r16(vd, v2); v8 = add(v8, vd); v7 = r63(v7, v8);
    v3 = add(v3, v4); ve = r32(ve, v3); v9 = add(v9, ve); v4 = r24(v4, v9);
    v3 = add(add(v3, v4), m3); ve = r16(ve, v3); v9 = add(v9, ve); v4 = r63(v4, v9);
    // Round 2.
    v0 = add(v0, v4); vc = r32(vc, v0); v8 = add(v8, vc); v4 = r24(v4, v8);
    v0 = add(v0, v4); vc = r16(vc, v0); v8 = add(v8, vc); v4 = r63(v4, v8);
    v1 = add(v1, v5); vd = r32(vd, v1); v9 = add(v9, vd); v5 = r24(v5, v9);
    v1 = add(add(v1, v5), m0); vd = r16(vd, v1); v9 = add(v9, vd); v5 = r63(v5, v9);
    v2 = add(v2, v6); ve = r32(ve, v2); va = add(va, ve); v6 = r24(v6, va);
    v2 = add(add(v2, v6), m2); ve = r16(ve, v2); va = add(va, ve); v6 = r63(v6, va);
    v3 = add(v3, v7); vf = r32(vf, v3); vb = add(vb, vf); v7 = r24(v7, vb);
    v3 = add(v3, v7); vf = r16(vf, v3); vb = add(vb, vf); v7 = r63(v7, vb);
    v0 = add(v0, v5); vf = r32(vf, v0); va = add(va, vf); v5 = r24(v5, va);
    v0 = add(v0, v5); vf = r16(vf, v0); va = add(va, vf); v5 = r63(v5, va);
    v1 = add(add(v1, v6), m3); vc = r32(vc, v1); vb = add(vb, vc); v6 = r24(v6, vb);
    v1 = add(v1, v6); vc = r16(vc, v1); vb = add(vb, vc); v6 = r63(v6, vb);
    v2 = add(v2, v7); vd = r32(vd, v2); v8 = add(v8, vd); v7 = r24(v7, v8);
    v2 = add(add(v2, v7), m1); vd = r16(vd, v2); v8 = add(v8, vd); v7 = r63(v7, v8);
    v3 = add(v3, v4); ve = r32(ve, v3); v9 = add(v9, ve); v4 = r24(v4, v9);
    v3 = add(add(v3, v4), m4); ve = r16(ve, v3); v9 = add(v9, ve); v4 = r63(v4, v9);
    // Round 3.
    v0 = add(v0, v4); vc = r32(vc, v0); v8 = add(v8, vc); v4 = r24(v4, v8);
    v0 = add(v0, v4); vc = r16(vc, v0); v8 = add(v8, vc); v4 = r63(v4, v8);
    v1 = add(add(v1, v5), m3); vd = r32(vd, v1); v9 = add(v9, vd); v5 = r24(v5, v9);
    v1 = add(add(v1, v5), m1); vd = r16(vd, v1); v9 = add(v9, vd); v5 = r63(v5, v9);
    v2 = add(v2, v6); ve = r32(ve, v2); va = add(va, ve); v6 = r24(v6, va);
    v2 = add(v2, v6); ve = r16(ve, v2); va = add(va, ve); v6 = r63(v6, va);
    v3 = add(v3, v7); vf = r32(vf, v3); vb = add(vb, vf); v7 = r24(v7, vb);
    v3 = add(v3, v7); vf = r16(vf, v3); vb = add(vb, vf); v7 = r63(v7, vb);
    v0 = add(add(v0, v5), m2); vf = r32(vf, v0); va = add(va, vf); v5 = r24(v5, va);
    v0 = add(v0, v5); vf = r16(vf, v0); va = add(va, vf); v5 = r63(v5, va);
    v1 = add(v1, v6); vc = r32(vc, v1); vb = add(vb, vc); v6 = r24(v6, vb);
    v1 = add(v1, v6); vc = r16(vc, v1); vb = add(vb, vc); v6 = r63(v6, vb);
    v2 = add(add(v2, v7), m4); vd = r32(vd, v2); v8 = add(v8, vd); v7 = r24(v7, v8);
    v2 = add(add(v2, v7), m0); vd = r16(vd, v2); v8 = add(v8, vd); v7 = r63(v7, v8);
    v3 = add(v3, v4); ve = r32(ve, v3); v9 = add(v9, ve); v4 = r24(v4, v9);
    v3 = add(v3, v4); ve = r16(ve, v3); v9 = add(v9, ve); v4 = r63(v4, v9);
    // Round 4.
    v0 = add(v0, v4); vc = r32(vc, v0); v8 = add(v8, vc); v4 = r24(v4, v8);
    v0 = add(add(v0, v4), m0); vc = r16(vc, v0); v8 = add(v8, vc); v4 = r63(v4, v8);
    v1 = add(v1, v5); vd = r32(vd, v1); v9 = add(v9, vd); v5 = r24(v5, v9);
    v1 = add(v1, v5); vd = r16(vd, v1); v9 = add(v9, vd); v5 = r63(v5, v9);
    v2 = add(add(v2, v6), m2); ve = r32(ve, v2); va = add(va, ve); v6 = r24(v6, va);
    v2 = add(add(v2, v6), m4); ve = r16(ve, v2); va = add(va, ve); v6 = r63(v6, va);
    v3 = add(v3, v7); vf = r32(vf, v3); vb = add(vb, vf); v7 = r24(v7, vb);
    v3 = add(v3, v7); vf = r16(vf, v3); vb = add(vb, vf); v7 = r63(v7, vb);
    v0 = add(v0, v5); vf = r32(vf, v0); va = add(va, vf); v5 = r24(v5, va);
    v0 = add(add(v0, v5), m1); vf = r16(vf, v0); va = add(va, vf); v5 = r63(v5, va);
    v1 = add(v1, v6); vc = r32(vc, v1); vb = add(vb, vc); v6 = r24(v6, vb);
    v1 = add(v1, v6); vc = r16(vc, v1); vb = add(vb, vc); v6 = r63(v6, vb);
    v2 = add(v2, v7); vd = r32(vd, v2); v8 = add(v8, vd); v7 = r24(v7, v8);
    v2 = add(v2, v7); vd = r16(vd, v2); v8 = add(v8, vd); v7 = r63(v7, v8);
    v3 = add(add(v3, v4), m3); ve = r32(ve, v3); v9 = add(v9, ve); v4 = r24(v4, v9);
    v3 = add(v3, v4); ve = r16(ve, v3); v9 = add(v9, ve); v4 = r63(v4, v9);
    // Round 5.
    v0 = add(add(v0, v4), m2); vc = r32(vc, v0); v8 = add(v8, vc); v4 = r24(v4, v8);
    v0 = add(v0, v4); vc = r16(vc, v0); v8 = add(v8, vc); v4 = r63(v4, v8);
    v1 = add(v1, v5); vd = r32(vd, v1); v9 = add(v9, vd); v5 = r24(v5, v9);
    v1 = add(v1, v5); vd = r16(vd, v1); v9 = add(v9, vd); v5 = r63(v5, v9);
    v2 = add(add(v2, v6), m0); ve = r32(ve, v2); va = add(va, ve); v6 = r24(v6, va);
    v2 = add(v2, v6); ve = r16(ve, v2); va = add(va, ve); v6 = r63(v6, va);
    v3 = add(v3, v7); vf = r32(vf, v3); vb = add(vb, vf); v7 = r24(v7, vb);
    v3 = add(add(v3, v7), m3); vf = r16(vf, v3); vb = add(vb, vf); v7 = r63(v7, vb);
    v0 = add(add(v0, v5), m4); vf = r32(vf, v0); va = add(va, vf); v5 = r24(v5, va);
    v0 = add(v0, v5); vf = r16(vf, v0); va = add(va, vf); v5 = r63(v5, va);
    v1 = add(v1, v6); vc = r32(vc, v1); vb = add(vb, vc); v6 = r24(v6, vb);
    v1 = add(v1, v6); vc = r16(vc, v1); vb = add(vb, vc); v6 = r63(v6, vb);
    v2 = add(v2, v7); vd = r32(vd, v2); v8 = add(v8, vd); v7 = r24(v7, v8);
    v2 = add(v2, v7); vd = r16(vd, v2); v8 = add(v8, vd); v7 = r63(v7, v8);
    v3 = add(add(v3, v4), m1); ve = r32(ve, v3); v9 = add(v9, ve); v4 = r24(v4, v9);
    v3 = add(v3, v4); ve = r16(ve, v3); v9 = add(v9, ve); v4 = r63(v4, v9);
    // Round 6.
    v0 = add(v0, v4); vc = r32(vc, v0); v8 = add(v8, vc); v4 = r24(v4, v8);
    v0 = add(v0, v4); vc = r16(vc, v0); v8 = add(v8, vc); v4 = r63(v4, v8);
    v1 = add(add(v1, v5), m1); vd = r32(vd, v1); v9 = add(v9, vd); v5 = r24(v5, v9);
    v1 = add(v1, v5); vd = r16(vd, v1); v9 = add(v9, vd); v5 = r63(v5, v9);
    v2 = add(v2, v6); ve = r32(ve, v2); va = add(va, ve); v6 = r24(v6, va);
    v2 = add(v2, v6); ve = r16(ve, v2); va = add(va, ve); v6 = r63(v6, va);
    v3 = add(add(v3, v7), m4); vf = r32(vf, v3); vb = add(vb, vf); v7 = r24(v7, vb);
    v3 = add(v3, v7); vf = r16(vf, v3); vb = add(vb, vf); v7 = r63(v7, vb);
    v0 = add(add(v0, v5), m0); vf = r32(vf, v0); va = add(va, vf); v5 = r24(v5, va);
    v0 = add(v0, v5); vf = r16(vf, v0); va = add(va, vf); v5 = r63(v5, va);
    v1 = add(v1, v6); vc = r32(vc, v1); vb = add(vb, vc); v6 = r24(v6, vb);
    v1 = add(add(v1, v6), m3); vc = r16(vc, v1); vb = add(vb, vc); v6 = r63(v6, vb);
    v2 = add(v2, v7); vd = r32(vd, v2); v8 = add(v8, vd); v7 = r24(v7, v8);
    v2 = add(add(v2, v7), m2); vd = r16(vd, v2); v8 = add(v8, vd); v7 = r63(v7, v8);
    v3 = add(v3, v4); ve = r32(ve, v3); v9 = add(v9, ve); v4 = r24(v4, v9);
    v3 = add(v3, v4); ve = r16(ve, v3); v9 = add(v9, ve); v4 = r63(v4, v9);
    // Round 7.
    v0 = add(v0, v4); vc = r32(vc, v0); v8 = add(v8, vc); v4 = r24(v4, v8);
    v0 = add(v0, v4); vc = r16(vc, v0); v8 = add(v8, vc); v4 = r63(v4, v8);
    v1 = add(v1, v5); vd = r32(vd, v1); v9 = add(v9, vd); v5 = r24(v5, v9);
    v1 = add(v1, v5); vd = r16(vd, v1); v9 = add(v9, vd); v5 = r63(v5, v9);
    v2 = add(v2, v6); ve = r32(ve, v2); va = add(va, ve); v6 = r24(v6, va);
    v2 = add(add(v2, v6), m1); ve = r16(ve, v2); va = add(va, ve); v6 = r63(v6, va);
    v3 = add(add(v3, v7), m3); vf = r32(vf, v3); vb = add(vb, vf); v7 = r24(v7, vb);
    v3 = add(v3, v7); vf = r16(vf, v3); vb = add(vb, vf); v7 = r63(v7, vb);
    v0 = add(v0, v5); vf = r32(vf, v0); va = add(va, vf); v5 = r24(v5, va);
    v0 = add(add(v0, v5), m0); vf = r16(vf, v0); va = add(va, vf); v5 = r63(v5, va);
    v1 = add(v1, v6); vc = r32(vc, v1); vb = add(vb, vc); v6 = r24(v6, vb);
    v1 = add(add(v1, v6), m4); vc = r16(vc, v1); vb = add(vb, vc); v6 = r63(v6, vb);
    v2 = add(v2, v7); vd = r32(vd, v2); v8 = add(v8, vd); v7 = r24(v7, v8);
    v2 = add(v2, v7); vd = r16(vd, v2); v8 = add(v8, vd); v7 = r63(v7, v8);
    v3 = add(add(v3, v4), m2); ve = r32(ve, v3); v9 = add(v9, ve); v4 = r24(v4, v9);
    v3 = add(v3, v4); ve = r16(ve, v3); v9 = add(v9, ve); v4 = r63(v4, v9);
    // Round 8.
    v0 = add(v0, v4); vc = r32(vc, v0); v8 = add(v8, vc); v4 = r24(v4, v8);
    v0 = add(v0, v4); vc = r16(vc, v0); v8 = add(v8, vc); v4 = r63(v4, v8);
    v1 = add(v1, v5); vd = r32(vd, v1); v9 = add(v9, vd); v5 = r24(v5, v9);
    v1 = add(v1, v5); vd = r16(vd, v1); v9 = add(v9, vd); v5 = r63(v5, v9);
    v2 = add(v2, v6); ve = r32(ve, v2); va = add(va, ve); v6 = r24(v6, va);
    v2 = add(add(v2, v6), m3); ve = r16(ve, v2); va = add(va, ve); v6 = r63(v6, va);
    v3 = add(add(v3, v7), m0); vf = r32(vf, v3); vb = add(vb, vf); v7 = r24(v7, vb);
    v3 = add(v3, v7); vf = r16(vf, v3); vb = add(vb, vf); v7 = r63(v7, vb);
    v0 = add(v0, v5); vf = r32(vf, v0); va = add(va, vf); v5 = r24(v5, va);
    v0 = add(add(v0, v5), m2); vf = r16(vf, v0); va = add(va, vf); v5 = r63(v5, va);
    v1 = add(v1, v6); vc = r32(vc, v1); vb = add(vb, vc); v6 = r24(v6, vb);
    v1 = add(v1, v6); vc = r16(vc, v1); vb = add(vb, vc); v6 = r63(v6, vb);
    v2 = add(add(v2, v7), m1); vd = r32(vd, v2); v8 = add(v8, vd); v7 = r24(v7, v8);
    v2 = add(add(v2, v7), m4); vd = r16(vd, v2); v8 = add(v8, vd); v7 = r63(v7, v8);
    v3 = add(v3, v4); ve = r32(ve, v3); v9 = add(v9, ve); v4 = r24(v4, v9);
    v3 = add(v3, v4); ve = r16(ve, v3); v9 = add(v9, ve); v4 = r63(v4, v9);
    // Round 9.
    v0 = add(v0, v4); vc = r32(vc, v0); v8 = add(v8, vc); v4 = r24(v4, v8);
    v0 = add(add(v0, v4), m2); vc = r16(vc, v0); v8 = add(v8, vc); v4 = r63(v4, v8);
    v1 = add(v1, v5); vd = r32(vd, v1); v9 = add(v9, vd); v5 = r24(v5, v9);
    v1 = add(add(v1, v5), m4); vd = r16(vd, v1); v9 = add(v9, vd); v5 = r63(v5, v9);
    v2 = add(v2, v6); ve = r32(ve, v2); va = add(va, ve); v6 = r24(v6, va);
    v2 = add(v2, v6); ve = r16(ve, v2); va = add(va, ve); v6 = r63(v6, va);
    v3 = add(add(v3, v7), m1); vf = r32(vf, v3); vb = add(vb, vf); v7 = r24(v7, vb);
    v3 = add(v3, v7); vf = r16(vf, v3); vb = add(vb, vf); v7 = r63(v7, vb);
    v0 = add(v0, v5); vf = r32(vf, v0); va = add(va, vf); v5 = r24(v5, va);
    v0 = add(v0, v5); vf = r16(vf, v0); va = add(va, vf); v5 = r63(v5, va);
    v1 = add(v1, v6); vc = r32(vc, v1); vb = add(vb, vc); v6 = r24(v6, vb);
    v1 = add(v1, v6); vc = r16(vc, v1); vb = add(vb, vc); v6 = r63(v6, vb);
    v2 = add(add(v2, v7), m3); vd = r32(vd, v2); v8 = add(v8, vd); v7 = r24(v7, v8);
    v2 = add(v2, v7); vd = r16(vd, v2); v8 = add(v8, vd); v7 = r63(v7, v8);
    v3 = add(v3, v4); ve = r32(ve, v3); v9 = add(v9, ve); v4 = r24(v4, v9);
    v3 = add(add(v3, v4), m0); ve = r16(ve, v3); v9 = add(v9, ve); v4 = r63(v4, v9);
    // Round 10.
    v0 = add(add(v0, v4), m0); vc = r32(vc, v0); v8 = add(v8, vc); v4 = r24(v4, v8);
    v0 = add(add(v0, v4), m1); vc = r16(vc, v0); v8 = add(v8, vc); v4 = r63(v4, v8);
    v1 = add(add(v1, v5), m2); vd = r32(vd, v1); v9 = add(v9, vd); v5 = r24(v5, v9);
    v1 = add(add(v1, v5), m3); vd = r16(vd, v1); v9 = add(v9, vd); v5 = r63(v5, v9);
    v2 = add(add(v2, v6), m4); ve = r32(ve, v2); va = add(va, ve); v6 = r24(v6, va);
    v2 = add(v2, v6); ve = r16(ve, v2); va = add(va, ve); v6 = r63(v6, va);
    v3 = add(v3, v7); vf = r32(vf, v3); vb = add(vb, vf); v7 = r24(v7, vb);
    v3 = add(v3, v7); vf = r16(vf, v3); vb = add(vb, vf); v7 = r63(v7, vb);
    v0 = add(v0, v5); vf = r32(vf, v0); va = add(va, vf); v5 = r24(v5, va);
    v0 = add(v0, v5); vf = r16(vf, v0); va = add(va, vf); v5 = r63(v5, va);
    v1 = add(v1, v6); vc = r32(vc, v1); vb = add(vb, vc); v6 = r24(v6, vb);
    v1 = add(v1, v6); vc = r16(vc, v1); vb = add(vb, vc); v6 = r63(v6, vb);
    v2 = add(v2, v7); vd = r32(vd, v2); v8 = add(v8, vd); v7 = r24(v7, v8);
    v2 = add(v2, v7); vd = r16(vd, v2); v8 = add(v8, vd); v7 = r63(v7, v8);
    v3 = add(v3, v4); ve = r32(ve, v3); v9 = add(v9, ve); v4 = r24(v4, v9);
    v3 = add(v3, v4); ve = r16(ve, v3); v9 = add(v9, ve); v4 = r63(v4, v9);
    // Round 11: only what reaches v0 and v8.
    v0 = add(v0, v4); vc = r32(vc, v0); v8 = add(v8, vc); v4 = r24(v4, v8);
    v0 = add(v0, v4); vc = r16(vc, v0); v8 = add(v8, vc); v4 = r63(v4, v8);
    v1 = add(add(v1, v5), m4); vd = r32(vd, v1); v9 = add(v9, vd); v5 = r24(v5, v9);
    v1 = add(v1, v5); vd = r16(vd, v1); v9 = add(v9, vd); v5 = r63(v5, v9);
    v2 = add(v2, v6); ve = r32(ve, v2); va = add(va, ve); v6 = r24(v6, va);
    v2 = add(v2, v6); ve = r16(ve, v2); va = add(va, ve); v6 = r63(v6, va);
    v3 = add(v3, v7); vf = r32(vf, v3); vb = add(vb, vf); v7 = r24(v7, vb);
    v3 = add(v3, v7); vf = r16(vf, v3); vb = add(vb, vf); v7 = r63(v7, vb);
    v0 = add(add(v0, v5), m1); vf = r32(vf, v0); va = add(va, vf); v5 = r24(v5, va);
    v0 = add(v0, v5); vf = r16(vf, v0); va = add(va, vf); v5 = r63(v5, va);
    v2 = add(v2, v7); vd = r32(vd, v2); v8 = add(v8, vd); v7 = r24(v7, v8);
    v2 = add(v2, v7); vd = r16(vd, v2); v8 = add(v8, vd); v7 = r63(v7, v8);

    const hash = v128.and(v128.xor(h0, v128.xor(v0, v8)), zeros);
    if (!i64x2.all_true(hash)) {
      return i64x2.extract_lane(hash, 0) == 0 ? done : done + 1;
    }
    m4 = i64x2.add(m4, two);
  }
  return count;
}
