/**
 * Mail without a provider: whoever runs a node reads the envelopes of each confirmed milestone and
 * keeps those that are for this account. The position is on the disk, so a client that was away
 * reads on where it stopped. Before: client.ts; after: letter-intake.ts.
 */
import { decodeBlock } from '@tanglemail/tangle/core/codec/block.ts';
import { decodeEnvelope } from '@tanglemail/mail/core/envelope/envelope.ts';
import { counters } from '../store/collections.ts';
import type { SealedStore } from '../store/sealed-store.ts';
import type { TangleAccess } from '../tangle/tangle-access.ts';
import type { LetterIntake } from './letter-intake.ts';

const CURSOR = 'node-feed';

export interface NodeFeedDeps {
  readonly tangle: TangleAccess;
  readonly store: SealedStore;
  readonly intake: LetterIntake;
}

export class NodeFeed {
  readonly #deps: NodeFeedDeps;

  constructor(deps: NodeFeedDeps) {
    this.#deps = deps;
  }

  /** Reads all milestones that were confirmed since the last call; the number of mails found. */
  async sync(signal: AbortSignal): Promise<number> {
    const { tangle, store } = this.#deps;
    const { status } = await tangle.node.info({ signal });
    const latest = status.confirmedMilestone.index;
    let found = 0;
    // The first start begins at the present: older mail is a provider's or a backup's matter.
    let next = store.get(counters, CURSOR)?.next ?? latest;
    for (; next <= latest; next += 1) {
      signal.throwIfAborted();
      for (const { bytes } of await tangle.node.milestoneBlocks(next, 'envelope', { signal })) {
        if (await this.#take(bytes)) found += 1;
      }
      await store
        .batch()
        .put(counters, CURSOR, { next: next + 1 })
        .write();
    }
    return found;
  }

  async #take(blockBytes: Uint8Array): Promise<boolean> {
    const { intake } = this.#deps;
    const block = decodeBlock(blockBytes);
    if (!block.ok || block.value.payload?.kind !== 'envelope') return false;
    const { bytes } = block.value.payload;
    const envelope = decodeEnvelope(bytes);
    if (!envelope.ok || !intake.isOurs(envelope.value)) return false;
    return (await intake.take(bytes)).kind === 'delivered';
  }
}
