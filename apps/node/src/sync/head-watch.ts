/**
 * Where the network's head is, by the word of peers as far as they can show it, and whether this
 * node has reached it after its start. Where the claimed milestone belongs to an epoch whose
 * committee is not known here, the peer is asked for the election that leads there, one epoch after
 * the other. On the path: milestone-sync.ts → here (peer-claims.ts, pruned-peers.ts) →
 * proven-chain.ts.
 * Spec: docs/spec/13-sync.md §5.
 */
import type { SyncStatus } from '@tanglemail/tangle/core/codec/frame.ts';
import type { Answered, RequestOptions } from '@tanglemail/tangle/io/libp2p/requester.ts';
import { NetworkError } from '@tanglemail/tangle/io/libp2p/types.ts';
import type { Finding } from '@tanglemail/tangle/io/libp2p/verdicts.ts';
import type { Logger } from '@tanglemail/tangle/io/logger.ts';
import { PeerClaims, type Shown } from './peer-claims.ts';
import type { ProvenChain } from './proven-chain.ts';
import { PrunedPeers } from './pruned-peers.ts';

export interface HeadWatchDeps {
  readonly chain: ProvenChain;
  confirmedIndex(): number;
  readonly network: {
    requestMilestones(from: number, count: number, options: RequestOptions): Promise<Answered>;
    blameAnswer(peer: string, finding: Finding): void;
    peers(): readonly { readonly id: string; readonly status?: SyncStatus }[];
  };
  /** A milestone was proven: there may be something to do. */
  onShown(): void;
  readonly signal: AbortSignal;
  readonly logger: Logger;
  onFatal(error: unknown): void;
}

/** A milestone that a peer told of may come by gossip within this time; then the peer is asked. */
const CLAIM_PATIENCE_MS = 1_000;
/** A node that starts waits so long for peers that are ahead, counted from its last progress. */
const CATCH_UP_GRACE_MS = 10_000;

export class HeadWatch {
  readonly #deps: HeadWatchDeps;
  readonly #claims: PeerClaims;
  readonly #pruned: PrunedPeers;
  #caughtUp: boolean;
  #progressMs = performance.now();

  /** @param expectsPeers whether peers are configured, so that the node waits for them first. */
  constructor({ expectsPeers }: { readonly expectsPeers: boolean }, deps: HeadWatchDeps) {
    this.#deps = deps;
    this.#caughtUp = !expectsPeers;
    const { chain, network, logger } = deps;
    this.#pruned = new PrunedPeers({ peers: () => network.peers(), logger });
    this.#claims = new PeerClaims({
      peers: () => network.peers(),
      newestProven: () => chain.newest,
      nextStep: (claimed) => chain.nextStep(claimed),
      show: (peer, index) => this.#show(peer, index),
      onLie: (peer, index) => this.#onLie(peer, index),
      nowMs: () => performance.now(),
    });
  }

  /** Why the node cannot catch up by itself, in words; undefined while it may. */
  get problem(): string | undefined {
    return this.#pruned.problem;
  }

  /**
   * False after a start until the node stands where its peers say they stand, or until it has not
   * been behind for ten seconds: peers may be silent, so they cannot hold the node up for ever. A
   * peer that cannot show what it claims has no say; but when all peers are further on than this
   * node can follow, it is not at the head.
   */
  hasCaughtUp(): boolean {
    if (this.#caughtUp) return true;
    const confirmed = this.#deps.confirmedIndex();
    const isLevel = this.hasLevelPeers();
    const isQuiet = performance.now() - this.#progressMs > CATCH_UP_GRACE_MS;
    const isBehind = this.#deps.chain.newest > confirmed || this.problem !== undefined;
    this.#caughtUp = !isBehind && (isLevel || isQuiet);
    return this.#caughtUp;
  }

  /** Whether peers have said where they stand, and none whose word counts is further on. */
  hasLevelPeers(): boolean {
    const confirmed = this.#deps.confirmedIndex();
    const told = this.#claims.believed();
    return told.length > 0 && told.every((index) => index <= confirmed);
  }

  /** Something was confirmed while the node was behind, or it starts now. */
  progress(): void {
    this.#progressMs = performance.now();
  }

  /** Asks peers for what they claim. */
  ask(): void {
    this.#claims.ask(this.#caughtUp ? CLAIM_PATIENCE_MS : 0);
  }

  /** What the node needs next is here, or has been confirmed. */
  forgetProblem(): void {
    this.#pruned.forget();
  }

  /** Nothing can be confirmed now: looks whether any peer could change that. */
  judge(): void {
    const { chain } = this.#deps;
    const confirmed = this.#deps.confirmedIndex();
    const isFurther = chain.newest > confirmed || this.#hearsOfUnknown();
    if (isFurther && chain.get(confirmed + 1) === undefined) this.#pruned.judge(confirmed + 1);
    else this.#pruned.forget();
  }

  /** Resolves when no question is open. */
  async settle(): Promise<void> {
    await this.#claims.settle();
  }

  /** A peer whose word counts stands in an epoch whose committee is not known here. */
  #hearsOfUnknown(): boolean {
    return this.#claims.believed().some((index) => !this.#deps.chain.canJudge(index));
  }

  /** Asks one peer for a milestone that it must have if its STATUS is true. */
  async #show(peer: string, index: number): Promise<Shown> {
    const { chain, network, signal } = this.#deps;
    const options = { priority: 'milestone', signal, peer, only: true } as const;
    try {
      const { items } = await network.requestMilestones(index, 1, options);
      const [bytes] = items;
      const checked = bytes === undefined ? undefined : chain.check(bytes);
      if (checked?.ok !== true || checked.value.index !== index) {
        return chain.isPassed(index) ? 'proven' : 'not-shown';
      }
      await chain.add(checked.value);
      this.#deps.onShown();
      return 'proven';
    } catch (error) {
      if (!(error instanceof NetworkError)) this.#deps.onFatal(error);
      return 'no-answer';
    }
  }

  #onLie(peer: string, index: number): void {
    this.#deps.network.blameAnswer(peer, 'status-unproven');
    this.#deps.logger.debug({ peer, index }, 'a peer cannot show the milestone that it claims');
  }
}
