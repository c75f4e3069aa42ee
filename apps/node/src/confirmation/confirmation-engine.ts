/**
 * Makes milestones final on this node, one after the other: the same checks whoever made it, one
 * synced batch, then the state in memory, then the events. On the path: sync/ or validator/ → here
 * → core/milestone and core/ledger → the store. Spec: docs/spec/04-milestone.md, 08-ledger.md.
 */
import type { BlockId, MilestoneId, OutputId } from '@tanglemail/tangle/core/codec/ids.ts';
import { encodeMilestone, type Milestone } from '@tanglemail/tangle/core/codec/milestone.ts';
import type { Dag } from '@tanglemail/tangle/core/dag/dag.ts';
import type { LedgerBlock } from '@tanglemail/tangle/core/ledger/apply-milestone.ts';
import {
  buildMilestone,
  type BuiltMilestone,
  type MilestoneProposal,
} from '@tanglemail/tangle/core/milestone/build.ts';
import {
  checkMilestone,
  parentOf,
  type ContentContext,
  type MilestoneResult,
  type ParentMilestone,
} from '@tanglemail/tangle/core/milestone/rules.ts';
import { assert, fail, succeed, type Outcome } from '@tanglemail/tangle/core/outcome.ts';
import type { NetworkParams } from '@tanglemail/tangle/core/params/networks.ts';
import type { Clock, Hasher, Verifier } from '@tanglemail/tangle/core/ports.ts';
import type { TipPool } from '@tanglemail/tangle/core/tips/tip-pool.ts';
import { committeeAt, type Committees } from '../committees.ts';
import { Serial } from '../signal.ts';
import type { ChainStore } from './chain-store.ts';

/** A milestone that this node made final a moment ago. */
export interface ConfirmedMilestone {
  readonly id: MilestoneId;
  readonly milestone: Milestone;
  readonly bytes: Uint8Array;
  readonly result: MilestoneResult;
  /** Time to load, check or build, and write it, in milliseconds. */
  readonly elapsedMs: number;
}

export interface EngineDeps {
  readonly params: NetworkParams;
  readonly committees: Committees;
  readonly hasher: Hasher;
  readonly verifier: Verifier;
  readonly clock: Clock;
  readonly store: ChainStore;
  readonly dag: Dag;
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

type Proposal = Omit<MilestoneProposal, 'parent'>;

export class ConfirmationEngine {
  readonly #deps: EngineDeps;
  readonly #serial = new Serial();
  #latest: ParentMilestone;
  #recentLoads: number[];
  #halted: string | undefined;

  /** `latest` is the last milestone of the store with the state after it. */
  constructor(deps: EngineDeps, latest: ParentMilestone) {
    this.#deps = deps;
    this.#latest = latest;
    this.#recentLoads = [latest.powLoadBits];
  }

  /** The last final milestone and the ledger's state tree after it. */
  get latest(): ParentMilestone {
    return this.#latest;
  }

  /**
   * The load term that a block must have: the least of the last milestones, so that a block mined
   * for one of them is not lost because the term has risen since.
   */
  get loadBitsAsked(): number {
    return Math.min(...this.#recentLoads);
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
   * checked here. `milestone-cone-missing` (ignore) asks to come again with the cone.
   */
  confirm(milestone: Milestone): Promise<Outcome<ConfirmedMilestone>> {
    return this.#serial.run(async () => {
      if (this.#halted !== undefined) return fail('milestone-index', this.#halted);
      const startedMs = performance.now();
      const parent = this.#latest;
      const blocks = await this.#loadCone(milestone.body.parents);
      const context = await this.#contextFor(blocks);
      const checked = checkMilestone(milestone, parent, context);
      if (!checked.ok) return checked;
      return succeed(await this.#commit(milestone, checked.value, blocks, startedMs));
    });
  }

  /**
   * Builds the successor of `latest`, has `certify` record and sign it, and makes it final.
   * `certify` runs before anything is written; what it throws stops this milestone only.
   */
  propose(
    proposal: () => Proposal,
    certify: (built: BuiltMilestone) => Promise<Milestone>,
  ): Promise<Outcome<ConfirmedMilestone>> {
    return this.#serial.run(async () => {
      if (this.#halted !== undefined) return fail('milestone-index', this.#halted);
      const startedMs = performance.now();
      const parent = this.#latest;
      const chosen = proposal();
      const blocks = await this.#loadCone(chosen.parents);
      const context = await this.#contextFor(blocks);
      const built = buildMilestone({ ...chosen, parent }, context);
      if (!built.ok) return built;
      const milestone = await certify(built.value);
      return succeed(await this.#commit(milestone, built.value.result, blocks, startedMs));
    });
  }

  async #loadCone(parents: readonly BlockId[]): Promise<Map<BlockId, LedgerBlock>> {
    const { dag, store } = this.#deps;
    return await store.loadBlocks(dag.pastConeUnreferenced(parents));
  }

  async #contextFor(blocks: Map<BlockId, LedgerBlock>): Promise<ContentContext> {
    const { params, verifier, hasher, committees, dag, store } = this.#deps;
    const inputs = new Set<OutputId>();
    for (const { block } of blocks.values()) {
      if (block.payload?.kind !== 'transaction') continue;
      for (const id of block.payload.inputs) inputs.add(id);
    }
    const outputs = await store.loadOutputs([...inputs]);
    return {
      params,
      verifier,
      hasher,
      nextCommittee: committeeAt(this.#latest.header.index + 2, committees, params),
      signaturesChecked: true,
      blocks: { get: (id) => (dag.isSolid(id) ? blocks.get(id) : undefined) },
      rootIndexOf: (id) => dag.rootIndexOf(id),
      outputs: (id) => outputs.get(id) ?? 'unknown',
    };
  }

  async #commit(
    milestone: Milestone,
    result: MilestoneResult,
    blocks: ReadonlyMap<BlockId, LedgerBlock>,
    startedMs: number,
  ): Promise<ConfirmedMilestone> {
    const { store, hasher } = this.#deps;
    const { header, body } = milestone;
    const next = parentOf(milestone, result.stateTree, hasher);
    const bytes = encodeMilestone(milestone);
    assert(header.index === this.#latest.header.index + 1, 'milestones are committed in order');
    try {
      await store.commit({ id: next.id, header, body, bytes, result, blocks });
      this.#latest = next;
      this.#recentLoads = [next.powLoadBits, ...this.#recentLoads].slice(0, LOADS_HONOURED);
      this.#follow(milestone, result);
    } catch (error) {
      this.halt('the last milestone could not be written');
      this.#deps.onFatal(error);
      throw error;
    }
    const elapsedMs = performance.now() - startedMs;
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
