/**
 * A user with nothing but good intentions, while others attack: sends blocks through one node and
 * waits until every node has them confirmed, doing what a good client does: more work when the
 * network asks for it, again when the node is busy, a new block when the old one fell behind.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { BlockId } from '@tanglemail/tangle/core/codec/ids.ts';
import { isNotFound, isTransient, NodeApiError } from '@tanglemail/tangle/io/node-client/errors.ts';
import type { NodeClient } from '@tanglemail/tangle/io/node-client/node-client.ts';
import { BlockMaker } from '../../attack/blocks.ts';
import type { Target } from '../../attack/target.ts';

const RETRY_MS = 100;

/** How it went with one block. */
export interface Confirmed {
  /** From the first try to confirmed on every node. */
  readonly ms: number;
  /** Blocks that its payload needed. */
  readonly blocks: number;
}

export class HonestUser {
  readonly #node: NodeClient;
  readonly #others: readonly NodeClient[];
  readonly #maker: BlockMaker;
  #sent = 0;

  private constructor(node: NodeClient, others: readonly NodeClient[], maker: BlockMaker) {
    this.#node = node;
    this.#others = others;
    this.#maker = maker;
  }

  static async open(
    target: Target,
    node: NodeClient,
    others: readonly NodeClient[],
  ): Promise<HonestUser> {
    return new HonestUser(node, others, await BlockMaker.open(target));
  }

  /** Sends `count` payloads, one each `everyMs`, and waits for all; throws after `timeoutMs`. */
  async send(count: number, everyMs: number, timeoutMs: number): Promise<Confirmed[]> {
    const all: Promise<Confirmed>[] = [];
    for (let index = 0; index < count; index += 1) {
      all.push(this.#sendOne(performance.now() + timeoutMs));
      await sleep(everyMs);
    }
    return await Promise.all(all);
  }

  async #sendOne(deadline: number): Promise<Confirmed> {
    const startedMs = performance.now();
    const data = Buffer.from(`honest ${this.#sent++}`);
    let blocks = 0;
    let last = 'nothing yet';
    while (performance.now() < deadline) {
      try {
        const id = await this.#attach(data);
        blocks += 1;
        if (await this.#isConfirmed(this.#node, id, deadline)) {
          for (const other of this.#others) await this.#isConfirmed(other, id, deadline);
          return { ms: performance.now() - startedMs, blocks };
        }
        last = 'fell behind';
      } catch (error) {
        const mayPass = error instanceof NodeApiError && error.code === 'pow-below-load';
        if (!mayPass && !isTransient(error)) throw error;
        last = error instanceof Error ? error.message : 'unknown';
        await sleep(RETRY_MS);
      }
    }
    throw new Error(`an honest block was not confirmed in time; last: ${last}`);
  }

  async #attach(data: Uint8Array): Promise<BlockId> {
    await this.#maker.follow(this.#node);
    const parents = await this.#node.tips();
    const tag = Buffer.from('honest');
    const block = this.#maker.make(parents, { kind: 'tagged-data', tag, data });
    return await this.#node.submitBlock(block.bytes);
  }

  /** False when the block fell too far behind to be confirmed. */
  async #isConfirmed(node: NodeClient, id: BlockId, deadline: number): Promise<boolean> {
    while (performance.now() < deadline) {
      try {
        const { referencedByMilestoneIndex, shouldReattach } = await node.blockMetadata(id);
        if (referencedByMilestoneIndex !== undefined) return true;
        if (shouldReattach === true && node === this.#node) return false;
      } catch (error) {
        // Another node may not have it yet.
        if (isNotFound(error) && node === this.#node) return false;
        if (!isNotFound(error) && !isTransient(error)) throw error;
      }
      await sleep(RETRY_MS);
    }
    throw new Error(`block ${id} is not confirmed on ${node.baseUrl}`);
  }
}
