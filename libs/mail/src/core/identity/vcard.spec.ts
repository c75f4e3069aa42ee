import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { codeOf, valueOf } from '../../testing/vectors.ts';
import { formatVcards, MAX_VCARD_FILE, MAX_VCARDS, parseVcards, type VCard } from './vcard.ts';

const ALICE = 'tmt1qqv2twl89eaf7pav9ekhkmqqxzj7lrt8w7y8';
const card = (...lines: string[]): string =>
  ['BEGIN:VCARD', 'VERSION:4.0', 'FN:A', ...lines, 'END:VCARD', ''].join('\r\n');

/** Text that a card can carry: no control character but line ends. */
const anyText = fc
  .string({ unit: 'binary', maxLength: 120 })
  .map((text) => text.replaceAll(/(?!\n)\p{Cc}/gu, ''));
const anyLine = anyText.map((text) => text.replaceAll('\n', ''));
const anyCard: fc.Arbitrary<VCard> = fc.record(
  {
    name: anyText,
    impps: fc.array(anyLine, { maxLength: 3 }),
    emails: fc.array(anyText, { maxLength: 3 }),
    note: anyText,
  },
  { requiredKeys: ['name', 'impps', 'emails'] },
);

describe('vCards', () => {
  it('are written in lines of at most 75 octets', () => {
    const note = 'Straße 1, Köln; x\\y\nzwei 🎈🎈🎈🎈🎈🎈🎈🎈🎈🎈🎈🎈🎈🎈';
    const text = formatVcards([{ name: 'Åsa', impps: [`tangle:${ALICE}`], emails: [], note }]);
    expect(text).toBe(
      'BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Åsa\r\nIMPP:tangle:' +
        `${ALICE}\r\nNOTE:Straße 1\\, Köln\\; x\\\\y\\nzwei 🎈🎈🎈🎈🎈🎈🎈🎈🎈\r\n` +
        ' 🎈🎈🎈🎈🎈\r\nEND:VCARD\r\n',
    );
    for (const line of text.split('\r\n')) expect(Buffer.byteLength(line)).toBeLessThan(76);
  });

  it('come back as they were written, whatever they hold', () => {
    fc.assert(
      fc.property(fc.array(anyCard, { maxLength: 4 }), (cards) => {
        expect(valueOf(parseVcards(formatVcards(cards)))).toEqual(cards);
      }),
    );
  });

  it('of other programs are read: groups, parameters, folding, 3.0, what we do not know', () => {
    const text = [
      '\ufeffBEGIN:vcard',
      'VERSION:3.0',
      'N:Berg;Åsa;;;',
      'FN;CHARSET=UTF-8:Åsa',
      '  Berg',
      'item1.EMAIL;TYPE="home,x:y":asa@example.org',
      'item1.X-ABLabel:home',
      'PHOTO;ENCODING=b;TYPE=JPEG:AAAA',
      ' BBBB',
      `impp;pref=1:tangle:${ALICE}`,
      'NOTE:one\\Ntwo',
      'END:VCARD',
      '',
    ].join('\n');
    expect(valueOf(parseVcards(text))).toEqual([
      {
        name: 'Åsa Berg',
        impps: [`tangle:${ALICE}`],
        emails: ['asa@example.org'],
        note: 'one\ntwo',
      },
    ]);
    expect(valueOf(parseVcards(''))).toEqual([]);
  });

  it('vcard-invalid: what is none, with the line', () => {
    const detail = (text: string): unknown => {
      const parsed = parseVcards(text);
      return parsed.ok ? 'ok' : [parsed.code, parsed.detail];
    };
    expect(detail('hello')).toEqual(['vcard-invalid', 'line 1: no content line']);
    expect(detail('FN:A')).toEqual(['vcard-invalid', 'line 1: outside of a card']);
    expect(detail(card('x'))).toEqual(['vcard-invalid', 'line 4: no content line']);
    expect(detail(card('BEGIN:VCARD'))).toEqual(['vcard-invalid', 'line 4: not vCard 3.0 or 4.0']);
    expect(detail(card('VERSION:2.1'))).toEqual(['vcard-invalid', 'line 4: not vCard 3.0 or 4.0']);
    expect(detail('BEGIN:VCARD\nVERSION:4.0\nEND:VCARD')).toEqual([
      'vcard-invalid',
      'line 3: card not whole',
    ]);
    expect(detail(card().replace('END:VCARD', ''))).toEqual([
      'vcard-invalid',
      'the last card does not end',
    ]);
    expect(codeOf(parseVcards('x'.repeat(MAX_VCARD_FILE + 1)))).toBe('vcard-invalid');
    expect(codeOf(parseVcards(card().repeat(MAX_VCARDS)))).toBe('ok');
    expect(codeOf(parseVcards(card().repeat(MAX_VCARDS + 1)))).toBe('vcard-invalid');
  });

  it('of any text never throw', () => {
    const piece = fc.constantFrom('BEGIN:VCARD', 'END:VCARD', 'VERSION:4.0', 'FN:', ':', ';', '"');
    const anyLines = fc.array(fc.oneof(piece, fc.string()), { maxLength: 20 });
    fc.assert(
      fc.property(anyLines, fc.constantFrom('\n', '\r\n', ''), (lines, end) => {
        expect(['ok', 'vcard-invalid']).toContain(codeOf(parseVcards(lines.join(end))));
      }),
    );
  });
});
