/**
 * What the screens show, by the path it is fetched from: fetched once, kept while it is shown or
 * was shown lately, fetched again when an event says that it may have changed. A value that was
 * there stays on the screen while a new one is fetched or cannot be had.
 */
import { ApiProblem } from './problem.ts';

/** Values that are kept though nothing shows them; the oldest go. */
const MAX_UNSEEN = 200;

export interface Resource<T> {
  readonly value: T | undefined;
  /** Of the last try, when it failed. */
  readonly problem: ApiProblem | undefined;
  readonly isLoading: boolean;
  /** When the value was fetched, milliseconds since 1970. */
  readonly atMs: number | undefined;
}

interface Entry {
  state: Resource<unknown>;
  readonly load: () => Promise<unknown>;
  /** The last of several fetches counts. */
  run: number;
}

const EMPTY: Resource<never> = {
  value: undefined,
  problem: undefined,
  isLoading: true,
  atMs: undefined,
};

export class Resources {
  readonly #entries = new Map<string, Entry>();
  readonly #watchers = new Map<string, Set<() => void>>();
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** The present state; begins to fetch what is not there. */
  read<T>(key: string, load: () => Promise<T>): Resource<T> {
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      entry = { state: EMPTY, load, run: 0 };
      this.#entries.set(key, entry);
      this.#dropUnseen();
      void this.#fetch(key, entry);
    }
    return entry.state as Resource<T>;
  }

  /** Gives what ends it. */
  watch(key: string, watcher: () => void): () => void {
    const watchers = this.#watchers.get(key) ?? new Set();
    this.#watchers.set(key, watchers.add(watcher));
    return () => {
      watchers.delete(watcher);
      if (watchers.size === 0 && this.#watchers.get(key) === watchers) this.#watchers.delete(key);
    };
  }

  /** Fetches again what begins with one of the prefixes and is shown; forgets the rest of it. */
  invalidate(...prefixes: readonly string[]): void {
    for (const [key, entry] of this.#entries) {
      if (!prefixes.some((prefix) => key.startsWith(prefix))) continue;
      if (this.#watchers.has(key)) void this.#fetch(key, entry);
      else this.#entries.delete(key);
    }
  }

  /** Puts a value in the place of the one that is shown, until it is fetched again. */
  put<T>(key: string, change: (value: T) => T): void {
    const entry = this.#entries.get(key);
    if (entry?.state.value === undefined) return;
    this.#show(key, entry, { ...entry.state, value: change(entry.state.value as T) });
  }

  async #fetch(key: string, entry: Entry): Promise<void> {
    const run = ++entry.run;
    if (!entry.state.isLoading) this.#show(key, entry, { ...entry.state, isLoading: true });
    try {
      const value = await entry.load();
      if (run !== entry.run) return;
      this.#show(key, entry, { value, problem: undefined, isLoading: false, atMs: this.#nowMs() });
    } catch (error) {
      if (run !== entry.run) return;
      this.#show(key, entry, { ...entry.state, problem: toProblem(error), isLoading: false });
    }
  }

  #show(key: string, entry: Entry, state: Resource<unknown>): void {
    entry.state = state;
    for (const watcher of this.#watchers.get(key) ?? []) watcher();
  }

  #dropUnseen(): void {
    const unseen = [...this.#entries.keys()].filter((key) => !this.#watchers.has(key));
    const surplus = unseen.slice(0, Math.max(0, unseen.length - MAX_UNSEEN));
    for (const key of surplus) this.#entries.delete(key);
  }
}

function toProblem(error: unknown): ApiProblem {
  if (error instanceof ApiProblem) return error;
  return new ApiProblem('internal', 0, error instanceof Error ? error.message : String(error));
}
