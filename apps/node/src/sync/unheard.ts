/**
 * Milestones that this node's own agreement made final and that gossip has not brought: the first
 * copy goes on to peers that have no part in the agreement. Path: milestone-sync.ts → here.
 * Spec: docs/spec/15-consensus.md §7.
 */
import type { MilestoneId } from '@tanglemail/tangle/core/codec/ids.ts';

/** Some minute of milestones; what gossip has not brought then, peers fetch. */
const MAX_UNHEARD = 64;

export class Unheard {
  readonly #ids = new Set<MilestoneId>();

  add(id: MilestoneId): void {
    this.#ids.add(id);
    for (const oldest of this.#ids) {
      if (this.#ids.size <= MAX_UNHEARD) break;
      this.#ids.delete(oldest);
    }
  }

  has(id: MilestoneId): boolean {
    return this.#ids.has(id);
  }

  delete(id: MilestoneId): void {
    this.#ids.delete(id);
  }
}
