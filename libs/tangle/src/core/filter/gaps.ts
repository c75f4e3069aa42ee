/**
 * Golomb-Rice coding of an ascending list of whole numbers, as in BIP-158: the gap to the number
 * before is split into a quotient, as so many one bits and a zero, and a remainder of RICE_BITS
 * bits. Most significant bit first; the last byte is filled with zeros.
 * Path: tag-filter.ts → here. Spec: docs/spec/17-filter.md §3.
 */
import { refuse, type Reader } from '../codec/reader.ts';

/** Bits of a remainder: P of BIP-158. */
export const RICE_BITS = 19;
const RICE_RANGE = 2 ** RICE_BITS;
/** The zero bit behind the quotient and the remainder: what every number takes at least. */
export const MIN_BITS_PER_VALUE = 1 + RICE_BITS;
/** One bits that are written at a time: with 7 bits that wait they stay within 32. */
const ONES_AT_ONCE = 16;

/** Collects bits into an array that is large enough. */
class BitWriter {
  readonly #target: Uint8Array;
  #at = 0;
  /** Bits that do not fill a byte yet, fewer than 8, and how many. */
  #waiting = 0;
  #count = 0;

  constructor(target: Uint8Array) {
    this.#target = target;
  }

  /** The lowest `width` bits of `value`; width up to 20. */
  put(value: number, width: number): void {
    this.#waiting = (this.#waiting << width) | value;
    this.#count += width;
    while (this.#count >= 8) {
      this.#count -= 8;
      this.#target[this.#at++] = this.#waiting >>> this.#count;
      this.#waiting &= (1 << this.#count) - 1;
    }
  }

  /** Fills the last byte with zeros. */
  end(): void {
    if (this.#count > 0) this.put(0, 8 - this.#count);
  }
}

/** Takes bits from a reader, a byte at a time. */
class BitReader {
  readonly #reader: Reader;
  #waiting = 0;
  #count = 0;

  constructor(reader: Reader) {
    this.#reader = reader;
  }

  /** The next `width` bits, 1 to 19. */
  take(width: number): number {
    while (this.#count < width) {
      this.#waiting = (this.#waiting << 8) | this.#reader.u8();
      this.#count += 8;
    }
    this.#count -= width;
    const value = this.#waiting >>> this.#count;
    this.#waiting &= (1 << this.#count) - 1;
    return value;
  }

  /** Refuses with 'not-canonical' unless the rest of the last byte is zeros. */
  end(): void {
    if (this.#waiting !== 0) refuse('not-canonical', 'padding');
  }
}

/** The bytes of `values`, ascending whole numbers below 2^53; equal ones may follow each other. */
export function encodeGaps(values: Float64Array): Uint8Array {
  let bits = values.length * MIN_BITS_PER_VALUE;
  let before = 0;
  for (const value of values) {
    bits += Math.floor((value - before) / RICE_RANGE);
    before = value;
  }
  const bytes = new Uint8Array(Math.ceil(bits / 8));
  const writer = new BitWriter(bytes);
  before = 0;
  for (const value of values) {
    const gap = value - before;
    let ones = Math.floor(gap / RICE_RANGE);
    // The remainder's width is one more than its bits: that is the zero which ends the quotient.
    const remainder = gap - ones * RICE_RANGE;
    for (; ones >= ONES_AT_ONCE; ones -= ONES_AT_ONCE) writer.put(0xffff, ONES_AT_ONCE);
    if (ones > 0) writer.put((1 << ones) - 1, ones);
    writer.put(remainder, MIN_BITS_PER_VALUE);
    before = value;
  }
  writer.end();
  return bytes;
}

/**
 * Reads `count` numbers below `range`; 'number-out-of-range' at the first that is not, which also
 * ends a run of ones without end. `count` was checked against its limit; that the bytes can hold
 * so many is checked before anything is allocated.
 */
export function readGaps(reader: Reader, count: number, range: number): Float64Array {
  if (reader.remaining * 8 < count * MIN_BITS_PER_VALUE) refuse('truncated');
  const values = new Float64Array(count);
  const bits = new BitReader(reader);
  let value = 0;
  for (let i = 0; i < count; i++) {
    while (bits.take(1) === 1) {
      value += RICE_RANGE;
      if (value >= range) refuse('number-out-of-range');
    }
    value += bits.take(RICE_BITS);
    if (value >= range) refuse('number-out-of-range');
    values[i] = value;
  }
  bits.end();
  return values;
}
