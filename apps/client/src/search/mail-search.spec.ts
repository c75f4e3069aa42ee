/** Searching over real messages: what is found, after restarts and power cuts too. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { DatabaseSync } from 'node:sqlite';
import { setImmediate } from 'node:timers/promises';
import { composeMessage } from '@tanglemail/mail/io/compose.ts';
import { parseMessage } from '@tanglemail/mail/io/parse.ts';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import { FOLDER, type FolderId } from '../messages/folder-name.ts';
import { MessageStore } from '../messages/message-store.ts';
import type { KeyValueStore, SealedStore } from '../store/sealed-store.ts';
import {
  type Disk,
  memoryStore,
  type PowerCut,
  sealedMemoryStore,
} from '../testing/memory-store.ts';
import { IndexKeeper } from './index-keeper.ts';
import { MailSearch } from './mail-search.ts';
import { parseQuery } from './query.ts';
import { distanceOf, TextIndex } from './text-index.ts';

interface Letter {
  readonly key: string;
  readonly from?: string;
  readonly to?: string;
  readonly subject: string;
  readonly text?: string;
  readonly file?: string;
  readonly day?: number;
  readonly folder?: FolderId;
  readonly flags?: readonly string[];
}

class Desk {
  readonly store: SealedStore;
  readonly messages: MessageStore;
  readonly keeper: IndexKeeper;
  readonly search: MailSearch;

  private constructor(store: SealedStore, messages: MessageStore, keeper: IndexKeeper) {
    this.store = store;
    this.messages = messages;
    this.keeper = keeper;
    this.search = new MailSearch({ messages, keeper });
  }

  static async open(
    disk: Disk = new Map(),
    cut?: PowerCut,
    below = memoryStore(disk, cut).store,
  ): Promise<Desk> {
    const store = sealedMemoryStore(below);
    const messages = await MessageStore.load(store);
    const senderOf = (): string => 'tm1sender';
    const keeper = await IndexKeeper.load({ store, messages, senderOf, logger: SILENT_LOGGER });
    return new Desk(store, messages, keeper);
  }

  async deliver(letter: Letter): Promise<void> {
    const receivedAtMs = new Date(2026, 0, letter.day ?? 1, 12).getTime();
    const content = new Uint8Array([1]);
    const raw = await composeMessage({
      from: letter.from ?? 'a@tangle.alt',
      to: [letter.to ?? 'me@tangle.alt'],
      subject: letter.subject,
      text: letter.text ?? '',
      messageId: `<${letter.key}@x>`,
      dateMs: receivedAtMs,
      ...(letter.file === undefined ? {} : { attachments: [{ filename: letter.file, content }] }),
    });
    const { subject, from } = await parseMessage(raw);
    const batch = this.store.batch();
    const change = this.messages.deliver(batch, {
      folder: letter.folder ?? FOLDER.INBOX,
      raw,
      messageKey: letter.key,
      receivedAtMs,
      flags: letter.flags ?? [],
      isRegistered: false,
      hasAttachments: letter.file !== undefined,
      fromName: from[0]?.name ?? '',
      to: letter.to ?? '',
      subject,
      messageId: '',
    });
    await batch.write();
    change.apply();
  }

  /** Keys of what a query finds, newest first. */
  async find(query: string): Promise<string[]> {
    const { mails } = await this.search.search(query, 100);
    return mails.map((one) => one.entry.messageKey);
  }
}

const LETTERS: readonly Letter[] = [
  {
    key: 'invoice',
    from: 'Änne Müller <anne@tangle.alt>',
    subject: 'Rechnung für Januar',
    text: 'Bitte überweisen',
    file: 'rechnung-2026.pdf',
    day: 10,
  },
  { key: 'party', from: 'Bob <bob@x.alt>', subject: 'Party', text: 'Saturday night', day: 20 },
  { key: 'reply', subject: 'Re: Party', text: 'bring cake', day: 21, flags: ['\\Seen', 'fun'] },
  { key: 'old', subject: 'Archiv', text: 'party of 1999', folder: FOLDER.Archive, day: 2 },
  { key: 'secret', subject: 'x', text: 'Überraschungsparty', to: 'me+shop@tangle.alt', day: 5 },
];

async function filled(disk?: Disk): Promise<Desk> {
  const desk = await Desk.open(disk);
  for (const letter of LETTERS) await desk.deliver(letter);
  return desk;
}

describe('a search', () => {
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ['party', ['reply', 'party', 'old']],
    ['part', ['reply', 'party', 'old']],
    ['"part"', []],
    ['subject:party', ['reply', 'party']],
    ['party -cake', ['party', 'old']],
    ['-party', ['invoice', 'secret']],
    ['from:muller', ['invoice']],
    ['from:bob@x.alt', ['party']],
    ['to:shop', ['secret']],
    ['attachment:rechnung', ['invoice']],
    ['has:attachment', ['invoice']],
    ['party in:archive', ['old']],
    ['is:read', ['reply']],
    ['is:unread party', ['party', 'old']],
    ['label:FUN', ['reply']],
    ['party after:2026-01-20', ['reply']],
    ['before:2026-01-05', ['old']],
    ['on:2026-01-05', ['secret']],
    ['uberweisen~ RECHNUNG', ['invoice']],
    ['saturday body:night from:bob', ['party']],
    ['larger:1m', []],
  ];

  it.each(cases)('%s', async (query, expected) => {
    const desk = await filled();
    expect(await desk.find(query)).toEqual(expected);
    await desk.keeper.stop();
  });

  it('lets letters differ where nothing is found otherwise, and says so', async () => {
    const desk = await filled();
    const result = await desk.search.search('saturdya', 10);
    expect(result).toMatchObject({ total: 1, isFuzzy: true, pending: 0 });
    expect(await desk.search.search('saturday', 10)).toMatchObject({ total: 1, isFuzzy: false });
    expect(await desk.find('rechnugn~ januar')).toEqual(['invoice']);
    expect(await desk.search.search('zzzzzz', 10)).toMatchObject({ total: 0, isFuzzy: false });
    await desk.keeper.stop();
  });

  it('follows moves and deletions, and gives each message once', async () => {
    const desk = await filled();
    const batch = desk.store.batch();
    const { messages } = desk;
    const moved = messages.move(batch, ['INBOX.2'], FOLDER.Trash);
    const copied = messages.copy(batch, ['INBOX.3'], FOLDER.Archive);
    const gone = messages.expunge(batch, ['Archive.1']);
    await batch.write();
    for (const one of [moved, copied, gone]) one.apply();
    expect(await desk.find('party')).toEqual(['reply', 'party']);
    expect(await desk.find('party in:Trash')).toEqual(['party']);
    expect(await desk.find('party in:Archive')).toEqual(['reply']);
    expect(await desk.find('1999')).toEqual([]);
    expect(await desk.find('is:read')).toEqual(['reply']);
    await desk.keeper.stop();
  });

  it('folder-unknown', async () => {
    const desk = await Desk.open();
    await expect(desk.find('in:Nowhere')).rejects.toMatchObject({ code: 'folder-unknown' });
    await desk.keeper.stop();
  });

  it('has no syntax of SQL or FTS5', async () => {
    const desk = await filled();
    await fc.assert(
      fc.asyncProperty(fc.string({ maxLength: 40 }), async (text) => {
        try {
          parseQuery(text);
        } catch {
          return;
        }
        const found = desk.find(text).catch((error: { code: string }) => error.code);
        expect(['folder-unknown', 'array']).toContain(
          typeof (await found) === 'string' ? await found : 'array',
        );
      }),
      { numRuns: 300 },
    );
    expect(await desk.find('NOT AND OR party NEAR')).toEqual([]);
    await desk.keeper.stop();
  });
});

describe('the index on the disk', () => {
  it('is opened at the start, and only what has changed since is read again', async () => {
    const disk: Disk = new Map();
    const desk = await filled(disk);
    await desk.keeper.catchUp();
    await desk.keeper.stop();
    const again = await Desk.open(disk);
    expect(again.keeper.pending).toBe(0);
    expect(await again.find('party')).toEqual(['reply', 'party', 'old']);
    await again.keeper.stop();
  });

  it('has what a disk takes a while to write', async () => {
    const { store } = memoryStore();
    const slow: KeyValueStore = {
      ...store,
      batch: () => {
        const batch = store.batch();
        const write = async (options: { sync: boolean }): Promise<void> => {
          for (let turn = 0; turn < 10; turn++) await setImmediate();
          await batch.write(options);
        };
        return {
          put: (key, value) => batch.put(key, value),
          del: (key) => batch.del(key),
          write,
        };
      },
    };
    const desk = await Desk.open(undefined, undefined, slow);
    for (const letter of LETTERS) await desk.deliver(letter);
    expect(await desk.find('party')).toEqual(['reply', 'party', 'old']);
    const batch = desk.store.batch();
    const gone = desk.messages.expunge(batch, ['INBOX.2']);
    await batch.write();
    gone.apply();
    await desk.keeper.catchUp();
    expect([...desk.keeper.index.keys()]).not.toContain('party');
    await desk.keeper.stop();
  });

  it('is made anew at each start where Node.js cannot save it', async () => {
    const disk: Disk = new Map();
    const desk = await filled(disk);
    await desk.keeper.catchUp();
    await desk.keeper.stop();
    const methods = Object.getOwnPropertyDescriptors(DatabaseSync.prototype);
    // What Node.js 24.15 has: neither of the two.
    for (const name of ['serialize', 'deserialize']) {
      Reflect.deleteProperty(DatabaseSync.prototype, name);
    }
    try {
      for (const key of ['first', 'second']) {
        const without = await Desk.open(disk);
        await without.deliver({ key, subject: 'party' });
        expect(without.keeper.pending).toBeGreaterThanOrEqual(LETTERS.length);
        expect(await without.find('party')).toContain(key);
        await without.keeper.stop();
      }
    } finally {
      Object.defineProperties(DatabaseSync.prototype, methods);
    }
    const again = await Desk.open(disk);
    expect(again.keeper.pending).toBe(2);
    expect((await again.find('party')).slice(0, 2).toSorted()).toEqual(['party', 'reply']);
    await again.keeper.stop();
  });

  it('misses nothing after a crash, and keeps nothing that was deleted', async () => {
    const disk: Disk = new Map();
    const desk = await filled(disk);
    await desk.keeper.catchUp();
    await desk.keeper.stop();
    // From here on nothing is saved: the process ends without a word.
    const crashed = await Desk.open(disk);
    await crashed.deliver({ key: 'late', subject: 'Late party' });
    const batch = crashed.store.batch();
    const gone = crashed.messages.expunge(batch, ['INBOX.2']);
    await batch.write();
    gone.apply();
    const restarted = await Desk.open(disk);
    expect(restarted.keeper.pending).toBe(2);
    expect(await restarted.find('party')).toEqual(['reply', 'old', 'late']);
    await restarted.keeper.stop();
  });

  it('is whole after a power cut at any write', async () => {
    for (let atWrite = 0; atWrite < 7; atWrite++) {
      for (const isApplied of [false, true]) {
        const disk: Disk = new Map();
        await (await Desk.open(disk)).keeper.stop();
        const cut = await Desk.open(disk, { atWrite, isApplied });
        const run = async (): Promise<void> => {
          for (const letter of LETTERS) await cut.deliver(letter);
          await cut.keeper.catchUp();
          await cut.keeper.stop();
          await cut.deliver({ key: 'after', subject: 'after' });
        };
        await expect(run()).rejects.toThrow();
        const restarted = await Desk.open(disk);
        const there = [...restarted.messages.all()].map((one) => one.entry.messageKey);
        expect((await restarted.find('-nothing')).toSorted()).toEqual(there.toSorted());
        const parties = LETTERS.filter((one) => /^(party|reply|old)$/.test(one.key));
        const expected = parties.map((one) => one.key).filter((key) => there.includes(key));
        expect((await restarted.find('party')).toSorted()).toEqual(expected.toSorted());
        await restarted.keeper.stop();
      }
    }
  });

  it('is made anew when its pieces do not fit together', async () => {
    const disk: Disk = new Map();
    const desk = await filled(disk);
    await desk.keeper.catchUp();
    await desk.keeper.stop();
    const piece = [...disk.keys()].find((key) => key.startsWith('1030'));
    disk.delete(piece!);
    const again = await Desk.open(disk);
    expect(again.keeper.pending).toBe(LETTERS.length);
    expect(await again.find('party')).toEqual(['reply', 'party', 'old']);
    await again.keeper.stop();
  });

  it('shows no word of a mail', async () => {
    const disk: Disk = new Map();
    const desk = await filled(disk);
    await desk.keeper.catchUp();
    await desk.keeper.stop();
    const bytes = [...disk.values()].map((one) => Buffer.from(one).toString('latin1')).join('');
    expect(bytes).not.toMatch(/party|saturday|rechnung/i);
  });
});

describe('words with mistakes', () => {
  it('are as far from each other as the plain recursion says', () => {
    const plain = (a: string, b: string): number => {
      if (a === '' || b === '') return a.length + b.length;
      const cost = a.at(-1) === b.at(-1) ? 0 : 1;
      const [x, y] = [a.slice(0, -1), b.slice(0, -1)];
      const swap = a.length > 1 && b.length > 1 && a.at(-1) === b.at(-2) && a.at(-2) === b.at(-1);
      return Math.min(
        plain(x, b) + 1,
        plain(a, y) + 1,
        plain(x, y) + cost,
        swap ? plain(a.slice(0, -2), b.slice(0, -2)) + 1 : Infinity,
      );
    };
    const word = fc
      .array(fc.constantFrom('a', 'b', 'c'), { maxLength: 6 })
      .map((one) => one.join(''));
    fc.assert(
      fc.property(word, word, (a, b) => {
        expect(distanceOf(a, b, 2)).toBe(Math.min(3, plain(a, b)));
      }),
      { numRuns: 200 },
    );
  });

  it('are looked for among words of the same first letter, none for short ones', () => {
    const index = TextIndex.open();
    const text = { sender: '', recipient: '', subject: '', attachment: '' };
    index.change([['a', { ...text, body: 'kitten mitten bitter kittens' }]], []);
    expect(index.similar('kittne')).toEqual(['kitten']);
    expect(index.similar('kit')).toEqual([]);
    index.change([], ['a']);
    expect([index.size, index.similar('kittne')]).toEqual([0, []]);
    index.close();
  });
});
