/** Transcripts of the POP3 server over a real socket. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { LineDialog } from '../testing/line-dialog.ts';
import { MemoryStore } from '../imap/testing/memory-store.ts';
import { createPop3Server } from './pop3-server.ts';
import type { MailServer } from '../socket/mail-server.ts';

const MAIL = 'Subject: x\r\n\r\n.dot\r\n..\r\nlast';

let store: MemoryStore;
let server: MailServer;
let port: number;
const faults: unknown[] = [];

beforeEach(async () => {
  store = new MemoryStore();
  const folders = { inbox: store.idOf('INBOX'), trash: store.idOf('Trash') };
  const limits = { maxConnections: 10, loginTimeoutMs: 60_000, idleTimeoutMs: 60_000 };
  server = createPop3Server(
    { ...limits, folders, allowsPlainLogin: true, serverName: 'Tanglemail' },
    {
      login: {
        login: async (user, password) =>
          user === 'alice' && password === 'two words' ? store : undefined,
      },
      onFault: (error) => faults.push(error),
    },
  );
  port = await server.listen('127.0.0.1', 0);
  for (let count = 1; count <= 3; count++) {
    const raw = Buffer.from(`X: ${count}\r\n${MAIL}`);
    store.deliver(folders.inbox, { raw, flags: [], internalDate: 1 });
  }
});
afterEach(async () => {
  await server.close();
  const [fault] = faults;
  if (fault !== undefined) throw fault;
});

/** One line to a command, or all up to the dot alone. */
async function run(dialog: LineDialog, command: string, hasMore = false): Promise<string[]> {
  dialog.say(`${command}\r\n`);
  const text = await dialog.until(hasMore ? /(^-ERR[^\n]*\n)|(\n\.\r\n)/ : /\n/);
  return text.trimEnd().split('\r\n');
}

async function open(): Promise<LineDialog> {
  const dialog = await LineDialog.open(port);
  await dialog.until(/\n/);
  await run(dialog, 'USER alice');
  expect(await run(dialog, 'PASS two words')).toEqual(['+OK 3 mails']);
  return dialog;
}

describe('a POP3 session', () => {
  it('lists, reads and shows the top of mails', async () => {
    const dialog = await open();
    const size = MAIL.length + 6;
    expect(await run(dialog, 'STAT')).toEqual([`+OK 3 ${3 * size}`]);
    expect(await run(dialog, 'LIST', true)).toEqual([
      '+OK',
      `1 ${size}`,
      `2 ${size}`,
      `3 ${size}`,
      '.',
    ]);
    expect(await run(dialog, 'LIST 2')).toEqual([`+OK 2 ${size}`]);
    const ids = await run(dialog, 'UIDL', true);
    expect(new Set(ids).size).toBe(5);
    expect(await run(dialog, 'RETR 1', true)).toEqual([
      `+OK ${size} octets`,
      'X: 1',
      'Subject: x',
      '',
      '..dot',
      '...',
      'last',
      '.',
    ]);
    expect(await run(dialog, 'TOP 2 1', true)).toEqual([
      expect.stringMatching(/^\+OK/),
      'X: 2',
      'Subject: x',
      '',
      '..dot',
      '.',
    ]);
    expect(store.folder('F0')?.messages.get(1)?.flags).toEqual(['\\Seen']);
    expect(store.folder('F0')?.messages.get(2)?.flags).toEqual([]);
    expect(await run(dialog, 'LAST')).toEqual(['+OK 1']);
    dialog.close();
  });

  it('moves what is deleted to Trash, at QUIT and not before', async () => {
    const dialog = await open();
    expect(await run(dialog, 'DELE 1')).toEqual(['+OK it goes to Trash at the end']);
    expect(await run(dialog, 'RETR 1')).toEqual(['-ERR there is no such mail']);
    await run(dialog, 'RSET');
    await run(dialog, 'DELE 2');
    expect(store.folder('F0')?.messages.size).toBe(3);
    const [first] = await run(dialog, 'UIDL 3');
    expect(await run(dialog, 'QUIT')).toEqual(['+OK until next time']);
    await dialog.over();
    expect([...(store.folder('F0')?.messages.keys() ?? [])]).toEqual([1, 3]);
    expect(store.folder(store.idOf('Trash'))?.messages.size).toBe(1);
    const again = await LineDialog.open(port);
    again.say('USER alice\r\nPASS two words\r\nUIDL 2\r\n');
    const heard = await again.until(/\+OK 2 [^\n]+\.3\r\n/);
    expect(heard).toContain(first?.split(' ')[2]);
    again.close();
  });

  it('deletes nothing when the connection breaks, and gives the inbox back', async () => {
    const dialog = await open();
    await run(dialog, 'DELE 1');
    const other = await LineDialog.open(port);
    other.say('USER alice\r\nPASS two words\r\n');
    await other.until(/-ERR \[IN-USE\][^\n]*\n/);
    dialog.close();
    for (;;) {
      other.say('USER alice\r\nPASS two words\r\n');
      await other.until(/\+OK and the password\r\n/);
      if ((await other.until(/\n/)).startsWith('+OK')) break;
    }
    expect(store.folder('F0')?.messages.size).toBe(3);
    other.close();
  });

  it('takes passwords in three ways, and only right ones', async () => {
    const plain = Buffer.from('\0alice\0two words').toString('base64');
    const dialog = await LineDialog.open(port);
    await dialog.until(/\n/);
    expect((await run(dialog, 'CAPA', true)).join()).toContain('SASL PLAIN');
    expect(await run(dialog, 'STAT')).toEqual(['-ERR it has no place here']);
    await run(dialog, 'USER alice');
    expect(await run(dialog, 'PASS no')).toEqual(['-ERR [AUTH] name or password is wrong']);
    expect(await run(dialog, 'AUTH PLAIN AAAA')).toEqual(['-ERR not a response of PLAIN']);
    expect(await run(dialog, 'AUTH PLAIN')).toEqual(['+']);
    expect(await run(dialog, plain)).toEqual(['+OK 3 mails']);
    dialog.close();
  });

  it('ends what speaks nonsense, and lines without end', async () => {
    const dialog = await LineDialog.open(port);
    dialog.say('GET / HTTP/1.1\r\n'.repeat(20));
    expect(await dialog.over()).toContain('-ERR the command is unknown');
    const other = await LineDialog.open(port);
    other.say('a'.repeat(20_000));
    expect(await other.over()).toContain('-ERR the line is too long');
  });

  it('answers every command at the edge', async () => {
    const before: (readonly [command: string, answer: RegExp])[] = [
      ['', /^-ERR the command is unknown/],
      ['NONSENSE', /^-ERR/],
      ['RETR 1', /^-ERR it has no place here/],
      ['NOOP', /^-ERR/],
      ['UTF8', /^\+OK/],
      ['STLS', /^-ERR/],
      ['AUTH', /^\+OK/],
      ['AUTH CRAM-MD5', /^-ERR only PLAIN/],
      ['PASS two words', /^-ERR \[AUTH\]/],
      ['user alice', /^\+OK/],
      ['pass two words', /^\+OK 3 mails/],
    ];
    const after: typeof before = [
      ['USER alice', /^-ERR it has no place here/],
      ['AUTH PLAIN', /^-ERR/],
      ['STAT', /^\+OK 3 \d+$/],
      ['NOOP', /^\+OK/],
      ['LIST 0', /^-ERR/],
      ['LIST 4', /^-ERR there is no such mail/],
      ['LIST -1', /^-ERR/],
      ['LIST x', /^-ERR a number is missing/],
      ['LIST 1 2', /^-ERR/],
      ['LIST 99999999999', /^-ERR/],
      ['UIDL 4', /^-ERR/],
      ['RETR', /^-ERR a number is missing/],
      ['RETR 1 2', /^-ERR/],
      ['TOP 1', /^-ERR a number of lines is missing/],
      ['TOP 1 -1', /^-ERR/],
      ['TOP 1 2 3', /^-ERR/],
      ['TOP 9 1', /^-ERR/],
      ['DELE 2', /^\+OK/],
      ['DELE 2', /^-ERR there is no such mail/],
      ['LIST 2', /^-ERR/],
      ['UIDL 2', /^-ERR/],
      ['TOP 2 0', /^-ERR/],
      ['STAT', /^\+OK 2 /],
      ['RSET', /^\+OK/],
      ['STAT', /^\+OK 3 /],
      ['QUIT', /^\+OK/],
    ];
    const dialog = await LineDialog.open(port);
    await dialog.until(/\n/);
    for (const [command, answer] of [...before, ...after]) {
      const [heard] = await run(dialog, command, command === 'AUTH');
      expect([command, heard]).toEqual([command, expect.stringMatching(answer)]);
    }
    await dialog.over();
    expect(store.folder('F0')?.messages.size).toBe(3);
  });

  it('answers commands that come all at once, in their order', async () => {
    const dialog = await LineDialog.open(port);
    dialog.say(
      'CAPA\r\nUSER alice\r\nPASS two words\r\nSTAT\r\nTOP 1 0\r\nDELE 1\r\nQUIT\r\nSTAT\r\n',
    );
    const heard = await dialog.over();
    expect(heard.match(/^(\+OK|-ERR).*$/gm)).toEqual([
      '+OK Tanglemail ready',
      '+OK this is what there is',
      '+OK and the password',
      '+OK 3 mails',
      expect.stringMatching(/^\+OK 3 \d+$/),
      expect.stringMatching(/octets$/),
      '+OK it goes to Trash at the end',
      '+OK until next time',
    ]);
    expect(store.folder('F0')?.messages.size).toBe(2);
  });
});
