/**
 * Follows the chain of milestones: takes them from gossip, fetches those that were missed with
 * their certificates, has the cones of many fetched ahead, and hands one after the other to
 * confirmation. A node that starts late does nothing else. On the path: tangle/io/libp2p → here
 * (proven-chain.ts, cone-window.ts, cone-feed.ts) → processor → confirmation/. Spec:
 * docs/spec/13-sync.md.
 */
import type { SyncStatus } from '@tanglemail/tangle/core/codec/frame.ts';
import type { BlockId, MilestoneId } from '@tanglemail/tangle/core/codec/ids.ts';
import type { Milestone } from '@tanglemail/tangle/core/codec/milestone.ts';
import type { Dag } from '@tanglemail/tangle/core/dag/dag.ts';
import { MAX_REQUEST_MILESTONES } from '@tanglemail/tangle/core/params/limits.ts';
import type { NetworkParams } from '@tanglemail/tangle/core/params/networks.ts';
import type { Hasher, Verifier } from '@tanglemail/tangle/core/ports.ts';
import type { Answered, RequestOptions } from '@tanglemail/tangle/io/libp2p/requester.ts';
import { NetworkError } from '@tanglemail/tangle/io/libp2p/types.ts';
import type { Finding, Verdict } from '@tanglemail/tangle/io/libp2p/verdicts.ts';
import { errorFields, type Logger } from '@tanglemail/tangle/io/logger.ts';
import type { Committees } from '../committees.ts';
import type { ChainStore } from '../confirmation/chain-store.ts';
import type { ConfirmationEngine } from '../confirmation/confirmation-engine.ts';
import type { ProcessOutcome } from '../processor/block-processor.ts';
import { Bell } from '../signal.ts';
import { ConeFeed } from './cone-feed.ts';
import { ConeWindow, type ConeNetwork } from './cone-window.ts';
import { ForkGuard } from './fork-guard.ts';
import { HeadWatch } from './head-watch.ts';
import { HeldBlocks } from './held-blocks.ts';
import type { MissingParents } from './missing-parents.ts';
import { ProvenChain, windowEnd, type Proven } from './proven-chain.ts';
import { Unheard } from './unheard.ts';

export interface MilestoneSyncDeps {
  readonly networkId: bigint;
  readonly params: NetworkParams;
  readonly committees: Committees;
  readonly hasher: Hasher;
  readonly verifier: Verifier;
  readonly engine: ConfirmationEngine;
  readonly dag: Pick<Dag, 'isSolid' | 'has' | 'missingParents'>;
  readonly store: Pick<ChainStore, 'milestoneIdAt' | 'saveEvidence'>;
  /** The bytes of a committed milestone, for evidence. */
  milestoneBytes(index: number): Uint8Array | undefined;
  readonly missing: Pick<MissingParents, 'want' | 'wantUrgently' | 'pause' | 'resume'>;
  /** Hands a block of a proven cone to the processor and waits for its turn. */
  submit(bytes: Uint8Array): Promise<ProcessOutcome>;
  /** Hands over a block of gossip that was held while the node was far behind. */
  submitHeld(bytes: Uint8Array, from: string): Promise<unknown>;
  /** A certificate proved a new greatest index. */
  onProven(milestone: Milestone): void;
  /** Gossip brought a milestone whose certificate holds. */
  onHeard(id: MilestoneId): void;
  /** Whether peers are configured, so that the node waits for them before it leads. */
  readonly expectsPeers: boolean;
  readonly network: ConeNetwork & {
    requestMilestones(from: number, count: number, options: RequestOptions): Promise<Answered>;
    requestBlocks(ids: readonly BlockId[], options: RequestOptions): Promise<Uint8Array[]>;
    blameAnswer(peer: string, finding: Finding): void;
    peers(): readonly { readonly id: string; readonly status?: SyncStatus }[];
  };
  readonly logger: Logger;
  /** The store failed or an invariant broke: the process must end. */
  onFatal(error: unknown): void;
}

/** How the node stands to its network, for metrics, API and health. */
export interface SyncState {
  /** `following`: at the head or a few milestones behind. `warping`: far behind. */
  readonly state: 'following' | 'warping' | 'halted';
  /** Milestones known by certificate that are not confirmed yet. */
  readonly behind: number;
  /** Certified milestones that wait for their cones. */
  readonly milestones: number;
  /** Cones: requested, proven and waiting, being processed, wrong or not brought (a counter). */
  readonly requested: number;
  readonly proven: number;
  readonly processing: number;
  readonly failed: number;
  /** Bytes of the proven ones. */
  readonly bufferedBytes: number;
  /** Gossiped blocks held until the node has caught up. */
  readonly held: number;
  /** Why the node cannot catch up by itself; for the operator. */
  readonly problem: string | undefined;
}

/** From so many milestones behind cones are fetched ahead, without waiting for gossip. */
const WARP_FROM = 2;
/** From so many milestones behind gossiped blocks are held, and parents not asked for. */
const HOLD_FROM = 10;
/** How long parents may come by gossip before the whole cone is asked for, in milliseconds. */
const CONE_GRACE_MS = 1_000;
const TICK_MS = 500;
const RETRY_MS = 1_000;
/** Held blocks that go to the processor at once, and parents that are asked for after a warp. */
const RELEASE = 256;
const MISSING_AFTER_WARP = 1_024;

export class MilestoneSync {
  readonly #deps: MilestoneSyncDeps;
  readonly #bell = new Bell();
  readonly #abort = new AbortController();
  readonly #chain: ProvenChain;
  readonly #head: HeadWatch;
  readonly #cones: ConeWindow;
  readonly #feed: ConeFeed;
  readonly #guard: ForkGuard;
  readonly #held = new HeldBlocks();
  /** The milestone that waits for its cone by gossip, and until when. */
  #grace = { index: 0, untilMs: 0 };
  #fetching: Promise<void> | undefined;
  /** Not before then, because nobody had the last range. */
  #fillAgainMs = 0;
  #releasing: Promise<void> | undefined;
  readonly #unheard = new Unheard();
  #loop: Promise<void> = Promise.resolve();

  constructor(deps: MilestoneSyncDeps) {
    this.#deps = deps;
    this.#guard = new ForkGuard(deps);
    const confirmedIndex = (): number => this.#confirmed;
    this.#chain = new ProvenChain({
      ...deps,
      confirmedIndex,
      onProven: (milestone) => deps.onProven(milestone),
      onFork: (index, milestones) => this.#guard.onFork(index, milestones),
    });
    this.#head = new HeadWatch(deps, {
      chain: this.#chain,
      confirmedIndex,
      network: deps.network,
      onShown: () => this.#bell.ring(),
      signal: this.#abort.signal,
      logger: deps.logger,
      onFatal: (error) => deps.onFatal(error),
    });
    this.#cones = new ConeWindow({
      ...deps,
      header: (index) => this.#chain.get(index)?.milestone.header,
      onProgress: () => this.#bell.ring(),
      onFatal: (error) => deps.onFatal(error),
      signal: this.#abort.signal,
      nowMs: () => performance.now(),
    });
    this.#feed = new ConeFeed({
      cones: this.#cones,
      submit: (bytes) => deps.submit(bytes),
      fetch: (ids) => deps.network.requestBlocks(ids, this.#options('milestone')),
      signal: this.#abort.signal,
    });
  }

  /** The newest index with a certificate that this node checked; a peer cannot invent it. */
  get latestProven(): number {
    return this.#chain.newest;
  }

  /** How the node stands. */
  get state(): SyncState {
    const { requested, proven, failed, bytes } = this.#cones.counts();
    const isHalted = this.#deps.engine.halted !== undefined;
    return {
      state: isHalted ? 'halted' : this.#behind >= WARP_FROM ? 'warping' : 'following',
      behind: this.#behind,
      milestones: this.#chain.size,
      requested,
      proven,
      processing: this.#feed.running,
      failed,
      bufferedBytes: bytes,
      held: this.#held.size,
      problem: this.#head.problem,
    };
  }

  /** A certified milestone that is not confirmed here yet, for a peer that wants it shown. */
  shownBytes(index: number): Uint8Array | undefined {
    return this.#chain.get(index)?.bytes;
  }

  /** Whether the node has stood at the head since its start, as far as peers can show. */
  hasCaughtUp(): boolean {
    return this.#head.hasCaughtUp();
  }

  /** Whether the node stands at the head, or has only just fallen behind. */
  get isFollowing(): boolean {
    const { halted } = this.#deps.engine;
    if (halted !== undefined || this.#behind >= WARP_FROM) return false;
    return this.#head.hasCaughtUp() && !this.#mayHaveForgotten();
  }

  /**
   * An empty store is a new network's or a lost disk's, and only peers know which: a seat that
   * takes its silence for a beginning says again what it has said otherwise long ago. Where one
   * seat decides alone its operator has answered for that.
   */
  #mayHaveForgotten(): boolean {
    const { committees, engine } = this.#deps;
    const isEmpty = engine.latest.header.index === 0;
    return isEmpty && committees.of(0).length > 1 && !this.#head.hasLevelPeers();
  }

  start(): void {
    this.#head.progress();
    this.#loop = this.#run();
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    this.#bell.ring();
    await this.#loop;
    await Promise.all([this.#fetching, this.#releasing]);
    await Promise.all([this.#head.settle(), this.#cones.settle(), this.#feed.settle()]);
  }

  /** A block became solid, or a peer came: there may be something to do. */
  wake(): void {
    if (this.#behind > 0) this.#bell.ring();
  }

  /**
   * Takes gossiped blocks while the node is far behind, and says whether it did. Each of them would
   * else have its parents asked for, and these theirs, back through all that is missing.
   */
  hold(blocks: readonly Uint8Array[], from: string): boolean {
    if (this.#behind < HOLD_FROM) return false;
    this.#held.add(blocks, from);
    return true;
  }

  /** A milestone from gossip. */
  async onMilestone(bytes: Uint8Array): Promise<Verdict> {
    const decoded = this.#chain.decode(bytes);
    if (!decoded.ok) return decoded.action;
    const proven = decoded.value;
    const isKnown = await this.#isKnown(proven);
    // The first copy of what our own agreement made final goes on to peers that have no part in it.
    if (isKnown && !this.#unheard.has(proven.id)) return 'ignore';
    const checked = this.#chain.verify(proven);
    if (!checked.ok) return checked.action;
    this.#unheard.delete(proven.id);
    this.#deps.onHeard(proven.id);
    return isKnown || (await this.#take(proven)) ? 'accept' : 'ignore';
  }

  /**
   * A milestone that this node's own agreement made final: vote by vote it has checked all that the
   * certificate says. Resolves when it is kept; its cone is fetched if need be.
   */
  async addFinal(milestone: Milestone): Promise<void> {
    const proven = this.#chain.trusted(milestone);
    if (await this.#isKnown(proven)) return;
    this.#unheard.add(proven.id);
    await this.#take(proven);
  }

  get #confirmed(): number {
    return this.#deps.engine.latest.header.index;
  }

  get #behind(): number {
    return this.#chain.newest - this.#confirmed;
  }

  #options(priority: RequestOptions['priority']): RequestOptions {
    return { ...(priority === undefined ? {} : { priority }), signal: this.#abort.signal };
  }

  /** Keeps a milestone whose certificate holds; true when peers should hear of it. */
  async #take(proven: Proven): Promise<boolean> {
    const isNew =
      proven.index <= this.#confirmed
        ? await this.#compareWithConfirmed(proven)
        : await this.#chain.add(proven);
    this.#bell.ring();
    return isNew;
  }

  /** Whether it is here, or pruned; what is known costs no signature check. */
  async #isKnown({ id, index }: Proven): Promise<boolean> {
    if (index > this.#confirmed) return this.#chain.get(index)?.id === id;
    const own = await this.#deps.store.milestoneIdAt(index);
    return own === undefined || own === id;
  }

  /** For a milestone that was made final meanwhile: true, and a fork when it was another one. */
  async #agrees(proven: Proven): Promise<true> {
    if (!(await this.#isKnown(proven))) await this.#compareWithConfirmed(proven);
    return true;
  }

  /** True for a fork, which everybody should hear of. */
  async #compareWithConfirmed({ index, bytes }: Proven): Promise<boolean> {
    const own = this.#deps.milestoneBytes(index);
    if (own === undefined) return false;
    await this.#guard.onFork(index, [own, bytes]);
    return true;
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort;
    const { engine, logger } = this.#deps;
    while (!signal.aborted && engine.halted === undefined) {
      try {
        this.#head.ask();
        const hasMoved = this.#behind > 0 && (await this.#advance());
        if (!hasMoved) await this.#rest();
      } catch (error) {
        if (!(error instanceof NetworkError)) {
          logger.error(errorFields(error), 'following the milestones failed');
          this.#deps.onFatal(error);
          return;
        }
        logger.debug(errorFields(error), 'catching up was interrupted');
        await this.#bell.wait(RETRY_MS, signal);
      }
    }
    this.#end();
  }

  /** Nothing is fetched or kept for a node that confirms nothing more. */
  #end(): void {
    this.#abort.abort();
    this.#cones.dropUpTo(Number.POSITIVE_INFINITY);
  }

  /** Nothing can be confirmed at this moment. */
  async #rest(): Promise<void> {
    this.#head.judge();
    this.#setPace();
    await this.#bell.wait(TICK_MS, this.#abort.signal);
  }

  /** Confirms the next milestone; false when it or its cone is not here yet. */
  async #advance(): Promise<boolean> {
    const { engine } = this.#deps;
    const next = this.#confirmed + 1;
    this.#chain.dropConfirmed();
    this.#cones.dropUpTo(next - 1);
    this.#fillWindow();
    this.#setPace();
    const proven = this.#chain.get(next);
    if (proven === undefined || !(await this.#gather(proven))) return false;
    if (this.#confirmed >= next) return true;
    const confirmed = await engine.confirm(proven.milestone);
    if (confirmed.ok) {
      // Following the head is no progress of catching up.
      if (this.#behind > 0) this.#head.progress();
      this.#head.forgetProblem();
      return true;
    }
    // This node's own seat made it final in the meantime.
    if (this.#confirmed >= next) return await this.#agrees(proven);
    if (confirmed.code !== 'milestone-cone-missing') {
      await this.#guard.onBrokenRule(next, proven.bytes, confirmed.code, confirmed.detail);
    }
    this.#feed.forget(next);
    return false;
  }

  /** Fetches certified milestones for the window, one range at a time. */
  #fillWindow(): void {
    const from = this.#chain.firstMissing();
    const last = Math.min(this.#chain.newest, windowEnd(this.#confirmed + 1));
    if (this.#fetching !== undefined || from > last) return;
    if (performance.now() < this.#fillAgainMs) return;
    this.#fetching = this.#fetchMilestones(from, Math.min(MAX_REQUEST_MILESTONES, last - from + 1))
      .catch((error: unknown) => this.#deps.onFatal(error))
      .finally(() => {
        this.#fetching = undefined;
        this.#bell.ring();
      });
  }

  async #fetchMilestones(from: number, count: number): Promise<void> {
    const { network, logger } = this.#deps;
    const priority = from === this.#confirmed + 1 ? 'milestone' : 'window';
    try {
      const { items, peer } = await network.requestMilestones(from, count, this.#options(priority));
      for (const [position, bytes] of items.entries()) {
        const checked = this.#chain.check(bytes);
        if (!checked.ok || checked.value.index !== from + position) {
          network.blameAnswer(peer, 'milestone-invalid');
          return;
        }
        // In ascending order: the election of an epoch tells who certifies the next.
        await this.#chain.add(checked.value);
      }
      if (items.length === 0) this.#fillAgainMs = performance.now() + RETRY_MS;
    } catch (error) {
      if (!(error instanceof NetworkError)) throw error;
      logger.debug({ from, ...errorFields(error) }, 'milestones were not brought');
      this.#fillAgainMs = performance.now() + RETRY_MS;
    }
  }

  /**
   * Brings a milestone's parents to solidity: near the head by gossip and requests for single
   * blocks, after a moment or far behind by the whole cone. True when they are.
   */
  async #gather(proven: Proven): Promise<boolean> {
    const { index, milestone } = proven;
    const isWarping = this.#behind >= WARP_FROM;
    if (this.#isSolid(milestone) && !this.#feed.has(index)) return true;
    if (!isWarping && this.#isGrace(proven)) return false;
    const last = isWarping ? Math.min(this.#chain.firstMissing() - 1, windowEnd(index)) : index;
    this.#cones.pump(index, last, (one) => !this.#feed.has(one) && !this.#hasBlocksOf(one));
    this.#feed.ahead(index, last);
    const fed = await this.#feed.finished(index);
    if (fed === undefined) return false;
    if (fed.refusal === undefined) {
      if (this.#isSolid(milestone)) return true;
      this.#feed.forget(index);
      return false;
    }
    // Validators took a block that breaks a rule here.
    const { code, detail } = fed.refusal;
    await this.#guard.onBrokenRule(index, proven.bytes, code, detail);
    return false;
  }

  /** While the cone may still come by gossip; asks for the parents that are missing. */
  #isGrace({ index, milestone }: Proven): boolean {
    const { dag, missing } = this.#deps;
    const nowMs = performance.now();
    if (this.#grace.index !== index) {
      this.#grace = { index, untilMs: nowMs + CONE_GRACE_MS };
      missing.wantUrgently(milestone.body.parents.filter((id) => !dag.has(id)));
    }
    return nowMs < this.#grace.untilMs;
  }

  #isSolid({ body }: Milestone): boolean {
    return body.parents.every((id) => this.#deps.dag.isSolid(id));
  }

  #hasBlocksOf(index: number): boolean {
    const proven = this.#chain.get(index);
    return proven !== undefined && this.#isSolid(proven.milestone);
  }

  /** Parents of gossip are asked for near the head only, and what was held is taken in there. */
  #setPace(): void {
    const { dag, missing } = this.#deps;
    if (this.#behind >= HOLD_FROM) {
      missing.pause();
      return;
    }
    if (missing.resume()) missing.want(dag.missingParents(MISSING_AFTER_WARP), '');
    if (this.#held.size === 0 || this.#releasing !== undefined) return;
    this.#releasing = this.#release()
      .catch((error: unknown) => this.#deps.onFatal(error))
      .finally(() => {
        this.#releasing = undefined;
      });
  }

  async #release(): Promise<void> {
    while (this.#held.size > 0 && this.#behind < HOLD_FROM && !this.#abort.signal.aborted) {
      const held = this.#held.take(RELEASE);
      await Promise.all(held.map(({ bytes, from }) => this.#deps.submitHeld(bytes, from)));
    }
  }
}
