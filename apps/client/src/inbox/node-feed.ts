/**
 * Mail without a provider: whoever runs a node reads the envelopes of each confirmed milestone and
 * keeps those that are for this account. The position is on the disk, so a client that was away
 * reads on where it stopped. Before: client.ts; after: letter-intake.ts.
 * Spec: docs/spec/42-delivery.md.
 */
import { decodeBlock } from '@tanglemail/tangle/core/codec/block.ts';
import { decodeMilestone } from '@tanglemail/tangle/core/codec/milestone.ts';
import { NodeApiError } from '@tanglemail/tangle/io/node-client/errors.ts';
import { decodeEnvelope } from '@tanglemail/mail/core/envelope/envelope.ts';
import { feedPositions } from '../store/collections.ts';
import type { SealedStore } from '../store/sealed-store.ts';
import type { TangleAccess } from '../tangle/tangle-access.ts';
import type { LetterIntake } from './letter-intake.ts';

const KEY = 'node-feed';
/** Milestones between two writes of the position: reading some of them again changes nothing. */
const SAVE_EVERY = 64;
/** While nothing comes, the time of the last look is written down this seldom. */
const SAVE_SECONDS = 600;

export interface NodeFeedDeps {
  readonly tangle: Pick<TangleAccess, 'node' | 'clock'>;
  readonly store: SealedStore;
  readonly intake: Pick<LetterIntake, 'isOurs' | 'take'>;
}

export class NodeFeed {
  readonly #deps: NodeFeedDeps;

  constructor(deps: NodeFeedDeps) {
    this.#deps = deps;
  }

  /** Unix seconds of the last time when nothing was left to read; undefined before the first. */
  get caughtUpAt(): number | undefined {
    const position = this.#deps.store.get(feedPositions, KEY);
    return position?.caughtUpAt;
  }

  /** Reads all milestones that were confirmed since the last call; the number of mails found. */
  async sync(signal: AbortSignal): Promise<number> {
    const { tangle, store } = this.#deps;
    const startedAt = Math.floor(tangle.clock.nowMs() / 1_000);
    const { status } = await tangle.node.info({ signal });
    const latest = status.confirmedMilestone.index;
    const known = store.get(feedPositions, KEY);
    // The first start begins at the present: older mail is a provider's or a backup's matter.
    let next = known?.next ?? latest;
    let found = 0;
    for (; next <= latest; next += 1) {
      signal.throwIfAborted();
      found += await this.#readMilestone(next, signal);
      if (next % SAVE_EVERY === 0) await this.#save(next + 1, known?.caughtUpAt ?? startedAt);
    }
    const isOld = startedAt - (known?.caughtUpAt ?? 0) >= SAVE_SECONDS;
    if (isOld || next !== known?.next) await this.#save(next, startedAt);
    return found;
  }

  async #readMilestone(index: number, signal: AbortSignal): Promise<number> {
    const { node } = this.#deps.tangle;
    const blocks = await node.milestoneBlocks(index, 'envelope', { signal });
    if (blocks.length === 0) return 0;
    // Strangers' tags belong to a day: that of the milestone, not of today. Only a hint for a scan,
    // so its certificate does not matter.
    const milestone = decodeMilestone(await node.milestone(index, { signal }));
    if (!milestone.ok) throw new NodeApiError('answer-invalid', 200);
    const arrivedAt = Math.floor(milestone.value.header.timestampMs / 1_000);
    let found = 0;
    for (const { bytes } of blocks) if (await this.#take(bytes, arrivedAt)) found += 1;
    return found;
  }

  async #take(blockBytes: Uint8Array, arrivedAt: number): Promise<boolean> {
    const { intake } = this.#deps;
    const block = decodeBlock(blockBytes);
    if (!block.ok || block.value.payload?.kind !== 'envelope') return false;
    const { bytes } = block.value.payload;
    const envelope = decodeEnvelope(bytes);
    if (!envelope.ok || !intake.isOurs(envelope.value, arrivedAt)) return false;
    return (await intake.take(bytes)).kind === 'delivered';
  }

  async #save(next: number, caughtUpAt: number): Promise<void> {
    const batch = this.#deps.store.batch();
    await batch.put(feedPositions, KEY, { next, caughtUpAt }).write();
  }
}
