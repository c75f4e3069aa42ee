/**
 * Milestones that are judged and built before they are final: each is executed once, on the state
 * after its predecessor, and what came out waits until it is committed. Blocks are not kept with
 * it: a cone may have 640 MB. On the path: agreement/ → confirmation-engine.ts → here →
 * core/consensus/candidates.ts. Spec: docs/spec/15-consensus.md §6.
 */
import type { BlockId, MilestoneId, OutputId } from '@tanglemail/tangle/core/codec/ids.ts';
import { milestoneIdOf } from '@tanglemail/tangle/core/codec/milestone.ts';
import { Candidates } from '@tanglemail/tangle/core/consensus/candidates.ts';
import type { Entry } from '@tanglemail/tangle/core/consensus/final-chain.ts';
import type { Dag } from '@tanglemail/tangle/core/dag/dag.ts';
import type { LedgerBlock, OutputState } from '@tanglemail/tangle/core/ledger/apply-milestone.ts';
import { checkMilestoneBody } from '@tanglemail/tangle/core/milestone/body.ts';
import {
  buildMilestone,
  type BuiltMilestone,
  type MilestoneProposal,
} from '@tanglemail/tangle/core/milestone/build.ts';
import {
  checkMilestone,
  checkMilestoneHeader,
  type ContentContext,
  type MilestoneResult,
  type ParentMilestone,
} from '@tanglemail/tangle/core/milestone/rules.ts';
import { fail, succeed, type Outcome } from '@tanglemail/tangle/core/outcome.ts';
import type { NetworkParams } from '@tanglemail/tangle/core/params/networks.ts';
import type { Hasher, Verifier } from '@tanglemail/tangle/core/ports.ts';
import type { UnreferencedView } from '@tanglemail/tangle/core/tips/window.ts';
import type { ChainStore } from './chain-store.ts';

/** What a leader chooses of a milestone whose predecessor and view are given. */
export type Choice = Omit<MilestoneProposal, 'parent' | 'view'>;

/** What the agreement asks of the engine. */
export interface SpeculativeEngine {
  /** The last final milestone. */
  readonly latest: ParentMilestone;
  /** Why nothing is confirmed or judged any more; undefined while all is well. */
  readonly halted: string | undefined;
  /** Whether the next can be judged on it: the last final milestone, or one that was checked. */
  has(id: MilestoneId): boolean;
  /**
   * Judges a milestone on its predecessor, which must be here (`milestone-previous`); one that
   * holds becomes a candidate. `milestone-cone-missing` asks to come again with the block that the
   * detail names.
   * @param id of the header.
   * @param nowMs absent for an ancestor: its time is not judged again.
   */
  check(id: MilestoneId, entry: Entry, nowMs?: number): Promise<Outcome<void>>;
  /**
   * Builds the successor of the last final milestone or of a candidate, and adds it. Its time is
   * the chosen one, or the earliest that the rules allow for what it names.
   */
  build(
    parent: MilestoneId,
    view: bigint,
    choose: (parent: ParentMilestone, view: UnreferencedView) => Choice,
  ): Promise<Outcome<BuiltMilestone>>;
  /** Whether blocks wait that no checked milestone up to `id` has and that may still go in. */
  isWaiting(id: MilestoneId): boolean;
  /** All blocks that were stored before the call survive a power cut after it. */
  syncBlocks(): Promise<void>;
}

export interface SpeculationDeps {
  readonly params: NetworkParams;
  readonly hasher: Hasher;
  readonly verifier: Verifier;
  readonly store: ChainStore;
  readonly dag: Dag;
}

/** What a milestone is judged on: its predecessor, the rules' supplement, and its new blocks. */
export interface Ground {
  readonly parent: ParentMilestone;
  readonly context: ContentContext;
  readonly blocks: Map<BlockId, LedgerBlock>;
}

/** What a milestone does to the ledger, and the milliseconds that it took to find out. */
export interface Executed {
  readonly result: MilestoneResult;
  readonly elapsedMs: number;
}

/** Its calls must come one after the other, those that wait for the store too. */
export class Speculation {
  readonly #deps: SpeculationDeps;
  readonly #candidates: Candidates;
  readonly #elapsedMs = new WeakMap<MilestoneResult, number>();

  /** `latest` is the last milestone of the store with the state after it. */
  constructor(deps: SpeculationDeps, latest: ParentMilestone) {
    this.#deps = deps;
    this.#candidates = new Candidates(latest, deps);
  }

  /** The last committed milestone. */
  get base(): ParentMilestone {
    return this.#candidates.base;
  }

  has(id: MilestoneId): boolean {
    return this.#candidates.stateOf(id) !== undefined;
  }

  /** See `SpeculativeEngine.check`. */
  async check(id: MilestoneId, entry: Entry, nowMs?: number): Promise<Outcome<void>> {
    // It was made final while the check waited for its turn.
    if (id === this.base.id) return succeed(undefined);
    const startedMs = performance.now();
    const known = this.#candidates.resultOf(id);
    if (known !== undefined && this.#isWhole(entry)) return this.#checkTime(entry, nowMs);
    const missing = entry.body.parents.find((one) => !this.#deps.dag.isSolid(one));
    // Without its cone it fails in the end: what is there of it need not be read for that.
    const parents = missing === undefined ? entry.body.parents : [];
    const ground = await this.groundOn(entry.header.previousId, parents);
    if (ground === undefined) return fail('milestone-previous', entry.header.previousId);
    const { parent, context } = ground;
    const timed = nowMs === undefined ? context : { ...context, nowMs };
    const checked = checkMilestone(entry, parent, timed);
    if (!checked.ok) {
      const isUnread = checked.code === 'milestone-cone-missing' && missing !== undefined;
      return isUnread ? fail('milestone-cone-missing', missing) : checked;
    }
    this.#add(id, entry, checked.value, startedMs);
    return succeed(undefined);
  }

  /** See `SpeculativeEngine.build`. */
  async build(
    parentId: MilestoneId,
    view: bigint,
    choose: (parent: ParentMilestone, view: UnreferencedView) => Choice,
  ): Promise<Outcome<BuiltMilestone>> {
    const startedMs = performance.now();
    const parent = this.#candidates.stateOf(parentId);
    if (parent === undefined) return fail('milestone-previous', parentId);
    const chosen = choose(parent, this.#candidates.viewOn(parentId, this.#deps.dag));
    const ground = await this.groundOn(parentId, chosen.parents);
    if (ground === undefined) return fail('milestone-previous', parentId);
    const { context } = ground;
    const isHeartbeat = chosen.parents.every((id) => context.rootIndexOf(id) !== undefined);
    const leastMs = isHeartbeat ? this.#deps.params.heartbeatMs : 1;
    const timestampMs = Math.max(chosen.timestampMs, parent.header.timestampMs + leastMs);
    const built = buildMilestone({ ...chosen, parent, view, timestampMs }, context);
    if (built.ok) this.#add(built.value.id, built.value, built.value.result, startedMs);
    return built;
  }

  /** See `SpeculativeEngine.isWaiting`. */
  isWaiting(id: MilestoneId): boolean {
    const { dag } = this.#deps;
    // Roots are those of the committed milestone here and where the leader chooses, so that nobody
    // waits for what no leader takes.
    const { header } = this.#candidates.stateOf(id) ?? this.base;
    for (const one of this.#candidates.viewOn(id, dag).unreferenced()) {
      if (!dag.isBelowMaxDepth(one, header.index + 1)) return true;
    }
    return false;
  }

  /** What checking or building this successor of the last committed milestone has shown. */
  executed(milestone: Entry): Executed | undefined {
    const { header } = milestone;
    if (header.previousId !== this.base.id) return undefined;
    const result = this.#candidates.resultOf(milestoneIdOf(header, this.#deps.hasher));
    if (result === undefined || !this.#isWhole(milestone)) return undefined;
    return { result, elapsedMs: this.#elapsedMs.get(result) ?? 0 };
  }

  /** A milestone was committed; candidates that do not stand on it are forgotten. */
  moveTo(base: ParentMilestone): void {
    this.#candidates.moveTo(base);
  }

  /**
   * Loads what a milestone that names these blocks is judged with. Undefined if the last committed
   * milestone and what leads from it to `id` are not here.
   */
  async groundOn(id: MilestoneId, parents: readonly BlockId[]): Promise<Ground | undefined> {
    const { params, verifier, hasher, dag, store } = this.#deps;
    const parent = this.#candidates.stateOf(id);
    if (parent === undefined) return undefined;
    let blocks = new Map<BlockId, LedgerBlock>();
    let outputs = new Map<OutputId, OutputState>();
    const context = this.#candidates.contextOn(id, {
      params,
      verifier,
      hasher,
      signaturesChecked: true,
      blocks: { get: (block) => (dag.isSolid(block) ? blocks.get(block) : undefined) },
      rootIndexOf: (block) => dag.rootIndexOf(block),
      outputs: (output) => outputs.get(output) ?? 'unknown',
    });
    if (context === undefined) return undefined;
    const cone = dag.pastConeUnreferenced(parents);
    const isNew = (block: BlockId): boolean => context.rootIndexOf(block) === undefined;
    blocks = await store.loadBlocks(cone.filter(isNew));
    outputs = await store.loadOutputs(inputsOf(blocks.values()));
    return { parent, context, blocks };
  }

  #add(id: MilestoneId, { header, body }: Entry, result: MilestoneResult, startedMs: number): void {
    this.#candidates.add(id, { header, body, result });
    this.#elapsedMs.set(result, performance.now() - startedMs);
  }

  /** Whether the body is the header's, whose roots were recomputed from it once. */
  #isWhole(entry: Entry): boolean {
    return checkMilestoneBody(entry, this.#deps.hasher).ok;
  }

  /** A candidate may have come as an ancestor, or too early for this clock. */
  #checkTime({ header }: Entry, nowMs: number | undefined): Outcome<void> {
    const parent = this.#candidates.stateOf(header.previousId);
    if (nowMs === undefined) return succeed(undefined);
    if (parent === undefined) return fail('milestone-previous', header.previousId);
    const { params, hasher } = this.#deps;
    return checkMilestoneHeader(header, parent, { params, hasher, nowMs });
  }
}

function inputsOf(blocks: Iterable<LedgerBlock>): OutputId[] {
  const inputs = new Set<OutputId>();
  for (const { block } of blocks) {
    if (block.payload?.kind !== 'transaction') continue;
    for (const id of block.payload.inputs) inputs.add(id);
  }
  return [...inputs];
}
