import { describe, expect, it } from '@jest/globals';
import { countText, fill } from './plurals.ts';
import { dayText, shortTime, sizeText } from './times.ts';
import { languageOf, LANGUAGES, loadWords } from './use-words.ts';

/** All texts of a language by their path. */
function textsOf(value: unknown, path = ''): [string, string][] {
  if (typeof value === 'string') return [[path, value]];
  return Object.entries(value as object).flatMap(([name, one]) => textsOf(one, `${path}.${name}`));
}

/** `{n}` and the like. */
function places(text: string): string[] {
  return [...text.matchAll(/\{\w+\}/g)].map(([place]) => place).toSorted();
}

describe('words', () => {
  it('have the same places for values in every language', async () => {
    const all = await Promise.all(LANGUAGES.map(async (one) => textsOf(await loadWords(one))));
    const [english = []] = all;
    expect(english.length).toBeGreaterThan(50);
    for (const texts of all) {
      expect(texts.map(([path]) => path)).toEqual(english.map(([path]) => path));
      expect(texts.map(([path, text]) => [path, places(text)])).toEqual(
        english.map(([path, text]) => [path, places(text)]),
      );
      expect(texts.filter(([, text]) => text.trim() === '')).toEqual([]);
    }
  });

  it('avoid what people confuse', async () => {
    const english = textsOf(await loadWords('en'));
    expect(
      english.filter(([, text]) => /\b(?:seed|mnemonic|secret|delivered)\b/i.test(text)),
    ).toEqual([]);
  });

  it('are those of the user, else of the browser, else English', () => {
    expect(languageOf('de', ['it-IT'])).toBe('de');
    expect(languageOf(null, ['fr-FR', 'it-CH', 'en'])).toBe('it');
    expect(languageOf('xx', ['fr'])).toBe('en');
  });
});

describe('numbers and times', () => {
  it('count as the language does', () => {
    const plurals = { one: '{n} message', other: '{n} messages' };
    expect(countText('en', plurals, 1)).toBe('1 message');
    expect(countText('de', plurals, 100_000)).toBe('100.000 messages');
  });

  it('leave a place without a value as it is', () => {
    expect(fill('{a} and {b}', { a: 1 })).toBe('1 and {b}');
  });

  it('show the hour of today, the day of this year, else the date', () => {
    const nowMs = new Date(2026, 10, 23, 12).getTime();
    expect(shortTime('en-GB', new Date(2026, 10, 23, 9, 5).getTime(), nowMs)).toBe('09:05');
    expect(shortTime('en-GB', new Date(2026, 9, 2).getTime(), nowMs)).toBe('2 Oct');
    expect(shortTime('en-GB', new Date(2024, 9, 2).getTime(), nowMs)).toBe('2 Oct 2024');
    expect(dayText('en-GB', nowMs)).toBe('23 Nov 2026');
  });

  it('show sizes in their unit', () => {
    expect(sizeText('en', 0)).toBe('0 byte');
    expect(sizeText('en', 1_499)).toBe('1.5 kB');
    expect(sizeText('de', 25_300_000)).toBe('25,3 MB');
  });
});
