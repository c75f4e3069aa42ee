/**
 * Writing of wire objects, the counterpart of reader.ts. An encoder is given objects of our own,
 * so a value that does not fit its field is a broken invariant, not an outcome.
 * Spec: docs/spec/01-block.md, section "Form".
 */
import { assert } from '../outcome.ts';
import { writeHex } from './ids.ts';

/** A growing byte array. All integers little endian. */
export class Writer {
  private target: Uint8Array<ArrayBuffer>;
  private words: DataView;
  private position = 0;

  /** @param capacity expected size in bytes; the exact size saves one copy. */
  constructor(capacity: number) {
    this.target = new Uint8Array(capacity);
    this.words = new DataView(this.target.buffer);
  }

  u8(value: number): void {
    assert(value === (value & 0xff), 'a u8 fits one byte');
    const at = this.advance(1);
    this.target[at] = value;
  }

  u16(value: number): void {
    assert(value === (value & 0xffff), 'a u16 fits two bytes');
    const at = this.advance(2);
    this.words.setUint16(at, value, true);
  }

  u32(value: number): void {
    assert(value === value >>> 0, 'a u32 fits four bytes');
    const at = this.advance(4);
    this.words.setUint32(at, value, true);
  }

  u64(value: bigint): void {
    assert(value === BigInt.asUintN(64, value), 'a u64 fits eight bytes');
    const at = this.advance(8);
    this.words.setBigUint64(at, value, true);
  }

  /** A whole number below 2^53 as u64. */
  u53(value: number): void {
    assert(Number.isSafeInteger(value) && value >= 0, 'a u53 is a safe whole number');
    const at = this.advance(8);
    this.words.setUint32(at, value >>> 0, true);
    this.words.setUint32(at + 4, Math.floor(value / 0x1_0000_0000), true);
  }

  /** A count as u8, in [minimum, maximum]. */
  count8(count: number, minimum: number, maximum: number): void {
    assert(count >= minimum && count <= maximum, 'a count lies in its range');
    this.u8(count);
  }

  /** A count as u16, in [minimum, maximum]. */
  count16(count: number, minimum: number, maximum: number): void {
    assert(count >= minimum && count <= maximum, 'a count lies in its range');
    this.u16(count);
  }

  /** Bytes whose length stands elsewhere. */
  raw(bytes: Uint8Array): void {
    const at = this.advance(bytes.length);
    this.target.set(bytes, at);
  }

  /** Bytes of a fixed length. */
  fixed(bytes: Uint8Array, length: number): void {
    assert(bytes.length === length, 'a fixed field has its length');
    this.raw(bytes);
  }

  /** An id or address: lowercase hex of `length` bytes. */
  hex(hex: string, length: number): void {
    assert(hex.length === length * 2, 'a fixed field has its length');
    const at = this.advance(length);
    writeHex(this.target, at, hex);
  }

  /** What was written; the writer is not used afterwards. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.position === this.target.length ? this.target : this.target.slice(0, this.position);
  }

  private advance(length: number): number {
    const at = this.position;
    const end = at + length;
    if (end > this.target.length) this.grow(end);
    this.position = end;
    return at;
  }

  private grow(needed: number): void {
    const larger = new Uint8Array(Math.max(needed, this.target.length * 2));
    larger.set(this.target);
    this.target = larger;
    this.words = new DataView(larger.buffer);
  }
}
