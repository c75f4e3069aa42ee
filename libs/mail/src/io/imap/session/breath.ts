/**
 * Lets others have their turn during long work: the daemon has one thread, and a search through
 * 100,000 mails that never waits for anything would stop everybody else. Before: commands/.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';

/** So long one piece of work may keep everybody waiting. */
const MAX_PIECE_MS = 15;

export class Breath {
  #sinceMs = performance.now();

  /** Call it between two small steps. */
  async take(): Promise<void> {
    if (performance.now() - this.#sinceMs < MAX_PIECE_MS) return;
    await nextTurn();
    this.#sinceMs = performance.now();
  }
}
