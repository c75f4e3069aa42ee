/** The sealed store over a map: order, binding of a value to its place, nothing in the clear. */
import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { memoryStore } from '../testing/memory-store.ts';
import { bestStoreCrypto } from './native-store-crypto.ts';
import {
  type Collection,
  type KeyValueStore,
  orderedKey,
  PORTABLE_CRYPTO,
  SealedStore,
  SealedStoreError,
} from './sealed-store.ts';

const notes: Collection<{ text: string }> = {
  bucket: 'outbox',
  schema: z.strictObject({ text: z.string() }),
};

function open(store: KeyValueStore, keyByte = 7): SealedStore {
  const randomBytes = (length: number): Uint8Array =>
    crypto.getRandomValues(new Uint8Array(length));
  return new SealedStore({ storeKey: new Uint8Array(32).fill(keyByte) }, { store, randomBytes });
}

async function all(store: SealedStore, options = {}): Promise<string[]> {
  return (await Array.fromAsync(store.scan(notes, options))).map((one) => one.value.text);
}

describe('native sealing', () => {
  const bytes = (length: number, from: number): Uint8Array =>
    Uint8Array.from({ length }, (_, at) => at * 7 + from);
  const [key, nonce, place] = [bytes(32, 1), bytes(24, 2), bytes(65, 3)];

  it.each([0, 1, 63, 64, 65, 4_096])('writes %i bytes as noble does', async (length) => {
    const native = await bestStoreCrypto();
    const plain = bytes(length, 4);
    const sealed = PORTABLE_CRYPTO.seal(key, nonce, place, plain);
    expect(native.seal(key, nonce, place, plain)).toEqual(sealed);
    expect(native.open(key, nonce, place, sealed)).toEqual(plain);
    expect(native.hmacSha256(key, plain)).toEqual(PORTABLE_CRYPTO.hmacSha256(key, plain));
  });

  it('refuses what was changed, was cut, or lies in another place', async () => {
    const native = await bestStoreCrypto();
    const sealed = native.seal(key, nonce, place, bytes(40, 4));
    const wrong = sealed.map((byte, at) => (at === 9 ? byte ^ 1 : byte));
    expect(() => native.open(key, nonce, place, wrong)).toThrow();
    expect(() => native.open(key, nonce, place, sealed.subarray(0, 55))).toThrow();
    expect(() => native.open(key, nonce, place, sealed.subarray(0, 15))).toThrow();
    expect(() => native.open(key, nonce, bytes(65, 5), sealed)).toThrow();
  });
});

describe('SealedStore', () => {
  it('gives values back in the order of their numbers, forwards and backwards', async () => {
    const sealed = open(memoryStore().store);
    const batch = sealed.batch();
    for (const number of [10, 9, 100]) batch.put(notes, orderedKey(number), { text: `${number}` });
    await batch.write();
    expect(sealed.get(notes, orderedKey(9))).toEqual({ text: '9' });
    expect(await all(sealed)).toEqual(['9', '10', '100']);
    expect(await all(sealed, { reverse: true, limit: 2 })).toEqual(['100', '10']);
    expect(await all(sealed, { before: orderedKey(10) })).toEqual(['9']);
  });

  it('writes nothing before write(), and everything of a batch at once', async () => {
    const { disk, store } = memoryStore();
    const sealed = open(store);
    const batch = sealed
      .batch()
      .put(notes, 'a', { text: 'one' })
      .putBytes('messageRaw', 'm', new Uint8Array(3));
    expect(disk.size).toBe(0);
    await batch.write();
    expect(disk.size).toBe(2);
    await sealed.batch().del('outbox', 'a').write();
    expect(sealed.get(notes, 'a')).toBeUndefined();
  });

  it('leaves nothing of a value on the disk in the clear', async () => {
    const { disk, store } = memoryStore();
    const sealed = open(store);
    await sealed.batch().put(notes, sealed.opaque('alice'), { text: 'to my lawyer' }).write();
    const written = [...disk].map(
      ([key, value]) =>
        Buffer.from(key, 'hex').toString('latin1') + Buffer.from(value).toString('latin1'),
    );
    expect(written.join('')).not.toMatch(/lawyer|alice/);
  });

  it('damaged: a changed value, a value moved to another place, another key', async () => {
    const { disk, store } = memoryStore();
    const sealed = open(store);
    await sealed.batch().put(notes, 'a', { text: 'a' }).put(notes, 'b', { text: 'b' }).write();
    const [first, second] = [...disk.keys()];
    const value = disk.get(first!)!;
    disk.set(second!, value);
    expect(() => sealed.get(notes, 'b')).toThrow(SealedStoreError);
    disk.set(
      first!,
      value.map((byte, index) => (index === 30 ? byte ^ 1 : byte)),
    );
    expect(() => sealed.get(notes, 'a')).toThrow(SealedStoreError);
    disk.set(first!, value);
    expect(sealed.get(notes, 'a')).toEqual({ text: 'a' });
    expect(() => open(store, 8).get(notes, 'a')).toThrow(SealedStoreError);
  });
});
