/**
 * The rules of one milestone on top of its parent. The same pure functions serve the leader that
 * builds it, the members that vote, the node that confirms it, the API and tests: what one accepts
 * all accept. Path: consensus or sync → here (`dag/past-cone.ts`, `ledger/apply-milestone.ts`) →
 * `io/level/milestone-batch.ts`. Spec: docs/spec/04-milestone.md §4.
 */
import { equalBytes } from '@noble/curves/utils.js';
import type { BlockId, MilestoneId } from '../codec/ids.ts';
import type { MilestoneBody, MilestoneHeader, MilestoneOptions } from '../codec/milestone.ts';
import { milestoneIdOf } from '../codec/milestone.ts';
import { postOrder } from '../dag/past-cone.ts';
import type { AppliedMilestone, LedgerContext } from '../ledger/apply-milestone.ts';
import { applyMilestone } from '../ledger/apply-milestone.ts';
import { applyToStateTree } from '../ledger/ledger-diff.ts';
import type { StateTree } from '../ledger/state-tree.ts';
import type { Outcome } from '../outcome.ts';
import { fail, succeed } from '../outcome.ts';
import { MAX_CONE, POW_LOAD_STEP_MAX } from '../params/limits.ts';
import type { NetworkParams } from '../params/networks.ts';
import type { Hasher } from '../ports.ts';
import { checkMilestoneBody } from './body.ts';
import type { BondTable } from './bonds.ts';
import { committeeRoot, epochOf, isLastOfEpoch } from './committee.ts';
import { elect, isElectionIndex } from './election.ts';

/** The milestone that the next one stands on, and the ledger after it. */
export interface ParentMilestone {
  readonly id: MilestoneId;
  readonly header: MilestoneHeader;
  /** The blocks that its body names: the only referenced ones that the next may name. */
  readonly parents: readonly BlockId[];
  /** The load term that it set; 0 when its options have none. */
  readonly powLoadBits: number;
  readonly stateTree: StateTree;
  /** Keys that certify the next milestone, in seat order: those that its header's root names. */
  readonly committee: readonly Uint8Array[];
  /** The committee of the next epoch, once an election of this one has named another. */
  readonly elected: readonly Uint8Array[] | undefined;
  /** The bonds that count in the next election. */
  readonly bonds: BondTable;
}

/** Rules and time for the checks of a header. */
export interface HeaderContext {
  readonly params: NetworkParams;
  readonly hasher: Hasher;
  /** The node's clock. Absent for a milestone with a finality certificate: time has judged it. */
  readonly nowMs?: number;
}

/** Everything that the checks of a milestone's content read. */
export interface ContentContext extends LedgerContext {
  /**
   * The root index of a block that an earlier milestone referenced (`Dag.rootIndexOf`): the latest
   * milestone that referenced it or named it as a parent; undefined for a block not referenced yet.
   */
  rootIndexOf(id: BlockId): number | undefined;
}

/** A milestone's effect: what the ledger does, and the state after it. */
export interface MilestoneResult extends AppliedMilestone {
  readonly stateTree: StateTree;
}

/**
 * Keys of the committee that certifies the milestone after `index`, which stands on `parent`, in
 * seat order: what the header of milestone `index` names.
 */
export function nextCommitteeOn(
  parent: Pick<ParentMilestone, 'committee' | 'elected'>,
  index: number,
  params: Pick<NetworkParams, 'epochLength'>,
): readonly Uint8Array[] {
  const { committee, elected } = parent;
  return isLastOfEpoch(index, params) ? (elected ?? committee) : committee;
}

/**
 * The chain rules: index, predecessor, time, epoch, committee.
 * Codes: `milestone-index` (ignore: it may be early or late), `milestone-previous`,
 * `milestone-timestamp`, `milestone-epoch`, `milestone-root`.
 */
export function checkMilestoneHeader(
  header: MilestoneHeader,
  parent: Pick<ParentMilestone, 'id' | 'header' | 'committee' | 'elected'>,
  { params, hasher, nowMs }: HeaderContext,
): Outcome<void> {
  if (header.index !== parent.header.index + 1) {
    return fail('milestone-index', `${header.index} on ${parent.header.index}`);
  }
  if (header.previousId !== parent.id) return fail('milestone-previous');
  if (header.timestampMs <= parent.header.timestampMs) {
    return fail('milestone-timestamp', 'not later than its predecessor');
  }
  if (nowMs !== undefined && header.timestampMs > nowMs + params.maxDriftMs) {
    return fail('milestone-timestamp', `${header.timestampMs - nowMs} ms ahead of the clock`);
  }
  if (header.epoch !== epochOf(header.index, params)) {
    return fail('milestone-epoch', `epoch ${header.epoch} at index ${header.index}`);
  }
  const next = nextCommitteeOn(parent, header.index, params);
  if (!equalBytes(header.committeeRoot, committeeRoot(next, hasher))) {
    return fail('milestone-root', 'committeeRoot');
  }
  return succeed(undefined);
}

/**
 * The load term that a milestone sets. It may move by one bit from its parent's and never above the
 * network's ceiling; 0 is written by leaving the option out. Code: `milestone-options`.
 */
export function checkMilestoneOptions(
  options: MilestoneOptions,
  parentLoadBits: number,
  params: NetworkParams,
): Outcome<void> {
  const load = powLoadBitsOf(options);
  if (options.powLoadBits === 0) return fail('milestone-options', 'a load of 0 is left out');
  if (load > params.powLoadBitsMax) return fail('milestone-options', `load ${load} too high`);
  if (Math.abs(load - parentLoadBits) > POW_LOAD_STEP_MAX) {
    return fail('milestone-options', `load from ${parentLoadBits} to ${load}`);
  }
  return succeed(undefined);
}

/**
 * The committee that milestone `index` on `parent` must name for the next epoch; undefined where
 * there is no election, and where nothing changes.
 */
export function electedAt(
  index: number,
  parent: Pick<ParentMilestone, 'bonds' | 'committee'>,
  params: NetworkParams,
): readonly Uint8Array[] | undefined {
  return isElectionIndex(index, params) ? elect(parent.bonds, parent.committee) : undefined;
}

/**
 * A milestone names the elected committee, and none where nothing is elected: whoever leads at the
 * election has no say in it. Code: `milestone-committee`.
 */
function checkElection(
  index: number,
  { nextCommittee }: MilestoneOptions,
  parent: Pick<ParentMilestone, 'bonds' | 'committee'>,
  params: NetworkParams,
): Outcome<void> {
  const elected = electedAt(index, parent, params);
  const [named, due] = [nextCommittee?.length ?? 0, elected?.length ?? 0];
  if (named !== due) return fail('milestone-committee', `${named} keys instead of ${due}`);
  const wrong = elected?.findIndex((key, seat) => !equalBytes(key, nextCommittee?.[seat] ?? key));
  return wrong === undefined || wrong === -1
    ? succeed(undefined)
    : fail('milestone-committee', `another key in seat ${wrong}`);
}

/** The load term of the proof of work that holds after a milestone with these options. */
export function powLoadBitsOf(options: MilestoneOptions): number {
  return options.powLoadBits ?? 0;
}

/**
 * The blocks that a milestone newly references, in white-flag order, if it may reference them.
 * Codes: `milestone-cone-missing` (ignore; the detail names the block), `milestone-cone-too-large`,
 * `milestone-empty` (nothing new, and no heartbeat is due), `milestone-below-max-depth`.
 */
export function checkMilestoneCone(
  parents: readonly BlockId[],
  position: { readonly index: number; readonly sinceParentMs: number },
  context: Pick<ContentContext, 'blocks' | 'rootIndexOf' | 'params'>,
): Outcome<BlockId[]> {
  const { blocks, params } = context;
  const parentsOf = (id: BlockId): readonly BlockId[] | undefined => blocks.get(id)?.block.parents;
  const isReferenced = (id: BlockId): boolean => context.rootIndexOf(id) !== undefined;
  // The smallest oldest cone root of the new blocks; predecessors that are not final count too.
  let oldest = Infinity;
  const onRoot = (id: BlockId): void => {
    oldest = Math.min(oldest, context.rootIndexOf(id) ?? Infinity);
  };
  const cone = postOrder(parents, parentsOf, isReferenced, MAX_CONE, onRoot);
  if (!cone.ok) return cone;
  if (cone.value.length === 0 && position.sinceParentMs < params.heartbeatMs) {
    return fail('milestone-empty', `${position.sinceParentMs} ms after its predecessor`);
  }
  if (position.index - 1 - oldest > params.belowMaxDepth) {
    return fail('milestone-below-max-depth', `reaches back to milestone ${oldest}`);
  }
  return cone;
}

/**
 * Which blocks a body may name: of those referenced earlier only what the predecessor named, and
 * none that a new block stands on. By induction nothing referenced stands on a block that a
 * milestone names, so what pruning forgot can never come back as new (docs/spec/12-snapshot.md §1).
 * `cone` are the newly referenced blocks. Codes: `milestone-parent-referenced`,
 * `milestone-parent-covered`; the detail names the block.
 */
export function checkMilestoneParents(
  parents: readonly BlockId[],
  cone: readonly BlockId[],
  previousParents: readonly BlockId[],
  { blocks }: Pick<ContentContext, 'blocks'>,
): Outcome<void> {
  const isNew = new Set(cone);
  const wasNamed = new Set(previousParents);
  const old = parents.find((id) => !isNew.has(id) && !wasNamed.has(id));
  if (old !== undefined) return fail('milestone-parent-referenced', old);
  const named = new Set(parents);
  for (const id of cone) {
    const covered = blocks.get(id)?.block.parents.find((parent) => named.has(parent));
    if (covered !== undefined) return fail('milestone-parent-covered', covered);
  }
  return succeed(undefined);
}

/** Applies a cone to the ledger after the parent; also the leader's way to compute its roots. */
export function applyCone(
  header: Pick<MilestoneHeader, 'index' | 'timestampMs'>,
  cone: readonly BlockId[],
  parent: Pick<ParentMilestone, 'stateTree'>,
  context: LedgerContext,
): MilestoneResult {
  const { index, timestampMs } = header;
  const applied = applyMilestone({ index, timestampMs, order: cone }, context);
  return {
    ...applied,
    stateTree: applyToStateTree(parent.stateTree, applied.diff, context.hasher),
  };
}

/**
 * Everything below the header: options, cone, and all roots recomputed. Every block of the cone has
 * passed `block/rules.ts` on arrival. The header has passed `checkMilestoneHeader`.
 * Codes: `milestone-root` (the detail names it), `milestone-committee`, and those of options and
 * cone.
 */
export function checkMilestoneContent(
  { header, body }: { readonly header: MilestoneHeader; readonly body: MilestoneBody },
  parent: ParentMilestone,
  context: ContentContext,
): Outcome<MilestoneResult> {
  const { hasher, params } = context;
  const own = checkMilestoneBody({ header, body }, hasher);
  if (!own.ok) return own;
  const next = nextCommitteeOn(parent, header.index, params);
  const wrong = firstWrongRoot(header, { committeeRoot: committeeRoot(next, hasher) });
  if (wrong !== undefined) return fail('milestone-root', wrong);
  const options = checkMilestoneOptions(body.options, parent.powLoadBits, params);
  if (!options.ok) return options;
  const election = checkElection(header.index, body.options, parent, params);
  if (!election.ok) return election;
  const sinceParentMs = header.timestampMs - parent.header.timestampMs;
  const cone = checkMilestoneCone(body.parents, { index: header.index, sinceParentMs }, context);
  if (!cone.ok) return cone;
  const named = checkMilestoneParents(body.parents, cone.value, parent.parents, context);
  if (!named.ok) return named;
  const result = applyCone(header, cone.value, parent, context);
  const wrongResult = firstWrongRoot(header, resultRootsOf(result));
  return wrongResult === undefined ? succeed(result) : fail('milestone-root', wrongResult);
}

/** Header and content in one call. */
export function checkMilestone(
  milestone: { readonly header: MilestoneHeader; readonly body: MilestoneBody },
  parent: ParentMilestone,
  context: ContentContext & Pick<HeaderContext, 'nowMs'>,
): Outcome<MilestoneResult> {
  const header = checkMilestoneHeader(milestone.header, parent, context);
  return header.ok ? checkMilestoneContent(milestone, parent, context) : header;
}

/** The roots that follow from a result. */
export function resultRootsOf(
  result: MilestoneResult,
): Pick<MilestoneHeader, 'inclusionRoot' | 'appliedRoot' | 'stateRoot'> {
  const { inclusionRoot, appliedRoot, stateTree } = result;
  return { inclusionRoot, appliedRoot, stateRoot: stateTree.root() };
}

/** An accepted milestone as the parent of the next one. `before` is what it stands on. */
export function parentOf(
  milestone: { readonly header: MilestoneHeader; readonly body: MilestoneBody },
  before: Pick<ParentMilestone, 'committee' | 'elected' | 'bonds'>,
  { stateTree, diff }: Pick<MilestoneResult, 'stateTree' | 'diff'>,
  { params, hasher }: { readonly params: NetworkParams; readonly hasher: Hasher },
): ParentMilestone {
  const { index } = milestone.header;
  const { nextCommittee = before.elected } = milestone.body.options;
  const state = {
    stateTree,
    committee: nextCommitteeOn(before, index, params),
    elected: isLastOfEpoch(index, params) ? undefined : nextCommittee,
    bonds: before.bonds.apply(diff),
  };
  return parentWith(milestone, state, hasher);
}

/** A milestone as the parent of the next one, when the state after it is known: at a start. */
export function parentWith(
  { header, body }: { readonly header: MilestoneHeader; readonly body: MilestoneBody },
  state: Pick<ParentMilestone, 'stateTree' | 'committee' | 'elected' | 'bonds'>,
  hasher: Hasher,
): ParentMilestone {
  const { stateTree, committee, elected, bonds } = state;
  const powLoadBits = powLoadBitsOf(body.options);
  const { parents } = body;
  const id = milestoneIdOf(header, hasher);
  return { id, header, parents, powLoadBits, stateTree, committee, elected, bonds };
}

type RootName = Extract<keyof MilestoneHeader, `${string}Root`>;

function firstWrongRoot(
  header: MilestoneHeader,
  roots: Partial<Record<RootName, Uint8Array>>,
): RootName | undefined {
  for (const [name, root] of Object.entries(roots) as [RootName, Uint8Array][]) {
    if (!equalBytes(header[name], root)) return name;
  }
  return undefined;
}
