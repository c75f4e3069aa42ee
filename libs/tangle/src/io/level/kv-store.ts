/**
 * A sorted map of bytes on disk, over `level` (LevelDB). Everything above it sees these few methods
 * and one error class. Path: repositories of this folder → here. Spec: docs/spec/10-storage.md.
 */
import { mkdir } from 'node:fs/promises';
import { Level } from 'level';
import { Reader } from '../../core/codec/reader.ts';
import { Writer } from '../../core/codec/writer.ts';
import { BUCKETS } from './buckets.ts';
import { StoreError, toStoreError } from './store-error.ts';

/** A half-open range of keys. */
export interface KeyRange {
  readonly gte: Uint8Array;
  readonly lt: Uint8Array;
}

export interface IterateOptions extends KeyRange {
  /** From the greatest key down. */
  readonly reverse?: boolean;
  readonly limit?: number;
}

/** Changes that reach the disk all together or not at all. */
export interface KvBatch {
  put(key: Uint8Array, value: Uint8Array): KvBatch;
  del(key: Uint8Array): KvBatch;
  /** Operations so far. */
  readonly length: number;
  /**
   * Writes once. With `sync` it resolves when the disk has the batch; without, a crash of the
   * machine may lose it (never a part of it). Rejects with StoreError.
   */
  write(options: { readonly sync: boolean }): Promise<void>;
}

/** Bytes by bytes, sorted. Returned arrays belong to the caller. Methods fail with StoreError. */
export interface KvReader {
  /** Blocks the thread for some microseconds: faster on the hot path than any promise. */
  getSync(key: Uint8Array): Uint8Array | undefined;
  getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]>;
  /** Sees the store as it was when the iteration began. */
  iterate(options: IterateOptions): AsyncIterable<[key: Uint8Array, value: Uint8Array]>;
}

/** A store as it was at one moment, whatever is written since. It holds files: close it soon. */
export interface KvView extends KvReader {
  /** Calling it again does nothing; a store that closes closes its views. */
  close(): Promise<void>;
}

/** What can be read, and written in batches. */
export interface KvStore extends KvReader {
  batch(): KvBatch;
  /** The store as it is now: batches whose `write` has not resolved may be in it or not. */
  snapshot(): KvView;
  /** Refuses every further write with this error: something beside the store failed to write. */
  refuse(failure: StoreError): void;
  /** Waits for writes under way. Calling it again does nothing. */
  close(): Promise<void>;
}

/** To whom a folder belongs; a folder of another owner is refused. */
export interface StoreOwner {
  /** The program and its use of the folder, 1–255 ASCII characters, for example `node`. */
  readonly kind: string;
  readonly networkId: bigint;
  /** Version of the layout that `kind` gives its keys and values; u16. */
  readonly schema: number;
}

type Db = Level<Uint8Array, Uint8Array>;

const MEBIBYTE = 1_048_576;
/**
 * Measured with millions of random keys: the library's defaults (4 MiB, 2 MiB) stalled writes for
 * 4–19 s. Ids and ciphertexts do not compress, so no time is spent on trying.
 */
const LEVEL_OPTIONS = {
  keyEncoding: 'view',
  valueEncoding: 'view',
  writeBufferSize: 32 * MEBIBYTE,
  maxFileSize: 8 * MEBIBYTE,
  cacheSize: 32 * MEBIBYTE,
  compression: false,
} as const;

/** Entries that an iteration fetches at a time. */
const ITERATE_CHUNK = 256;

const OWNER_KEY = Uint8Array.of(BUCKETS.meta.number);

/**
 * Opens or creates the store in folder `path` (parents are created) for `owner`.
 * Codes: `locked`, `wrong-network`, `wrong-kind`, `wrong-schema`, `corrupt`, `no-space`, `io`.
 */
export async function openKvStore(path: string, owner: StoreOwner): Promise<KvStore> {
  // What a node or a provider keeps is nobody else's on this machine.
  await mkdir(path, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
    throw toStoreError(error);
  });
  const db: Db = new Level<Uint8Array, Uint8Array>(path, LEVEL_OPTIONS);
  try {
    await db.open();
    const store = new LevelKvStore(db);
    await checkOwner(store, owner, path);
    return store;
  } catch (error) {
    await db.close().catch(() => undefined);
    throw toStoreError(error);
  }
}

/** Writes the owner into an empty store, compares it with what another store has. */
async function checkOwner(store: KvStore, owner: StoreOwner, path: string): Promise<void> {
  const found = store.getSync(OWNER_KEY);
  if (found === undefined) {
    const everything = { gte: new Uint8Array(), lt: Uint8Array.of(0xff, 0xff), limit: 1 };
    for await (const _ of store.iterate(everything)) throw new StoreError('wrong-schema', path);
    await store.batch().put(OWNER_KEY, encodeOwner(owner)).write({ sync: true });
    return;
  }
  const { kind, networkId, schema } = decodeOwner(found, path);
  if (kind !== owner.kind) throw new StoreError('wrong-kind', path);
  if (networkId !== owner.networkId) throw new StoreError('wrong-network', path);
  if (schema !== owner.schema) {
    throw new StoreError('wrong-schema', `${path} has schema ${schema}, not ${owner.schema}`);
  }
}

function encodeOwner({ kind, networkId, schema }: StoreOwner): Uint8Array {
  const name = Buffer.from(kind, 'ascii');
  const writer = new Writer(11 + name.length);
  writer.u16(schema);
  writer.u64(networkId);
  writer.count8(name.length, 1, 255);
  writer.raw(name);
  return writer.finish();
}

function decodeOwner(bytes: Uint8Array, path: string): StoreOwner {
  try {
    const reader = new Reader(bytes);
    const [schema, networkId] = [reader.u16(), reader.u64()];
    const kind = Buffer.from(reader.bytes(reader.u8())).toString('ascii');
    return { kind, networkId, schema };
  } catch (error) {
    throw new StoreError('corrupt', path, error);
  }
}

/** The part of a `level` database that a LevelKvStore uses. */
export type LevelDatabase = Pick<
  Db,
  'getSync' | 'getMany' | 'batch' | 'iterator' | 'snapshot' | 'close'
>;

type LevelSnapshot = ReturnType<Db['snapshot']>;

/** Reads of a database, as it is or as a snapshot kept it. */
class LevelReader implements KvReader {
  readonly #db: LevelDatabase;
  /** Which snapshot to look at; undefined for the database as it is. */
  readonly #at: { readonly snapshot: LevelSnapshot } | undefined;

  constructor(db: LevelDatabase, snapshot?: LevelSnapshot) {
    this.#db = db;
    this.#at = snapshot && { snapshot };
  }

  getSync(key: Uint8Array): Uint8Array | undefined {
    try {
      return this.#at ? this.#db.getSync(key, this.#at) : this.#db.getSync(key);
    } catch (error) {
      throw toStoreError(error);
    }
  }

  async getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    if (keys.length === 0) return [];
    try {
      return await this.#db.getMany([...keys], this.#at ?? {});
    } catch (error) {
      throw toStoreError(error);
    }
  }

  async *iterate(options: IterateOptions): AsyncGenerator<[Uint8Array, Uint8Array]> {
    const { gte, lt, reverse = false, limit = -1 } = options;
    try {
      const iterator = this.#db.iterator({ gte, lt, reverse, limit, ...this.#at });
      try {
        let chunk = await iterator.nextv(ITERATE_CHUNK);
        while (chunk.length > 0) {
          yield* chunk;
          chunk = await iterator.nextv(ITERATE_CHUNK);
        }
      } finally {
        await iterator.close();
      }
    } catch (error) {
      throw toStoreError(error);
    }
  }
}

/** A view over one snapshot of the database. */
class LevelView extends LevelReader implements KvView {
  readonly #snapshot: LevelSnapshot;

  constructor(db: LevelDatabase, snapshot: LevelSnapshot) {
    super(db, snapshot);
    this.#snapshot = snapshot;
  }

  async close(): Promise<void> {
    await this.#snapshot.close();
  }
}

/** KvStore over an open `level` database. Use `openKvStore`; tests of faults construct it. */
export class LevelKvStore extends LevelReader implements KvStore {
  readonly #db: LevelDatabase;
  /** The first failed write. LevelDB's own state is unknown after it, so no other write follows. */
  #failure: StoreError | undefined;
  #closing: Promise<void> | undefined;

  constructor(db: LevelDatabase) {
    super(db);
    this.#db = db;
  }

  batch(): KvBatch {
    const chain = this.#chain();
    const batch: KvBatch = {
      put(key, value) {
        chain.put(key, value);
        return batch;
      },
      del(key) {
        chain.del(key);
        return batch;
      },
      get length() {
        return chain.length;
      },
      write: ({ sync }) => this.#write(chain, sync),
    };
    return batch;
  }

  snapshot(): KvView {
    try {
      return new LevelView(this.#db, this.#db.snapshot());
    } catch (error) {
      throw toStoreError(error);
    }
  }

  refuse(failure: StoreError): void {
    this.#failure ??= failure;
  }

  async close(): Promise<void> {
    this.#closing ??= this.#db.close();
    try {
      await this.#closing;
    } catch (error) {
      throw toStoreError(error);
    }
  }

  #chain(): ReturnType<Db['batch']> {
    try {
      return this.#db.batch();
    } catch (error) {
      throw toStoreError(error);
    }
  }

  async #write(chain: ReturnType<Db['batch']>, sync: boolean): Promise<void> {
    if (this.#failure) {
      await chain.close();
      throw this.#failure;
    }
    try {
      // `level` types know no sync, because browsers have none; classic-level takes it.
      const options: { sync: boolean } = { sync };
      await chain.write(options);
    } catch (error) {
      const failure = toStoreError(error);
      if (failure.code !== 'closed') this.#failure ??= failure;
      throw failure;
    }
  }
}
