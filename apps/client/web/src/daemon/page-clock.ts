/** The time as the pages show it, a minute behind at most: one timer for all who watch. */
const STEP_MS = 60_000;

export class PageClock {
  readonly #watchers = new Set<() => void>();
  #timer: ReturnType<typeof setInterval> | undefined;
  #nowMs = Date.now();

  /** Milliseconds since 1970. */
  readonly nowMs = (): number => this.#nowMs;

  /** Gives what ends it. */
  readonly watch = (watcher: () => void): (() => void) => {
    this.#watchers.add(watcher);
    this.#timer ??= setInterval(() => this.#tick(), STEP_MS);
    return () => {
      this.#watchers.delete(watcher);
      if (this.#watchers.size > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    };
  };

  #tick(): void {
    this.#nowMs = Date.now();
    for (const watcher of this.#watchers) watcher();
  }
}
