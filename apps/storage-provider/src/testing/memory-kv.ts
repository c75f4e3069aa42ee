/**
 * A store in memory that can fail at any write, before or after it took effect, as a disk does when
 * the power goes. Not part of production.
 */
import type { KvBatch, KvRange, ProviderKv } from '../store/kv.ts';

/** How the next writes end: all well, or the n-th one (from 0) fails. */
export interface Fault {
  readonly atWrite: number;
  /** True when the write reaches the disk and only its acknowledgement is lost. */
  readonly isApplied: boolean;
  /** What the disk says. */
  readonly error?: Error;
}

export class MemoryKv implements ProviderKv {
  readonly #entries: Map<string, Uint8Array>;
  /** The names in order, by their first byte: a store of weeks is asked for ranges all the time. */
  readonly #names = new Map<string, string[]>();
  fault: Fault | undefined;
  writes = 0;
  #isDead = false;

  constructor(entries = new Map<string, Uint8Array>()) {
    this.#entries = entries;
    for (const name of [...entries.keys()].toSorted()) this.#namesLike(name).push(name);
  }

  /** The same disk after a restart. */
  reopen(): MemoryKv {
    return new MemoryKv(this.#entries);
  }

  /** What the disk holds now, as a backup has it. */
  copy(): MemoryKv {
    return new MemoryKv(new Map(this.#entries));
  }

  get size(): number {
    return this.#entries.size;
  }

  getSync(key: Uint8Array): Uint8Array | undefined {
    return this.#entries.get(nameOf(key))?.slice();
  }

  batch(): KvBatch {
    const changes: [string, Uint8Array | undefined][] = [];
    return {
      put: (key, value) => changes.push([nameOf(key), value.slice()]),
      del: (key) => changes.push([nameOf(key), undefined]),
      write: async () => {
        await Promise.resolve();
        if (this.#isDead) throw new Error('the machine is off');
        const isFault = this.fault?.atWrite === this.writes;
        this.writes += 1;
        if (!isFault || this.fault?.isApplied === true) this.#apply(changes);
        if (isFault) {
          this.#isDead = true;
          throw this.fault?.error ?? new Error('the power went');
        }
      },
    };
  }

  async *iterate({ gte, lt, limit }: KvRange): AsyncGenerator<[Uint8Array, Uint8Array]> {
    const [from, to] = [nameOf(gte), nameOf(lt)];
    const heads = [...this.#names.keys()].filter(
      (head) => head >= from.slice(0, 1) && head <= to.slice(0, 1),
    );
    const names = heads.toSorted().flatMap((head) => {
      const sorted = this.#namesLike(head);
      return sorted.slice(placeOf(sorted, from), placeOf(sorted, to));
    });
    for (const name of names.slice(0, limit)) {
      const value = this.#entries.get(name);
      if (value) yield [new Uint8Array(Buffer.from(name, 'latin1')), value.slice()];
    }
  }

  async close(): Promise<void> {
    this.#isDead = true;
  }

  #apply(changes: readonly [string, Uint8Array | undefined][]): void {
    for (const [name, value] of changes) {
      const names = this.#namesLike(name);
      if (value) {
        if (!this.#entries.has(name)) names.splice(placeOf(names, name), 0, name);
        this.#entries.set(name, value);
      } else if (this.#entries.delete(name)) names.splice(placeOf(names, name), 1);
    }
  }

  #namesLike(name: string): string[] {
    const head = name.slice(0, 1);
    const known = this.#names.get(head) ?? [];
    this.#names.set(head, known);
    return known;
  }
}

/** Where `name` stands in sorted names, or would stand. */
function placeOf(names: readonly string[], name: string): number {
  let [low, high] = [0, names.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((names[middle] ?? '') < name) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Latin-1 keeps the order of bytes. */
function nameOf(key: Uint8Array): string {
  return Buffer.from(key).toString('latin1');
}
