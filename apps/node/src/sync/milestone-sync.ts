/**
 * Follows the chain of milestones: takes them from gossip, fetches those that were missed, in
 * order, checks each certificate, brings the cone together and hands the milestone to confirmation.
 * A node that starts late does nothing else. On the path: tangle/io/libp2p → here → confirmation/.
 * Spec: docs/spec/04-milestone.md, 07-gossip.md.
 */
import type { BlockId } from '@tanglemail/tangle/core/codec/ids.ts';
import {
  decodeMilestone,
  milestoneIdOf,
  type Milestone,
} from '@tanglemail/tangle/core/codec/milestone.ts';
import type { Dag } from '@tanglemail/tangle/core/dag/dag.ts';
import { checkFinality } from '@tanglemail/tangle/core/milestone/certificate.ts';
import type { Outcome } from '@tanglemail/tangle/core/outcome.ts';
import { MAX_CONE, MAX_REQUEST_MILESTONES } from '@tanglemail/tangle/core/params/limits.ts';
import type { Hasher, Verifier } from '@tanglemail/tangle/core/ports.ts';
import { NetworkError } from '@tanglemail/tangle/io/libp2p/types.ts';
import type { Verdict } from '@tanglemail/tangle/io/libp2p/verdicts.ts';
import { errorFields, type Logger } from '@tanglemail/tangle/io/logger.ts';
import type { ChainStore } from '../confirmation/chain-store.ts';
import type { ConfirmationEngine } from '../confirmation/confirmation-engine.ts';
import { Bell } from '../signal.ts';
import type { MissingParents } from './missing-parents.ts';

export interface MilestoneSyncDeps {
  readonly networkId: bigint;
  readonly committee: readonly Uint8Array[];
  readonly hasher: Hasher;
  readonly verifier: Verifier;
  readonly engine: ConfirmationEngine;
  readonly dag: Pick<Dag, 'isSolid' | 'has'>;
  readonly store: Pick<ChainStore, 'milestoneIdAt' | 'saveEvidence'>;
  /** The bytes of a committed milestone, for evidence. */
  milestoneBytes(index: number): Uint8Array | undefined;
  readonly missing: Pick<MissingParents, 'wantUrgently'>;
  /** Hands a fetched block to the processor and waits for its turn. */
  submit(bytes: Uint8Array): Promise<unknown>;
  /** A certificate proved a new greatest index. */
  onProven(milestone: Milestone): void;
  /** Whether peers are configured, so that the node waits for them before it leads. */
  readonly expectsPeers: boolean;
  readonly network: {
    requestMilestones(
      from: number,
      count: number,
      options: { signal?: AbortSignal },
    ): Promise<Uint8Array[]>;
    requestCone(
      index: number,
      options: { signal?: AbortSignal; skip?: number },
    ): Promise<Uint8Array[]>;
    peers(): readonly { readonly status?: { readonly latestIndex: number } }[];
  };
  readonly logger: Logger;
  /** The store failed or an invariant broke: the process must end. */
  onFatal(error: unknown): void;
}

interface Pending {
  readonly milestone: Milestone;
  readonly bytes: Uint8Array;
}

/**
 * Milestones kept ahead of the last confirmed one; later ones are fetched when it is their turn.
 */
const MAX_AHEAD = 128;
/** How long parents may come by gossip before the whole cone is asked for, in milliseconds. */
const CONE_GRACE_MS = 1_000;
const TICK_MS = 500;
const RETRY_MS = 1_000;
/** A node that starts waits so long for peers that are ahead, counted from its last progress. */
const CATCH_UP_GRACE_MS = 10_000;
/** Blocks that go to the processor at once; well below its queue. */
const CHUNK = 512;

export class MilestoneSync {
  readonly #deps: MilestoneSyncDeps;
  readonly #pending = new Map<number, Pending>();
  readonly #bell = new Bell();
  readonly #abort = new AbortController();
  #announced = 0;
  #caughtUp: boolean;
  #progressMs = performance.now();
  #loop: Promise<void> = Promise.resolve();

  constructor(deps: MilestoneSyncDeps) {
    this.#deps = deps;
    this.#caughtUp = !deps.expectsPeers;
  }

  /** The newest index that a certificate proved to exist, or that peers say they have. */
  get latestKnown(): number {
    const own = this.#deps.engine.latest.header.index;
    const told = this.#deps.network.peers().map(({ status }) => status?.latestIndex ?? 0);
    return Math.max(own, this.#announced, ...told);
  }

  /** The newest index with a certificate that this node checked; a peer cannot invent it. */
  get latestProven(): number {
    return Math.max(this.#deps.engine.latest.header.index, this.#announced);
  }

  /**
   * False after a start until the node stands where its peers say they stand, or until nothing
   * has moved for ten seconds: peers may lie, so their word alone cannot hold the node up for ever.
   */
  hasCaughtUp(): boolean {
    if (this.#caughtUp) return true;
    const own = this.#deps.engine.latest.header.index;
    const told = this.#deps.network.peers().flatMap(({ status }) => status?.latestIndex ?? []);
    const isLevel = told.length > 0 && told.every((index) => index <= own);
    const isQuiet = performance.now() - this.#progressMs > CATCH_UP_GRACE_MS;
    this.#caughtUp = this.latestProven <= own && (isLevel || isQuiet);
    return this.#caughtUp;
  }

  start(): void {
    this.#progressMs = performance.now();
    this.#loop = this.#run();
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#loop;
  }

  /** A block became solid, or a peer came: there may be something to do. */
  wake(): void {
    if (this.#pending.size > 0) this.#bell.ring();
  }

  /** A milestone from gossip. */
  async onMilestone(bytes: Uint8Array): Promise<Verdict> {
    const decoded = decodeMilestone(bytes);
    if (!decoded.ok) return decoded.action;
    const milestone = decoded.value;
    const { index } = milestone.header;
    const id = milestoneIdOf(milestone.header, this.#deps.hasher);
    if (index <= this.#deps.engine.latest.header.index) {
      if ((await this.#deps.store.milestoneIdAt(index)) === id) return 'ignore';
    }
    const waiting = this.#pending.get(index);
    if (waiting !== undefined && this.#idOf(waiting) === id) return 'ignore';
    const final = this.#checkFinality(milestone);
    if (!final.ok) return final.action;
    await this.#take({ milestone, bytes });
    return 'accept';
  }

  #idOf({ milestone }: Pending): string {
    return milestoneIdOf(milestone.header, this.#deps.hasher);
  }

  #checkFinality({ header, certificate }: Milestone): Outcome<void> {
    const { networkId, committee, hasher, verifier } = this.#deps;
    return checkFinality(header, certificate, committee, networkId, { hasher, verifier });
  }

  /** Keeps a certified milestone for its turn; two of one index stop the node. */
  async #take(pending: Pending): Promise<void> {
    const { engine } = this.#deps;
    const { index } = pending.milestone.header;
    if (index > this.latestProven) this.#deps.onProven(pending.milestone);
    this.#announced = Math.max(this.#announced, index);
    if (index <= engine.latest.header.index) {
      const own = this.#deps.milestoneBytes(index);
      if (own !== undefined) await this.#fork(index, [own, pending.bytes]);
      return;
    }
    const waiting = this.#pending.get(index);
    if (waiting !== undefined) {
      await this.#fork(index, [waiting.bytes, pending.bytes]);
      return;
    }
    if (index <= engine.latest.header.index + MAX_AHEAD) this.#pending.set(index, pending);
    this.#bell.ring();
  }

  /** Two final milestones of one index: more than a third of the committee is at fault. */
  async #fork(index: number, milestones: readonly Uint8Array[]): Promise<void> {
    const { engine, logger, store } = this.#deps;
    if (engine.halted !== undefined) return;
    engine.halt(`two different final milestones have index ${index}`);
    logger.error(
      { index },
      'FORK: two certified milestones have one index. This node confirms nothing more. ' +
        'The evidence is kept in its store; see docs/spec/04-milestone.md',
    );
    await store.saveEvidence(index, milestones);
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort;
    const { engine, logger } = this.#deps;
    while (!signal.aborted && engine.halted === undefined) {
      if (this.latestKnown <= engine.latest.header.index) {
        await this.#bell.wait(TICK_MS, signal);
        continue;
      }
      try {
        const advanced = await this.#advance();
        if (!advanced) await this.#bell.wait(RETRY_MS, signal);
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
  }

  /** Confirms the next milestone; false when it or its cone could not be had yet. */
  async #advance(): Promise<boolean> {
    const { engine } = this.#deps;
    const next = engine.latest.header.index + 1;
    for (const index of this.#pending.keys()) if (index < next) this.#pending.delete(index);
    if (!this.#pending.has(next)) await this.#fetchMilestones(next);
    const pending = this.#pending.get(next);
    if (pending === undefined) return false;
    await this.#gatherCone(pending.milestone);
    if (engine.latest.header.index >= next) return true;
    const confirmed = await engine.confirm(pending.milestone);
    if (confirmed.ok) {
      this.#pending.delete(next);
      this.#progressMs = performance.now();
      return true;
    }
    return await this.#onRefused(next, pending, confirmed.code, confirmed.detail);
  }

  async #fetchMilestones(from: number): Promise<void> {
    const { network, logger } = this.#deps;
    const count = Math.min(MAX_REQUEST_MILESTONES, this.latestKnown - from + 1);
    const { signal } = this.#abort;
    for (const bytes of await network.requestMilestones(from, count, { signal })) {
      const decoded = decodeMilestone(bytes);
      const checked = decoded.ok ? this.#checkFinality(decoded.value) : decoded;
      if (!decoded.ok || !checked.ok) {
        logger.debug({ code: checked.ok ? '' : checked.code }, 'a fetched milestone is invalid');
        return;
      }
      const { index } = decoded.value.header;
      if (index < from || this.#pending.has(index)) continue;
      await this.#take({ milestone: decoded.value, bytes });
    }
  }

  /**
   * Waits for the parents to become solid: first by gossip and requests, then by the whole cone.
   */
  async #gatherCone({ header, body }: Milestone): Promise<void> {
    const { missing } = this.#deps;
    const { signal } = this.#abort;
    const open = (): BlockId[] => body.parents.filter((id) => !this.#deps.dag.isSolid(id));
    if (open().length === 0) return;
    const isFarBehind = this.latestProven > header.index + 2;
    if (!isFarBehind) {
      missing.wantUrgently(open().filter((id) => !this.#deps.dag.has(id)));
      const deadline = performance.now() + CONE_GRACE_MS;
      while (open().length > 0 && !signal.aborted) {
        const leftMs = deadline - performance.now();
        if (leftMs <= 0) break;
        await this.#bell.wait(leftMs, signal);
      }
    }
    if (open().length > 0 && !signal.aborted) await this.#fetchCone(header.index);
  }

  async #fetchCone(index: number): Promise<void> {
    const { network } = this.#deps;
    const { signal } = this.#abort;
    for (let skip = 0; skip < MAX_CONE;) {
      const blocks = await network.requestCone(index, { signal, skip });
      for (let start = 0; start < blocks.length; start += CHUNK) {
        await Promise.all(
          blocks.slice(start, start + CHUNK).map((bytes) => this.#deps.submit(bytes)),
        );
      }
      if (blocks.length === 0) return;
      skip += blocks.length;
      if (this.#isSolidUpTo(index)) return;
    }
  }

  #isSolidUpTo(index: number): boolean {
    const parents = this.#pending.get(index)?.milestone.body.parents ?? [];
    return parents.every((id) => this.#deps.dag.isSolid(id));
  }

  /**
   * A certified milestone that this node cannot follow is not a peer's fault but a disagreement.
   */
  async #onRefused(
    index: number,
    pending: Pending,
    code: string,
    detail: string | undefined,
  ): Promise<boolean> {
    const { engine, logger, store } = this.#deps;
    if (code === 'milestone-cone-missing') return false;
    if (engine.halted !== undefined) return false;
    engine.halt(`milestone ${index} is certified but breaks the rule ${code}`);
    logger.error(
      { index, code, detail },
      'a certified milestone breaks a rule on this node, which therefore confirms nothing more',
    );
    await store.saveEvidence(index, [pending.bytes]);
    return false;
  }
}
