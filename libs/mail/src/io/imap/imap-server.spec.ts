/** Transcripts of the IMAP server over a real socket: states, arguments, answers. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  ImapDialog,
  NOW_SECONDS,
  startServer,
  stopAll,
  type TestServer,
} from './testing/imap-dialog.ts';

const MAIL =
  'From: Alice <alice@example.org>\r\nTo: bob@example.org\r\nSubject: Hello\r\n' +
  'Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nHi Bob\r\n--b\r\n' +
  'Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n' +
  'AAEC\r\n--b--\r\n';

let test: TestServer;

beforeEach(async () => {
  test = await startServer();
});
afterEach(async () => {
  await stopAll();
  const [fault] = test.faults;
  if (fault !== undefined) throw fault;
});

async function deliver(count: number, raw = MAIL): Promise<void> {
  const inbox = test.store.idOf('INBOX');
  for (let at = 1; at <= count; at++) {
    const bytes = Buffer.from(`X-Number: ${at}\r\n${raw}`, 'latin1');
    test.store.deliver(inbox, { raw: bytes, flags: [], internalDate: NOW_SECONDS });
  }
}

const open = async (folder?: string): Promise<ImapDialog> => ImapDialog.loggedIn(test.port, folder);

describe('a long command', () => {
  it.each(['FETCH 1:* BODY.PEEK[HEADER]', 'SEARCH HEADER X-Number 3'])(
    'lets others have their turn: %s',
    async (command) => {
      await deliver(20);
      const dialog = await open('INBOX');
      let turn = 0;
      let next = setImmediate(function count() {
        turn++;
        next = setImmediate(count);
      });
      const turnsOfReads = new Set<number>();
      const read = test.store.read.bind(test.store);
      test.store.read = async (message) => {
        const endMs = performance.now() + 2;
        while (performance.now() < endMs);
        turnsOfReads.add(turn);
        return read(message);
      };
      expect((await dialog.run(command)).at(-1)).toMatch(/^OK/);
      clearImmediate(next);
      expect(turnsOfReads.size).toBeGreaterThan(1);
    },
  );
});

describe('before the login', () => {
  it('offers what it has, and takes no other command', async () => {
    const dialog = await ImapDialog.open(test.port);
    const [capability] = await dialog.run('CAPABILITY');
    expect(capability).toContain('IMAP4rev1 IMAP4rev2 LITERAL+');
    expect(capability).toContain('AUTH=PLAIN');
    expect(await dialog.run('SELECT INBOX')).toEqual(['BAD SELECT has no place here']);
    expect(await dialog.run('NOOP')).toEqual(['OK nothing to do']);
    expect(await dialog.run('NONSENSE')).toEqual(['BAD the command is unknown']);
    expect(await dialog.run('STARTTLS')).toEqual(['BAD the connection is encrypted, or cannot be']);
  });

  it('logs in by LOGIN in all forms of strings, and by PLAIN in two', async () => {
    for (const form of ['alice "correct horse"', '"alice" {13+}\r\ncorrect horse']) {
      const dialog = await ImapDialog.open(test.port);
      expect((await dialog.run(`LOGIN ${form}`)).at(-1)).toContain('logged in');
    }
    const plain = Buffer.from('\0alice\0correct horse').toString('base64');
    const dialog = await ImapDialog.open(test.port);
    expect((await dialog.run(`AUTHENTICATE PLAIN ${plain}`)).at(-1)).toContain('logged in');
    const other = await ImapDialog.open(test.port);
    other.say('t AUTHENTICATE PLAIN\r\n');
    await other.until(/\+ \r\n/);
    other.say(`${plain}\r\n`);
    expect((await other.answer()).at(-1)).toContain('logged in');
  });

  it('says that a password is wrong, and what is no response', async () => {
    const dialog = await ImapDialog.open(test.port);
    const wrong = 'NO [AUTHENTICATIONFAILED] name or password is wrong';
    expect(await dialog.run('LOGIN alice wrong')).toEqual([wrong]);
    const plain = Buffer.from('\0alice\0wrong').toString('base64');
    expect(await dialog.run(`AUTHENTICATE PLAIN ${plain}`)).toEqual([wrong]);
    expect(await dialog.run('AUTHENTICATE PLAIN AAAA')).toEqual(['BAD not a response of PLAIN']);
    expect((await dialog.run('AUTHENTICATE CRAM-MD5'))[0]).toMatch(/^NO/);
  });

  it('ends what speaks nonsense, and what sends a line without end', async () => {
    const dialog = await ImapDialog.open(test.port);
    for (let count = 0; count < 20; count++) dialog.say('GET / HTTP/1.1\r\n');
    expect(await dialog.over()).toContain('* BYE too many wrong commands');
    const other = await ImapDialog.open(test.port);
    other.say('a'.repeat(70_000));
    expect(await other.over()).toContain('* BYE the command is too long');
  });
});

describe('folders', () => {
  it('are listed by pattern, with what they are for', async () => {
    const dialog = await open();
    await dialog.run('CREATE Work/Invoices');
    expect(await dialog.run('LIST "" ""')).toEqual(['* LIST (\\Noselect) "/" ""', 'OK listed']);
    const all = await dialog.run('LIST "" *');
    expect(all).toContain('* LIST (\\HasNoChildren \\Trash) "/" Trash');
    expect(all).toContain('* LIST (\\HasNoChildren) "/" Work/Invoices');
    expect(await dialog.run('LIST "" inb%')).toEqual([
      '* LIST (\\HasNoChildren) "/" INBOX',
      'OK listed',
    ]);
    const extended = await dialog.run(
      'LIST (SUBSCRIBED) "" "*" RETURN (STATUS (MESSAGES) CHILDREN)',
    );
    expect(extended.slice(0, 2)).toEqual([
      '* LIST (\\HasNoChildren \\Subscribed) "/" INBOX',
      '* STATUS INBOX (MESSAGES 0)',
    ]);
    expect(await dialog.run('LSUB "" Tr*')).toEqual(['* LSUB () "/" Trash', 'OK listed']);
  });

  it('have names in any script, in both forms', async () => {
    const dialog = await open();
    expect((await dialog.run('CREATE "Entw&APw-rfe"')).at(-1)).toMatch(/^OK \[MAILBOXID/);
    expect(test.store.folders().at(-1)?.name).toBe('Entwürfe');
    expect(await dialog.run('LIST "" Entw*')).toContain(
      '* LIST (\\HasNoChildren) "/" Entw&APw-rfe',
    );
    await dialog.run('ENABLE UTF8=ACCEPT');
    expect(await dialog.run('LIST "" Entw*')).toContain(
      '* LIST (\\HasNoChildren) "/" "Entw\u00c3\u00bcrfe"',
    );
    expect(await dialog.run('CREATE "&broken"')).toEqual(['OK [MAILBOXID (F7)] created']);
    const other = await open();
    expect(await other.run('CREATE "&broken"')).toEqual([
      'NO [CANNOT] the name of the folder cannot be read',
    ]);
    expect((await other.run('SELECT "&broken"')).at(-1)).toMatch(/^NO \[NONEXISTENT\]/);
    expect(await other.run('LIST "" "&broken*"')).toEqual(['OK listed']);
  });

  it('are made, renamed, deleted and counted', async () => {
    const dialog = await open();
    await dialog.run('CREATE A');
    expect(await dialog.run('CREATE A')).toEqual(['NO [ALREADYEXISTS] there is such a folder']);
    expect(await dialog.run('RENAME A B')).toEqual(['OK renamed']);
    expect(await dialog.run('STATUS A (MESSAGES)')).toEqual([
      'NO [NONEXISTENT] there is no such folder',
    ]);
    await deliver(2);
    expect(await dialog.run('STATUS INBOX (MESSAGES UIDNEXT UIDVALIDITY UNSEEN SIZE)')).toEqual([
      '* STATUS INBOX (MESSAGES 2 UIDNEXT 3 UIDVALIDITY 1001 UNSEEN 2 ' +
        `SIZE ${2 * (MAIL.length + 13)})`,
      'OK counted',
    ]);
    expect((await dialog.run('DELETE B')).at(-1)).toMatch(/^OK/);
    expect((await dialog.run('DELETE INBOX')).at(-1)).toMatch(/^NO \[CANNOT\]/);
    expect(await dialog.run('GETQUOTAROOT INBOX')).toEqual([
      '* QUOTAROOT INBOX "mailbox"',
      '* QUOTA "mailbox" (STORAGE 2 10)',
      'OK counted',
    ]);
  });
});

describe('a selected folder', () => {
  it('is described as RFC 3501 wants it', async () => {
    await deliver(3);
    const dialog = await ImapDialog.loggedIn(test.port);
    expect(await dialog.run('SELECT INBOX')).toEqual([
      '* FLAGS (\\Answered \\Deleted \\Draft \\Flagged \\Seen)',
      '* OK [PERMANENTFLAGS (\\Answered \\Deleted \\Draft \\Flagged \\Seen \\*)] these are kept',
      '* 3 EXISTS',
      '* 3 RECENT',
      '* OK [UNSEEN 1] the first that nobody read',
      '* OK [UIDVALIDITY 1001] while it is the same, UIDs are',
      '* OK [UIDNEXT 4] the next one',
      '* OK [HIGHESTMODSEQ 4] the last change',
      '* OK [MAILBOXID (F0)] its id',
      'OK [READ-WRITE] selected',
    ]);
    // Recent for one session only.
    const other = await ImapDialog.loggedIn(test.port);
    expect(await other.run('EXAMINE INBOX')).toContain('* 0 RECENT');
    expect((await other.run('STORE 1 +FLAGS (\\Seen)')).at(-1)).toMatch(/^NO \[CANNOT\]/);
  });

  it('gives every item of a message', async () => {
    await deliver(1);
    const dialog = await open('INBOX');
    const [modseq, flags] = await dialog.run(
      'FETCH 1 (UID FLAGS INTERNALDATE RFC822.SIZE MODSEQ EMAILID)',
    );
    // From here on the program is told modification numbers.
    expect(modseq).toBe('* OK [HIGHESTMODSEQ 2] the last change');
    expect(flags).toContain(
      '* 1 FETCH (UID 1 FLAGS (\\Recent) INTERNALDATE " 2-Nov-2026 09:11:12 +0000" RFC822.SIZE ',
    );
    expect(flags).toMatch(/SIZE \d+ MODSEQ \(2\) EMAILID \([0-9a-f]{32}\)\)$/);
    const [envelope] = await dialog.run('FETCH 1 ENVELOPE');
    expect(envelope).toContain('"Hello" (("Alice" NIL "alice" "example.org"))');
    const part = await dialog.run('FETCH 1 BODY.PEEK[1]');
    expect(part.slice(0, 2)).toEqual(['* 1 FETCH (BODY[1] {6}', 'Hi Bob)']);
    const fields = await dialog.run('FETCH 1 BODY.PEEK[HEADER.FIELDS (subject To)]');
    expect(fields.slice(0, 4)).toEqual([
      '* 1 FETCH (BODY[HEADER.FIELDS (subject To)] {39}',
      'To: bob@example.org',
      'Subject: Hello',
      '',
    ]);
    expect(await dialog.run('FETCH 1 BODY.PEEK[]<0.8>')).toEqual([
      '* 1 FETCH (BODY[]<0> {8}',
      'X-Number)',
      'OK that is all of them',
    ]);
    expect(await dialog.run('FETCH 1 (BINARY.PEEK[2] BINARY.SIZE[2])')).toEqual([
      '* 1 FETCH (BINARY[2] ~{3}',
      '\0\u0001\u0002 BINARY.SIZE[2] 3)',
      'OK that is all of them',
    ]);
    expect(await dialog.run('FETCH 1 BODY.PEEK[9]')).toEqual([
      '* 1 FETCH (BODY[9] NIL)',
      'OK that is all of them',
    ]);
    expect(test.store.folder('F0')?.messages.get(1)?.flags).toEqual([]);
    const [read] = (await dialog.run('FETCH 1 BODY[1]')).slice(1);
    expect(read).toBe('Hi Bob FLAGS (\\Seen \\Recent) MODSEQ (3))');
  });

  it('changes flags, and tells other sessions', async () => {
    await deliver(2);
    const dialog = await open('INBOX');
    const other = await open('INBOX');
    const flags = '\\Answered \\Deleted \\Draft \\Flagged \\Seen work';
    // A keyword is announced before a message has it.
    const announced = [`* FLAGS (${flags})`, `* OK [PERMANENTFLAGS (${flags} \\*)] these are kept`];
    expect(await dialog.run('STORE 1:2 +FLAGS (\\Flagged work)')).toEqual([
      ...announced,
      '* 1 FETCH (FLAGS (\\Flagged work \\Recent))',
      '* 2 FETCH (FLAGS (\\Flagged work \\Recent))',
      'OK stored',
    ]);
    expect(await dialog.run('UID STORE 2 -FLAGS.SILENT work')).toEqual(['OK stored']);
    expect(await other.run('NOOP')).toEqual([
      ...announced,
      '* 1 FETCH (FLAGS (\\Flagged work))',
      '* 2 FETCH (FLAGS (\\Flagged))',
      'OK nothing to do',
    ]);
    expect(await dialog.run('NOOP')).toEqual(['OK nothing to do']);
    expect(await dialog.run('STORE 1 FLAGS (\\Recent)')).toEqual(['BAD a system flag is unknown']);
    expect(await dialog.run('STORE 9 FLAGS (\\Seen)')).toEqual(['BAD no such message']);
    const refused = await dialog.run('UID STORE 1 (UNCHANGEDSINCE 1) +FLAGS (\\Seen)');
    expect(refused.at(-1)).toBe('OK [MODIFIED 1] some were changed meanwhile');
  });

  it('copies, moves and removes, and keeps numbers while it must', async () => {
    await deliver(4);
    const dialog = await open('INBOX');
    const other = await open('INBOX');
    expect(await dialog.run('COPY 1:2 Archive')).toEqual(['OK [COPYUID 1002 1:2 1:2] copied']);
    expect(await dialog.run('COPY 1 Nowhere')).toEqual(['NO [TRYCREATE] there is no such folder']);
    expect(await dialog.run('UID MOVE 2 Trash')).toEqual([
      '* OK [COPYUID 1006 2 1] moved',
      '* 2 EXPUNGE',
      'OK moved',
    ]);
    await dialog.run('STORE 1,3 +FLAGS.SILENT (\\Deleted)');
    expect(await dialog.run('UID EXPUNGE 4')).toEqual(['* 3 EXPUNGE', 'OK gone for good']);
    expect(await dialog.run('EXPUNGE')).toEqual(['* 1 EXPUNGE', 'OK gone for good']);
    // By numbers the other session still speaks of four messages.
    const fetched = await other.run('FETCH 1:4 UID');
    expect(fetched).toEqual(['* 3 FETCH (UID 3)', 'OK [EXPUNGEISSUED] some messages are gone']);
    expect(await other.run('NOOP')).toEqual([
      '* 4 EXPUNGE',
      '* 2 EXPUNGE',
      '* 1 EXPUNGE',
      'OK nothing to do',
    ]);
  });

  it('searches by every key, and saves what it found', async () => {
    await deliver(3);
    const dialog = await open('INBOX');
    await dialog.run('STORE 2 +FLAGS.SILENT (\\Seen work)');
    const find = async (keys: string): Promise<string> =>
      (await dialog.run(`SEARCH ${keys}`))[0] ?? '';
    const table: Record<string, string> = {
      ALL: '1 2 3',
      'UNSEEN SUBJECT hello': '1 3',
      'KEYWORD work': '2',
      'NOT KEYWORD work': '1 3',
      'OR SEEN UID 3': '2 3',
      'HEADER X-Number 3': '3',
      'HEADER X-Number ""': '1 2 3',
      'TEXT "hi bob" 1:2': '1 2',
      'BODY alice': '',
      'FROM ALICE (LARGER 10 SMALLER 100000)': '1 2 3',
      'SINCE 2-Nov-2026 BEFORE 3-Nov-2026': '1 2 3',
      // They have no Date.
      'SENTON 2-Nov-2026': '',
      'YOUNGER 10': '1 2 3',
      'OLDER 10': '',
      'NEW 1': '1',
    };
    for (const [keys, expected] of Object.entries(table)) {
      expect([keys, await find(keys)]).toEqual([keys, `* SEARCH ${expected}`.trimEnd()]);
    }
    expect(await dialog.run('UID SEARCH RETURN (MIN MAX COUNT ALL) ALL')).toEqual([
      '* ESEARCH (TAG "t") UID MIN 1 MAX 3 COUNT 3 ALL 1:3',
      'OK searched',
    ]);
    expect(await dialog.run('SEARCH RETURN (SAVE) UNSEEN')).toEqual(['OK searched']);
    expect(await dialog.run('FETCH $ UID')).toEqual([
      '* 1 FETCH (UID 1)',
      '* 3 FETCH (UID 3)',
      'OK that is all of them',
    ]);
    expect(await dialog.run('SEARCH CHARSET KOI8-R TEXT x')).toEqual([
      'NO [BADCHARSET (US-ASCII UTF-8)] only US-ASCII and UTF-8 are read',
    ]);
    expect(await dialog.run('SEARCH MODSEQ 5')).toContain('* SEARCH 2 (MODSEQ 5)');
    // Of MIN and MAX only the messages at the ends count.
    await dialog.run('STORE 1 +FLAGS.SILENT (\\Seen)');
    const ends = async (options: string): Promise<string> =>
      (await dialog.run(`SEARCH RETURN (${options}) MODSEQ 1`))[0] ?? '';
    expect(await ends('MAX')).toBe('* ESEARCH (TAG "t") MAX 3 MODSEQ 4');
    expect(await ends('MIN MAX')).toBe('* ESEARCH (TAG "t") MIN 1 MAX 3 MODSEQ 6');
    expect(await ends('MAX COUNT')).toBe('* ESEARCH (TAG "t") MAX 3 COUNT 3 MODSEQ 6');
    expect((await dialog.run('SEARCH NONSENSE')).at(-1)).toBe('BAD a search key is unknown');
  });

  it('takes messages up, byte for byte', async () => {
    const dialog = await open('INBOX');
    const raw = 'Subject: x\r\n\r\nGr\u00c3\u00bc\u00c3\u009fe\r\n';
    const head = `APPEND INBOX (\\Seen) "01-Jan-2026 00:00:00 +0100"`;
    dialog.say(`t ${head} {${raw.length}}\r\n`);
    await dialog.until(/\+ [^\n]*\n/);
    dialog.say(`${raw}\r\n`);
    expect(await dialog.answer()).toEqual([
      '* 1 EXISTS',
      '* 1 RECENT',
      'OK [APPENDUID 1001 1] kept',
    ]);
    const fetched = await dialog.run('FETCH 1 (FLAGS INTERNALDATE BODY.PEEK[])');
    expect(fetched.join('\r\n')).toContain(
      'FLAGS (\\Seen \\Recent) INTERNALDATE "31-Dec-2025 23:00:00 +0000" ' +
        `BODY[] {${raw.length}}\r\n${raw})`,
    );
    dialog.say(`t APPEND INBOX {200000}\r\n`);
    expect((await dialog.answer()).at(-1)).toBe('NO [TOOBIG] the literal is too large');
    dialog.say(`t APPEND INBOX {200000+}\r\n${'x'.repeat(200_000)}\r\n`);
    expect((await dialog.answer()).at(-1)).toBe('NO [TOOBIG] the literal is too large');
    expect(await dialog.run(`APPEND Nowhere {1+}\r\nx`)).toEqual([
      'NO [TRYCREATE] there is no such folder',
    ]);
    // RFC 3502: several at once, each with flags and time of its own, all or none.
    const time = '"01-Jan-2026 00:00:00 +0000"';
    const several = `(\\Seen) {3+}\r\na\r\n ${time} {3+}\r\nb\r\n {3+}\r\nc\r\n`;
    expect((await dialog.run(`APPEND INBOX ${several}`)).at(-1)).toBe(
      'OK [APPENDUID 1001 2:4] kept',
    );
    expect(await dialog.run('UID SEARCH SEEN')).toContain('* SEARCH 1 2');
    expect(await dialog.run('UID SEARCH ON 1-Jan-2026')).toContain('* SEARCH 3');
    expect((await dialog.run('APPEND INBOX {1+}\r\na (\\Seen')).at(-1)).toMatch(/^BAD/);
    expect(test.store.folder('F0')?.messages.size).toBe(4);
  });

  it('shows a new message as recent to one session alone, the first that hears of it', async () => {
    const [first, second, reader] = [await open('INBOX'), await open('INBOX'), await open()];
    await reader.run('EXAMINE INBOX');
    await deliver(2);
    // Who only reads takes nothing from the others.
    expect(await reader.run('NOOP')).toContain('* 2 RECENT');
    expect(await second.run('NOOP')).toContain('* 2 RECENT');
    expect(await first.run('NOOP')).toContain('* 0 RECENT');
    expect(await second.run('FETCH 2 FLAGS')).toContain('* 2 FETCH (FLAGS (\\Recent))');
    expect(await first.run('SEARCH RECENT')).toContain('* SEARCH');
    expect(await second.run('SEARCH NEW')).toContain('* SEARCH 1 2');
    expect(await first.run('STATUS INBOX (RECENT)')).toContain('* STATUS INBOX (RECENT 0)');
  });

  it('tells an idle program of what comes, at once', async () => {
    const dialog = await open('INBOX');
    dialog.say('t IDLE\r\n');
    await dialog.until(/\+ idling\r\n/);
    await deliver(1);
    expect(await dialog.until(/RECENT\r\n/)).toBe('* 1 EXISTS\r\n* 1 RECENT\r\n');
    dialog.say('DONE\r\n');
    expect(await dialog.answer()).toEqual(['OK no longer idle']);
  });

  it('brings a program that was away up to date', async () => {
    await deliver(5);
    const dialog = await open('INBOX');
    await dialog.run('ENABLE QRESYNC');
    await test.store.expunge('F0', [2, 4]);
    await test.store.changeFlags('F0', [5], 'add', ['\\Seen']);
    expect(await dialog.run('NOOP')).toEqual([
      '* VANISHED 2,4',
      '* 3 FETCH (UID 5 FLAGS (\\Seen \\Recent) MODSEQ (8))',
      'OK nothing to do',
    ]);
    const again = await dialog.run('SELECT INBOX (QRESYNC (1001 6 1:5))');
    expect(again.slice(0, 1)).toEqual(['* OK [CLOSED] the folder before is closed']);
    expect(again.slice(-3)).toEqual([
      '* VANISHED (EARLIER) 2,4',
      '* 3 FETCH (UID 5 FLAGS (\\Seen) MODSEQ (8))',
      'OK [READ-WRITE] selected',
    ]);
    const since = await dialog.run('UID FETCH 1:* (FLAGS) (CHANGEDSINCE 7 VANISHED)');
    expect(since).toEqual([
      '* 3 FETCH (UID 5 FLAGS (\\Seen) MODSEQ (8))',
      'OK that is all of them',
    ]);
    await test.store.expunge('F0', [3]);
    // By number a message that is gone cannot be changed any more.
    expect(await dialog.run('STORE 1:2 +FLAGS.SILENT (\\Flagged)')).toEqual([
      '* 1 FETCH (UID 1 MODSEQ (10))',
      'OK [EXPUNGEISSUED] some messages are gone',
    ]);
  });

  it('speaks revision 2 to who asks for it', async () => {
    await deliver(1);
    const dialog = await open();
    expect(await dialog.run('ENABLE IMAP4rev2')).toEqual([
      '* ENABLED IMAP4rev2',
      'OK enabled what is known',
    ]);
    const selected = await dialog.run('SELECT INBOX');
    expect(selected.join()).not.toContain('RECENT');
    expect(await dialog.run('SEARCH UNSEEN')).toEqual(['* ESEARCH (TAG "t") ALL 1', 'OK searched']);
  });

  it('answers commands that come all at once, in their order', async () => {
    await deliver(2);
    const dialog = await open('INBOX');
    dialog.say('a NOOP\r\nb FETCH 1 UID\r\nc UID FETCH 2 UID\r\nd CLOSE\r\ne LOGOUT\r\n');
    const heard = await dialog.over();
    expect(heard.match(/^[a-e] OK/gm)).toEqual(['a OK', 'b OK', 'c OK', 'd OK', 'e OK']);
  });
});

it('lets no more programs in than it has places for', async () => {
  await stopAll();
  test = await startServer({ maxConnections: 1 });
  await ImapDialog.open(test.port);
  const other = await ImapDialog.open(test.port);
  expect(await other.over()).toBe('');
});
