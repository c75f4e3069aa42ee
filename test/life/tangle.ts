/**
 * The tangle of the simulated weeks: a node with the real rules, blocks, milestones and proofs,
 * asked without sockets. A milestone comes some seconds after something waits for it.
 */
import { searchNonce } from '@tanglemail/tangle/core/block/pow.ts';
import type { Address } from '@tanglemail/tangle/core/codec/ids.ts';
import type { Clock, Hasher, Verifier } from '@tanglemail/tangle/core/ports.ts';
import { LightClient } from '@tanglemail/tangle/core/milestone/light-client.ts';
import { bestHasher } from '@tanglemail/tangle/io/accel/hasher.ts';
import { bestVerifier } from '@tanglemail/tangle/io/accel/verifier.ts';
import { BlockIssuer, type ProofOfWork } from '@tanglemail/tangle/io/node-client/block-issuer.ts';
import { NodeUnreachableError } from '@tanglemail/tangle/io/node-client/errors.ts';
import { NodeClient } from '@tanglemail/tangle/io/node-client/node-client.ts';
import { ProofChecker } from '@tanglemail/tangle/io/node-client/proof-checker.ts';
import { SmallNode } from '@tanglemail/tangle/io/node-client/testing/small-node.ts';
import type { TangleAccess } from '../../apps/client/src/tangle/tangle-access.ts';
import { SeededRandom } from '../sim/random.ts';
import type { VirtualTime } from './time.ts';

const NODE_URL = 'http://node.invalid';

/** Chosen once: the race for the fastest would be the greater part of every start. */
export interface LifeCrypto {
  readonly hasher: Hasher;
  readonly verifier: Verifier;
}

export async function bestCrypto(): Promise<LifeCrypto> {
  const [hasher, verifier] = await Promise.all([bestHasher(), bestVerifier()]);
  return { hasher, verifier };
}

/** A few bits of work, here and now. */
function workOf(hasher: Hasher): ProofOfWork<never> {
  return {
    async solve(digest, difficulty, options) {
      options?.signal?.throwIfAborted();
      const nonce = searchNonce(digest, difficulty, 0n, 1 << 20, hasher);
      if (nonce === undefined) throw new Error('no nonce found');
      return { nonce };
    },
  };
}

type Listener = (data: never) => void;

export class LifeTangle {
  readonly node: SmallNode;
  readonly #time: VirtualTime;
  readonly #listeners = new Set<Listener>();
  #isMilestoneDue = false;
  #beats: TangleAccess | undefined;
  #crypto: Promise<LifeCrypto> | undefined;
  /** Called after each milestone, before anybody hears of it. */
  onMilestone: () => Promise<void> = async () => {};

  readonly #milestoneMs: number;

  /** `outputs` hold the tokens of the genesis. With `crypto` the node itself is as fast. */
  constructor(
    time: VirtualTime,
    outputs: readonly { address: Address; amount: bigint }[],
    milestoneMs = 1_000,
    crypto?: LifeCrypto,
  ) {
    this.#time = time;
    this.#milestoneMs = milestoneMs;
    if (crypto !== undefined) this.#crypto = Promise.resolve(crypto);
    const pages = { blocksPage: 100, outputsPage: 100 };
    this.node = new SmallNode([...outputs], { nowMs: () => time.nowMs, ...pages, ...crypto });
  }

  /** A way to the node that ends when `isOnline` says no. */
  async access(
    clock: Clock,
    random: SeededRandom,
    isOnline: () => boolean = () => true,
  ): Promise<TangleAccess> {
    const { genesis, start0 } = this.node;
    this.#crypto ??= bestCrypto();
    const { hasher, verifier } = await this.#crypto;
    const proofOfWork = workOf(hasher);
    const send = async (url: URL | string, init?: RequestInit): Promise<Response> => {
      if (!isOnline()) throw new NodeUnreachableError('network', 'offline');
      const answer = await this.node.fetch(url, init);
      if (init?.method === 'POST') this.#wake();
      return answer;
    };
    const node = new NodeClient({ baseUrl: NODE_URL, hasher, fetch: send });
    const lightClient = LightClient.fromGenesis(genesis, { hasher, verifier });
    const checker = new ProofChecker(lightClient, { hasher, clock, client: node });
    const events = {
      subscribe: (topic: string, listener: Listener) => {
        if (topic !== 'milestones/confirmed') return () => {};
        const told = (data: never): void => {
          if (isOnline()) listener(data);
        };
        this.#listeners.add(told);
        return () => this.#listeners.delete(told);
      },
      close: () => {},
    } as unknown as TangleAccess['events'];
    const { networkId } = start0;
    const { params } = genesis;
    const issuer = new BlockIssuer(
      { networkId, params },
      { node, proofOfWork, checker, hasher, events },
    );
    return {
      networkId,
      params,
      node,
      events,
      checker,
      issuer,
      proofOfWork,
      hasher,
      verifier,
      clock,
      random,
      checkpoint: () => lightClient.checkpoint(),
      close: async () => {},
    };
  }

  /** A block without content, so that ledger time goes on though nobody writes. */
  async beat(): Promise<void> {
    const clock = { nowMs: () => this.#time.nowMs };
    this.#beats ??= await this.access(clock, new SeededRandom(0));
    await this.#beats.issuer.issue(null);
  }

  #wake(): void {
    if (this.#isMilestoneDue) return;
    this.#isMilestoneDue = true;
    this.#time.after(this.#milestoneMs, () => {
      this.#isMilestoneDue = false;
      void this.#time.during(this.milestone());
    });
  }

  /** A milestone now, over everything that waits. */
  async milestone(): Promise<void> {
    this.node.confirm();
    await this.onMilestone();
    const data = this.node.confirmedEvent(this.node.chain.length - 1) as never;
    for (const listener of this.#listeners) listener(data);
  }
}
