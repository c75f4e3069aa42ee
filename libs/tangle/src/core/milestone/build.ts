/**
 * Making a milestone: what a leader does when its turn is due, and what every member does with an
 * accepted one. Path: node's consensus → here → `codec/milestone.ts` → gossip.
 * Spec: docs/spec/04-milestone.md §5.
 */
import type { BlockId, MilestoneId } from '../codec/ids.ts';
import type { MilestoneBody, MilestoneHeader, MilestoneOptions } from '../codec/milestone.ts';
import { milestoneIdOf, optionsRootOf } from '../codec/milestone.ts';
import { rootOfIds } from '../ledger/apply-milestone.ts';
import type { Outcome } from '../outcome.ts';
import { succeed } from '../outcome.ts';
import type { Vote } from '../codec/consensus.ts';
import { signVote, statementOf } from './certificate.ts';
import { committeeRoot, epochOf } from './committee.ts';
import type { ContentContext, MilestoneResult, ParentMilestone } from './rules.ts';
import {
  applyCone,
  checkMilestoneCone,
  checkMilestoneHeader,
  checkMilestoneOptions,
  checkMilestoneParents,
  electedAt,
  nextCommitteeOn,
  resultRootsOf,
} from './rules.ts';
import type { Hasher } from '../ports.ts';

/** What the leader chooses. */
export interface MilestoneProposal {
  readonly parent: ParentMilestone;
  /** 1–255 blocks, in any order; they are sorted and made unique here. */
  readonly parents: readonly BlockId[];
  /** Later than the parent's, milliseconds since 1970. */
  readonly timestampMs: number;
  /** View of the agreement. */
  readonly view: bigint;
  /** A committee is not the leader's choice: an election milestone names it by itself. */
  readonly options?: Omit<MilestoneOptions, 'nextCommittee'>;
}

export interface BuiltMilestone {
  readonly id: MilestoneId;
  readonly header: MilestoneHeader;
  readonly body: MilestoneBody;
  readonly result: MilestoneResult;
}

/**
 * Builds a milestone that `checkMilestone` accepts, or says with the same codes why these choices
 * cannot make one (for instance `milestone-empty` before a heartbeat is due).
 */
export function buildMilestone(
  { parent, parents, timestampMs, view, options: chosen = {} }: MilestoneProposal,
  context: ContentContext,
): Outcome<BuiltMilestone> {
  const { params, hasher } = context;
  const index = parent.header.index + 1;
  const nextCommittee = electedAt(index, parent, params);
  const options = nextCommittee === undefined ? chosen : { ...chosen, nextCommittee };
  const body: MilestoneBody = { parents: [...new Set(parents)].toSorted(), options };
  const allowed = checkMilestoneOptions(options, parent.powLoadBits, params);
  if (!allowed.ok) return allowed;
  const sinceParentMs = timestampMs - parent.header.timestampMs;
  const cone = checkMilestoneCone(body.parents, { index, sinceParentMs }, context);
  if (!cone.ok) return cone;
  const named = checkMilestoneParents(body.parents, cone.value, parent.parents, context);
  if (!named.ok) return named;
  const result = applyCone({ index, timestampMs }, cone.value, parent, context);
  const header: MilestoneHeader = {
    version: 1,
    epoch: epochOf(index, params),
    index,
    view,
    timestampMs,
    previousId: parent.id,
    parentsRoot: rootOfIds(body.parents, hasher),
    ...resultRootsOf(result),
    committeeRoot: committeeRoot(nextCommitteeOn(parent, index, params), hasher),
    optionsRoot: optionsRootOf(options, hasher),
  };
  const valid = checkMilestoneHeader(header, parent, { params, hasher });
  if (!valid.ok) return valid;
  return succeed({ id: milestoneIdOf(header, hasher), header, body, result });
}

/** One member's vote that `header` is notarised or final. `secretKey`: 32-byte Ed25519 seed. */
export function signMilestone(
  header: MilestoneHeader,
  kind: 'notarize' | 'finalize',
  { networkId, seat, secretKey }: { networkId: bigint; seat: number; secretKey: Uint8Array },
  hasher: Hasher,
): Vote {
  return signVote(statementOf(header, kind, hasher), networkId, seat, secretKey);
}
