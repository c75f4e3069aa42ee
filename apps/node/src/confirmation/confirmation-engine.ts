/**
 * Makes milestones final on this node, one after the other: the same checks whoever made it, one
 * synced batch, then the state in memory, then the events. What the agreement judges or builds
 * before it is final goes through speculation.ts, and is not executed again. On the path: sync/ →
 * here → core/milestone and core/ledger → the store.
 * Spec: docs/spec/04-milestone.md, 08-ledger.md, 15-consensus.md §6.
 */
import type { BlockId, MilestoneId } from '@tanglemail/tangle/core/codec/ids.ts';
import { encodeMilestone, type Milestone } from '@tanglemail/tangle/core/codec/milestone.ts';
import type { Entry } from '@tanglemail/tangle/core/consensus/final-chain.ts';
import type { LedgerBlock } from '@tanglemail/tangle/core/ledger/apply-milestone.ts';
import type { BuiltMilestone } from '@tanglemail/tangle/core/milestone/build.ts';
import {
  checkMilestone,
  parentOf,
  type MilestoneResult,
  type ParentMilestone,
} from '@tanglemail/tangle/core/milestone/rules.ts';
import { assert, fail, succeed, type Outcome } from '@tanglemail/tangle/core/outcome.ts';
import type { TipPool } from '@tanglemail/tangle/core/tips/tip-pool.ts';
import type { UnreferencedView } from '@tanglemail/tangle/core/tips/window.ts';
import { Serial } from '../signal.ts';
import {
  Speculation,
  type Choice,
  type Ground,
  type SpeculationDeps,
  type SpeculativeEngine,
} from './speculation.ts';

/** A milestone that this node made final a moment ago. */
export interface ConfirmedMilestone {
  readonly id: MilestoneId;
  readonly milestone: Milestone;
  readonly bytes: Uint8Array;
  readonly result: MilestoneResult;
  /** Time to load, check or build, and write it, in milliseconds. */
  readonly elapsedMs: number;
}

export interface EngineDeps extends SpeculationDeps {
  readonly tips: TipPool;
  /** Told of blocks that left the DAG; those without a milestone can leave the store too. */
  onPruned(ids: readonly BlockId[]): void;
  /** Told after the batch is on disk and the memory follows it. */
  onConfirmed(confirmed: ConfirmedMilestone): void;
  /** The batch failed half way or memory and disk may differ: the process must end. */
  onFatal(error: unknown): void;
}

/** Milestones that stay in the DAG's memory beyond max depth, as parents of what may still come. */
const KEEP_MARGIN = 5;

/** Milestones whose load term is still enough: some seconds for mining, sending and relaying. */
const LOADS_HONOURED = 5;

export class ConfirmationEngine implements SpeculativeEngine {
  readonly #deps: EngineDeps;
  readonly #serial = new Serial();
  readonly #speculation: Speculation;
  #recentLoads: number[];
  #halted: string | undefined;
  #confirmMs = 0;

  /** `latest` is the last milestone of the store with the state after it. */
  constructor(deps: EngineDeps, latest: ParentMilestone) {
    this.#deps = deps;
    this.#speculation = new Speculation(deps, latest);
    this.#recentLoads = [latest.powLoadBits];
  }

  /** The last final milestone and the ledger's state tree after it. */
  get latest(): ParentMilestone {
    return this.#speculation.base;
  }

  /**
   * The load term that a block must have: the least of the last milestones, so that a block mined
   * for one of them is not lost because the term has risen since.
   */
  get loadBitsAsked(): number {
    return Math.min(...this.#recentLoads);
  }

  /** Time to check or build, and to write, the last milestone, milliseconds; 0 before the first. */
  get confirmMs(): number {
    return this.#confirmMs;
  }

  /** Why nothing is confirmed any more; undefined while all is well. */
  get halted(): string | undefined {
    return this.#halted;
  }

  /** Stops confirming for good; the caller has said why in the log. */
  halt(reason: string): void {
    this.#halted ??= reason;
  }

  /**
   * Makes the successor of `latest` final. Its certificate has been checked; everything else is
   * checked here, unless it was before. `milestone-cone-missing` (ignore) asks to come again with
   * the cone.
   */
  confirm(milestone: Milestone): Promise<Outcome<ConfirmedMilestone>> {
    return this.#inTurn(async () => {
      const startedMs = performance.now();
      const known = this.#speculation.executed(milestone);
      if (known !== undefined) {
        const { result, elapsedMs } = known;
        const blocks = await this.#deps.store.loadBlocks(result.included);
        return succeed(await this.#commit(milestone, result, blocks, startedMs - elapsedMs));
      }
      const { parent, context, blocks } = await this.#ground(milestone.body.parents);
      const checked = checkMilestone(milestone, parent, context);
      if (!checked.ok) return checked;
      return succeed(await this.#commit(milestone, checked.value, blocks, startedMs));
    });
  }

  has(id: MilestoneId): boolean {
    return this.#speculation.has(id);
  }

  check(id: MilestoneId, entry: Entry, nowMs?: number): Promise<Outcome<void>> {
    return this.#inTurn(() => this.#speculation.check(id, entry, nowMs));
  }

  build(
    parent: MilestoneId,
    view: bigint,
    choose: (parent: ParentMilestone, view: UnreferencedView) => Choice,
  ): Promise<Outcome<BuiltMilestone>> {
    return this.#inTurn(() => this.#speculation.build(parent, view, choose));
  }

  isWaiting(id: MilestoneId): boolean {
    return this.#speculation.isWaiting(id);
  }

  syncBlocks(): Promise<void> {
    return this.#deps.store.syncBlocks();
  }

  /** One after the other, and nothing any more once the engine has halted. */
  #inTurn<T>(task: () => Promise<Outcome<T>>): Promise<Outcome<T>> {
    return this.#serial.run(async () => {
      return this.#halted === undefined ? await task() : fail('milestone-index', this.#halted);
    });
  }

  async #ground(parents: readonly BlockId[]): Promise<Ground> {
    const ground = await this.#speculation.groundOn(this.latest.id, parents);
    assert(ground !== undefined, 'the last milestone is here');
    return ground;
  }

  async #commit(
    milestone: Milestone,
    result: MilestoneResult,
    blocks: ReadonlyMap<BlockId, LedgerBlock>,
    startedMs: number,
  ): Promise<ConfirmedMilestone> {
    const { store, params, hasher } = this.#deps;
    const { header, body } = milestone;
    const next = parentOf(milestone, this.latest, result, { params, hasher });
    const bytes = encodeMilestone(milestone);
    assert(header.index === this.latest.header.index + 1, 'milestones are committed in order');
    try {
      await store.commit({ id: next.id, header, body, bytes, result, blocks });
      this.#speculation.moveTo(next);
      this.#recentLoads = [next.powLoadBits, ...this.#recentLoads].slice(0, LOADS_HONOURED);
      this.#follow(milestone, result);
    } catch (error) {
      this.halt('the last milestone could not be written');
      this.#deps.onFatal(error);
      throw error;
    }
    const elapsedMs = performance.now() - startedMs;
    this.#confirmMs = elapsedMs;
    const confirmed = { id: next.id, milestone, bytes, result, elapsedMs };
    this.#deps.onConfirmed(confirmed);
    return confirmed;
  }

  /** Brings the memory to where the disk is. */
  #follow(milestone: Milestone, result: MilestoneResult): void {
    const { dag, tips, params } = this.#deps;
    const { index } = milestone.header;
    dag.markReferenced(result.included, index, milestone.body.parents);
    tips.onMilestone(index, milestone.body.parents);
    const belowIndex = index - params.belowMaxDepth - KEEP_MARGIN;
    const pruned = dag.prune(belowIndex);
    for (const id of pruned) tips.remove(id);
    if (pruned.length > 0) this.#deps.onPruned(pruned);
  }
}
