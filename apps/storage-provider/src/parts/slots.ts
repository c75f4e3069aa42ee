/**
 * Places for what holds a whole part in memory: uploads that arrive and answers that leave. Their
 * number bounds the memory that slow peers can tie up. Before: api/part-controller.ts,
 * api/object-controller.ts. Spec: docs/spec/34-provider-api.md, section "Parts".
 */
export class Slots {
  readonly #max: number;
  readonly #maxPerKey: number;
  readonly #taken = new Map<string, number>();
  #count = 0;

  /** `max` places, of which one key may have `maxPerKey`. */
  constructor(max: number, maxPerKey: number) {
    this.#max = max;
    this.#maxPerKey = maxPerKey;
  }

  /** Places in use. */
  get count(): number {
    return this.#count;
  }

  /** Takes a place; the function it gives leaves it, once. Undefined when none is free. */
  take(key: string): (() => void) | undefined {
    const own = this.#taken.get(key) ?? 0;
    if (this.#count >= this.#max || own >= this.#maxPerKey) return undefined;
    this.#count += 1;
    this.#taken.set(key, own + 1);
    let isTaken = true;
    return () => {
      if (!isTaken) return;
      isTaken = false;
      this.#count -= 1;
      const left = (this.#taken.get(key) ?? 1) - 1;
      if (left === 0) this.#taken.delete(key);
      else this.#taken.set(key, left);
    };
  }
}
