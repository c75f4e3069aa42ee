/**
 * Transactions on the provider's store: each runs synchronously, sees all that ran before it, and
 * is acknowledged only when it is on disk. Transactions that arrive while one batch is being synced
 * share the next batch, so durability costs one sync per group and not one per voucher.
 * A failed write leaves nothing half done: every transaction not yet on disk is refused, the store
 * stops, and the process has to start again from what the disk holds.
 */
import { Buffer } from 'node:buffer';
import type { ProviderKv } from './kv.ts';

/** Reads that see everything which has run, on disk or not yet. */
export interface StoreView {
  get(key: Uint8Array): Uint8Array | undefined;
}

/** One transaction. Its writes count together or, when its function throws, not at all. */
export interface StoreTransaction extends StoreView {
  put(key: Uint8Array, value: Uint8Array): void;
  del(key: Uint8Array): void;
}

/** The store cannot go on; `cause` says why. */
export class StoreStopped extends Error {
  override readonly name = 'StoreStopped';
  readonly code = 'store-stopped';
}

interface Write {
  readonly key: Uint8Array;
  /** Undefined deletes. */
  readonly value: Uint8Array | undefined;
}

interface Waiter {
  resolve(): void;
  reject(error: Error): void;
}

interface Group {
  readonly writes: Map<string, Write>;
  readonly waiters: Waiter[];
}

const nameOf = (key: Uint8Array): string =>
  Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1');

function newGroup(): Group {
  return { writes: new Map(), waiters: [] };
}

export class GroupStore implements StoreView {
  readonly #kv: ProviderKv;
  readonly #onFatal: (error: Error) => void;
  #filling = newGroup();
  #syncing: Group | undefined;
  #stopped: StoreStopped | undefined;
  #idle: Promise<void> = Promise.resolve();

  /** @param onFatal is told once when a write fails. */
  constructor(kv: ProviderKv, onFatal: (error: Error) => void) {
    this.#kv = kv;
    this.#onFatal = onFatal;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#read(nameOf(key), key);
  }

  #read(name: string, key: Uint8Array): Uint8Array | undefined {
    const write = this.#filling.writes.get(name) ?? this.#syncing?.writes.get(name);
    return write ? write.value : this.#kv.getSync(key);
  }

  /** Runs `work` now and resolves with its result once all it wrote is on disk. */
  async transact<T>(work: (transaction: StoreTransaction) => T): Promise<T> {
    if (this.#stopped) throw this.#stopped;
    const own = new Map<string, Write>();
    const result = work({
      get: (key) => {
        const name = nameOf(key);
        const write = own.get(name);
        return write ? write.value : this.#read(name, key);
      },
      put: (key, value) => own.set(nameOf(key), { key, value }),
      del: (key) => own.set(nameOf(key), { key, value: undefined }),
    });
    if (own.size === 0 && !this.#syncing && this.#filling.writes.size === 0) return result;
    for (const [name, write] of own) this.#filling.writes.set(name, write);
    await this.#synced();
    return result;
  }

  /** Entries on disk within a range; what is not synced yet is missing. */
  async scan(gte: Uint8Array, lt: Uint8Array, limit: number): Promise<[Uint8Array, Uint8Array][]> {
    const found: [Uint8Array, Uint8Array][] = [];
    for await (const [key, value] of this.#kv.iterate({ gte, lt, limit })) {
      found.push([key, value]);
      if (found.length >= limit) break;
    }
    return found;
  }

  /** Waits for the running group and closes the store. */
  async close(): Promise<void> {
    await this.#idle;
    this.#stopped ??= new StoreStopped('the store is closed');
    await this.#kv.close();
  }

  #synced(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#filling.waiters.push({ resolve, reject });
    if (!this.#syncing) this.#idle = this.#drain();
    return promise;
  }

  async #drain(): Promise<void> {
    while (this.#filling.waiters.length > 0 && !this.#stopped) {
      const group = this.#filling;
      this.#syncing = group;
      this.#filling = newGroup();
      try {
        await this.#write(group);
        for (const waiter of group.waiters) waiter.resolve();
      } catch (error) {
        this.#stop(group, error);
      }
    }
    this.#syncing = undefined;
  }

  async #write(group: Group): Promise<void> {
    const batch = this.#kv.batch();
    for (const { key, value } of group.writes.values()) {
      if (value === undefined) batch.del(key);
      else batch.put(key, value);
    }
    await batch.write({ sync: true });
  }

  #stop(group: Group, cause: unknown): void {
    const stopped = new StoreStopped('a write to the store failed', { cause });
    this.#stopped = stopped;
    for (const waiter of [...group.waiters, ...this.#filling.waiters]) waiter.reject(stopped);
    this.#filling = newGroup();
    this.#onFatal(stopped);
  }
}
