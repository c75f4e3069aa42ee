/** Lines that are begun, by conversation, in memory alone. After: line-drafts.tsx. */

/** Of more conversations than these the one that was written to first is forgotten. */
const MAX_DRAFTS = 200;

export class LineDrafts {
  readonly #texts = new Map<string, string>();
  readonly #watchers = new Set<() => void>();

  /** Gives what ends it. */
  readonly watch = (watcher: () => void): (() => void) => {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  };

  /** Empty when nothing is begun. */
  get(key: string): string {
    return this.#texts.get(key) ?? '';
  }

  set(key: string, text: string): void {
    this.#texts.delete(key);
    if (text !== '') this.#texts.set(key, text);
    const [oldest] = this.#texts.keys();
    if (this.#texts.size > MAX_DRAFTS && oldest !== undefined) this.#texts.delete(oldest);
    for (const watcher of this.#watchers) watcher();
  }

  /** A line that could not be sent stands again before what was begun since. */
  putBack(key: string, text: string): void {
    const since = this.get(key);
    this.set(key, since === '' ? text : `${text}\n${since}`);
  }
}
