/** Reader and writer: every width, every limit, and whose memory a field is. */
import { describe, expect, it } from '@jest/globals';
import { idToBytes, writeHex, type BlockId } from './ids.ts';
import { decodeWith, refuse, type Reader } from './reader.ts';
import { Writer } from './writer.ts';

function read<T>(bytes: readonly number[], fn: (reader: Reader) => T) {
  return decodeWith(Uint8Array.from(bytes), 64, fn);
}

describe('Reader', () => {
  it('reads integers little endian', () => {
    const bytes = [1, 2, 1, 4, 3, 2, 1, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0, 0, 0, 1, 0, 0, 0];
    const outcome = read(bytes, (r) => [r.u8(), r.u16(), r.u32(), r.u64(), r.u53()]);
    expect(outcome).toEqual({
      ok: true,
      value: [1, 0x0102, 0x01020304, 0x0102030405060708n, 2 ** 32],
    });
  });

  it('truncated', () => {
    const reads: ((reader: Reader) => unknown)[] = [
      (r) => r.u16(),
      (r) => r.u32(),
      (r) => r.u64(),
      (r) => r.bytes(2),
      (r) => r.view(2),
      (r) => r.hex(2),
      (r) => r.hexList(2, 1),
      (r) => r.within(2, (part) => part.view(2)),
    ];
    const codes = reads.map((one) => read([0], one)).map((one) => (one.ok ? 'ok' : one.code));
    expect(codes).toEqual(reads.map(() => 'truncated'));
    expect(read([], (r) => r.u8())).toMatchObject({ code: 'truncated' });
  });

  it('trailing-bytes', () => {
    expect(read([1, 2], (r) => r.u8())).toMatchObject({ ok: false, code: 'trailing-bytes' });
    const outcome = read([1, 2, 3], (r) => r.within(2, (part) => part.u8()) + r.u8());
    expect(outcome).toMatchObject({ ok: false, code: 'trailing-bytes' });
  });

  it('too-large', () => {
    const outcome = decodeWith(new Uint8Array(65), 64, (r) => r.view(65));
    expect(outcome).toEqual({ ok: false, action: 'reject', code: 'too-large' });
  });

  it('count-out-of-range', () => {
    expect(read([0], (r) => r.count8(1, 8))).toMatchObject({ code: 'count-out-of-range' });
    expect(read([9], (r) => r.count8(1, 8))).toMatchObject({ code: 'count-out-of-range' });
    expect(read([0, 1], (r) => r.count16(1, 8))).toMatchObject({ code: 'count-out-of-range' });
    expect(read([8], (r) => r.count8(1, 8))).toEqual({ ok: true, value: 8 });
  });

  it('number-out-of-range', () => {
    const over = [0, 0, 0, 0, 0, 0, 0x20, 0];
    const most = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f, 0];
    expect(read(over, (r) => r.u53())).toMatchObject({ code: 'number-out-of-range' });
    expect(read(most, (r) => r.u53())).toEqual({ ok: true, value: Number.MAX_SAFE_INTEGER });
  });

  it('keeps a part within its length and goes on behind it', () => {
    const outcome = read([1, 2, 3], (r) => [
      r.within(2, (part) => [part.remaining, ...part.bytes(2)]),
      r.remaining,
      r.u8(),
    ]);
    expect(outcome).toEqual({ ok: true, value: [[2, 1, 2], 1, 3] });
    const beyond = read([1, 2, 3], (r) => r.within(1, (part) => part.u16()));
    expect(beyond).toMatchObject({ code: 'truncated' });
  });

  it('carries the facts of a refusal', () => {
    const outcome = read([], () => refuse('not-canonical', 'why'));
    expect(outcome).toEqual({
      ok: false,
      action: 'reject',
      code: 'not-canonical',
      detail: 'why',
    });
  });

  it('hides no error of our own', () => {
    const broken = () =>
      read([], () => {
        throw new RangeError('ours');
      });
    expect(broken).toThrow(RangeError);
  });

  it('copies small fields and shares bulk ones, for Node buffers too', () => {
    const source = Buffer.from([1, 2, 3, 4]);
    const outcome = decodeWith(source, 64, (r) => ({ copied: r.bytes(2), shared: r.view(2) }));
    source.fill(9);
    expect(outcome).toEqual({
      ok: true,
      value: { copied: Uint8Array.of(1, 2), shared: Uint8Array.of(9, 9) },
    });
  });
});

describe('Writer', () => {
  it('grows past the capacity that it was given', () => {
    const writer = new Writer(0);
    writer.u8(1);
    writer.u16(0x0203);
    writer.u32(0xffff_ffff);
    writer.u64(2n ** 64n - 1n);
    writer.u53(Number.MAX_SAFE_INTEGER);
    const ones = Array.from({ length: 12 }, () => 0xff);
    const bytes = [1, 3, 2, ...ones, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f, 0];
    expect(writer.finish()).toEqual(Uint8Array.from(bytes));
  });

  it('refuses values that do not fit: they would be our own mistake', () => {
    const mistakes: ((writer: Writer) => void)[] = [
      (w) => w.u8(256),
      (w) => w.u8(-1),
      (w) => w.u16(65_536),
      (w) => w.u32(2 ** 32),
      (w) => w.u32(0.5),
      (w) => w.u64(-1n),
      (w) => w.u64(2n ** 64n),
      (w) => w.u53(2 ** 53),
      (w) => w.u53(-1),
      (w) => w.count8(0, 1, 8),
      (w) => w.count16(9, 1, 8),
      (w) => w.fixed(new Uint8Array(31), 32),
      (w) => w.hex('00', 32),
      (w) => w.hex('0g', 1),
      (w) => w.hex('AB', 1),
      (w) => w.hex('é0', 1),
    ];
    for (const mistake of mistakes) expect(() => mistake(new Writer(64))).toThrow('broken');
  });
});

describe('ids', () => {
  it('become bytes', () => {
    const id = `0123456789abcdef${'00'.repeat(24)}` as BlockId;
    expect(idToBytes(id).subarray(0, 9)).toEqual(
      Uint8Array.of(0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0),
    );
    const target = new Uint8Array(4);
    writeHex(target, 1, 'ff10');
    expect(target).toEqual(Uint8Array.of(0, 0xff, 0x10, 0));
  });
});
