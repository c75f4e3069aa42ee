/** Folders over restarts: UIDs that never change, flags, bytes exactly as they came. */
import { describe, expect, it } from '@jest/globals';
import type { SealedStore } from '../store/sealed-store.ts';
import { memoryStore, sealedMemoryStore } from '../testing/memory-store.ts';
import { FOLDER, STANDARD_FOLDERS } from './folder-name.ts';
import { labelsOf } from './labels.ts';
import type { NewMail } from './listed-mail.ts';
import { MessageStore } from './message-store.ts';

function mail(text: string, more: Partial<NewMail> = {}): NewMail {
  return {
    folder: 'INBOX',
    raw: new Uint8Array(Buffer.from(text)),
    messageKey: `key of ${text}`,
    receivedAtMs: 1_800_000_000_123,
    flags: [],
    isRegistered: false,
    hasAttachments: false,
    fromName: '',
    to: 'bob@tangle.alt',
    subject: text,
    messageId: '',
    ...more,
  };
}

async function deliver(store: SealedStore, messages: MessageStore, one: NewMail): Promise<string> {
  const batch = store.batch();
  const { id, apply } = messages.deliver(batch, one);
  await batch.write();
  apply();
  return id;
}

async function flag(
  store: SealedStore,
  messages: MessageStore,
  id: string,
  ...flags: string[]
): Promise<void> {
  const batch = store.batch();
  const change = messages.flag(batch, id, 'add', flags);
  await batch.write();
  change?.apply();
}

describe('MessageStore', () => {
  it('gives each folder its own UIDVALIDITY, once', async () => {
    const store = sealedMemoryStore();
    const first = (await MessageStore.load(store)).folders();
    expect(new Set(first.map((one) => one.uidValidity)).size).toBe(STANDARD_FOLDERS.length);
    expect((await MessageStore.load(store)).folders()).toEqual(first);
  });

  it('keeps UIDs, flags, order and bytes over a restart', async () => {
    const store = sealedMemoryStore();
    const messages = await MessageStore.load(store);
    const raw = new Uint8Array([0xff, 0x00, 0x0d, 0x0a, 0x80]);
    await deliver(store, messages, mail('one', { raw }));
    await deliver(store, messages, mail('two', { flags: ['\\seen'] }));
    await deliver(store, messages, mail('three', { folder: 'Requests' }));
    await flag(store, messages, 'INBOX.1', '\\Flagged', 'work');
    const again = await MessageStore.load(store);
    expect(again.list('INBOX', 10)).toEqual(messages.list('INBOX', 10));
    expect(again.list('INBOX', 10).map((one) => one.id)).toEqual(['INBOX.2', 'INBOX.1']);
    expect(again.get('INBOX.1')?.entry.flags).toEqual(['\\Flagged', 'work']);
    expect(again.get('INBOX.2')?.entry.flags).toEqual(['\\Seen']);
    expect(again.raw('INBOX.1')).toEqual(raw);
    expect(again.folders()).toEqual(messages.folders());
    expect(await deliver(store, again, mail('four'))).toBe('INBOX.3');
  });

  it('counts what is unread and pages backwards', async () => {
    const store = sealedMemoryStore();
    const messages = await MessageStore.load(store);
    for (const text of ['a', 'b', 'c', 'd']) await deliver(store, messages, mail(text));
    await flag(store, messages, 'INBOX.2', '\\Seen');
    expect(messages.folders()[0]).toMatchObject({ name: 'INBOX', total: 4, unread: 3, uidNext: 5 });
    expect(messages.list('INBOX', 2).map((one) => one.entry.uid)).toEqual([4, 3]);
    expect(messages.list('INBOX', 2, 3).map((one) => one.entry.uid)).toEqual([2, 1]);
  });

  it('jumps to any place of a folder', async () => {
    const store = sealedMemoryStore();
    const messages = await MessageStore.load(store);
    for (const text of ['a', 'b', 'c', 'd']) await deliver(store, messages, mail(text));
    const uidsAt = (offset: number, before?: number): number[] =>
      messages.list('INBOX', 2, before, offset).map((one) => one.entry.uid);
    expect(uidsAt(1)).toEqual([3, 2]);
    expect(uidsAt(3)).toEqual([1]);
    expect(uidsAt(4)).toEqual([]);
    expect(uidsAt(1, 4)).toEqual([2, 1]);
  });

  it('counts the labels that mails have, each message once', async () => {
    const store = sealedMemoryStore();
    const messages = await MessageStore.load(store);
    await deliver(store, messages, mail('one', { flags: ['\\Seen', 'Bills', '$Forwarded'] }));
    await deliver(store, messages, mail('two', { flags: ['bills', 'anna'] }));
    const batch = store.batch();
    const { apply } = messages.copy(batch, ['INBOX.2'], FOLDER.Archive);
    await batch.write();
    apply();
    expect(labelsOf(messages.all())).toEqual([
      { name: 'anna', total: 1, unread: 1 },
      { name: 'Bills', total: 2, unread: 1 },
    ]);
  });

  it('takes a message once, whatever the crash was', async () => {
    for (const isApplied of [false, true]) {
      const { disk, writes } = memoryStore();
      await MessageStore.load(sealedMemoryStore(memoryStore(disk).store));
      expect(writes()).toBe(0);
      const cut = memoryStore(disk, { atWrite: 0, isApplied });
      const store = sealedMemoryStore(cut.store);
      const messages = await MessageStore.load(store);
      await expect(deliver(store, messages, mail('one'))).rejects.toThrow('the power went');
      const after = sealedMemoryStore(memoryStore(disk).store);
      const restarted = await MessageStore.load(after);
      expect(restarted.list('INBOX', 10)).toHaveLength(isApplied ? 1 : 0);
      expect(await deliver(after, restarted, mail('one'))).toBe('INBOX.1');
      expect(restarted.list('INBOX', 10)).toHaveLength(1);
    }
  });

  it('changes nothing for a mail that is not there, or a flag that is', async () => {
    const store = sealedMemoryStore();
    const messages = await MessageStore.load(store);
    await deliver(store, messages, mail('one', { flags: ['\\Seen'] }));
    const before = messages.get('INBOX.1');
    await flag(store, messages, 'INBOX.1', '\\SEEN');
    expect(messages.get('INBOX.1')).toEqual(before);
    expect(messages.flag(store.batch(), 'INBOX.9', 'add', ['x'])).toBeUndefined();
    expect(messages.raw('INBOX.9')).toBeUndefined();
  });
});
