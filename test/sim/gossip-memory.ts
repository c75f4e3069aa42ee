/** What gossip remembers: bytes that it carried within two minutes, it drops. */

/** See docs/spec/07-gossip.md. */
const MEMORY_MS = 120_000;

export class GossipMemory {
  readonly #atMs = new Map<string, number>();
  readonly #nowMs: () => number;

  /** @param nowMs a clock that nobody sets. */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Whether it carried these bytes before; it remembers them from now on. */
  knows(bytes: Uint8Array): boolean {
    const key = Buffer.from(bytes).toString('latin1');
    const atMs = this.#atMs.get(key) ?? -Infinity;
    if (this.#nowMs() - atMs < MEMORY_MS) return true;
    this.#atMs.set(key, this.#nowMs());
    return false;
  }
}
