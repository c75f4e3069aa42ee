/**
 * One writer at a time: what reads a record, decides and writes it back must not be overtaken by
 * another that does the same. Used by everything that changes the local store.
 */
export class WriteLock {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs `work` after all work given before; its failure does not stop what comes behind it. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work, work);
    this.#last = result.catch(() => undefined);
    return result;
  }
}
