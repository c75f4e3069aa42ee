/** A key-value store in memory for tests, with the bytes that would be on the disk open to them. */
import { type KeyValueStore, SealedStore } from '../store/sealed-store.ts';

/** An ordered key-value store in memory, with the disk's bytes open to the test. */
export function memoryStore(): { disk: Map<string, Uint8Array>; store: KeyValueStore } {
  const disk = new Map<string, Uint8Array>();
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
  const store: KeyValueStore = {
    getSync: (key) => disk.get(hex(key)),
    async *iterate({ gte, lt, reverse = false, limit = Infinity }) {
      let left = limit;
      const keys = [...disk.keys()].filter((key) => key >= hex(gte) && key < hex(lt)).toSorted();
      for (const key of reverse ? keys.toReversed() : keys) {
        if (left-- <= 0) return;
        yield [Buffer.from(key, 'hex'), disk.get(key)!] as const;
      }
    },
    batch: () => {
      const writes: (() => void)[] = [];
      return {
        put: (key, value) => writes.push(() => disk.set(hex(key), value)),
        del: (key) => writes.push(() => disk.delete(hex(key))),
        write: async () => writes.forEach((write) => write()),
      };
    },
    close: async () => {},
  };
  return { disk, store };
}

/** A sealed store over a fresh memory store. */
export function sealedMemoryStore(): SealedStore {
  const randomBytes = (length: number): Uint8Array =>
    crypto.getRandomValues(new Uint8Array(length));
  return new SealedStore(
    { storeKey: new Uint8Array(32).fill(7) },
    { store: memoryStore().store, randomBytes },
  );
}
