/** SORT and THREAD against what a well-kept server answers for the same mails. */
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from '@jest/globals';
import { baseSubject } from '../../core/message/base-subject.ts';
import { formatThreads, type Referring, threadByReferences } from '../../core/thread/references.ts';
import { ImapDialog, startServer, stopAll } from './testing/imap-dialog.ts';

interface Recorded {
  readonly messages: readonly string[];
  readonly sort: Record<string, readonly number[]>;
  readonly thread: Record<string, string>;
}

const url = new URL('../../../../../test/vectors/imap-sort.json', import.meta.url);
const recorded = JSON.parse(readFileSync(url, 'utf8')) as Recorded;
const FIRST_RECEIVED = 1_793_600_000;

async function open(): Promise<ImapDialog> {
  const { store, port } = await startServer();
  for (const [at, message] of recorded.messages.entries()) {
    const raw = Buffer.from(message, 'base64');
    store.deliver('F0', { raw, flags: [], internalDate: FIRST_RECEIVED + at * 60 });
  }
  return ImapDialog.loggedIn(port, 'INBOX');
}

afterEach(() => stopAll());

describe('SORT', () => {
  it.each(Object.entries(recorded.sort))('by %s', async (keys, numbers) => {
    const dialog = await open();
    expect(await dialog.run(`SORT (${keys}) UTF-8 ALL`)).toEqual([
      `* SORT ${numbers.join(' ')}`,
      'OK sorted',
    ]);
  });

  it('of some, by UID, of none, and with what it cannot do', async () => {
    const dialog = await open();
    await dialog.run('STORE 1:3 +FLAGS.SILENT (\\Deleted)');
    await dialog.run('EXPUNGE');
    expect(await dialog.run('UID SORT (REVERSE ARRIVAL) US-ASCII UID 1:6')).toContain(
      '* SORT 6 5 4',
    );
    expect(await dialog.run('SORT (REVERSE ARRIVAL) UTF-8 1:3')).toContain('* SORT 3 2 1');
    expect(await dialog.run('SORT (DISPLAYFROM) UTF-8 1:3 FROM nobody')).toEqual([
      '* SORT',
      'OK sorted',
    ]);
    expect(await dialog.run('SORT (DATE) KOI8-R ALL')).toEqual([
      expect.stringMatching(/^NO \[BADCHARSET/),
    ]);
    for (const wrong of ['DATE UTF-8 ALL', '() UTF-8 ALL', '(NONSENSE) UTF-8 ALL', '(DATE) ALL']) {
      expect((await dialog.run(`SORT ${wrong}`)).at(-1)).toMatch(/^BAD/);
    }
  });

  it('by the names that people have', async () => {
    const dialog = await open();
    // Carol is called "Quoted Name", Zoe and Jürgen by their names, Bob by his address.
    const byName = await dialog.run('SORT (DISPLAYFROM) UTF-8 OR OR 1 2 OR 3 14');
    expect(byName).toContain('* SORT 2 14 3 1');
  });
});

describe('THREAD', () => {
  it.each(Object.entries(recorded.thread))('by %s', async (algorithm, threads) => {
    const dialog = await open();
    expect(await dialog.run(`THREAD ${algorithm} UTF-8 ALL`)).toEqual([
      `* THREAD ${threads}`,
      'OK threaded',
    ]);
  });

  it('of some, by UID, of none, and by what it does not know', async () => {
    const dialog = await open();
    await dialog.run('STORE 1 +FLAGS.SILENT (\\Deleted)');
    await dialog.run('EXPUNGE');
    // The root is gone: its answers stand side by side.
    expect(await dialog.run('UID THREAD REFERENCES UTF-8 UID 2:5')).toContain(
      '* THREAD ((3 4)(2 5))',
    );
    expect(await dialog.run('THREAD REFERENCES UTF-8 FROM nobody')).toEqual([
      '* THREAD',
      'OK threaded',
    ]);
    expect((await dialog.run('THREAD JWZ UTF-8 ALL')).at(-1)).toMatch(/^BAD/);
    expect((await dialog.run('THREAD REFERENCES ALL')).at(-1)).toMatch(/^BAD/);
  });

  it('believes of two that name each other the later one', () => {
    const rows = [
      ['a', []],
      ['b', ['a', 'c']],
      ['c', ['b']],
    ] as const;
    const messages = rows.map(([messageId, references], at): Referring => {
      return { number: at + 1, messageId, references, subject: '', date: [30, 10, 20][at] ?? 0 };
    });
    expect(formatThreads(threadByReferences(messages))).toBe('(3 2)(1)');
  });

  it('of a chain that somebody made as long as could be', () => {
    const count = 50_000;
    const chain = Array.from({ length: count }, (_, at): Referring => {
      const references = at === 0 ? [] : [`${at - 1}@x`];
      return { number: at + 1, messageId: `${at}@x`, references, subject: 'x', date: at };
    });
    const numbers = Array.from({ length: count }, (_, at) => at + 1).join(' ');
    expect(formatThreads(threadByReferences(chain))).toBe(`(${numbers})`);
    expect(formatThreads(threadByReferences(chain.toReversed()))).toBe(`(${numbers})`);
  });
});

it('a subject is freed of what stands around it', () => {
  const rows: Record<string, string> = {
    'Re: [list] Fwd: [x] Hello (fwd) (fwd)': 'Hello',
    '[Fwd: Re: Hello]': 'Hello',
    'Re[3]: hello': 'hello',
    'Reply: hello': 'Reply: hello',
    '[only a name]': '[only a name]',
    ' two   spaces\there ': 'two spaces here',
    '': '',
  };
  for (const [subject, base] of Object.entries(rows)) {
    expect([subject, baseSubject(subject).base]).toEqual([subject, base]);
  }
  expect(baseSubject('Hello').isReply).toBe(false);
  expect(baseSubject('Hello (fwd)').isReply).toBe(true);
});
