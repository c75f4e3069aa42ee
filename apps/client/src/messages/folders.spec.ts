/** Folders of one's own, moves, copies, deletions: over restarts, power cuts and random orders. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { messageEntries, rawMessageKey } from '../store/collections.ts';
import type { SealedBatch, SealedStore } from '../store/sealed-store.ts';
import { type Disk, memoryStore, sealedMemoryStore } from '../testing/memory-store.ts';
import { FOLDER, type FolderId, type FolderName, readFolderName } from './folder-name.ts';
import type { MessageChange } from './message-change.ts';
import { MessageStore } from './message-store.ts';

let ids = 0;
const newId = (): FolderId => (ids++).toString(16).padStart(32, '0') as FolderId;

/** One account on a disk, with the changes that its observer was told. */
class Desk {
  readonly store: SealedStore;
  readonly told: MessageChange[] = [];
  messages!: MessageStore;

  constructor(disk: Disk = new Map()) {
    this.store = sealedMemoryStore(memoryStore(disk).store);
  }

  static async open(disk?: Disk): Promise<Desk> {
    const desk = new Desk(disk);
    await desk.load();
    return desk;
  }

  async load(): Promise<void> {
    this.messages = await MessageStore.load(this.store);
    this.messages.observe((_batch, change) => this.told.push(change));
  }

  async change<T extends { apply: () => void }>(work: (batch: SealedBatch) => T): Promise<T> {
    const batch = this.store.batch();
    const result = work(batch);
    await batch.write();
    result.apply();
    return result;
  }

  async deliver(key: string, folder: FolderId = FOLDER.INBOX, text = key): Promise<string> {
    const { id } = await this.change((batch) =>
      this.messages.deliver(batch, {
        folder,
        raw: new TextEncoder().encode(text),
        messageKey: key,
        receivedAtMs: 1_800_000_000_000,
        flags: [],
        isRegistered: false,
        hasAttachments: false,
        fromName: '',
        to: '',
        subject: key,
        messageId: '',
      }),
    );
    return id;
  }

  async create(name: string): Promise<FolderId> {
    const made = await this.change((batch) =>
      this.messages.createFolder(batch, readFolderName(name), newId),
    );
    return made.id;
  }

  /** Everything that a list, a mail program or a later change can see. */
  picture(): unknown {
    const { messages } = this;
    return messages.folders().map((totals) => {
      const folder = messages.folder(totals.id);
      return {
        totals,
        list: messages.list(totals.id, 1_000),
        modseq: folder?.modseq,
        recent: folder?.firstRecentUid,
        expunged: [...(folder?.expunged ?? [])],
        floor: folder?.expungedFloor,
        keys: [...(folder?.uidByKey ?? [])],
      };
    });
  }
}

const keysIn = (desk: Desk, id: FolderId): string[] =>
  desk.messages.list(id, 1_000).map((one) => one.entry.messageKey);

describe('folders of one’s own', () => {
  it('are made with those above them, renamed with those below, deleted into Trash', async () => {
    const desk = await Desk.open();
    const invoices = await desk.create('Work/Invoices');
    const work = desk.messages.findFolder('work')!;
    const mail = await desk.deliver('a', invoices);
    expect(mail).toBe(`${invoices}.1`);
    await desk.change((batch) => ({
      apply: desk.messages.renameFolder(batch, work.id, readFolderName('Job')),
    }));
    expect(desk.messages.findFolder('Job/Invoices')?.id).toBe(invoices);
    expect(desk.messages.get(mail)?.folder).toBe('Job/Invoices');
    await desk.change((batch) => ({ apply: desk.messages.deleteFolder(batch, work.id) }));
    expect(desk.messages.folders().map((one) => one.name)).toEqual([
      'INBOX',
      'Requests',
      'Sent',
      'Drafts',
      'Archive',
      'Junk',
      'Trash',
    ]);
    expect(keysIn(desk, FOLDER.Trash)).toEqual(['a']);
    expect(desk.told.map((one) => one.kind)).toEqual([
      'folder-created',
      'folder-created',
      'delivered',
      'folder-renamed',
      'folder-renamed',
      'moved',
      'folder-deleted',
      'folder-deleted',
    ]);
  });

  it('never get the UIDVALIDITY of a folder that was deleted', async () => {
    const desk = await Desk.open();
    const before = desk.messages.folder(await desk.create('A'))!.uidValidity;
    const { id } = desk.messages.findFolder('A')!;
    await desk.change((batch) => ({ apply: desk.messages.deleteFolder(batch, id) }));
    await desk.load();
    const after = desk.messages.folder(await desk.create('A'))!.uidValidity;
    expect(after).toBeGreaterThan(before);
  });

  it('folder-exists, folder-standard, folder-unknown: refused before anything is written', async () => {
    const desk = await Desk.open();
    const own = await desk.create('A/B');
    const { messages, store } = desk;
    const name = (text: string): FolderName => readFolderName(text);
    const refused = (code: string, work: () => unknown): void =>
      expect(work).toThrow(expect.objectContaining({ code }));
    refused('folder-exists', () => messages.createFolder(store.batch(), name('A/B'), newId));
    refused('folder-exists', () => messages.createFolder(store.batch(), name('inbox'), newId));
    refused('folder-exists', () => messages.renameFolder(store.batch(), own, name('A')));
    refused('folder-standard', () =>
      messages.renameFolder(store.batch(), FOLDER.INBOX, name('Other')),
    );
    refused('folder-standard', () => messages.deleteFolder(store.batch(), FOLDER.Trash));
    const unknown = newId();
    refused('folder-unknown', () => messages.deleteFolder(store.batch(), unknown));
    refused('folder-unknown', () => messages.move(store.batch(), [], unknown));
    refused('folder-unknown', () => messages.renameFolder(store.batch(), own, name('C/D')));
    const { id } = messages.findFolder('A')!;
    refused('folder-name-invalid', () => messages.renameFolder(store.batch(), id, name('A/B/C')));
  });

  it('folders-too-many', async () => {
    const desk = await Desk.open();
    const batch = desk.store.batch();
    for (let at = 7; at < 1_000; at++) {
      const made = desk.messages.createFolder(batch, readFolderName(`f${at}`), newId);
      made.apply();
    }
    expect(() => desk.messages.createFolder(batch, readFolderName('more'), newId)).toThrow(
      expect.objectContaining({ code: 'folders-too-many' }),
    );
  });

  it('folder-name-invalid, by what is wrong with it', () => {
    const bad = ['', '/', 'a//b', 'a/', ' a', 'a ', 'a\nb', 'a*', 'a%', 'a\\b', 'x'.repeat(65)];
    const deep = Array.from({ length: 9 }, () => 'a').join('/');
    for (const text of [...bad, deep, 'a\u202eb', 'y/'.repeat(200)]) {
      expect(() => readFolderName(text)).toThrow(
        expect.objectContaining({ code: 'folder-name-invalid' }),
      );
    }
    expect(readFolderName('inbox')).toBe('INBOX');
    expect(readFolderName('sENT/2026')).toBe('Sent/2026');
    expect(readFolderName('Bu\u0308ro')).toBe('B\u00fcro');
  });
});

describe('moving, copying and deleting', () => {
  it('gives new ids, keeps flags but \\Deleted, and tells of each message', async () => {
    const desk = await Desk.open();
    const first = await desk.deliver('a');
    await desk.deliver('b');
    await desk.change((batch) => desk.messages.flag(batch, first, 'add', ['\\Deleted', 'work'])!);
    const { moved } = await desk.change((batch) =>
      desk.messages.move(batch, [first, 'INBOX.99'], FOLDER.Archive),
    );
    expect(moved).toEqual([{ from: 'INBOX.1', id: 'Archive.1' }]);
    expect(desk.messages.get('Archive.1')?.entry.flags).toEqual(['work']);
    expect(desk.messages.get(first)).toBeUndefined();
    expect(desk.messages.folder(FOLDER.INBOX)?.expunged).toEqual([{ uid: 1, modseq: 5 }]);
    const told = { origin: 'local', messageKey: 'a', from: 'INBOX', to: 'Archive' };
    expect(desk.told.at(-1)).toEqual({ kind: 'moved', ...told });
  });

  it('shares flags between the folders of one message', async () => {
    const desk = await Desk.open();
    const id = await desk.deliver('a');
    await desk.change((batch) => desk.messages.copy(batch, [id], FOLDER.Archive));
    await desk.change((batch) =>
      desk.messages.flag(batch, 'Archive.1', 'set', ['\\Seen', '\\Deleted'])!,
    );
    expect(desk.messages.get('INBOX.1')?.entry.flags).toEqual(['\\Seen']);
    expect(desk.messages.get('Archive.1')?.entry.flags).toEqual(['\\Deleted', '\\Seen']);
    expect(desk.messages.find('a').map((one) => one.id)).toEqual(['INBOX.1', 'Archive.1']);
    expect(desk.told.at(-1)).toMatchObject({ kind: 'flags', added: ['\\Seen'], removed: [] });
  });

  it('keeps bytes as long as a line holds them', async () => {
    const desk = await Desk.open();
    const { store, messages } = desk;
    const one = await desk.deliver('a', FOLDER.INBOX, 'same');
    const other = await desk.deliver('b', FOLDER.Sent, 'same');
    const { emailId } = messages.get(one)!.entry;
    const onDisk = (): boolean =>
      store.getBytes('messageRaw', rawMessageKey(store, emailId)) !== undefined;
    await desk.change((batch) => messages.expunge(batch, [one]));
    expect(messages.raw(other)).toEqual(new TextEncoder().encode('same'));
    expect(onDisk()).toBe(true);
    await desk.change((batch) => messages.expunge(batch, [other]));
    expect([messages.size, onDisk()]).toEqual([0, false]);
  });

  it('does several changes of one folder in one batch', async () => {
    const desk = await Desk.open();
    const { store, messages } = desk;
    const [a, b] = [await desk.deliver('a'), await desk.deliver('b')];
    const batch = store.batch();
    const first = messages.move(batch, [a], FOLDER.Trash);
    const second = messages.move(batch, [b], FOLDER.Trash);
    const third = messages.expunge(batch, [a]);
    expect([third.count, second.moved]).toEqual([0, [{ from: b, id: 'Trash.2' }]]);
    await batch.write();
    for (const one of [first, second, third]) one.apply();
    const before = desk.picture();
    await desk.load();
    expect(desk.picture()).toEqual(before);
    expect(keysIn(desk, FOLDER.Trash)).toEqual(['b', 'a']);
  });
});

/** One random change of a mailbox. */
type Step = readonly [kind: number, first: number, second: number];

async function take(desk: Desk, [kind, first, second]: Step): Promise<void> {
  const { messages } = desk;
  const totals = messages.folders();
  const to = totals[second % totals.length]!.id;
  const all = [...messages.all()].map((one) => one.id).toSorted();
  const some = all.filter((_id, at) => (at + first) % 3 === 0);
  const own = totals.filter((one) => !one.isStandard);
  const chosen = own[first % Math.max(1, own.length)]?.id;
  if (kind < 4) await desk.deliver(`k${first}`, to, `text ${first % 5}`);
  else if (kind === 4) await desk.change((batch) => messages.move(batch, some, to));
  else if (kind === 5) await desk.change((batch) => messages.copy(batch, some, to));
  else if (kind === 6) await desk.change((batch) => messages.expunge(batch, some));
  else if (kind === 7) {
    const flags = [['\\Seen'], ['\\Deleted'], ['work']][second % 3]!;
    const how = (['add', 'remove', 'set'] as const)[first % 3]!;
    await desk.change((batch) => ({ apply: messages.flagAll(batch, some, how, flags) }));
  } else if (kind === 8 && messages.findFolder(`f${first % 4}/x`) === undefined) {
    await desk.create(`f${first % 4}/x`);
  } else if (kind === 9 && chosen !== undefined) {
    await desk.change((batch) => ({ apply: messages.deleteFolder(batch, chosen) }));
  } else if (kind === 10) await desk.change((batch) => messages.claimRecent(batch, to));
}

/** Every line's bytes are there, and no others. */
async function expectSound(desk: Desk, disk: Disk): Promise<void> {
  const held = new Set([...desk.messages.all()].map((one) => one.entry.emailId));
  for (const one of held) expect(desk.messages.rawOf(one)).toBeDefined();
  expect([...disk.keys()].filter((key) => key.startsWith('05'))).toHaveLength(held.size);
  const lines = await Array.fromAsync(desk.store.scan(messageEntries));
  expect(lines).toHaveLength(desk.messages.size);
}

const steps = fc.array(fc.tuple(fc.nat(10), fc.nat(40), fc.nat(40)), { maxLength: 40 });

describe('any order of changes', () => {
  it('is the same after a restart, with each line’s bytes and no others', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (list) => {
        const disk: Disk = new Map();
        const desk = await Desk.open(disk);
        for (const step of list) await take(desk, step);
        const before = desk.picture();
        await expectSound(desk, disk);
        await desk.load();
        expect(desk.picture()).toEqual(before);
      }),
      { numRuns: 40 },
    );
  });

  it('counts and pages as a plain walk over the lines does', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (list) => {
        const desk = await Desk.open();
        for (const step of list) await take(desk, step);
        for (const { id, total, unread } of desk.messages.folders()) {
          const lines = [...desk.messages.folder(id)!.messages.values()];
          expect(total).toBe(lines.length);
          expect(unread).toBe(lines.filter((one) => !one.flags.includes('\\Seen')).length);
          const uids = lines.map((one) => one.uid).toReversed();
          expect(desk.messages.list(id, 1_000).map((one) => one.entry.uid)).toEqual(uids);
          const half = uids[Math.floor(uids.length / 2)];
          const below = uids.filter((uid) => uid < (half ?? 0));
          expect(desk.messages.list(id, 3, half).map((one) => one.entry.uid)).toEqual(
            half === undefined ? [] : below.slice(0, 3),
          );
        }
      }),
      { numRuns: 20 },
    );
  });
});

describe('a power cut', () => {
  const script: readonly Step[] = [
    [0, 1, 0],
    [0, 2, 0],
    [8, 1, 0],
    [0, 3, 8],
    [4, 0, 8],
    [5, 1, 4],
    [7, 0, 0],
    [6, 2, 0],
    [9, 0, 0],
  ];

  it('at any write leaves the state before the change or after it, whole', async () => {
    const pictures: unknown[] = [];
    ids = 0;
    const plain = await Desk.open();
    pictures.push(plain.picture());
    for (const step of script) {
      await take(plain, step);
      pictures.push(plain.picture());
    }
    for (let atWrite = 0; atWrite < script.length; atWrite++) {
      for (const isApplied of [false, true]) {
        ids = 0;
        const disk: Disk = new Map();
        await Desk.open(disk);
        const cut = new Desk();
        const power = memoryStore(disk, { atWrite, isApplied }).store;
        Object.assign(cut, { store: sealedMemoryStore(power) });
        await cut.load();
        const run = async (): Promise<void> => {
          for (const step of script) await take(cut, step);
        };
        await expect(run()).rejects.toThrow('the power went');
        const restarted = await Desk.open(disk);
        const changes = pictures[atWrite + (isApplied ? 1 : 0)];
        expect(restarted.picture()).toEqual(changes);
        await expectSound(restarted, disk);
      }
    }
  });
});
