/**
 * Tells listeners of the local API what has changed. A listener that throws is logged and stays.
 * Before: the parts of the client; after: the event socket of api/.
 */
import { errorFields, type Logger } from '@tanglemail/tangle/io/logger.ts';
import type { ClientEventDto } from '../api/dto.ts';

export class ClientEvents {
  readonly #logger: Logger;
  readonly #listeners = new Set<(event: ClientEventDto) => void>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Calls `listener` for each event until the returned function is called. */
  subscribe(listener: (event: ClientEventDto) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  emit(event: ClientEventDto): void {
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch (error) {
        this.#logger.warn(errorFields(error), 'an event listener failed');
      }
    }
  }
}
