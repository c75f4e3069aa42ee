/** Sources of tags over restarts, and what a provider must be told when windows move. */
import { describe, expect, it } from '@jest/globals';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { REGISTRATION_WINDOW, tagAt, type TagKey } from '@tanglemail/mail/core/envelope/tags.ts';
import type { SealedBatch, SealedStore } from '../store/sealed-store.ts';
import { sealedMemoryStore } from '../testing/memory-store.ts';
import { countTags, TagBook } from './tag-book.ts';

const keyOf = (byte: number): TagKey => new Uint8Array(32).fill(byte) as TagKey;
const KEY = keyOf(1);

async function write(store: SealedStore, change: (batch: SealedBatch) => () => void) {
  const batch = store.batch();
  const apply = change(batch);
  await batch.write();
  apply();
}

async function bookWith(...ids: string[]): Promise<{ store: SealedStore; book: TagBook }> {
  const store = sealedMemoryStore();
  const book = await TagBook.load(store);
  for (const id of ids) await write(store, (batch) => book.watchSource(batch, id, KEY));
  return { store, book };
}

describe('TagBook', () => {
  it('knows what each watched tag stands for, also after a restart', async () => {
    const { store, book } = await bookWith('contact:a');
    for (const one of [book, await TagBook.load(store)]) {
      expect(one.match(tagAt(KEY, 0))).toEqual({ sourceId: 'contact:a', index: 0 });
      expect(one.match(tagAt(KEY, REGISTRATION_WINDOW - 1))?.index).toBe(REGISTRATION_WINDOW - 1);
      expect(one.match(tagAt(KEY, REGISTRATION_WINDOW))).toBeUndefined();
      expect(one.match(new Uint8Array(16))).toBeUndefined();
    }
  });

  it('watches nothing before the batch is written', async () => {
    const store = sealedMemoryStore();
    const book = await TagBook.load(store);
    book.watchSource(store.batch(), 'contact:a', KEY);
    expect(book.match(tagAt(KEY, 0))).toBeUndefined();
    expect((await TagBook.load(store)).windows()).toEqual({});
  });

  it('tells a provider exactly what it lacks and what it need not watch any more', async () => {
    const { store, book } = await bookWith('contact:a');
    const first = book.changeSince({});
    expect(first.add).toHaveLength(REGISTRATION_WINDOW);
    expect(first.remove).toEqual([]);
    const registered = book.windows();
    expect(book.isBehind(registered)).toBe(false);
    expect(book.changeSince(registered)).toEqual({ add: [], remove: [] });
    await write(store, (batch) => book.markSeen(batch, { sourceId: 'contact:a', index: 0 }));
    expect(book.isBehind(registered)).toBe(true);
    const change = book.changeSince(registered);
    expect(change.add.map(bytesToHex)).toEqual([bytesToHex(tagAt(KEY, REGISTRATION_WINDOW))]);
    expect(change.remove.map(bytesToHex)).toEqual([bytesToHex(tagAt(KEY, 0))]);
    expect(countTags(book.windows())).toBe(REGISTRATION_WINDOW);
  });

  it('takes the tags of a resting source away from the provider, and goes on later', async () => {
    const { store, book } = await bookWith('contact:a');
    await write(store, (batch) => book.markSeen(batch, { sourceId: 'contact:a', index: 5 }));
    const registered = book.windows();
    await write(store, (batch) => book.restSource(batch, 'contact:a'));
    expect(book.match(tagAt(KEY, 6))).toBeUndefined();
    const change = book.changeSince(registered);
    expect(change.add).toEqual([]);
    expect(change.remove).toHaveLength(countTags(registered));
    expect(book.windows()).toEqual({});
    const restarted = await TagBook.load(store);
    await write(store, (batch) => restarted.watchSource(batch, 'contact:a', KEY));
    // Numbers are never used again: 5 is done for ever.
    expect(restarted.match(tagAt(KEY, 5))).toBeUndefined();
    expect(restarted.match(tagAt(KEY, 6))?.index).toBe(6);
    expect(restarted.windows()).toEqual(registered);
  });

  it('starts anew under another key, which a provider with the old window lacks', async () => {
    const { store, book } = await bookWith('contact:a');
    const registered = book.windows();
    await write(store, (batch) => book.watchSource(batch, 'contact:a', keyOf(2)));
    expect(book.match(tagAt(KEY, 0))).toBeUndefined();
    expect(book.match(tagAt(keyOf(2), 0))?.index).toBe(0);
    expect(book.isBehind(registered)).toBe(true);
    expect(book.changeSince(registered).add).toHaveLength(REGISTRATION_WINDOW);
  });
});
