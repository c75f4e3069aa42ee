/**
 * What a leader puts into its milestone: the heaviest blocks that wait, the time, the difficulty.
 * Every node follows the difficulty of every milestone, so that each new leader goes on where the
 * last one stood. Path: `jobs.ts` → the engine's `build` → here → core/tips.
 * Spec: docs/spec/04-milestone.md §5, docs/spec/14-load.md.
 */
import { LoadControl, type LoadFacts } from '@tanglemail/tangle/core/milestone/load.ts';
import { powLoadBitsOf, type ParentMilestone } from '@tanglemail/tangle/core/milestone/rules.ts';
import { MAX_CONE } from '@tanglemail/tangle/core/params/limits.ts';
import type { NetworkParams } from '@tanglemail/tangle/core/params/networks.ts';
import type { Clock } from '@tanglemail/tangle/core/ports.ts';
import type { UnreferencedView } from '@tanglemail/tangle/core/tips/window.ts';
import type { Logger } from '@tanglemail/tangle/io/logger.ts';
import type { ConfirmedMilestone } from '../confirmation/confirmation-engine.ts';
import type { Choice } from '../confirmation/speculation.ts';
import type { LeaderFacts } from './ports.ts';

/** A milestone of fewer blocks says little of how fast this node is. */
const MIN_MEASURED_CONE = 500;
/** However slow it was: so many blocks are always tried. */
const MIN_CONE = 1_000;

export interface LeaderDeps {
  readonly params: NetworkParams;
  readonly clock: Clock;
  readonly facts: LeaderFacts;
  readonly logger: Logger;
}

export class Leader {
  readonly #deltaMs: number;
  readonly #deps: LeaderDeps;
  readonly #load: LoadControl;
  #loadBits: number;
  #maxCone = MAX_CONE;

  /** @param loadBits the difficulty of the last committed milestone. */
  constructor({ deltaMs, loadBits }: { deltaMs: number; loadBits: number }, deps: LeaderDeps) {
    this.#deltaMs = deltaMs;
    this.#deps = deps;
    this.#load = new LoadControl(deps.params);
    this.#loadBits = loadBits;
  }

  /** Chooses a milestone on `parent` among the blocks that no milestone up to it references. */
  choose(parent: ParentMilestone, view: UnreferencedView): Choice {
    const { facts } = this.#deps;
    const { header, powLoadBits } = parent;
    const parents = facts.heaviest(header.index, view, parent.parents, this.#maxCone);
    const isHeartbeat = parents.every((id) => parent.parents.includes(id));
    const timestampMs = this.#timestampOn(header.timestampMs, isHeartbeat);
    const load = this.#load.choose(powLoadBits, timestampMs, this.#facts(view.unreferencedCount));
    return { parents, timestampMs, options: load === 0 ? {} : { powLoadBits: load } };
  }

  /** Follows a final milestone, whoever led it. */
  onConfirmed({ milestone, result }: Pick<ConfirmedMilestone, 'milestone' | 'result'>): void {
    const { header, body } = milestone;
    const before = this.#loadBits;
    const load = powLoadBitsOf(body.options);
    // What it took in waited as well, when its leader chose.
    const facts = this.#facts(this.#deps.facts.waitingBlocks() + result.included.length);
    this.#load.made(before, load, header.timestampMs, facts);
    this.#loadBits = load;
    if (load !== before) this.#deps.logger.info({ before, load, ...facts }, 'difficulty changes');
    this.#measure(result.included.length, facts.confirmMs);
  }

  /** A view went by without a milestone: the next one is easier to take in time. */
  onViewLost(): void {
    this.#maxCone = Math.max(MIN_CONE, this.#maxCone >>> 1);
  }

  #facts(waitingBlocks: number): LoadFacts {
    const { facts } = this.#deps;
    return { waitingBlocks, queueFill: facts.queueFill(), confirmMs: facts.confirmMs() };
  }

  /**
   * The clock, and later than the parent. A milestone that names nothing new holds only a heartbeat
   * later: a clock that lags is not waited for. But where nothing can be named though blocks seemed
   * to wait, that time lies too far ahead for anybody to take it: then the engine says that there
   * is nothing to build, and it is tried again.
   */
  #timestampOn(parentMs: number, isHeartbeat: boolean): number {
    const { params, clock } = this.#deps;
    const nowMs = clock.nowMs();
    const leastMs = parentMs + (isHeartbeat ? params.heartbeatMs : 1);
    if (isHeartbeat && leastMs > nowMs + params.maxDriftMs) return Math.max(nowMs, parentMs + 1);
    return Math.max(nowMs, leastMs);
  }

  /**
   * All seats check a milestone within a view, some three deltas, and one after the other: what
   * this node takes in within one delta should fit, if the others are not much slower. If they
   * are, views are lost; so what was halved for that grows with milestones that came through.
   */
  #measure(blocks: number, confirmMs: number): void {
    if (blocks < MIN_MEASURED_CONE) return;
    const fitting = Math.floor((blocks / Math.max(1, confirmMs)) * this.#deltaMs);
    const tried = Math.min(MAX_CONE, 2 * this.#maxCone);
    this.#maxCone = Math.min(tried, Math.max(MIN_CONE, fitting));
  }
}
