/**
 * The provider's own node as payments and feed see it. Before: payments/, feed/feed.ts. After: the
 * tangle library's NodeClient and BlockIssuer.
 */
import { decodeBlock } from '@tanglemail/tangle/core/codec/block.ts';
import type { BlockId, OutputId } from '@tanglemail/tangle/core/codec/ids.ts';
import { hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import { decodeOutput } from '@tanglemail/tangle/core/codec/output.ts';
import { decodePayload } from '@tanglemail/tangle/core/codec/payload.ts';
import type { Payload } from '@tanglemail/tangle/core/codec/payload.ts';
import { assert } from '@tanglemail/tangle/core/outcome.ts';
import { isNotFound } from '@tanglemail/tangle/io/node-client/errors.ts';
import type { BlockIssuer } from '@tanglemail/tangle/io/node-client/block-issuer.ts';
import type { NodeClient } from '@tanglemail/tangle/io/node-client/node-client.ts';
import type { BlockState, LedgerOutput, LedgerPort } from '../payments/ledger-port.ts';
import type { MilestoneSource } from './feed.ts';

type Node = Pick<NodeClient, 'output' | 'blockMetadata' | 'milestone' | 'milestoneBlocks' | 'info'>;

export class NodeLedger implements LedgerPort, MilestoneSource {
  readonly #node: Node;
  readonly #issuer: Pick<BlockIssuer, 'issue'>;

  constructor(node: Node, issuer: Pick<BlockIssuer, 'issue'>) {
    this.#node = node;
    this.#issuer = issuer;
  }

  async output(id: OutputId): Promise<LedgerOutput | undefined> {
    try {
      const found = await this.#node.output(id);
      const output = decodeOutput(hexToBytes(found.outputBytes));
      assert(output.ok, 'our own node gives outputs in their form');
      const { spent } = found;
      return spent
        ? { output: output.value, spentBy: spent.transactionId }
        : { output: output.value };
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async attach(payload: Uint8Array): Promise<BlockId> {
    const decoded = decodePayload(payload);
    assert(decoded.ok, 'a payload of ours decodes');
    return this.publish(decoded.value);
  }

  /** Puts any payload into a new block. */
  async publish(payload: Payload): Promise<BlockId> {
    const { blockId } = await this.#issuer.issue(payload);
    return blockId;
  }

  async blockState(id: BlockId): Promise<BlockState> {
    try {
      const metadata = await this.#node.blockMetadata(id);
      if (metadata.ledgerInclusionState === 'conflicting') return 'conflicting';
      if (metadata.referencedByMilestoneIndex !== undefined) return 'applied';
      return metadata.shouldReattach === true ? 'lost' : 'pending';
    } catch (error) {
      if (isNotFound(error)) return 'lost';
      throw error;
    }
  }

  async latestIndex(): Promise<number> {
    const { status } = await this.#node.info();
    return status.confirmedMilestone.index;
  }

  /** Encoded milestone with certificate; undefined when the node does not have it (any more). */
  async milestone(index: number): Promise<Uint8Array | undefined> {
    try {
      return await this.#node.milestone(index);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /** Bytes behind the payload type of the envelopes that a milestone newly references. */
  async envelopes(index: number): Promise<Uint8Array[]> {
    const blocks = await this.#node.milestoneBlocks(index, 'envelope');
    return blocks.flatMap(({ bytes }) => {
      const block = decodeBlock(bytes);
      const payload = block.ok ? block.value.payload : null;
      return payload?.kind === 'envelope' ? [payload.bytes] : [];
    });
  }
}
