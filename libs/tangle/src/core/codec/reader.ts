/**
 * Reading of wire objects. A `Reader` walks over bytes from a peer and stops at the first thing
 * that breaks the form; `decodeWith` turns that into an outcome, so nothing is thrown at callers.
 * All integers are little endian. Spec: docs/spec/01-block.md, section "Form".
 *
 * Ownership: `bytes(n)` copies, so that a small field (key, signature, tag) never keeps a whole
 * block or pack alive; `view(n)` does not and is used for bulk data only (envelopes, tagged data,
 * blocks in a pack). Input buffers must not be written to while what was decoded is in use.
 */
import { fail, succeed, type ErrorCode, type Outcome } from '../outcome.ts';
import { bytesToHex } from './ids.ts';

/** Thrown inside a decoder, caught by `decodeWith` only. */
class DecodeError extends Error {
  readonly code: ErrorCode;
  readonly detail: string | undefined;

  constructor(code: ErrorCode, detail: string | undefined) {
    super(code);
    this.code = code;
    this.detail = detail;
  }
}

/** Ends the running decoder with `code`; to be called inside `decodeWith` only. */
export function refuse(code: ErrorCode, detail?: string): never {
  throw new DecodeError(code, detail);
}

/** A plain view of the same memory: `slice` of a Node buffer would not copy. */
function plain(bytes: Uint8Array): Uint8Array {
  return bytes.constructor === Uint8Array
    ? bytes
    : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * Where `u64` puts its two halves together. A view of each input would cost as much as all other
 * fields of a small block; nothing stays here from one call to the next.
 */
const U64 = new DataView(new ArrayBuffer(8));

/** A position in a byte array; every method moves it on or refuses with 'truncated'. */
export class Reader {
  private readonly source: Uint8Array;
  private position = 0;
  /** Where reading stops: the end of the input, or of the part that `within` is in. */
  private limit: number;

  constructor(bytes: Uint8Array) {
    this.source = plain(bytes);
    this.limit = bytes.length;
  }

  /** Bytes not read yet, of the part if `within` is in one. */
  get remaining(): number {
    return this.limit - this.position;
  }

  u8(): number {
    const at = this.advance(1);
    return this.source[at]!;
  }

  u16(): number {
    const at = this.advance(2);
    return this.source[at]! | (this.source[at + 1]! << 8);
  }

  u32(): number {
    const at = this.advance(4);
    return this.wordAt(at);
  }

  u64(): bigint {
    const at = this.advance(8);
    U64.setUint32(0, this.wordAt(at), true);
    U64.setUint32(4, this.wordAt(at + 4), true);
    return U64.getBigUint64(0, true);
  }

  /** A u64 that stays below 2^53 (times in milliseconds); else 'number-out-of-range'. */
  u53(): number {
    const low = this.u32();
    const high = this.u32();
    if (high >= 0x20_0000) refuse('number-out-of-range');
    return high * 0x1_0000_0000 + low;
  }

  /** A u8 count in [minimum, maximum]; else 'count-out-of-range'. */
  count8(minimum: number, maximum: number): number {
    return checkCount(this.u8(), minimum, maximum);
  }

  /** A u16 count in [minimum, maximum]; else 'count-out-of-range'. */
  count16(minimum: number, maximum: number): number {
    return checkCount(this.u16(), minimum, maximum);
  }

  /** `length` bytes, copied. */
  bytes(length: number): Uint8Array {
    const at = this.advance(length);
    return this.source.slice(at, at + length);
  }

  /** `length` bytes that share memory with the input. */
  view(length: number): Uint8Array {
    const at = this.advance(length);
    return this.source.subarray(at, at + length);
  }

  /** `length` bytes as lowercase hex: ids and addresses. */
  hex(length: number): string {
    return bytesToHex(this.view(length));
  }

  /** `count` ids of `length` bytes each: one conversion for all, which is twice as fast. */
  hexList(count: number, length: number): string[] {
    const digits = this.hex(count * length);
    const list: string[] = [];
    for (let i = 0; i < count; i++) list.push(digits.slice(i * length * 2, (i + 1) * length * 2));
    return list;
  }

  /** Runs `read` on a part of `length` bytes, which it must read whole ('trailing-bytes'). */
  within<T>(length: number, read: (reader: Reader) => T): T {
    const outer = this.limit;
    if (length > this.remaining) refuse('truncated');
    this.limit = this.position + length;
    const value = read(this);
    this.end();
    this.limit = outer;
    return value;
  }

  /** Refuses with 'trailing-bytes' unless everything was read. */
  end(): void {
    if (this.position !== this.limit) refuse('trailing-bytes');
  }

  /** The u32 at `at`, which `advance` has checked. */
  private wordAt(at: number): number {
    const { source } = this;
    const low = source[at]! | (source[at + 1]! << 8) | (source[at + 2]! << 16);
    return (low | (source[at + 3]! << 24)) >>> 0;
  }

  private advance(length: number): number {
    const at = this.position;
    if (length > this.limit - at) refuse('truncated');
    this.position = at + length;
    return at;
  }
}

function checkCount(count: number, minimum: number, maximum: number): number {
  if (count < minimum || count > maximum) refuse('count-out-of-range');
  return count;
}

/**
 * Runs one decoder over all of `bytes`.
 * @param maxSize greatest length in bytes, checked before anything is read ('too-large').
 * @param read reads one object; what it refuses becomes the failure.
 */
export function decodeWith<T>(
  bytes: Uint8Array,
  maxSize: number,
  read: (reader: Reader) => T,
): Outcome<T> {
  if (bytes.length > maxSize) return fail('too-large');
  try {
    const reader = new Reader(bytes);
    const value = read(reader);
    reader.end();
    return succeed(value);
  } catch (error) {
    if (error instanceof DecodeError) return fail(error.code, error.detail);
    throw error;
  }
}
