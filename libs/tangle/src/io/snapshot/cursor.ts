/**
 * A place in a stream of items, for walking two sorted streams side by side.
 * Path: read-snapshot.ts and write-snapshot.ts → here. Spec: docs/spec/12-snapshot.md §6.
 */

export class Cursor<T> {
  readonly #items: AsyncIterator<T>;
  /** The item at the place; undefined at the end. */
  current: T | undefined;

  private constructor(items: AsyncIterator<T>) {
    this.#items = items;
  }

  /** Stands at the first of `items`. */
  static async at<T>(items: AsyncIterable<T>): Promise<Cursor<T>> {
    const cursor = new Cursor(items[Symbol.asyncIterator]());
    await cursor.advance();
    return cursor;
  }

  /** Goes on by one. */
  async advance(): Promise<void> {
    const next = await this.#items.next();
    this.current = next.done === true ? undefined : next.value;
  }

  /** Leaves the stream, so that it closes what it has open. */
  async close(): Promise<void> {
    await this.#items.return?.();
  }
}
