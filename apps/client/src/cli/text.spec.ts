import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  counted,
  cut,
  dateText,
  facts,
  manyLines,
  oneLine,
  sizeText,
  table,
  widthOf,
} from './text.ts';

describe('text for a terminal', () => {
  it('lets nobody else move the cursor or turn the line around', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(oneLine(text)).not.toMatch(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/u);
        expect(manyLines(text)).not.toMatch(/(?![\n\t])\p{Cc}/u);
      }),
    );
    expect(oneLine('a\u001b[2Jb\r\nc')).toBe('a [2Jb  c');
    expect(manyLines('a\r\nb\u0007\tc')).toBe('a\nb \tc');
  });

  it('cuts to the width, wide characters included', () => {
    expect(cut('abcdef', 4)).toBe('abc…');
    expect(cut('日本語', 6)).toBe('日本語');
    expect(cut('日本語', 5)).toBe('日本…');
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 20 }), (text, to) => {
        expect(widthOf(cut(text, to))).toBeLessThanOrEqual(to);
      }),
    );
  });

  it('fits tables into the screen by what may give way', () => {
    const rows = [{ id: '12345678', subject: 'x'.repeat(200) }];
    const columns = [
      { title: 'ID', of: (row: (typeof rows)[number]) => row.id, isRight: true },
      { title: 'SUBJECT', of: (row: (typeof rows)[number]) => row.subject, isFlexible: true },
    ];
    const lines = table(rows, columns, 40).trimEnd().split('\n');
    expect(lines.map((line) => widthOf(line))).toEqual([17, 40]);
    expect(lines[1]).toMatch(/^12345678 {2}x+…$/);
    expect(lines[0]).toBe('      ID  SUBJECT');
  });

  it('writes numbers, sizes and times as people do', () => {
    expect([counted(1, 'mail'), counted(2, 'mail')]).toEqual(['1 mail', '2 mails']);
    expect([sizeText(5), sizeText(1_536), sizeText(3 << 20)]).toEqual([
      '5 B',
      '1.5 KiB',
      '3.0 MiB',
    ]);
    expect(dateText(new Date(2026, 4, 4, 13, 7).getTime())).toBe('2026-05-04 13:07');
    expect(
      facts([
        ['a', '1'],
        ['long', '2\u001b'],
      ]),
    ).toBe('a     1\nlong  2 \n');
  });
});
