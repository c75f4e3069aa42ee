/**
 * Every command of IMAP over a real socket: where it may come, and what is answered to arguments
 * that are wrong, missing, too many or at the edge. One line each, so that a row says all.
 */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { COMMANDS } from './commands/all.ts';
import {
  ImapDialog,
  NOW_SECONDS,
  startServer,
  stopAll,
  type TestServer,
} from './testing/imap-dialog.ts';

let test: TestServer;

beforeEach(async () => {
  test = await startServer();
  const inbox = test.store.idOf('INBOX');
  for (let at = 1; at <= 5; at++) {
    const raw = Buffer.from(`Subject: mail ${at}\r\n\r\nbody ${at}\r\n`);
    test.store.deliver(inbox, { raw, flags: [], internalDate: NOW_SECONDS });
  }
});
afterEach(async () => {
  await stopAll();
  const [fault] = test.faults;
  if (fault !== undefined) throw fault;
});

const open = async (folder?: string): Promise<ImapDialog> => ImapDialog.loggedIn(test.port, folder);

type Row = readonly [command: string, answer: RegExp];

/** Gives each command in turn; those whose last line of answer is another, with that line. */
async function mismatches(dialog: ImapDialog, rows: readonly Row[]): Promise<string[][]> {
  const wrong: string[][] = [];
  for (const [command, answer] of rows) {
    const heard = (await dialog.run(command)).at(-1) ?? '';
    if (!answer.test(heard)) wrong.push([command, heard]);
    // Twenty wrong ones in a row would end the connection.
    await dialog.run('NOOP');
  }
  return wrong;
}

describe('a command', () => {
  const names = [...COMMANDS.keys()];
  const inState = (state: 'authenticated' | 'greeted' | 'selected'): string[] =>
    names.filter((name) => COMMANDS.get(name)?.states.includes(state) !== true);

  it('has no place before the login, in front of a folder, or behind the login', async () => {
    const refused = (name: string): Row => [name, new RegExp(`^BAD ${name} has no place here`)];
    const greeted = await ImapDialog.open(test.port);
    expect(await mismatches(greeted, inState('greeted').map(refused))).toEqual([]);
    expect(await mismatches(await open(), inState('authenticated').map(refused))).toEqual([]);
    expect(await mismatches(await open('INBOX'), inState('selected').map(refused))).toEqual([]);
    expect(inState('greeted')).toEqual(expect.arrayContaining(['SELECT', 'FETCH', 'IDLE']));
    expect(inState('authenticated')).toEqual(expect.arrayContaining(['FETCH', 'EXPUNGE']));
    expect(inState('selected')).toEqual(['AUTHENTICATE', 'LOGIN', 'STARTTLS']);
  });

  it('is refused with arguments too many or too few', async () => {
    const bare = ['CAPABILITY', 'CHECK', 'CLOSE', 'IDLE', 'LOGOUT', 'NAMESPACE', 'NOOP'];
    bare.push('UNSELECT', 'EXPUNGE', 'STARTTLS');
    const rows = names.map((name): Row => [bare.includes(name) ? `${name} x` : name, /^BAD /]);
    expect(
      await mismatches(
        await open('INBOX'),
        rows.filter(([command]) => !/^(AUTHENTICATE|LOGIN|STARTTLS)/.test(command)),
      ),
    ).toEqual([]);
    const greeted = await ImapDialog.open(test.port);
    expect(
      await mismatches(
        greeted,
        rows.filter(([command]) => /^(AUTHENTICATE|LOGIN|STARTTLS)/.test(command)),
      ),
    ).toEqual([]);
  });

  it('needs a tag, a name and single spaces', async () => {
    const dialog = await open('INBOX');
    for (const line of ['', ' NOOP', '* NOOP', '(x) NOOP', 'x{ NOOP', '"x" NOOP', 't+ NOOP']) {
      dialog.say(`${line}\r\n`);
      expect(await dialog.until(/\n/)).toMatch(/^\S+ BAD /);
      await dialog.run('NOOP');
    }
    expect(
      await mismatches(dialog, [
        ['', /^BAD/],
        [' NOOP', /^BAD/],
        ['NOOP ', /^BAD/],
        ['FETCH  1 UID', /^BAD/],
        ['FETCH 1  UID', /^BAD/],
        ['UID', /^BAD/],
        ['UID NOOP', /^BAD the command is unknown/],
        ['UID UID FETCH 1 UID', /^BAD/],
        ['noop', /^OK/],
        ['uid fetch 1 (uid)', /^OK/],
      ]),
    ).toEqual([]);
  });
});

describe('a set of messages', () => {
  const shown = async (dialog: ImapDialog, set: string): Promise<string> => {
    const lines = await dialog.run(`FETCH ${set} UID`);
    return lines.map((one) => /\* (\d+) FETCH/.exec(one)?.[1] ?? one.slice(0, 3)).join(' ');
  };

  it('is read as RFC 3501 writes it', async () => {
    const dialog = await open('INBOX');
    const rows = {
      '1': '1 OK ',
      '*': '5 OK ',
      '3:1': '1 2 3 OK ',
      '*:4': '4 5 OK ',
      '4:*': '4 5 OK ',
      '*:*': '5 OK ',
      '1,3,2': '1 2 3 OK ',
      '1:3,2:4,2': '1 2 3 4 OK ',
      // Numbers that no message has are the program's fault (RFC 3501 §9, seq-number).
      '6': 'BAD',
      '1:6': 'BAD',
      '6:*': 'BAD',
      '0': 'BAD',
      '0:*': 'BAD',
      '1:': 'BAD',
      ':1': 'BAD',
      '1::2': 'BAD',
      '1,': 'BAD',
      '4294967296': 'BAD',
      '-1': 'BAD',
      '1.5': 'BAD',
      a: 'BAD',
      '': 'BAD',
    };
    for (const [set, answer] of Object.entries(rows)) {
      expect([set, await shown(dialog, set)]).toEqual([set, answer]);
    }
  });

  it('may name UIDs that are not there', async () => {
    const dialog = await open('INBOX');
    expect(
      await mismatches(dialog, [
        ['UID STORE 1,3 +FLAGS.SILENT (\\Deleted)', /^OK/],
        ['EXPUNGE', /^OK/],
      ]),
    ).toEqual([]);
    const uids = async (set: string): Promise<string[]> =>
      (await dialog.run(`UID FETCH ${set} UID`)).slice(0, -1).map((one) => one.slice(-3, -1));
    expect(await uids('1:5')).toEqual([' 2', ' 4', ' 5']);
    expect(await uids('900:*')).toEqual([' 5']);
    expect(await uids('*:900')).toEqual([' 5']);
    expect(await uids('1,3,900')).toEqual([]);
    expect(await dialog.run('UID STORE 1,3 +FLAGS (\\Seen)')).toEqual(['OK stored']);
    expect(await dialog.run('UID COPY 900 Archive')).toEqual(['OK copied']);
    expect(await dialog.run('UID MOVE 1 Archive')).toEqual(['OK moved']);
    expect(await dialog.run('UID EXPUNGE 900')).toEqual(['OK gone for good']);
  });

  it('names nothing in an empty folder', async () => {
    const dialog = await open('Archive');
    expect(
      await mismatches(dialog, [
        ['FETCH 1:* UID', /^BAD/],
        ['UID FETCH 1:* UID', /^OK/],
        ['SEARCH ALL', /^OK/],
        ['UID SEARCH UID 1:*', /^OK/],
        ['UID STORE 1:* +FLAGS (\\Seen)', /^OK/],
        ['EXPUNGE', /^OK/],
      ]),
    ).toEqual([]);
  });
});

describe('literals', () => {
  it('are asked for, or come by themselves, wherever a string may stand', async () => {
    const dialog = await open();
    dialog.say('t CREATE {1}\r\n');
    await dialog.until(/^\+ [^\n]*\n/);
    dialog.say('A\r\n');
    expect((await dialog.answer()).at(-1)).toMatch(/^OK/);
    dialog.say('t RENAME {1}\r\n');
    await dialog.until(/^\+ [^\n]*\n/);
    dialog.say('A {1}\r\n');
    await dialog.until(/^\+ [^\n]*\n/);
    dialog.say('B\r\n');
    expect((await dialog.answer()).at(-1)).toMatch(/^OK/);
    expect(
      await mismatches(dialog, [
        ['CREATE {2+}\r\nC1', /^OK/],
        ['STATUS {1+}\r\nB (MESSAGES)', /^OK/],
        ['SELECT {0+}\r\n', /^NO \[NONEXISTENT\]/],
        ['CREATE {70000}', /^NO \[LIMIT\] the literal is too large/],
        [`CREATE {70000+}\r\n${'x'.repeat(70_000)}`, /^NO \[LIMIT\] the literal is too large/],
        ['CREATE {99999999999}', /^BAD/],
        ['CREATE {-1+}', /^BAD/],
        ['CREATE {1', /^BAD/],
        ['CREATE "unended', /^BAD/],
        ['CREATE "a\\x"', /^BAD/],
      ]),
    ).toEqual([]);
    const greeted = await ImapDialog.open(test.port);
    expect(await greeted.run('LOGIN {1025}')).toEqual(['NO [LIMIT] the literal is too large']);
    expect((await greeted.run('LOGIN alice {13+}\r\ncorrect horse')).at(-1)).toMatch(/^OK/);
  });
});

describe('commands in front of a folder', () => {
  it('answer what is at the edge', async () => {
    const dialog = await open();
    expect(
      await mismatches(dialog, [
        ['SELECT Nowhere', /^NO \[NONEXISTENT\]/],
        ['SELECT inbox', /^OK \[READ-WRITE\]/],
        ['EXAMINE INBOX', /^OK \[READ-ONLY\]/],
        ['SELECT INBOX (CONDSTORE)', /^OK/],
        ['SELECT INBOX ()', /^BAD/],
        ['SELECT INBOX (NONSENSE)', /^BAD/],
        ['SELECT INBOX (QRESYNC (1 1))', /^BAD QRESYNC was not enabled/],
        // A failed SELECT leaves no folder selected (RFC 3501 §6.3.1).
        ['SELECT Nowhere', /^NO/],
        ['FETCH 1 UID', /^BAD FETCH has no place here/],
        ['ENABLE', /^BAD/],
        ['ENABLE NONSENSE CONDSTORE', /^OK/],
        ['CREATE INBOX', /^NO \[ALREADYEXISTS\]/],
        ['CREATE A/B', /^OK \[MAILBOXID/],
        ['CREATE "A/C/"', /^OK/],
        ['CREATE D (USE (\\Archive))', /^NO \[USEATTR\]/],
        ['CREATE D', /^OK/],
        ['CREATE E (USE \\Archive)', /^BAD/],
        ['DELETE Nowhere', /^NO \[NONEXISTENT\]/],
        ['DELETE Trash', /^NO \[CANNOT\]/],
        ['RENAME D D', /^NO \[ALREADYEXISTS\]/],
        ['RENAME Nowhere X', /^NO \[NONEXISTENT\]/],
        ['SUBSCRIBE Nowhere', /^NO \[NONEXISTENT\]/],
        ['UNSUBSCRIBE D', /^OK/],
        ['STATUS INBOX ()', /^BAD/],
        ['STATUS INBOX (NONSENSE)', /^BAD/],
        ['STATUS INBOX MESSAGES', /^BAD/],
        ['STATUS INBOX (MESSAGES MESSAGES DELETED APPENDLIMIT)', /^OK/],
        ['GETQUOTA ""', /^NO \[NONEXISTENT\]/],
        ['GETQUOTA mailbox', /^OK/],
        ['COMPRESS LZ4', /^BAD/],
        ['ID NIL', /^OK/],
        ['ID ("name" "x" "version" NIL)', /^OK/],
        ['ID name', /^BAD/],
        ['NAMESPACE', /^OK/],
      ]),
    ).toEqual([]);
  });

  it('keep what lies below a deleted folder, and empty the inbox when it is renamed', async () => {
    const dialog = await open();
    await dialog.run('CREATE A/B');
    expect(
      await mismatches(dialog, [
        ['DELETE A', /^NO \[HASCHILDREN\]/],
        ['DELETE A/B', /^OK/],
        ['DELETE A', /^OK/],
        ['RENAME INBOX Past', /^OK/],
        ['RENAME INBOX Past', /^NO \[ALREADYEXISTS\]/],
      ]),
    ).toEqual([]);
    expect(await dialog.run('STATUS Past (MESSAGES)')).toContain('* STATUS Past (MESSAGES 5)');
    expect(await dialog.run('STATUS INBOX (MESSAGES)')).toContain('* STATUS INBOX (MESSAGES 0)');
  });

  it('LIST and LSUB in all their forms', async () => {
    const dialog = await open();
    await dialog.run('CREATE A/B/C');
    await dialog.run('SUBSCRIBE A/B/C');
    const names = async (command: string): Promise<string> => {
      const lines = (await dialog.run(command)).slice(0, -1);
      return lines.map((one) => one.split('"/" ')[1]).join(' ');
    };
    const rows = {
      'LIST "" %': 'INBOX Archive Drafts Junk Sent Trash A',
      'LIST "" A/%': 'A/B',
      'LIST A/ %': 'A/B',
      'LIST "" A*': 'Archive A A/B A/B/C',
      'LIST "" (A %/C A/%/C)': 'A A/B/C',
      'LIST (SUBSCRIBED) "" A*': 'Archive A/B/C',
      'LIST (SUBSCRIBED RECURSIVEMATCH) "" %':
        'INBOX Archive Drafts Junk Sent Trash A ("CHILDINFO" ("SUBSCRIBED"))',
      'LIST (SPECIAL-USE) "" *': 'Archive Drafts Junk Sent Trash',
      'LIST "" Nowhere': '',
      'LSUB "" A*': 'Archive A/B/C',
      'LSUB "" A/%': 'A/B',
      'LSUB "" A%': 'Archive A',
    };
    for (const [command, answer] of Object.entries(rows)) {
      expect([command, await names(command)]).toEqual([command, answer]);
    }
    expect(await dialog.run('LSUB "" A/%')).toContain('* LSUB (\\Noselect) "/" A/B');
    expect(
      await mismatches(dialog, [
        ['LIST (NONSENSE) "" *', /^BAD/],
        ['LIST (RECURSIVEMATCH) "" *', /^BAD/],
        ['LIST "" * RETURN (NONSENSE)', /^BAD/],
        ['LIST "" ()', /^BAD/],
        ['LIST ""', /^BAD/],
        ['LIST "" * RETURN ()', /^OK/],
      ]),
    ).toEqual([]);
  });

  it('APPEND with flags, times and mails that are no such thing', async () => {
    expect(
      await mismatches(await open(), [
        ['APPEND INBOX', /^BAD/],
        ['APPEND INBOX "text"', /^BAD/],
        ['APPEND INBOX (\\Recent) {1+}\r\nx', /^BAD/],
        ['APPEND INBOX (\\Nonsense) {1+}\r\nx', /^BAD/],
        ['APPEND INBOX (\\seen keyword) {1+}\r\nx', /^OK/],
        ['APPEND INBOX () {1+}\r\nx', /^OK/],
        ['APPEND INBOX "31-Feb-2026 00:00:00 +0000" {1+}\r\nx', /^BAD not a date and time/],
        ['APPEND INBOX "01-Jan-2026" {1+}\r\nx', /^BAD/],
        ['APPEND INBOX " 1-Jan-2026 00:00:00 -0930" {1+}\r\nx', /^OK/],
        ['APPEND INBOX ~{1+}\r\nx', /^OK/],
        ['APPEND INBOX UTF8 (~{1+}\r\nx)', /^OK/],
        ['APPEND INBOX {1+}\r\nx more', /^BAD/],
        ['APPEND Nowhere {100001}', /^NO \[TOOBIG\]/],
      ]),
    ).toEqual([]);
  });
});

describe('commands in a folder', () => {
  it('STORE, COPY, MOVE and EXPUNGE at the edge', async () => {
    expect(
      await mismatches(await open('INBOX'), [
        ['STORE 1 FLAGS', /^BAD/],
        ['STORE 1 NONSENSE (\\Seen)', /^BAD/],
        ['STORE 1 ++FLAGS (\\Seen)', /^BAD/],
        ['STORE 1 FLAGS (\\Recent)', /^BAD/],
        ['STORE 1 FLAGS (\\*)', /^BAD/],
        ['STORE 1 FLAGS (a b) c', /^BAD/],
        ['STORE 1 FLAGS ()', /^OK/],
        ['STORE 1 flags \\seen \\FLAGGED', /^OK/],
        ['STORE 1 (UNCHANGEDSINCE 0) FLAGS (x)', /^OK \[MODIFIED 1\]/],
        ['STORE 1 (UNCHANGEDSINCE) FLAGS (x)', /^BAD/],
        ['STORE 1 (NONSENSE 1) FLAGS (x)', /^BAD/],
        ['COPY 1', /^BAD/],
        ['COPY 1 INBOX', /^OK \[COPYUID 1001 1 1\]/],
        ['MOVE 1 Nowhere', /^NO \[TRYCREATE\]/],
        ['UID EXPUNGE', /^BAD/],
        ['EXPUNGE 1', /^BAD/],
      ]),
    ).toEqual([]);
    expect(
      await mismatches(await open(), [
        ['EXAMINE INBOX', /^OK/],
        ['STORE 1 FLAGS (\\Seen)', /^NO \[CANNOT\]/],
        ['MOVE 1 Trash', /^NO \[CANNOT\]/],
        ['EXPUNGE', /^NO \[CANNOT\]/],
        ['COPY 1 Archive', /^OK \[COPYUID/],
        ['FETCH 1 BODY[]', /^OK/],
        ['CLOSE', /^OK/],
      ]),
    ).toEqual([]);
    expect(test.store.folder('F0')?.messages.get(1)?.flags).toEqual(['\\Flagged', '\\Seen']);
    expect(test.store.folder('F0')?.messages.get(2)?.flags).toEqual([]);
  });

  it('FETCH of every item, and of none', async () => {
    expect(
      await mismatches(await open('INBOX'), [
        ['FETCH 1 ALL', /^OK/],
        ['FETCH 1 FAST', /^OK/],
        ['FETCH 1 FULL', /^OK/],
        ['FETCH 1 (FLAGS ALL)', /^BAD/],
        ['FETCH 1 ()', /^BAD/],
        ['FETCH 1 NONSENSE', /^BAD/],
        ['FETCH 1 BODY[', /^BAD/],
        ['FETCH 1 BODY[NONSENSE]', /^BAD/],
        ['FETCH 1 BODY[0]', /^BAD/],
        ['FETCH 1 BODY[1.]', /^BAD/],
        ['FETCH 1 BODY[MIME]', /^BAD/],
        ['FETCH 1 BODY[1.MIME]', /^OK/],
        ['FETCH 1 BODY[HEADER.FIELDS ()]', /^BAD/],
        ['FETCH 1 BODY[HEADER.FIELDS.NOT (Subject)]', /^OK/],
        ['FETCH 1 BODY[]<0>', /^BAD/],
        ['FETCH 1 BODY[]<0.0>', /^BAD/],
        ['FETCH 1 BODY.PEEK[]<999999.5>', /^OK/],
        ['FETCH 1 BODY.PEEK', /^BAD/],
        ['FETCH 1 (RFC822 RFC822.HEADER RFC822.TEXT RFC822.SIZE)', /^OK/],
        ['FETCH 1 PREVIEW', /^OK/],
        ['FETCH 1 (PREVIEW (LAZY) UID)', /^OK/],
        ['FETCH 1 PREVIEW (NONSENSE)', /^BAD/],
        ['FETCH 1 BINARY[1]', /^OK/],
        ['FETCH 1 BINARY.SIZE[1]<0.1>', /^BAD/],
        ['FETCH 1 (UID) (CHANGEDSINCE 1)', /^OK/],
        ['FETCH 1 (UID) (CHANGEDSINCE 1 VANISHED)', /^BAD/],
        ['UID FETCH 1 (FLAGS) (VANISHED)', /^BAD/],
      ]),
    ).toEqual([]);
  });

  it('SEARCH by keys that are wrong, deep or many', async () => {
    expect(
      await mismatches(await open('INBOX'), [
        ['SEARCH', /^BAD/],
        ['SEARCH ()', /^BAD/],
        ['SEARCH (ALL', /^BAD/],
        ['SEARCH NOT', /^BAD/],
        ['SEARCH OR ALL', /^BAD/],
        ['SEARCH KEYWORD \\Seen', /^BAD/],
        ['SEARCH LARGER x', /^BAD/],
        ['SEARCH SINCE 32-Jan-2026', /^BAD/],
        ['SEARCH SINCE "1-Jan-2026"', /^OK/],
        ['SEARCH HEADER Subject', /^BAD/],
        ['SEARCH UID', /^BAD/],
        ['SEARCH 9', /^OK/],
        ['SEARCH NOT 9', /^OK/],
        ['SEARCH RETURN (NONSENSE) ALL', /^BAD/],
        ['SEARCH RETURN () ALL', /^OK/],
        ['SEARCH CHARSET US-ASCII ALL', /^OK/],
        ['SEARCH CHARSET utf-8 SUBJECT {4+}\r\nmail', /^OK/],
        ['SEARCH CHARSET X ALL', /^NO \[BADCHARSET/],
        [`SEARCH ${'NOT '.repeat(30)}ALL`, /^OK/],
        [`SEARCH ${'NOT '.repeat(40)}ALL`, /^BAD nested too deep/],
        [`SEARCH ${'('.repeat(40)}ALL${')'.repeat(40)}`, /^BAD/],
        [`SEARCH ${'ALL '.repeat(300)}ALL`, /^BAD too many search keys/],
      ]),
    ).toEqual([]);
  });

  it('SEARCH that saves: all, only the ends, or nothing', async () => {
    const dialog = await open('INBOX');
    const saved = async (options: string, key = 'ALL'): Promise<string> => {
      await dialog.run(`SEARCH RETURN (${options}) ${key}`);
      const lines = (await dialog.run('FETCH $ UID')).slice(0, -1);
      return lines.map((one) => one.split(' ')[1]).join(' ');
    };
    expect(await saved('SAVE')).toBe('1 2 3 4 5');
    expect(await saved('SAVE MIN')).toBe('1');
    expect(await saved('SAVE MIN MAX')).toBe('1 5');
    expect(await saved('SAVE MIN COUNT')).toBe('1 2 3 4 5');
    expect(await saved('SAVE', 'SEEN')).toBe('');
    await saved('SAVE', '2:4');
    // A search that cannot be done empties what was saved (RFC 5182 §2.1).
    expect(await saved('SAVE', 'CHARSET X ALL')).toBe('');
    await saved('SAVE', '2:4');
    await dialog.run('UID STORE 3 +FLAGS.SILENT (\\Deleted)');
    await dialog.run('EXPUNGE');
    expect((await dialog.run('UID SEARCH $'))[0]).toBe('* SEARCH 2 4');
  });
});

describe('a program that speaks before it is asked', () => {
  it('is answered in order, also behind errors and literals', async () => {
    const dialog = await open('INBOX');
    dialog.say(
      'a NONSENSE\r\nb APPEND INBOX {1+}\r\nx\r\nc FETCH 9 UID\r\nd CREATE {2+}\r\nNa\r\n' +
        'e IDLE\r\nDONE\r\nf UID FETCH 1 UID\r\ng LOGOUT\r\nh NOOP\r\n',
    );
    const heard = await dialog.over();
    const tagged = Array.from(heard.matchAll(/^([a-h]) (OK|NO|BAD)/gm), (match) => match[0]);
    expect(tagged).toEqual(['a BAD', 'b OK', 'c BAD', 'd OK', 'e OK', 'f OK', 'g OK']);
    // Nothing is said behind the farewell.
    expect(heard.trimEnd().split('\r\n').slice(-2)).toEqual([
      '* BYE until next time',
      'g OK logged out',
    ]);
  });

  it('gives up IDLE and AUTHENTICATE', async () => {
    const dialog = await open();
    dialog.say('t IDLE\r\nNOOP\r\n');
    expect((await dialog.answer()).at(-1)).toBe('BAD DONE is missing');
    expect((await dialog.run('NOOP')).at(-1)).toMatch(/^OK/);
    const greeted = await ImapDialog.open(test.port);
    greeted.say('t AUTHENTICATE PLAIN\r\n*\r\n');
    expect((await greeted.answer()).at(-1)).toBe('BAD given up');
    expect((await greeted.run('NOOP')).at(-1)).toMatch(/^OK/);
  });
});
