/**
 * What a node knows, by the real core: blocks with their proof of work, DAG, tips, ledger, checked
 * milestones above the committed one. Only disk and clock are those of the simulation. It is what
 * `apps/node` does in `processor/`, `store/rebuild.ts` and `confirmation/`, without `await`.
 */
import { powDifficulty, powDigest, searchNonce } from '@tanglemail/tangle/core/block/pow.ts';
import { checkBlock, type CheckedBlock } from '@tanglemail/tangle/core/block/rules.ts';
import { encodeBlock, encodeBlockWithoutNonce } from '@tanglemail/tangle/core/codec/block.ts';
import type { BlockId, MilestoneId } from '@tanglemail/tangle/core/codec/ids.ts';
import { milestoneIdOf, type Milestone } from '@tanglemail/tangle/core/codec/milestone.ts';
import type { Payload } from '@tanglemail/tangle/core/codec/payload.ts';
import { Candidates } from '@tanglemail/tangle/core/consensus/candidates.ts';
import type { Entry } from '@tanglemail/tangle/core/consensus/final-chain.ts';
import { Dag } from '@tanglemail/tangle/core/dag/dag.ts';
import {
  buildMilestone,
  type BuiltMilestone,
  type MilestoneProposal,
} from '@tanglemail/tangle/core/milestone/build.ts';
import type { GenesisMilestone } from '@tanglemail/tangle/core/milestone/genesis.ts';
import {
  checkMilestone,
  type ContentContext,
  type ParentMilestone,
} from '@tanglemail/tangle/core/milestone/rules.ts';
import { fail, succeed, type Outcome } from '@tanglemail/tangle/core/outcome.ts';
import type { NetworkParams } from '@tanglemail/tangle/core/params/networks.ts';
import type { Hasher, Random, Verifier } from '@tanglemail/tangle/core/ports.ts';
import { TipPool, type UnreferencedView } from '@tanglemail/tangle/core/tips/tip-pool.ts';
import type { Disk } from './disk.ts';

/** What all nodes of one simulated network share. */
export interface SimNetworkRules {
  readonly start: GenesisMilestone;
  readonly params: NetworkParams;
  readonly committee: readonly Uint8Array[];
  readonly hasher: Hasher;
  readonly verifier: Verifier;
}

/** What a leader decides about a milestone. */
type Chosen = Omit<MilestoneProposal, 'parent' | 'view'>;

/** Milestones beyond max depth whose blocks a node still knows; older ones are pruned. */
const KEEP_MARGIN = 5;

export class SimChain {
  readonly dag: Dag;
  readonly tips: TipPool;
  readonly candidates: Candidates;
  readonly #rules: SimNetworkRules;
  readonly #disk: Disk;
  readonly #nowMs: () => number;
  readonly #blocks = new Map<BlockId, CheckedBlock>();
  /** Blocks that the milestones of the window reference, with their index. */
  readonly #referencedAt = new Map<BlockId, number>();

  /** Starts from what the disk holds. */
  constructor(rules: SimNetworkRules, disk: Disk, deps: { random: Random; nowMs: () => number }) {
    const { belowMaxDepth } = rules.params;
    this.#rules = rules;
    this.#disk = disk;
    this.#nowMs = deps.nowMs;
    this.dag = new Dag({ belowMaxDepth });
    this.tips = new TipPool({ belowMaxDepth }, { random: deps.random });
    this.candidates = new Candidates(disk.latest.state, rules);
    this.#rebuild();
  }

  /** The last committed milestone. */
  get latest(): { readonly id: MilestoneId; readonly header: Milestone['header'] } {
    return this.candidates.base;
  }

  /** Takes a block in from the wire. `solid` are those that became so, `missing` is unknown. */
  addBlock(bytes: Uint8Array, source = ''): Outcome<{ id: BlockId; missing: BlockId[] }> {
    const { params, hasher, start } = this.#rules;
    const checked = checkBlock(bytes, {
      params,
      hasher,
      networkId: start.networkId,
      loadBits: 0,
    });
    if (!checked.ok) return checked;
    const { id } = checked.value;
    if (this.dag.has(id) || this.#referencedAt.has(id)) return fail('block-known');
    this.#disk.writeBlock(id, bytes);
    return this.#attach(checked.value, source);
  }

  /** A block of the disk that the DAG has dropped comes back when a milestone needs it. */
  reload(id: BlockId): boolean {
    const bytes = this.#disk.block(id);
    return bytes !== undefined && !this.dag.has(id) && this.addBlock(bytes).ok;
  }

  /** Mines a block on tips as the selection gives them, or on `parents`. */
  mine(payload: Payload, parents?: readonly BlockId[]): Uint8Array {
    const { params, hasher, start } = this.#rules;
    const chosen = parents ?? this.#selectParents();
    const unmined = {
      version: 1 as const,
      networkId: start.networkId,
      parents: [...new Set(chosen)].toSorted(),
      payload,
    };
    const head = encodeBlockWithoutNonce(unmined);
    const bits = powDifficulty(head.length + 8, params, 0);
    const nonce = searchNonce(powDigest(head, hasher), bits, 0n, 1 << 20, hasher);
    if (nonce === undefined) throw new Error('the work of the test preset is small');
    return encodeBlock({ ...unmined, nonce });
  }

  /** Judges a milestone whose predecessor is known here; a valid one becomes a candidate. */
  check(id: MilestoneId, entry: Entry, nowMs?: number): Outcome<void> {
    const parent = this.candidates.stateOf(entry.header.previousId);
    const context = this.candidates.contextOn(entry.header.previousId, this.#committed());
    if (parent === undefined || context === undefined) return fail('milestone-previous');
    const timed = nowMs === undefined ? context : { ...context, nowMs };
    const checked = checkMilestone(entry, parent, timed);
    if (!checked.ok) return checked;
    this.candidates.add(id, { ...entry, result: checked.value });
    return succeed(undefined);
  }

  /** Builds the successor of a candidate or of the committed milestone. */
  build(parentId: MilestoneId, view: bigint, nowMs: number): Outcome<BuiltMilestone> {
    const { heartbeatMs } = this.#rules.params;
    return this.buildChosen(parentId, view, ({ header, parents: named }, dag) => {
      const parents = this.tips.heaviest(header.index, dag, named);
      const isHeartbeat = parents.every((id) => named.includes(id));
      const least = header.timestampMs + (isHeartbeat ? heartbeatMs : 1);
      return { parents, timestampMs: Math.max(nowMs, least) };
    });
  }

  /** The same of what `choose` takes among the blocks that wait. */
  buildChosen(
    parentId: MilestoneId,
    view: bigint,
    choose: (parent: ParentMilestone, dag: UnreferencedView) => Chosen,
  ): Outcome<BuiltMilestone> {
    const parent = this.candidates.stateOf(parentId);
    const context = this.candidates.contextOn(parentId, this.#committed());
    if (parent === undefined || context === undefined) return fail('milestone-previous');
    const chosen = choose(parent, this.candidates.viewOn(parentId, this.dag));
    const built = buildMilestone({ ...chosen, parent, view }, context);
    if (built.ok) this.candidates.add(built.value.id, built.value);
    return built;
  }

  /** Writes a final milestone whose check succeeded, and brings the memory to where the disk is. */
  commit(milestone: Milestone): MilestoneId {
    const { header, body } = milestone;
    const id = milestoneIdOf(header, this.#rules.hasher);
    const state = this.candidates.stateOf(id);
    const result = this.candidates.resultOf(id);
    if (state === undefined || result === undefined) throw new Error('checked before committed');
    this.#disk.commit(milestone, state, result);
    this.candidates.moveTo(state);
    this.dag.markReferenced(result.included, header.index, body.parents);
    for (const one of result.included) this.#referencedAt.set(one, header.index);
    this.tips.onMilestone(header.index, body.parents);
    this.#prune(header.index);
    return id;
  }

  /** Whether blocks wait that no checked milestone up to `id` references. */
  isWaiting(id: MilestoneId): boolean {
    for (const one of this.candidates.viewOn(id, this.dag).unreferenced()) {
      if (!this.dag.isBelowMaxDepth(one, this.latest.header.index + 1)) return true;
    }
    return false;
  }

  /** Blocks that no committed milestone references. */
  get waiting(): BlockId[] {
    return [...this.dag.unreferenced()];
  }

  /** Parents of waiting blocks that only the window still knows become entry points again. */
  recall(id: BlockId): boolean {
    const index = this.#referencedAt.get(id);
    if (index === undefined || this.dag.has(id)) return false;
    this.#tell(this.dag.addEntryPoint(id, index).solid);
    return true;
  }

  #selectParents(): BlockId[] {
    const { index } = this.latest.header;
    return this.tips.parentsForBlock(index, (id) => this.dag.coneRoots(id), this.#nowMs());
  }

  #attach(block: CheckedBlock, source: string): Outcome<{ id: BlockId; missing: BlockId[] }> {
    this.#blocks.set(block.id, block);
    const added = this.dag.add(block.id, block.block.parents, { source });
    for (const id of added.ok ? added.value.dropped : added.dropped) this.#drop(id);
    if (!added.ok) return added;
    this.#tell(added.value.solid);
    const missing = added.value.missing.filter((id) => !this.recall(id));
    return succeed({ id: block.id, missing });
  }

  #tell(solid: readonly BlockId[]): void {
    for (const id of solid) this.tips.add(id, this.dag.parentsOf(id) ?? [], this.#nowMs());
  }

  #drop(id: BlockId): void {
    this.tips.remove(id);
    this.#blocks.delete(id);
  }

  #prune(index: number): void {
    const below = index - this.#rules.params.belowMaxDepth - KEEP_MARGIN;
    for (const id of this.dag.prune(below)) this.#drop(id);
    for (const [id, at] of this.#referencedAt) {
      if (at >= below) break;
      this.#referencedAt.delete(id);
    }
  }

  #committed(): ContentContext {
    const { params, verifier, hasher } = this.#rules;
    return {
      params,
      verifier,
      hasher,
      blocks: { get: (id) => (this.dag.isSolid(id) ? this.#blocks.get(id) : undefined) },
      rootIndexOf: (id) => this.dag.rootIndexOf(id),
      outputs: this.#disk.ledger.get,
    };
  }

  /** The window of milestones gives the entry points; what the disk holds beside them is new. */
  #rebuild(): void {
    const { chain } = this.#disk;
    const latest = this.#disk.latest.milestone;
    const first = latest.header.index - this.#rules.params.belowMaxDepth - KEEP_MARGIN;
    for (const { milestone, included } of chain.slice(Math.max(0, first))) {
      const { index } = milestone.header;
      for (const id of included) {
        this.dag.addEntryPoint(id, index);
        this.#referencedAt.set(id, index);
      }
      for (const id of milestone.body.parents) this.dag.addEntryPoint(id, index);
    }
    this.tips.onMilestone(latest.header.index, latest.body.parents);
    const referenced = new Set(chain.flatMap(({ included }) => included));
    for (const [id, bytes] of this.#disk.blocks()) if (!referenced.has(id)) this.addBlock(bytes);
  }
}
