import { describe, expect, it } from '@jest/globals';
import { ApiProblem } from '../daemon/problem.ts';
import { problemText } from '../words/problem-text.ts';
import { LANGUAGES, loadWords } from '../words/use-words.ts';
import { backupRequest } from './backup-request.ts';
import { stampOptions } from './stamp-choices.ts';

describe('backups', () => {
  const choices = {
    path: ' /a/b ',
    lock: 'words',
    passphrase: 'left over',
    withMail: true,
  } as const;

  it('have one lock, and never the passphrase of the other choice', () => {
    expect(backupRequest(choices)).toEqual({ path: '/a/b', forWords: true, withMail: true });
    expect(backupRequest({ ...choices, lock: 'passphrase', withMail: false })).toEqual({
      path: '/a/b',
      passphrase: 'left over',
      withMail: false,
    });
  });

  it('are not asked for without a file or without their passphrase', () => {
    expect(backupRequest({ ...choices, path: ' ' })).toBeUndefined();
    expect(backupRequest({ ...choices, lock: 'passphrase', passphrase: '' })).toBeUndefined();
  });
});

describe('stamps', () => {
  it('offer what is set, also when it has no words of its own', async () => {
    const { settings } = await loadWords('en');
    const ids = (bits: number) => stampOptions(bits, settings.stamps, 'own').map(({ id }) => id);
    expect(ids(20)).toEqual(['0', '16', '20', '22', '24']);
    expect(ids(18)).toEqual(['0', '16', '18', '20', '22', '24']);
  });
});

describe('refusals', () => {
  it('are told in the language of the user, else as the daemon says', async () => {
    const words = await Promise.all(LANGUAGES.map(async (one) => await loadWords(one)));
    const refused = new ApiProblem('insufficient-funds', 422, 'the wallet does not hold enough');
    expect(new Set(words.map((one) => problemText(one, refused))).size).toBe(LANGUAGES.length);
    const unknown = new ApiProblem('not-in-the-list', 422, 'as the daemon says');
    expect(words.map((one) => problemText(one, unknown))).toEqual(
      LANGUAGES.map(() => 'as the daemon says'),
    );
  });
});
