/** What FETCH makes of a message beside what stands in it: its first words, and when it came. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ImapDialog, startServer, stopAll, type TestServer } from './testing/imap-dialog.ts';

let test: TestServer;

beforeEach(async () => {
  test = await startServer();
});
afterEach(async () => {
  await stopAll();
  const [fault] = test.faults;
  if (fault !== undefined) throw fault;
});

const open = async (folder?: string): Promise<ImapDialog> => ImapDialog.loggedIn(test.port, folder);

describe('a message', () => {
  it('has first words, for lists', async () => {
    const mails = {
      'Subject: x\r\n\r\n> quoted\r\nFirst   words\r\n\r\nand more\r\n': '"First words and more"',
      'Content-Type: text/html\r\n\r\n<style>a{}</style><p>Some <b>bold</b></p>': '"Some bold"',
      'Content-Type: text/plain; charset=utf-8\r\n\r\nGr\u00c3\u00bc\u00c3\u009fe\r\n':
        '{7}\r\nGr\u00c3\u00bc\u00c3\u009fe',
      'Subject: nothing\r\n\r\n': '""',
    };
    for (const [raw, preview] of Object.entries(mails)) {
      const bytes = Buffer.from(raw, 'latin1');
      test.store.deliver('F0', { raw: bytes, flags: [], internalDate: 1 });
      const dialog = await open('INBOX');
      const heard = (await dialog.run('FETCH * PREVIEW')).slice(0, -1).join('\r\n');
      expect(heard).toBe(`* ${heard.split(' ')[1]} FETCH (PREVIEW ${preview})`);
    }
    const long = `Subject: x\r\n\r\n${'\u00e9\u00e8 '.repeat(500)}`;
    test.store.deliver('F0', { raw: Buffer.from(long), flags: [], internalDate: 1 });
    const dialog = await open('INBOX');
    await dialog.run('ENABLE UTF8=ACCEPT');
    const [shown = ''] = await dialog.run('FETCH * PREVIEW');
    const words = Buffer.from(/"(.*)"/.exec(shown)?.[1] ?? '', 'latin1').toString('utf8');
    expect(words).toHaveLength(200);
    // Tags that never end take no longer than others.
    const tags = `Content-Type: text/html\r\n\r\n${'<style<title '.repeat(7_000)}`;
    test.store.deliver('F0', { raw: Buffer.from(tags), flags: [], internalDate: 1 });
    await dialog.run('NOOP');
    expect((await dialog.run('FETCH * PREVIEW')).at(-1)).toMatch(/^OK/);
    // It is no reading: nothing was marked.
    expect((await dialog.run('SEARCH SEEN'))[0]).toBe('* SEARCH');
  });

  it('is found by addresses as they are meant', async () => {
    const raw = Buffer.from('From: <bob (or Robert)@ (at work) example.org>\r\n\r\n');
    test.store.deliver('F0', { raw, flags: [], internalDate: 1_000 });
    const dialog = await open('INBOX');
    expect(await dialog.run('SEARCH FROM bob@example.org')).toContain('* SEARCH 1');
    expect(await dialog.run('FETCH 1 ENVELOPE')).toContainEqual(
      expect.stringContaining('((NIL NIL "bob" "example.org"))'),
    );
  });

  it('was sent on the day that its Date names, in whatever zone, or on none', async () => {
    for (const date of ['Fri, 13 Nov 2026 02:00:00 +0900', '13 Nov 2026 23:00:00 -0500', 'soon']) {
      const raw = Buffer.from(`Date: ${date}\r\n\r\n`);
      test.store.deliver('F0', { raw, flags: [], internalDate: 1_000 });
    }
    const dialog = await open('INBOX');
    expect(await dialog.run('SEARCH SENTON 13-Nov-2026')).toContain('* SEARCH 1 2');
    expect(await dialog.run('SEARCH SENTBEFORE 14-Nov-2026')).toContain('* SEARCH 1 2');
    expect(await dialog.run('SEARCH SENTSINCE 14-Nov-2026')).toContain('* SEARCH');
  });

  it('came into its folder at a time', async () => {
    const dialog = await open('INBOX');
    const old = { raw: Buffer.from('Subject: old\r\n\r\n'), flags: [], internalDate: 1_000 };
    test.store.deliver('F0', old);
    await dialog.run('NOOP');
    test.store.nowSeconds += 86_400;
    await dialog.run('COPY 1 Archive');
    expect(await dialog.run('FETCH 1 (INTERNALDATE SAVEDATE)')).toContain(
      '* 1 FETCH (INTERNALDATE " 1-Jan-1970 00:16:40 +0000" SAVEDATE " 2-Nov-2026 09:11:12 +0000")',
    );
    expect((await dialog.run('SEARCH SAVEDON 2-Nov-2026 BEFORE 1-Jan-2026'))[0]).toBe('* SEARCH 1');
    await dialog.run('SELECT Archive');
    expect(await dialog.run('FETCH 1 SAVEDATE')).toContain(
      '* 1 FETCH (SAVEDATE " 3-Nov-2026 09:11:12 +0000")',
    );
    expect((await dialog.run('SEARCH SAVEDBEFORE 3-Nov-2026'))[0]).toBe('* SEARCH');
  });
});
