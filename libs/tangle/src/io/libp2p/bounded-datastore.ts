/**
 * The memory that libp2p keeps of peers and of the table of peers, bounded by bytes: its own knows
 * no bound, and whoever speaks to us may tell of as many peers as it likes. The entry used longest
 * ago leaves first; those of connected peers stay, because libp2p tells nobody that a peer has left
 * when it has forgotten it. Used by create-node.ts. Spec: docs/spec/07-gossip.md, "Discovery".
 */
import type { createLibp2p } from 'libp2p';

/** What libp2p stores in. */
export type Datastore = NonNullable<NonNullable<Parameters<typeof createLibp2p>[0]>['datastore']>;
type Key = Parameters<Datastore['put']>[0];
type Pair = { key: Key; value: Uint8Array };
type Query = Parameters<Datastore['query']>[0];
type KeyQuery = Parameters<Datastore['queryKeys']>[0];
type Some<T> = Iterable<T> | AsyncIterable<T>;

/** Bytes of an entry beside its value: its key twice, the objects that hold it. */
const ENTRY_OVERHEAD = 512;
/** A peer's record with all its addresses is far smaller. */
const MAX_VALUE_BYTES = 64 * 1024;

/** Its name is what libp2p looks at. */
class NotFoundError extends Error {
  override readonly name = 'NotFoundError';
}

export class BoundedDatastore implements Datastore {
  readonly #maxBytes: number;
  /** Whether an entry has to stay, by its key. */
  readonly #isKept: (key: string) => boolean;
  readonly #entries = new Map<string, Pair>();
  #bytes = 0;

  constructor(maxBytes: number, isKept: (key: string) => boolean) {
    this.#maxBytes = maxBytes;
    this.#isKept = isKept;
  }

  /** Bytes that are held, by our estimate. */
  get bytes(): number {
    return this.#bytes;
  }

  put(key: Key, value: Uint8Array): Key {
    if (value.length > MAX_VALUE_BYTES) throw new RangeError('value too large');
    const text = key.toString();
    this.#remove(text);
    this.#entries.set(text, { key, value });
    this.#bytes += value.length + ENTRY_OVERHEAD;
    this.#evict();
    return key;
  }

  get(key: Key): Uint8Array {
    const text = key.toString();
    const entry = this.#entries.get(text);
    if (entry === undefined) throw new NotFoundError('not found');
    this.#entries.delete(text);
    this.#entries.set(text, entry);
    return entry.value;
  }

  has(key: Key): boolean {
    return this.#entries.has(key.toString());
  }

  delete(key: Key): void {
    this.#remove(key.toString());
  }

  async *putMany(source: Some<Pair>): AsyncGenerator<Key> {
    for await (const { key, value } of source) yield this.put(key, value);
  }

  async *getMany(source: Some<Key>): AsyncGenerator<Pair> {
    for await (const key of source) yield { key, value: this.get(key) };
  }

  async *deleteMany(source: Some<Key>): AsyncGenerator<Key> {
    for await (const key of source) {
      this.delete(key);
      yield key;
    }
  }

  batch(): ReturnType<Datastore['batch']> {
    const steps: (() => void)[] = [];
    return {
      put: (key, value) => void steps.push(() => this.put(key, value)),
      delete: (key) => void steps.push(() => this.delete(key)),
      commit: () => {
        for (const step of steps.splice(0)) step();
      },
    };
  }

  *query(query: Query): Generator<Pair> {
    yield* select([...this.#entries.values()], query, (pair) => pair.key);
  }

  *queryKeys(query: KeyQuery): Generator<Key> {
    const keys = [...this.#entries.values()].map(({ key }) => key);
    yield* select(keys, query, (key) => key);
  }

  #remove(text: string): void {
    const entry = this.#entries.get(text);
    if (entry === undefined) return;
    this.#entries.delete(text);
    this.#bytes -= entry.value.length + ENTRY_OVERHEAD;
  }

  #evict(): void {
    if (this.#bytes <= this.#maxBytes) return;
    for (const text of this.#entries.keys()) {
      if (this.#bytes <= this.#maxBytes) return;
      if (!this.#isKept(text)) this.#remove(text);
    }
  }
}

interface Selection<T> {
  readonly prefix?: string;
  readonly filters?: ((item: T) => boolean)[];
  readonly orders?: ((a: T, b: T) => -1 | 0 | 1)[];
  readonly offset?: number;
  readonly limit?: number;
}

function select<T>(all: readonly T[], query: Selection<T>, keyOf: (item: T) => Key): T[] {
  const { prefix = '', filters = [], orders = [], offset = 0, limit = all.length } = query;
  let items = all.filter(
    (item) => keyOf(item).toString().startsWith(prefix) && filters.every((keep) => keep(item)),
  );
  for (const order of orders) items = items.toSorted(order);
  return items.slice(offset, offset + limit);
}
