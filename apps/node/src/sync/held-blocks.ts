/**
 * Gossiped blocks that came while the node was far behind. Taken in at once, each would ask for its
 * parents, and these for theirs, all the way back through a history that arrives in better order by
 * itself. The newest are held and taken in when the node has caught up. Used by milestone-sync.ts.
 * Spec: docs/spec/13-sync.md §6.
 */

/** A block and the peer that sent it. */
export interface HeldBlock {
  readonly bytes: Uint8Array;
  readonly from: string;
}

/** Bounds of what is held; the oldest leave first. */
const MAX_BLOCKS = 4_096;
const MAX_BYTES = 8 << 20;

export class HeldBlocks {
  readonly #held = new Set<HeldBlock>();
  #bytes = 0;

  get size(): number {
    return this.#held.size;
  }

  /** Bytes held. */
  get bytes(): number {
    return this.#bytes;
  }

  add(blocks: readonly Uint8Array[], from: string): void {
    for (const bytes of blocks) {
      // A copy: the pack that it came in would else stay in memory for one block.
      this.#held.add({ bytes: bytes.slice(), from });
      this.#bytes += bytes.length;
    }
    for (const block of this.#held) {
      if (this.#held.size <= MAX_BLOCKS && this.#bytes <= MAX_BYTES) return;
      this.#remove(block);
    }
  }

  /** Takes out at most `count`, oldest first. */
  take(count: number): HeldBlock[] {
    const taken: HeldBlock[] = [];
    for (const block of this.#held) {
      if (taken.length >= count) break;
      this.#remove(block);
      taken.push(block);
    }
    return taken;
  }

  #remove(block: HeldBlock): void {
    this.#held.delete(block);
    this.#bytes -= block.bytes.length;
  }
}
