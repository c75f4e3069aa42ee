/**
 * The client's door to the tangle over the small real node of the tangle library: blocks are
 * really encoded and mined, milestones certified, proofs checked. A spec says when a milestone
 * comes.
 */
import type { BlockId } from '@tanglemail/tangle/core/codec/ids.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { nobleVerifier } from '@tanglemail/tangle/core/crypto/ed25519-strict.ts';
import { LightClient } from '@tanglemail/tangle/core/milestone/light-client.ts';
import { BlockIssuer } from '@tanglemail/tangle/io/node-client/block-issuer.ts';
import { NodeClient } from '@tanglemail/tangle/io/node-client/node-client.ts';
import { ProofChecker } from '@tanglemail/tangle/io/node-client/proof-checker.ts';
import {
  addressOf,
  RICH_KEY,
  SLOW_WORK,
  SmallNode,
  SUPPLY,
} from '@tanglemail/tangle/io/node-client/testing/small-node.ts';
import { fetchDuring, type TangleAccess } from '../tangle/tangle-access.ts';

export { until } from '@tanglemail/tangle/io/testing/until.ts';

export class SmallTangle {
  readonly node: SmallNode;
  readonly access: TangleAccess;
  /** Added to the clock of the client; the node's stays. */
  aheadMs = 0;
  /** Of the node: milestones from now on are of a later time. */
  readonly #nodeTime: { aheadMs: number };
  readonly #lifetime = new AbortController();
  #confirming: ReturnType<typeof setInterval> | undefined;

  private constructor(node: SmallNode, nodeTime: { aheadMs: number }) {
    this.node = node;
    this.#nodeTime = nodeTime;
    const hasher = nobleHasher;
    const { params } = node.genesis;
    const { networkId } = node.start0;
    const clock = { nowMs: () => Date.now() + this.aheadMs };
    const fetch = fetchDuring(this.#lifetime.signal);
    const client = new NodeClient({ baseUrl: node.baseUrl, fetch });
    const lightClient = LightClient.fromGenesis(node.genesis);
    const checker = new ProofChecker(lightClient, { hasher, clock, client });
    const events = client.events();
    const issuer = new BlockIssuer(
      { networkId, params, pollMs: 10 },
      { node: client, proofOfWork: SLOW_WORK, checker, hasher, events },
    );
    this.access = {
      networkId,
      params,
      node: client,
      events,
      checker,
      issuer,
      proofOfWork: SLOW_WORK,
      hasher,
      verifier: nobleVerifier,
      clock,
      random: {
        bytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
        below: () => 0,
      },
      checkpoint: () => lightClient.checkpoint(),
      close: async () => events.close(),
    };
  }

  static async start(): Promise<SmallTangle> {
    const time = { aheadMs: 0 };
    const { now } = Date;
    const rich = { address: addressOf(RICH_KEY), amount: SUPPLY };
    const node = new SmallNode([rich], { nowMs: () => now() + time.aheadMs });
    await node.start();
    return new SmallTangle(node, time);
  }

  /** Time passes for everybody. */
  pass(timeMs: number): void {
    this.aheadMs += timeMs;
    this.#nodeTime.aheadMs += timeMs;
  }

  /** Confirms whatever waits, until the spec ends. */
  confirmAlways(): void {
    this.#confirming ??= setInterval(() => {
      if (this.node.blocks.size > this.node.referencedBy.size) this.node.confirm();
    }, 3);
  }

  confirmNoMore(): void {
    clearInterval(this.#confirming);
    this.#confirming = undefined;
  }

  /** The envelopes that milestones have confirmed, of blocks that are not in `before`. */
  confirmedEnvelopes(before: ReadonlySet<BlockId> = new Set()): Uint8Array[] {
    const fresh = [...this.node.referencedBy.keys()].filter((id) => !before.has(id));
    return fresh.flatMap((id) => {
      const payload = this.node.blocks.get(id)?.block.payload;
      return payload?.kind === 'envelope' ? [payload.bytes] : [];
    });
  }

  async stop(): Promise<void> {
    this.confirmNoMore();
    this.#lifetime.abort();
    await this.access.close();
    await this.node.stop();
  }
}
