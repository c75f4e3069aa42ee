/**
 * Folders, search, conversations, rules, drafts and archives from the command line to the disk: a
 * whole client, its real API and the real commands. Its node is out of reach, as on a train.
 */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { testGenesis } from '@tanglemail/tangle/core/testing/ledger-fixtures.ts';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import type { RunningServer } from '@tanglemail/tangle/io/shell/http.ts';
import { encodeMbox } from '@tanglemail/mail/core/message/mbox.ts';
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MessageSummaryDto } from '../api/dto.ts';
import type { DraftDto, RuleDto, SearchResultDto, ThreadDto } from '../api/mailbox-dto.ts';
import { createApi } from '../api/create-api.ts';
import type { Client } from '../client.ts';
import { type Disk } from '../testing/memory-store.ts';
import { person } from '../testing/people.ts';
import { testTerminal } from '../testing/test-terminal.ts';
import { openWholeClient } from '../testing/whole-client.ts';
import { addressText } from '../account/account.ts';
import { runProgram } from './program.ts';

let dir: string;
let disk: Disk;
let client: Client;
let api: RunningServer;
const TOKEN = 'b'.repeat(43);

async function start(): Promise<void> {
  const random = {
    bytes: (length: number) => crypto.getRandomValues(new Uint8Array(length)),
    below: () => 0,
  };
  client = await openWholeClient(
    { seedByte: 1, disk, nodeUrl: 'http://127.0.0.1:9', genesis: testGenesis(4) },
    { clock: { nowMs: () => Date.now() }, random },
  );
  client.start();
  const options = { host: '127.0.0.1', port: 0, token: TOKEN, version: '0.1.0' } as const;
  api = await createApi(client.services, { ...options, logger: SILENT_LOGGER });
  const file = { api: api.url, token: TOKEN, pid: process.pid };
  await writeFile(join(dir, 'daemon.json'), JSON.stringify(file));
}

async function stop(): Promise<void> {
  await api.close();
  await client.stop();
}

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tanglemail-mailbox-'));
  disk = new Map();
  await start();
});

afterEach(async () => {
  await stop();
  await rm(dir, { recursive: true });
});

async function cli(...line: string[]): Promise<{ code: number; out: string; err: string }> {
  const terminal = testTerminal({ input: '' });
  const code = await runProgram(['--data-dir', dir, ...line], terminal);
  return { code, ...terminal.written };
}

async function ok(...line: string[]): Promise<string> {
  const { code, out, err } = await cli(...line);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return out;
}

async function json<T>(...line: string[]): Promise<T> {
  return JSON.parse(await ok(...line, '--json')) as T;
}

function mail(id: string, subject: string, text: string, more = ''): Uint8Array {
  const head = `From: Eve <eve@x.example>\r\nTo: me@x.example\r\nMessage-ID: <${id}@x>\r\n${more}`;
  return Buffer.from(`${head}Subject: ${subject}\r\n\r\n${text}\r\n`);
}

async function importMails(folder = 'INBOX'): Promise<void> {
  const mails = [
    mail('1', 'Dinner', 'Shall we eat noodles?'),
    mail('2', 'Re: Dinner', 'Yes, gladly', 'In-Reply-To: <1@x>\r\n'),
    mail('3', 'Invoice 77', 'Please pay'),
  ];
  const path = join(dir, 'in.mbox');
  await writeFile(path, Buffer.concat(mails.map((one, at) => encodeMbox(one, 1_000 + at))));
  await ok('import', path, '--folder', folder);
}

const ids = async (folder: string): Promise<string[]> =>
  (await json<MessageSummaryDto[]>('inbox', '--folder', folder)).map((one) => one.id);

describe('folders and moves', () => {
  it('order a mailbox, over a restart too', async () => {
    await importMails();
    expect(await ok('folders', 'create', 'Work/Bills')).toBe('Made Work/Bills.\n');
    expect(await ok('move', 'Work/Bills', 'INBOX.3')).toMatch(
      /^INBOX\.3 is [0-9a-f]{32}\.1 now\.\n$/,
    );
    await ok('folders', 'rename', 'work', 'Job');
    const [moved = ''] = await ids('job/bills');
    await ok('flag', moved, '--add', 'flagged', '--add', 'urgent');
    await ok('delete', 'INBOX.1');
    await ok('folders', 'mark-read', 'INBOX');
    await stop();
    await start();
    const folders = await ok('folders');
    expect(folders).toMatch(/^NAME +UNREAD +ALL\nINBOX +0 +1\n/);
    expect(folders).toMatch(/\nJob\/Bills +1 +1\n/);
    const [one] = await json<MessageSummaryDto[]>('inbox', '--folder', 'Job/Bills');
    expect(one).toMatchObject({ id: moved, flags: ['\\Flagged', 'urgent'], subject: 'Invoice 77' });
    expect(one?.from).toEqual({ address: 'eve@x.example', name: 'Eve', verified: false });
    await ok('move', 'Archive', moved, '--copy');
    expect(await ids('Archive')).toEqual(['Archive.1']);
    expect(await ok('folders', 'empty', 'Trash')).toBe('1 message deleted for good.\n');
    await ok('folders', 'delete', 'Job');
    expect(await ids('Trash')).toEqual(['Trash.2']);
    expect(await ok('delete', 'Trash.2', 'INBOX.2')).toBe('2 messages deleted.\n');
    expect(await ids('Trash')).toEqual(['Trash.3']);
  });

  it('refuse what cannot be, with the code that says why', async () => {
    const refused = async (...line: string[]): Promise<string> => {
      const { code, err } = await cli(...line);
      return `${code} ${/\(([a-z-]+)\)/.exec(err)?.[1]}`;
    };
    expect(await refused('folders', 'create', 'a//b')).toBe('2 folder-name-invalid');
    expect(await refused('folders', 'create', 'Inbox')).toBe('5 folder-exists');
    expect(await refused('folders', 'delete', 'INBOX')).toBe('5 folder-standard');
    expect(await refused('folders', 'empty', 'Nowhere')).toBe('4 folder-unknown');
    expect(await refused('move', 'Nowhere', 'INBOX.1')).toBe('4 folder-unknown');
    expect(await refused('move', 'Archive', 'INBOX.1')).toBe('4 message-unknown');
    expect(await refused('delete', 'INBOX.1')).toBe('4 message-unknown');
    expect(await refused('flag', 'INBOX.1')).toBe('2 request-malformed');
    const words = await cli('flag', 'INBOX.1', '--add', 'two words');
    expect(words.err).toContain('expected letters, digits, $, _ and -');
    expect(await refused('threads', 'INBOX.1')).toBe('4 message-unknown');
    expect(await refused('search', 'is:green')).toBe('2 search-invalid');
    expect(await refused('rules', 'remove', '1')).toBe('4 rule-unknown');
    expect(await refused('rules', 'add', '--from', 'x')).toBe('2 request-malformed');
    expect(await refused('rules', 'add', '--move', 'Nowhere')).toBe('4 folder-unknown');
    expect(await refused('drafts', 'show', 'no')).toBe('4 draft-unknown');
    expect(await refused('import', join(dir, 'none'))).toBe('2 file-unusable');
    expect(await refused('import', dir)).toBe('2 archive-invalid');
  });
});

describe('search and conversations', () => {
  it('find what was imported', async () => {
    await importMails();
    const found = await json<SearchResultDto>('search', 'noodles', 'from:eve');
    expect(found).toMatchObject({ total: 1, isFuzzy: false, pending: 0 });
    expect(await ok('search', 'noodels')).toMatch(
      /Dinner\n1 message found with words like these\.\n$/,
    );
    expect(await ok('search', 'nothing-like-it')).toBe('Nothing found.\n');
    const threads = await json<ThreadDto[]>('threads');
    expect(threads.map((one) => [one.subject, one.count, one.newestId])).toEqual([
      ['Invoice 77', 1, 'INBOX.3'],
      ['Dinner', 2, 'INBOX.2'],
    ]);
    const thread = await json<(MessageSummaryDto & { parent: string | null })[]>(
      'threads',
      'INBOX.2',
    );
    expect(thread.map((one) => [one.id, one.parent])).toEqual([
      ['INBOX.1', null],
      ['INBOX.2', 'INBOX.1'],
    ]);
    expect(await json('threads', '--folder', 'Archive')).toEqual([]);
  });
});

describe('rules', () => {
  it('are added, ordered and removed, and name folders as they are called now', async () => {
    await ok('folders', 'create', 'Shop');
    await ok('rules', 'add', '--to', '+shop@', '--move', 'Shop', '--read', '--name', 'shopping');
    await ok('rules', 'add', '--from', 'boss', '--subject', 'report', '--flagged', '--last');
    await ok('folders', 'rename', 'Shop', 'Shops');
    expect(await ok('rules')).toBe(
      '1  shopping: to +shop@ -> mark as read, move to Shops\n' +
        '2  Rule 2 (last): from boss, subject report -> mark as flagged\n',
    );
    await ok('rules', 'place', '2', '1');
    await ok('rules', 'remove', '2');
    const rules = await json<RuleDto[]>('rules');
    expect(rules.map((one) => one.name)).toEqual(['Rule 2']);
  });
});

describe('drafts', () => {
  it('are saved again and again, and leave when they are sent', async () => {
    const file = join(dir, 'note.txt');
    await writeFile(file, 'attached');
    const saved = await json<DraftDto>(
      'drafts',
      'save',
      '--to',
      'Bob',
      '--body',
      'Hi',
      '--attach',
      file,
    );
    expect(saved).toMatchObject({ to: ['Bob'], cc: [], subject: '', text: 'Hi' });
    const { id } = saved;
    const bob = addressText((await person(2)).account);
    const changed = await json<DraftDto>(
      'drafts',
      'save',
      '--id',
      id,
      '--to',
      bob,
      '--bcc',
      'Carol',
    );
    expect(changed).toMatchObject({ id, to: [bob], bcc: ['Carol'], text: 'Hi', subject: '' });
    expect(changed.attachments).toMatchObject([{ filename: 'note.txt', sizeBytes: 8 }]);
    const same = await json<DraftDto>('drafts', 'save', '--id', id.slice(0, 8));
    expect(same.messageId).toBe(changed.messageId);
    const unknown = await cli('drafts', 'send', id);
    expect(unknown.err).toContain('recipient-unknown');
    expect(await json<DraftDto[]>('drafts')).toHaveLength(1);
    const draft = { id, to: [bob], subject: 'Hello', text: 'Hi' };
    await client.services.mailbox?.saveDraft({ ...draft, cc: [], bcc: [] });
    expect(await ok('drafts', 'send', id)).toBe('Queued for 1 recipient (outbox 1).\n');
    expect(await ok('drafts')).toBe('There are no drafts.\n');
    const [sent] = await json<MessageSummaryDto[]>('inbox', '--folder', 'Sent');
    expect(sent).toMatchObject({ subject: 'Hello', hasAttachments: true });
    const raw = Buffer.from((await client.services.local.rawMessage(sent!.id)).buffer).toString();
    expect(raw).not.toMatch(/X-Tanglemail-Draft/i);
    await ok('drafts', 'save', '--subject', 'another');
    const [other] = await json<DraftDto[]>('drafts');
    expect(await ok('drafts', 'show', other!.id)).toMatch(/subject +another/);
    await ok('drafts', 'delete', other!.id);
    expect(await json('drafts')).toEqual([]);
  });
});

describe('archives', () => {
  it('go out as mbox, files and JSON, and come in again once', async () => {
    await importMails();
    const mbox = join(dir, 'out.mbox');
    await ok('export', mbox, '--folder', 'INBOX');
    expect(await readFile(mbox)).toEqual(await readFile(join(dir, 'in.mbox')));
    const again = await cli('export', mbox);
    expect([again.code, again.err]).toEqual([2, expect.stringContaining('is not overwritten')]);
    await ok('export', join(dir, 'eml'), '--format', 'eml');
    expect(await readdir(join(dir, 'eml', 'INBOX'))).toEqual([
      '000001.eml',
      '000002.eml',
      '000003.eml',
    ]);
    const eml = await readFile(join(dir, 'eml', 'INBOX', '000003.eml'));
    expect(eml).toEqual(mail('3', 'Invoice 77', 'Please pay'));
    await ok('flag', 'INBOX.2', '--add', 'read');
    const lines = join(dir, 'all.jsonl');
    await ok('export', lines, '--format', 'json');
    const known = { imported: 0, known: 3, tooLarge: 0, malformed: 0 };
    expect(await json('import', lines)).toEqual(known);
    expect(await json('import', mbox)).toEqual(known);
    expect(await json('import', join(dir, 'eml'))).toEqual(known);
    await ok('delete', 'INBOX.3', '--for-good');
    expect(await json('import', join(dir, 'eml'))).toEqual({ ...known, imported: 1, known: 2 });
    await ok('delete', 'INBOX.4', '--for-good');
    const file = join(dir, 'eml', 'INBOX', '000003.eml');
    expect(await ok('import', file, '--folder', 'INBOX')).toBe('1 message imported.\n');
    await mkdir(join(dir, 'empty'));
    expect((await cli('import', join(dir, 'empty'))).err).toContain('(archive-invalid)');
    await ok('delete', 'INBOX.1', 'INBOX.2', 'INBOX.5', '--for-good');
    expect(await ok('import', lines)).toBe('3 messages imported.\n');
    const list = await json<MessageSummaryDto[]>('inbox');
    expect(list.map((one) => [one.id, one.flags])).toEqual([
      ['INBOX.8', []],
      ['INBOX.7', ['\\Seen']],
      ['INBOX.6', []],
    ]);
  });

  it('are Maildirs too, with their flags, times and folders', async () => {
    const root = join(dir, 'Maildir');
    for (const one of ['cur', 'new', '.Work.Bills/cur'])
      await mkdir(join(root, one), { recursive: true });
    const file = join(root, 'cur', '1.x:2,FS');
    await writeFile(file, mail('1', 'One', 'one'));
    await utimes(file, 5_000, 5_000);
    await writeFile(join(root, 'new', '2.x'), mail('2', 'Two', 'two'));
    await writeFile(join(root, '.Work.Bills', 'cur', '3.x:2,R'), mail('3', 'Three', 'three'));
    expect(await json('import', root)).toMatchObject({ imported: 3, known: 0 });
    const [, one] = await json<MessageSummaryDto[]>('inbox', '--folder', 'Archive');
    expect(one).toMatchObject({
      subject: 'One',
      dateMs: 5_000_000,
      flags: ['\\Flagged', '\\Seen'],
    });
    const [three] = await json<MessageSummaryDto[]>('inbox', '--folder', 'Work/Bills');
    expect(three).toMatchObject({ subject: 'Three', flags: ['\\Answered'] });
  });

  it('stream through the API in their own types, and no others', async () => {
    const call = (type: string, body: string): Promise<Response> =>
      fetch(`${api.url}/api/client/v1/mailbox/import?folder=New`, {
        method: 'POST',
        headers: { authorization: `Bearer ${TOKEN}`, 'content-type': type },
        body,
      });
    const mbox = Buffer.from(encodeMbox(mail('9', 'Nine', 'nine'), 1)).toString();
    const good = await call('application/mbox', mbox);
    expect(await good.json()).toEqual({ imported: 1, known: 0, tooLarge: 0, malformed: 0 });
    const bad = await call('text/plain', mbox);
    expect([bad.status, ((await bad.json()) as { code: string }).code]).toEqual([
      415,
      'media-type-unknown',
    ]);
  });
});
