import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { encodeMbox, type MboxMessage, MboxReader, separatorDate } from './mbox.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const LIMIT = 100_000;

/** Reads a file in pieces of the given sizes, again and again. */
function read(file: Uint8Array, sizes: readonly number[] = [65_536], limit = LIMIT): MboxMessage[] {
  const reader = new MboxReader(limit);
  const found: MboxMessage[] = [];
  for (let at = 0, turn = 0; at < file.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1;
    found.push(...reader.push(file.subarray(at, at + size)));
    at += size;
  }
  return [...found, ...reader.end()];
}

function texts(file: string, sizes?: readonly number[]): (string | undefined)[] {
  return read(bytes(file), sizes).map((one) => one.raw && new TextDecoder().decode(one.raw));
}

describe('writing and reading an mbox', () => {
  it('gives every message back byte for byte, in pieces of any size', () => {
    const line = fc.constantFrom(
      'From a 12:30',
      '>From b',
      '>>From ',
      'text',
      '',
      'From',
      '\u00ff',
    );
    const end = fc.constantFrom('\n', '\r\n');
    const lines = fc.array(fc.tuple(line, end), { maxLength: 12 });
    const message = fc.tuple(lines, line).map(([all, last]) => all.flat().join('') + last);
    const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(fc.array(message, { minLength: 1, maxLength: 5 }), sizes, (messages, pieces) => {
        const file = Buffer.concat(messages.map((one) => encodeMbox(bytes(one), 1_800_000_000)));
        const found = read(file, pieces);
        expect(found.map((one) => Buffer.from(one.raw!).toString())).toEqual(messages);
        expect(found.every((one) => separatorDate(one.separator) === 1_800_000_000)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('reads what other programs write', () => {
    const unix =
      'From a@b Thu Jan  1 00:00:00 2026\nSubject: x\n\n>From me\n\n' +
      'From - Fri Jan 2 1:02 2026\nb\n';
    expect(texts(unix, [7])).toEqual(['Subject: x\n\nFrom me\n', 'b']);
    const dos = unix.replaceAll('\n', '\r\n');
    expect(texts(dos)).toEqual(['Subject: x\r\n\r\nFrom me\r\n', 'b\r']);
    const sentence = 'From a 00:00\nHi\n\nFrom here on, nothing.\n\n';
    expect(texts(sentence)).toEqual(['Hi\n\nFrom here on, nothing.\n']);
  });

  it('finds nothing in what is no mbox, and leaves out what stands before the first', () => {
    expect(texts('Subject: x\n\nFrom nowhere\n')).toEqual([]);
    expect(texts('junk\nFrom a 00:00\nx\n')).toEqual(['x']);
  });

  it('names a message that is too large, and goes on', () => {
    const messages = ['x'.repeat(11), 'x'.repeat(10), 'y\n'.repeat(500), ''];
    const file = Buffer.concat(messages.map((one) => encodeMbox(bytes(one), 0)));
    const found = read(file, [3], 10);
    expect(found.map((one) => one.raw?.length)).toEqual([undefined, 10, undefined, 0]);
    expect(found.map((one) => one.sizeBytes)).toEqual([11, 10, 1_001, 0]);
  });

  it('holds lines without an end in pieces', () => {
    const long = `>${'x'.repeat(200_000)}\nFrom y`;
    const file = encodeMbox(bytes(long), 0);
    const [found] = read(file, [60_000], 300_000);
    expect(new TextDecoder().decode(found?.raw)).toBe(long);
  });

  it('reads any bytes', () => {
    const piece = fc.oneof(fc.uint8Array({ maxLength: 30 }), fc.constant(bytes('\nFrom a 1:11\n')));
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 10 }),
        fc.integer({ min: 1, max: 9 }),
        (all, size) => {
          const file = Buffer.concat(all);
          const plain = (list: MboxMessage[]): unknown =>
            list.map((one) => [one.separator, one.sizeBytes, [...(one.raw ?? [])]]);
          expect(plain(read(file, [size], 20))).toEqual(plain(read(file, [1_000], 20)));
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('writes any time as the calendar has it', () => {
    fc.assert(
      fc.property(fc.nat(0xffff_ffff), (seconds) => {
        const [line = ''] = new TextDecoder().decode(encodeMbox(bytes(''), seconds)).split('\n');
        const [weekday, month, day, time, year] = line.slice('From tanglemail '.length).split(/ +/);
        const utc = new Date(seconds * 1_000).toUTCString();
        expect(utc).toBe(`${weekday}, ${day?.padStart(2, '0')} ${month} ${year} ${time} GMT`);
        expect(separatorDate(line)).toBe(seconds);
      }),
    );
  });

  it('takes the time of a separator where there is one', () => {
    expect(separatorDate('a Thu Jan  1 00:00:10 1970')).toBe(10);
    expect(separatorDate('a Mon Nov 23 12:30 CET 2026')).toBe(
      Date.UTC(2026, 10, 23, 12, 30) / 1_000,
    );
    expect(separatorDate('a 12:30')).toBeUndefined();
    expect(separatorDate('a Foo 99 12:30:00 2026')).toBeUndefined();
  });
});
