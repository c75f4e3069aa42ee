/** The chat commands over the local API and the real chat of three people in memory. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import type { RunningServer } from '@tanglemail/tangle/io/shell/http.ts';
import { until } from '@tanglemail/tangle/io/testing/until.ts';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  chatMessageDto,
  conversationDto,
  type ConversationDto,
  groupDto,
} from '../api/chat-dto.ts';
import { createApi } from '../api/create-api.ts';
import { API_PREFIX } from '../api/dto.ts';
import { addressText } from '../account/account.ts';
import { LocalChatService } from '../service/chat-service.ts';
import { type ChatPerson, ChatWorld, textsOf } from '../testing/chat-world.ts';
import { MemoryClient } from '../testing/memory-client.ts';
import { testTerminal, type TestTerminalOptions } from '../testing/test-terminal.ts';
import { runProgram } from './program.ts';

const TOKEN = 'c'.repeat(43);

let dir: string;
let api: RunningServer;
let world: ChatWorld;
let people: ChatPerson[];
let [alice, bob, carol]: ChatPerson[] = [];

beforeEach(async () => {
  world = new ChatWorld();
  people = [await world.open(1), await world.open(2), await world.open(3)];
  [alice, bob, carol] = people;
  for (const [other, name] of [
    [bob!, 'Bob'],
    [carol!, 'Carol'],
  ] as const) {
    await world.befriend(alice!, other);
    await alice!.who.contacts.add(other.address, { name, nowMs: world.nowMs });
  }
  const { account, contacts, ownSettings } = alice!.who;
  const local = new MemoryClient();
  const parts = { account, contacts, ownSettings, chat: alice!.chat, outbox: alice!.outbox };
  const chat = new LocalChatService(parts, local);
  const options = { host: '127.0.0.1', port: 0, token: TOKEN, version: '0.1.0' } as const;
  api = await createApi({ local, chat }, { ...options, logger: SILENT_LOGGER });
  dir = await mkdtemp(join(tmpdir(), 'tanglemail-chat-'));
  const file = { api: api.url, token: TOKEN, pid: process.pid };
  await writeFile(join(dir, 'daemon.json'), JSON.stringify(file));
});

afterEach(async () => {
  await api.close();
  await world.close();
  await rm(dir, { recursive: true });
});

async function cli(line: readonly string[], options: TestTerminalOptions = {}) {
  const terminal = testTerminal({ input: '', ...options });
  const code = await runProgram(['--data-dir', dir, ...line], terminal);
  return { code, ...terminal.written };
}

async function json(...line: string[]): Promise<unknown> {
  const { code, out, err } = await cli([...line, '--json']);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return JSON.parse(out);
}

const settle = () => world.settle(people);

describe('chat', () => {
  it('sends, lists, shows and marks as read', async () => {
    expect((await cli(['chat', 'list'])).out).toContain('No conversations yet');
    const sent = await cli(['chat', 'send', 'Bob', 'See you at eight']);
    expect(sent.out).toMatch(/ {2}me: See you at eight \[queued\]\n$/);
    await settle();
    expect(await textsOf(bob!, alice!.address)).toEqual(['See you at eight']);
    await bob!.chat.send({ id: alice!.address, kind: 'person' }, 'Fine\u001b[2J');
    await settle();
    const list = conversationDto.array().parse(await json('chat', 'list'));
    expect(list).toMatchObject([{ title: 'Bob', unread: 1, isOpen: true, kind: 'person' }]);
    const { out } = await cli(['chat', 'show', 'bob']);
    // What others write cannot move the cursor.
    expect(out).toMatch(/me: See you at eight \[confirmed\]\n.* {2}Bob: Fine \[2J\n$/);
    const [read] = conversationDto.array().parse(await json('chat', 'list'));
    expect(read?.unread).toBe(0);
    expect(read).toMatchObject({ address: addressText(alice!.who.account, bob!.address) });
    const shown = chatMessageDto.array().parse(await json('chat', 'show', 'Bob', '--limit', '1'));
    expect(shown).toMatchObject([{ isOwn: false, number: 2, recipients: [] }]);
  });

  it('writes to a stranger as a contact request, which is a mail', async () => {
    const stranger = await world.open(7);
    const to = addressText(alice!.who.account, stranger.address);
    const { code, out } = await cli(['chat', 'send', to, 'Do you know me?']);
    expect(code).toBe(0);
    expect(out).toMatch(/^Sent as a contact request \(outbox \d+\)/);
    expect(alice!.chat.log.list()).toEqual([]);
  });

  it('says why nothing can be written to somebody', async () => {
    await cli(['chat', 'send', 'Bob', 'hello']);
    const whys: (string | undefined)[] = [];
    const { contacts } = alice!.who;
    const look = async (): Promise<void> => {
      const [bobs] = conversationDto.array().parse(await json('chat', 'list'));
      whys.push(bobs?.closed);
    };
    await contacts.change(bob!.address, (known) => known && { ...known, state: 'blocked' });
    await look();
    await contacts.remove(bob!.address);
    await look();
    expect(whys).toEqual(['blocked', 'not-accepted']);
  });

  it('follows a conversation, and sends what is typed', async () => {
    await cli(['chat', 'send', 'Bob', 'one']);
    const answers = ['typed', '', '/quit'];
    const typed = await cli(['chat', 'follow', 'Bob'], { answers });
    expect(typed.code).toBe(0);
    expect(typed.out).toMatch(/me: one.*\n.*me: typed/);
    const end = Promise.withResolvers<string>();
    const followed = cli(['chat', 'follow', 'Bob', '--json'], { signal: end.promise });
    await settle();
    await bob!.chat.send({ id: alice!.address, kind: 'person' }, 'live');
    await settle();
    await until(() => alice!.chat.log.get(bob!.address)?.unread === 0);
    end.resolve('SIGINT');
    const lines = (await followed).out.trim().split('\n');
    const texts = lines.map((line) => chatMessageDto.parse(JSON.parse(line)).text);
    expect(texts).toEqual(['one', 'typed', 'live']);
  });

  it('refuses with a code: unknown conversations, empty and too long lines', async () => {
    const codes = [
      [['chat', 'show', 'Nobody'], 4, 'conversation-unknown'],
      [['chat', 'send', 'Nobody', 'x'], 5, 'recipient-unknown'],
      [['chat', 'send', 'Bob', '  '], 5, 'chat-text-invalid'],
      [['chat', 'send', 'Bob', 'é'.repeat(8_001)], 5, 'chat-text-invalid'],
      [['chat', 'group', 'info', 'Nobody'], 4, 'conversation-unknown'],
    ] as const;
    for (const [line, code, name] of codes) {
      const said = await cli(line);
      expect([said.code, said.err]).toEqual([code, expect.stringContaining(`(${name})`)]);
    }
  });
});

describe('chat group', () => {
  it('founds, shows and changes a group', async () => {
    const group = groupDto.parse(
      await json('chat', 'group', 'create', 'Reading circle', 'Bob', 'Carol'),
    );
    expect(group).toMatchObject({ role: 'founder', changes: 3, equivocations: [] });
    expect(group.members.map((one) => [one.name, one.role, one.isOwn])).toEqual([
      ['', 'founder', true],
      ['Bob', 'member', false],
      ['Carol', 'member', false],
    ]);
    const unnamed = await cli(['chat', 'group', 'info', 'Reading circle']);
    expect(unnamed.out).toMatch(/\nyou +founder +/);
    await alice!.who.ownSettings.set({ profileName: 'Alice' });
    const named = await cli(['chat', 'group', 'info', 'Reading circle']);
    expect(named.out).toMatch(/\nAlice \(you\) +founder +/);
    await settle();
    await cli(['chat', 'send', 'Reading circle', 'Which book?']);
    await settle();
    expect(await textsOf(carol!, group.id)).toEqual(['Which book?']);
    await cli(['chat', 'group', 'promote', 'Reading circle', 'Bob']);
    await cli(['chat', 'group', 'rename', 'Reading circle', 'Book club']);
    await cli(['chat', 'group', 'remove', 'Book club', 'Carol']);
    const info = await cli(['chat', 'group', 'info', 'Book club']);
    expect(info.out).toMatch(/name +Book club\n/);
    expect(info.out).toMatch(/Bob +admin/);
    expect(info.out).not.toContain('Carol');
    const shown = await cli(['chat', 'show', 'Book club']);
    expect(shown.out).toMatch(/\* you founded the group “Reading circle”/);
    expect(shown.out).toMatch(/\* you removed Carol\n$/);
    await settle();
    expect(carol!.chat.groups.ownRole(group.id)).toBeUndefined();
    const refused = await cli(['chat', 'group', 'demote', group.id.slice(0, 12), 'Carol']);
    expect([refused.code, refused.err]).toEqual([5, expect.stringContaining('(group-refused)')]);
    await cli(['chat', 'group', 'leave', 'Book club']);
    const [left] = (await json('chat', 'list')) as ConversationDto[];
    expect(left).toMatchObject({ isOpen: false, closed: 'not-member', kind: 'group' });
    const lines = chatMessageDto.array().parse(await json('chat', 'show', 'Book club'));
    const facts = lines.flatMap(({ notice }) => (notice === undefined ? [] : [notice]));
    expect(facts[0]).toEqual({ kind: 'create', name: 'Reading circle' });
    expect(facts[1]).toMatchObject({ kind: 'add', target: { name: 'Bob', isOwn: false } });
    expect(facts.map(({ kind }) => kind).slice(3)).toEqual([
      'promote',
      'rename',
      'remove',
      'leave',
    ]);
  });
});

describe('the routes of chat', () => {
  it('are those of the page', async () => {
    const headers = { authorization: `Bearer ${TOKEN}` };
    const answer = await fetch(`${api.url}/docs-json`, { headers });
    const { paths } = (await answer.json()) as { paths: Record<string, object> };
    const url = new URL('../../../../docs/spec/41-client-api.md', import.meta.url);
    const page = readFileSync(url, 'utf8');
    const routes = Object.entries(paths).filter(([path]) => path.includes('/chat/'));
    expect(routes.length).toBeGreaterThan(5);
    for (const [path, operations] of routes) {
      for (const method of Object.keys(operations)) {
        const route = `${method.toUpperCase()} \`${path.replace(`${API_PREFIX}/`, '')}\``;
        expect(page).toContain(`| ${route}`);
      }
    }
  });

  it('delete a message, and refuse what is not there', async () => {
    await cli(['chat', 'send', 'Bob', 'oops']);
    const base = `${api.url}${API_PREFIX}/chat/conversations/${bob!.address}`;
    const headers = { authorization: `Bearer ${TOKEN}` };
    const call = (path: string, method: string) => fetch(`${base}/${path}`, { method, headers });
    expect((await call('messages/1', 'DELETE')).status).toBe(204);
    expect((await call('messages/1', 'DELETE')).status).toBe(404);
    expect((await call('messages/x', 'DELETE')).status).toBe(400);
    expect(await (await call('messages?limit=5', 'GET')).json()).toEqual([]);
    expect((await call('read', 'POST')).status).toBe(204);
  });
});
