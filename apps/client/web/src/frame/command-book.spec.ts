import { describe, expect, it } from '@jest/globals';
import { CommandBook } from './command-book.ts';

describe('a book of commands', () => {
  it('lets the screen that came last say what a command does', () => {
    const book = new CommandBook();
    const runs: string[] = [];
    const endFirst = book.add('reply', () => runs.push('first'));
    const endSecond = book.add('reply', () => runs.push('second'));
    expect(book.run('reply')).toBe(true);
    endSecond();
    expect(book.run('reply')).toBe(true);
    endFirst();
    expect(book.run('reply')).toBe(false);
    expect(book.has('reply')).toBe(false);
    expect(runs).toEqual(['second', 'first']);
  });
});
