/** What a person may type, and what the answer is to everything else. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ClientError } from '../client-error.ts';
import { MAX_QUERY_LENGTH, MAX_TERMS, parseQuery, tokensOf } from './query.ts';

describe('a query', () => {
  it('has words, fields, conditions, and their opposites', () => {
    const query = parseQuery('Rechnung from:"Ännä B" -subject:spam wirde~ has:attachment -is:read');
    expect(query.words).toEqual([
      { tokens: ['rechnung'], isNot: false, isExact: false, isFuzzy: false },
      { field: 'sender', tokens: ['anna', 'b'], isNot: false, isExact: true, isFuzzy: false },
      { field: 'subject', tokens: ['spam'], isNot: true, isExact: false, isFuzzy: false },
      { tokens: ['wirde'], isNot: false, isExact: false, isFuzzy: true },
    ]);
    expect(query.conditions).toEqual([
      { kind: 'attachment', isNot: false },
      { kind: 'flag', flag: '\\Seen', isNot: true },
    ]);
  });

  it('has days in local time, sizes with units, folders and labels', () => {
    const text =
      'after:2026-01-30 before:2026-02-01 larger:10k smaller:1M in:"Work/My mail" label:a';
    const day = (date: number): number => new Date(2026, 0, date).getTime();
    expect(parseQuery(text).conditions).toEqual([
      { kind: 'date', from: day(31), until: Infinity, isNot: false },
      { kind: 'date', from: 0, until: day(32), isNot: false },
      { kind: 'size', from: 10_241, until: Infinity, isNot: false },
      { kind: 'size', from: 0, until: 1_048_576, isNot: false },
      { kind: 'folder', name: 'Work/My mail', isNot: false },
      { kind: 'flag', flag: 'a', isNot: false },
    ]);
  });

  it('takes addresses, links and times for words', () => {
    expect(parseQuery('bob@tangle.alt http://a.b 12:30').words.map((one) => one.tokens)).toEqual([
      ['bob', 'tangle', 'alt'],
      ['http', 'a', 'b'],
      ['12', '30'],
    ]);
    expect(tokensOf('Ｆｏｏ-ÀB')).toEqual(['foo', 'ab']);
  });

  it('search-invalid, by what is wrong with it', () => {
    const bad: readonly (readonly [string, string])[] = [
      ['', 'nothing to look for'],
      ['"open', 'no partner'],
      ['form:anna', 'form: is none of from:'],
      ['before:2026-02-30', 'takes a day'],
      ['after:tomorrow', 'takes a day'],
      ['is:gone', 'unread, read'],
      ['has:cheese', 'takes attachment'],
      ['larger:much', 'takes a size'],
      ['from:', 'no word'],
      ['---', 'no word'],
      ['in:', 'no folder'],
      ['a"b"', 'cannot be read'],
      ['x '.repeat(MAX_TERMS + 1), `at most ${MAX_TERMS}`],
      ['x'.repeat(MAX_QUERY_LENGTH + 1), `at most ${MAX_QUERY_LENGTH}`],
    ];
    for (const [text, detail] of bad) {
      expect(() => parseQuery(text)).toThrow(
        expect.objectContaining({
          code: 'search-invalid',
          detail: expect.stringContaining(detail) as unknown,
        }),
      );
    }
  });

  it('is read or refused, whatever the text is', () => {
    const pieces = fc.constantFrom(
      'from:',
      '"',
      '-',
      '~',
      ' ',
      'is:',
      'before:',
      'a',
      '*',
      ')',
      'é',
    );
    const text = fc.oneof(
      fc.string({ maxLength: 80 }),
      fc.array(pieces).map((all) => all.join('')),
    );
    fc.assert(
      fc.property(text, (one) => {
        const terms = (): number => {
          try {
            const { words, conditions } = parseQuery(one);
            return words.length + conditions.length;
          } catch (error) {
            return error instanceof ClientError ? 1 : 0;
          }
        };
        expect(terms()).toBeGreaterThan(0);
      }),
      { numRuns: 2_000 },
    );
  });
});
