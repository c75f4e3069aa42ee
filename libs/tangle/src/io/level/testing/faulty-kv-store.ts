/**
 * A key-value store in memory that promises what LevelDB promises: batches are atomic, and a synced
 * one is there after a cut of the power. What was not synced may be gone, even when a later batch
 * was synced: LevelDB goes on in a new log file whenever it likes, and does not sync the old one.
 * Used by tests that cut the power of the node's store.
 */
import type { Chance, Machine } from '../../segments/testing/faulty-disk.ts';
import type { IterateOptions, KvBatch, KvStore, KvView } from '../kv-store.ts';
import type { StoreError } from '../store-error.ts';
import { toStoreError } from '../store-error.ts';

type Entry = readonly [key: string, value: Uint8Array | undefined];

interface Logged {
  readonly entries: readonly Entry[];
  readonly sync: boolean;
}

/** A start writes what it finds in logs into tables, which are synced. */
const onDisk = ({ entries }: Logged): Logged => ({ entries, sync: true });

/** One log file has so many batches on average. */
const SWITCH_ONE_IN = 4;

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

export class FaultyKvStore implements KvStore {
  readonly #machine: Machine;
  readonly #log: Logged[];
  readonly #content = new Map<string, Uint8Array>();
  #failure: StoreError | undefined;

  constructor(machine: Machine, log: readonly Logged[] = []) {
    this.#machine = machine;
    this.#log = [...log];
    for (const { entries } of log) this.#apply(entries);
  }

  getSync(key: Uint8Array): Uint8Array | undefined {
    return this.#content.get(hexOf(key));
  }

  getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    return Promise.resolve(keys.map((key) => this.getSync(key)));
  }

  async *iterate({
    gte,
    lt,
    limit = -1,
  }: IterateOptions): AsyncGenerator<[Uint8Array, Uint8Array]> {
    const [from, to] = [hexOf(gte), hexOf(lt)];
    const keys = [...this.#content.keys()].filter((key) => key >= from && key < to).toSorted();
    for (const key of limit < 0 ? keys : keys.slice(0, limit)) {
      const value = this.#content.get(key);
      await Promise.resolve();
      if (value) yield [Uint8Array.from(Buffer.from(key, 'hex')), value];
    }
  }

  snapshot(): KvView {
    const view = new FaultyKvStore(this.#machine, this.#log);
    return Object.assign(view, { close: () => Promise.resolve() });
  }

  batch(): KvBatch {
    const entries: Entry[] = [];
    const batch: KvBatch = {
      put(key, value) {
        entries.push([hexOf(key), Uint8Array.from(value)]);
        return batch;
      },
      del(key) {
        entries.push([hexOf(key), undefined]);
        return batch;
      },
      get length() {
        return entries.length;
      },
      write: ({ sync }) => this.#write(entries, sync),
    };
    return batch;
  }

  refuse(failure: StoreError): void {
    this.#failure ??= failure;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  afterKill(machine: Machine): FaultyKvStore {
    return new FaultyKvStore(machine, this.#log.map(onDisk));
  }

  afterPowerCut(machine: Machine, chance: Chance): FaultyKvStore {
    const survivors: Logged[] = [];
    let unsynced: Logged[] = [];
    // A file loses its end. Where one file ends and the next begins is chance too.
    const keepSome = (): void => {
      survivors.push(...unsynced.slice(0, chance(unsynced.length + 1)));
      unsynced = [];
    };
    for (const logged of this.#log) {
      if (chance(SWITCH_ONE_IN) === 0) keepSome();
      unsynced.push(logged);
      if (!logged.sync) continue;
      survivors.push(...unsynced);
      unsynced = [];
    }
    keepSome();
    return new FaultyKvStore(machine, survivors.map(onDisk));
  }

  async #write(entries: Entry[], sync: boolean): Promise<void> {
    await Promise.resolve();
    if (this.#failure) throw this.#failure;
    try {
      // The batch that breaks has reached the log, and perhaps the disk.
      this.#machine.step(() => this.#log.push({ entries, sync: false }));
    } catch (error) {
      this.#failure = toStoreError(error);
      throw this.#failure;
    }
    this.#log.push({ entries, sync });
    this.#apply(entries);
  }

  #apply(entries: readonly Entry[]): void {
    for (const [key, value] of entries) {
      if (value === undefined) this.#content.delete(key);
      else this.#content.set(key, value);
    }
  }
}
