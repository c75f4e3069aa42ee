/** Drafts that are saved again and again, over restarts and power cuts. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { FOLDER } from '../messages/folder-name.ts';
import type { MessageChange } from '../messages/message-change.ts';
import { MessageStore } from '../messages/message-store.ts';
import type { SealedStore } from '../store/sealed-store.ts';
import {
  type Disk,
  memoryStore,
  type PowerCut,
  sealedMemoryStore,
} from '../testing/memory-store.ts';
import { DraftBook, DRAFT_HEADER, draftVersion, encodeTyped, readTyped } from './draft-book.ts';

const ID = 'd'.repeat(32);

class Desk {
  readonly told: MessageChange[] = [];
  readonly store: SealedStore;
  readonly messages: MessageStore;
  readonly drafts: DraftBook;

  private constructor(store: SealedStore, messages: MessageStore, drafts: DraftBook) {
    this.store = store;
    this.messages = messages;
    this.drafts = drafts;
    messages.observe((_batch, change) => this.told.push(change));
  }

  static async open(disk: Disk = new Map(), cut?: PowerCut): Promise<Desk> {
    const store = sealedMemoryStore(memoryStore(disk, cut).store);
    const messages = await MessageStore.load(store);
    return new Desk(store, messages, await DraftBook.load(store, messages));
  }

  async save(text: string, nowMs: number, id = ID): Promise<void> {
    const raw = Buffer.from(`Subject: ${text}\r\n\r\n${text}\r\n`);
    const version = await draftVersion(id, raw, nowMs);
    const batch = this.store.batch();
    const apply = this.drafts.save(batch, version);
    await batch.write();
    apply();
  }

  async delete(id = ID): Promise<void> {
    const batch = this.store.batch();
    const apply = this.drafts.delete(batch, id);
    await batch.write();
    apply();
  }

  subjects(): string[] {
    return this.drafts.list().map((one) => one.mail.entry.subject);
  }
}

describe('a draft', () => {
  it('keeps its id, and folder Drafts only its newest version', async () => {
    const disk: Disk = new Map();
    const desk = await Desk.open(disk);
    await desk.save('one', 1_000);
    await desk.save('two', 2_000);
    await desk.save('two', 3_000);
    await desk.save('other', 2_500, 'e'.repeat(32));
    const again = await Desk.open(disk);
    expect(again.subjects()).toEqual(['other', 'two']);
    expect(again.drafts.get(ID)).toMatchObject({ createdAtMs: 1_000, updatedAtMs: 2_000 });
    expect(again.messages.list(FOLDER.Drafts, 9)).toHaveLength(2);
    expect(again.drafts.get(ID)?.mail.entry.flags).toEqual(['\\Draft', '\\Seen']);
    expect([...disk.keys()].filter((key) => key.startsWith('05'))).toHaveLength(2);
    const keys = desk.told.map((one) => ('messageKey' in one ? one.messageKey : ''));
    expect(desk.told.map((one) => one.kind)).toEqual(['draft-saved', 'draft-saved', 'draft-saved']);
    expect(desk.told[1]).toMatchObject({ draftId: ID, replaced: keys[0] });
  });

  it('is deleted by its id, or with its message', async () => {
    const desk = await Desk.open();
    await desk.save('one', 1_000);
    await desk.delete();
    expect(desk.subjects()).toEqual([]);
    expect(desk.told.at(-1)).toMatchObject({ kind: 'draft-deleted', origin: 'local', draftId: ID });
    await expect(desk.delete()).rejects.toMatchObject({ code: 'draft-unknown' });
    await desk.save('two', 2_000);
    const batch = desk.store.batch();
    const [mail] = desk.messages.list(FOLDER.Drafts, 1);
    const gone = desk.messages.expunge(batch, [mail!.id]);
    await batch.write();
    gone.apply();
    expect(desk.drafts.get(ID)).toBeUndefined();
    await desk.save('three', 3_000);
    expect(desk.subjects()).toEqual(['three']);
  });

  it('draft-unknown: an id is 32 hex digits', async () => {
    const desk = await Desk.open();
    await expect(desk.save('one', 1, 'short')).rejects.toMatchObject({ code: 'draft-unknown' });
  });

  it('busy: no more than a thousand', async () => {
    const desk = await Desk.open();
    const id = (at: number): string => at.toString(16).padStart(32, '0');
    for (let at = 0; at < 1_000; at++) await desk.save(`${at}`, at, id(at));
    await expect(desk.save('more', 1, id(1_000))).rejects.toMatchObject({ code: 'busy' });
    await desk.save('again', 1, id(7));
  });

  it('is there in its last version that was confirmed, whenever the power goes', async () => {
    for (let atWrite = 0; atWrite < 4; atWrite++) {
      for (const isApplied of [false, true]) {
        const disk: Disk = new Map();
        await Desk.open(disk);
        const desk = await Desk.open(disk, { atWrite, isApplied });
        const run = async (): Promise<void> => {
          await desk.save('v1', 1);
          await desk.save('v2', 2);
          await desk.save('v3', 3);
          await desk.delete();
        };
        await expect(run()).rejects.toThrow('the power went');
        const states = [[], ['v1'], ['v2'], ['v3'], []];
        const restarted = await Desk.open(disk);
        expect(restarted.subjects()).toEqual(states[atWrite + (isApplied ? 1 : 0)]);
      }
    }
  });
});

describe('recipients as they were typed', () => {
  const names = fc.array(fc.string({ maxLength: 200, unit: 'grapheme' }), { maxLength: 20 });

  it('come back as they went in', () => {
    fc.assert(
      fc.property(names, names, names, (to, cc, bcc) => {
        const header = `${DRAFT_HEADER}: ${encodeTyped({ to, cc, bcc }).replaceAll(' ', '\r\n ')}`;
        expect(readTyped(Buffer.from(`${header}\r\n\r\n`))).toEqual({ to, cc, bcc });
      }),
    );
  });

  it('are unknown where another program wrote the header', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 60 }), (text) => {
        const raw = Buffer.from(`${DRAFT_HEADER}: ${text.replaceAll(/[\r\n]/g, '')}\r\n\r\n`);
        expect(readTyped(raw)).toBeUndefined();
      }),
    );
  });
});
