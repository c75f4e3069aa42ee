/**
 * What the provider needs of a key-value store: the tangle library's `KvStore` satisfies it, tests
 * pass one in memory that can fail at any write. Before: group-store.ts.
 */

export interface KvRange {
  readonly gte: Uint8Array;
  readonly lt: Uint8Array;
  readonly limit?: number;
}

export interface KvBatch {
  put(key: Uint8Array, value: Uint8Array): unknown;
  del(key: Uint8Array): unknown;
  /** Resolves when all of it is applied; with `sync` when it survives a power cut. */
  write(options: { readonly sync: boolean }): Promise<void>;
}

export interface ProviderKv {
  getSync(key: Uint8Array): Uint8Array | undefined;
  batch(): KvBatch;
  iterate(range: KvRange): AsyncIterable<readonly [Uint8Array, Uint8Array]>;
  close(): Promise<void>;
}
