/** Counts the faults that really happened, by name. */
export class Tally {
  readonly #counts = new Map<string, number>();

  count(name: string, times = 1): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + times);
  }

  /** Adds another tally, for the sum over seeds. */
  add(counts: Readonly<Record<string, number>>): void {
    for (const [name, times] of Object.entries(counts)) this.count(name, times);
  }

  /** By name, in alphabetical order. */
  get counts(): Record<string, number> {
    const entries = [...this.#counts].toSorted(([a], [b]) => a.localeCompare(b));
    return Object.fromEntries(entries);
  }
}
