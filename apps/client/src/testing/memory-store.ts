/** A key-value store in memory for tests, with the bytes that would be on the disk open to them. */
import { bestStoreCrypto } from '../store/native-store-crypto.ts';
import { type KeyValueStore, SealedStore } from '../store/sealed-store.ts';

const CRYPTO = await bestStoreCrypto();

/** How a write ends when the power goes: reached the disk or not; nothing is written after it. */
export interface PowerCut {
  /** Number of the write, from 0. */
  readonly atWrite: number;
  /** The write is on the disk and only its acknowledgement is lost. */
  readonly isApplied: boolean;
}

/** A disk that outlives the store over it. */
export type Disk = Map<string, Uint8Array>;

/** An ordered key-value store in memory over `disk`. A batch is written as a whole. */
export function memoryStore(
  disk: Disk = new Map(),
  cut?: PowerCut,
): { disk: Disk; store: KeyValueStore; writes: () => number; isOff: () => boolean } {
  let count = 0;
  let isDead = false;
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
  const store: KeyValueStore = {
    getSync: (key) => disk.get(hex(key)),
    async *iterate({ gte, lt, reverse = false, limit = Infinity }) {
      let left = limit;
      const [from, to] = [hex(gte), hex(lt)];
      const keys = [...disk.keys()].filter((key) => key >= from && key < to).toSorted();
      for (const key of reverse ? keys.toReversed() : keys) {
        if (left-- <= 0) return;
        yield [Buffer.from(key, 'hex'), disk.get(key)!] as const;
      }
    },
    batch: () => {
      const changes: (() => void)[] = [];
      return {
        put: (key, value) => changes.push(() => disk.set(hex(key), value)),
        del: (key) => changes.push(() => disk.delete(hex(key))),
        write: async () => {
          // A disk answers later: whoever relies on the order of two writes must wait for the
          // first.
          await Promise.resolve();
          if (isDead) throw new Error('the machine is off');
          const isCut = cut?.atWrite === count;
          count += 1;
          if (!isCut || cut.isApplied) changes.forEach((change) => change());
          isDead = isCut;
          if (isCut) throw new Error('the power went');
        },
      };
    },
    close: async () => {},
  };
  return { disk, store, writes: () => count, isOff: () => isDead };
}

/** A sealed store over a fresh memory store. */
export function sealedMemoryStore(store: KeyValueStore = memoryStore().store): SealedStore {
  const randomBytes = (length: number): Uint8Array =>
    crypto.getRandomValues(new Uint8Array(length));
  const deps = { store, randomBytes, crypto: CRYPTO };
  return new SealedStore({ storeKey: new Uint8Array(32).fill(7) }, deps);
}
