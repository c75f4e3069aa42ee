import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { utf8ToBytes } from '@noble/hashes/utils.js';
import { codeOf, valueOf } from '../../testing/vectors.ts';
import { MAX_HEADER_FIELDS, MAX_HEADER_SIZE } from '../limits.ts';
import { readAddresses } from './addresses.ts';
import { checkMessage, withCrlf } from './check.ts';
import { readFacts, readHeaders, soleFrom, valuesOf } from './headers.ts';
import { dateText, readDate } from './message-date.ts';

const bytes = (text: string): Uint8Array => utf8ToBytes(text);

const MAIL = [
  'Return-Path: <x@y.z>',
  'From: "Ada, Countess" <Ada@tangle.alt>',
  'To: b@tangle.alt, Group: c@tangle.alt, d@tangle.alt;',
  'Cc: (a comment) e@tangle.alt (and another)',
  'Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=',
  '\tand more',
  'Date: Sun, 22 Nov 2026 06:00:00 +0100',
  'Message-ID: <one@tangle.alt>',
  'References: <a@x> <b@x>',
  'In-Reply-To: <b@x>',
  '',
  'Body: not a header',
  '',
].join('\r\n');

describe('check of a message', () => {
  it('passes a sound message and says what it is like', () => {
    expect(valueOf(checkMessage(bytes('A: b\r\n\r\nü\r\nlast')))).toEqual({
      lines: 4,
      longestLine: 4,
      isEightBit: true,
    });
  });

  it('message-empty', () => {
    expect(codeOf(checkMessage(new Uint8Array(0)))).toBe('message-empty');
  });

  it('message-too-large', () => {
    expect(checkMessage(bytes('A: b\r\n'), 5)).toMatchObject({
      code: 'message-too-large',
      detail: 'at most 5 bytes',
    });
  });

  it('message-nul', () => {
    expect(checkMessage(bytes('A: b\r\n\0'))).toMatchObject({
      code: 'message-nul',
      detail: 'line 2',
    });
  });

  it('message-bare-newline: a CR or LF that stands alone', () => {
    for (const text of ['A: b\n', 'A: b\r', 'A: b\rc\r\n', '\n', 'A: b\r\r\n']) {
      expect([text, codeOf(checkMessage(bytes(text)))]).toEqual([text, 'message-bare-newline']);
    }
  });

  it('message-line-too-long: 998 octets pass, 999 do not', () => {
    const line = 'x'.repeat(998);
    expect(checkMessage(bytes(`${line}\r\n${line}`)).ok).toBe(true);
    expect(checkMessage(bytes(`A: b\r\n${line}x\r\n`))).toMatchObject({
      code: 'message-line-too-long',
      detail: 'line 2',
    });
    expect(codeOf(checkMessage(bytes(`${line}x`)))).toBe('message-line-too-long');
  });

  it('passes whatever withCrlf gives, line length and NUL aside', () => {
    const anyText = fc.array(fc.constantFrom('a', 'b', '\r', '\n', '\r\n'), { minLength: 1 });
    fc.assert(
      fc.property(anyText, (parts) => {
        const fixed = withCrlf(bytes(parts.join('')));
        expect(checkMessage(fixed).ok).toBe(true);
        expect(withCrlf(fixed)).toEqual(fixed);
      }),
    );
  });
});

describe('headers', () => {
  const section = valueOf(readHeaders(bytes(MAIL)));

  it('are read with names in lower case and unfolded values', () => {
    expect(valuesOf(section, 'subject')).toEqual(['=?utf-8?q?Gr=C3=BC=C3=9Fe?= and more']);
    expect(new TextDecoder().decode(bytes(MAIL).subarray(section.bodyOffset))).toBe(
      'Body: not a header\r\n',
    );
  });

  it('give the facts that folders and threads need', () => {
    expect(readFacts(section)).toEqual({
      messageId: 'one@tangle.alt',
      from: ['ada@tangle.alt'],
      to: ['b@tangle.alt', 'c@tangle.alt', 'd@tangle.alt'],
      cc: ['e@tangle.alt'],
      subject: '=?utf-8?q?Gr=C3=BC=C3=9Fe?= and more',
      date: 1_795_323_600,
      references: ['a@x', 'b@x'],
    });
    expect(readFacts({ fields: [], bodyOffset: 0 })).toEqual({
      from: [],
      to: [],
      cc: [],
      subject: '',
      references: [],
    });
  });

  it('are read with bare LF and without a body as well', () => {
    const lines = valueOf(readHeaders(bytes('A: b\n c\nD: e\n\nbody')));
    expect(lines).toEqual({
      fields: [
        { name: 'a', value: 'b c' },
        { name: 'd', value: 'e' },
      ],
      bodyOffset: 14,
    });
    expect(valueOf(readHeaders(bytes('A: b'))).bodyOffset).toBe(4);
  });

  it('name one sender only if there is exactly one', () => {
    const from = (text: string): unknown =>
      soleFrom(valueOf(readHeaders(bytes(`${text}\r\n\r\n`))));
    expect(from('From: A <a@b>')).toBe('a@b');
    expect(from('From: a@b, c@d')).toBeUndefined();
    expect(from('From: a@b\r\nFrom: a@b')).toBeUndefined();
    expect(from('To: a@b')).toBeUndefined();
    expect(from('From: <a@b> <c@d>')).toBeUndefined();
    expect(from('From: "a@b" <c@d>')).toBe('c@d');
  });

  it('message-header-missing: no field on the first line', () => {
    expect(codeOf(readHeaders(bytes('just text\r\n')))).toBe('message-header-missing');
    expect(codeOf(readHeaders(new Uint8Array(0)))).toBe('message-header-missing');
    expect(codeOf(readHeaders(bytes(' folded: first\r\n')))).toBe('message-header-missing');
  });

  it('message-header-invalid: a line that is neither field nor continuation', () => {
    expect(readHeaders(bytes('A: b\r\nno field\r\n'))).toMatchObject({
      code: 'message-header-invalid',
      detail: 'line 2',
    });
  });

  it('message-header-too-large: too many fields or octets', () => {
    const many = 'A: b\r\n'.repeat(MAX_HEADER_FIELDS + 2);
    expect(codeOf(readHeaders(bytes(many)))).toBe('message-header-too-large');
    const long = `A: ${'b'.repeat(MAX_HEADER_SIZE)}\r\nC: d\r\n`;
    expect(codeOf(readHeaders(bytes(long)))).toBe('message-header-too-large');
  });

  it('never throw at any bytes', () => {
    const near = fc.string({ unit: fc.constantFrom('A', ':', ' ', '\r', '\n', '<', '@', '"') });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), near.map(bytes)), (any) => {
        const read = readHeaders(any);
        expect(read.ok ? typeof readFacts(read.value).subject : read.action).toMatch(
          /string|reject/,
        );
      }),
    );
  });
});

describe('addresses', () => {
  it('are read from all forms of RFC 5322', () => {
    expect(readAddresses('a@b')).toEqual([{ name: '', address: 'a@b' }]);
    expect(readAddresses('A B <a@B>, "x, \\"y" <c@d>')).toEqual([
      { name: 'A B', address: 'a@b' },
      { name: 'x, "y', address: 'c@d' },
    ]);
    expect(readAddresses('Team: a@b, C <c@d>; , e@f (x (y) z)')).toMatchObject([
      { address: 'a@b' },
      { address: 'c@d' },
      { address: 'e@f' },
    ]);
    expect(readAddresses('undisclosed-recipients:;')).toEqual([]);
  });

  it('are not guessed from doubtful text', () => {
    for (const text of ['a', '<a@b', 'a@b@c', '<a@b\r\n>', '"a@b"c@d" <', '(a@b)', 'a b@c d']) {
      const found = readAddresses(text).map((one) => one.address);
      expect([text, found.filter((one) => !/^[^@\s]+@[^@\s]+$/.test(one))]).toEqual([text, []]);
    }
    expect(readAddresses(`${'a'.repeat(65)}@b`)).toEqual([]);
  });

  it('are at most five hundred', () => {
    expect(readAddresses('a@b,'.repeat(1_000))).toHaveLength(500);
  });

  it('never loop or throw at any text', () => {
    const near = fc.string({ unit: fc.constantFrom('a', '@', '<', '>', '"', '\\', '(', ')', ',') });
    fc.assert(
      fc.property(fc.oneof(near, fc.string({ unit: 'binary' })), (text) => {
        expect(Array.isArray(readAddresses(text))).toBe(true);
      }),
    );
  });
});

describe('dates', () => {
  it('are written as they are read, with the right day of the week', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 253_402_300_799 }), (seconds) => {
        const text = dateText(seconds * 1_000 + 999);
        expect(readDate(text)).toBe(seconds);
        expect(text.slice(0, 3)).toBe(new Date(seconds * 1_000).toUTCString().slice(0, 3));
      }),
    );
    expect(dateText(1_700_000_000_000)).toBe('Tue, 14 Nov 2023 22:13:20 +0000');
  });

  it('are read with zone, without weekday, seconds or zone', () => {
    const cases: [string, number][] = [
      ['Thu, 01 Jan 1970 00:00:00 +0000', 0],
      ['1 Jan 1970 01:00 +0100', 0],
      ['31 Dec 1969 19:00:00 EST', 0],
      ['29 Feb 2000 12:30:15 GMT', 951_827_415],
      ['1 Mar 2100 00:00:00 +0000', 4_107_542_400],
      ['Sun, 22 Nov 2026 06:00:00 -0530 (comment)', 1_795_347_000],
    ];
    for (const [text, seconds] of cases) expect([text, readDate(text)]).toEqual([text, seconds]);
  });

  it('agree with the calendar for every day', () => {
    const days = fc.integer({ min: -25_000, max: 2_900_000 });
    fc.assert(
      fc.property(days, (day) => {
        const text = new Date(day * 86_400_000).toUTCString();
        expect(readDate(text)).toBe(day * 86_400);
      }),
    );
  });

  it('are absent when nobody could agree on them', () => {
    for (const text of ['', 'yesterday', '32 Jan 2020 00:00', '1 Foo 2020 00:00', '1 Jan 20 1:1']) {
      expect([text, readDate(text)]).toEqual([text, undefined]);
    }
    expect(readDate('1 Jan 2020 24:00')).toBeUndefined();
  });
});
