/**
 * What the node tells about itself while it runs: to the event sockets of api/ and to tests. The
 * listeners run at once, one after the other; one that throws is logged and does not stop the rest.
 */
import type { PayloadKind } from '@tanglemail/tangle/core/codec/payload.ts';
import type { BlockId } from '@tanglemail/tangle/core/codec/ids.ts';
import { errorFields, type Logger } from '@tanglemail/tangle/io/logger.ts';
import type { MilestoneRefDto } from '@tanglemail/tangle/io/node-client/dto.ts';
import type { ConfirmedMilestone } from './confirmation/confirmation-engine.ts';

export interface NodeEventMap {
  /** Blocks that became solid, parents before children. */
  readonly solid: readonly {
    readonly blockId: BlockId;
    readonly kind: PayloadKind | null;
    readonly parents?: readonly BlockId[];
  }[];
  /** A certificate proved that this index exists; it may not be confirmed here yet. */
  readonly latest: MilestoneRefDto;
  /** A milestone is final on this node. */
  readonly confirmed: ConfirmedMilestone;
}

type Listener<K extends keyof NodeEventMap> = (event: NodeEventMap[K]) => void;

export class NodeEvents {
  readonly #logger: Logger;
  readonly #listeners: { readonly [K in keyof NodeEventMap]: Set<Listener<K>> } = {
    solid: new Set(),
    latest: new Set(),
    confirmed: new Set(),
  };

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Returns the function that ends the subscription. */
  on<K extends keyof NodeEventMap>(name: K, listener: Listener<K>): () => void {
    this.#listeners[name].add(listener);
    return () => {
      this.#listeners[name].delete(listener);
    };
  }

  emit<K extends keyof NodeEventMap>(name: K, event: NodeEventMap[K]): void {
    for (const listener of this.#listeners[name]) {
      try {
        listener(event);
      } catch (error) {
        this.#logger.error(errorFields(error), 'a listener failed');
      }
    }
  }
}
