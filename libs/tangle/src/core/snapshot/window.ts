/**
 * The milestones of a snapshot's window: those whose blocks a block of the next milestone may still
 * stand on. Their certified inclusion roots prove the ids of all solid entry points.
 * Path: verifier.ts → here → core/milestone. Spec: docs/spec/12-snapshot.md §4.
 */
import { equalBytes } from '@noble/curves/utils.js';
import type { MilestoneId } from '../codec/ids.ts';
import type { Milestone, MilestoneHeader } from '../codec/milestone.ts';
import { decodeMilestone, milestoneIdOf } from '../codec/milestone.ts';
import { rootOfIds } from '../ledger/apply-milestone.ts';
import { checkMilestoneBody } from '../milestone/body.ts';
import { checkFinality } from '../milestone/certificate.ts';
import { committeeRoot, epochOf } from '../milestone/committee.ts';
import { succeed } from '../outcome.ts';
import type { NetworkParams } from '../params/networks.ts';
import type { SnapshotHeader, SnapshotMilestone } from './codec.ts';
import { refuseSnapshot, type SnapshotOutcome } from './codes.ts';
import type { ProvenElections } from './elections.ts';
import type { SnapshotTrust } from './trust.ts';

/**
 * The first milestone that a snapshot at `targetIndex` carries: max depth and one more, so that the
 * oldest root that a new block may have is named by its own milestone and has a predecessor.
 */
export function windowFirstOf(targetIndex: number, params: NetworkParams): number {
  return Math.max(0, targetIndex - params.belowMaxDepth - 1);
}

/** What one milestone is checked against. */
export interface WindowContext extends SnapshotTrust {
  readonly header: SnapshotHeader;
  /** Who certifies, by the elections of the file. */
  readonly elections: ProvenElections;
}

/** A milestone of the window that holds. */
export interface CheckedMilestone {
  readonly milestone: Milestone;
  readonly id: MilestoneId;
}

/**
 * Checks one milestone of the window behind its predecessor in the file. Codes: `snapshot-form`,
 * `snapshot-order`, `snapshot-milestone`, `snapshot-certificate`, `snapshot-election`,
 * `snapshot-inclusion`.
 */
export function checkWindowMilestone(
  { bytes, cone }: SnapshotMilestone,
  previous: { readonly header: MilestoneHeader; readonly id: MilestoneId } | undefined,
  context: WindowContext,
): SnapshotOutcome<CheckedMilestone> {
  const decoded = decodeMilestone(bytes);
  if (!decoded.ok) return refuseSnapshot('snapshot-form', `a milestone: ${decoded.code}`);
  const milestone = decoded.value;
  const { header } = milestone;
  const { hasher, genesis } = context;
  const due = previous === undefined ? context.header.windowFirst : previous.header.index + 1;
  if (header.index !== due) {
    return refuseSnapshot('snapshot-order', `milestone ${header.index}, not ${due}`);
  }
  const id = milestoneIdOf(header, hasher);
  if (header.index === 0) {
    // Nobody signs milestone 0: it is what the genesis document says, and references no block.
    return id === genesis.id && cone.length === 0
      ? succeed({ milestone: genesis.milestone, id })
      : refuseSnapshot('snapshot-network', 'milestone 0');
  }
  const chained = previous === undefined ? succeed(undefined) : checkChain(header, previous);
  if (!chained.ok) return chained;
  const certified = checkCertified(milestone, context);
  if (!certified.ok) return certified;
  const listed = context.elections.checkListed(milestone, id);
  if (!listed.ok) return listed;
  const isTrueCone = equalBytes(header.inclusionRoot, rootOfIds(cone, hasher));
  return isTrueCone
    ? succeed({ milestone, id })
    : refuseSnapshot('snapshot-inclusion', `milestone ${header.index}`);
}

function checkChain(
  header: MilestoneHeader,
  previous: { readonly header: MilestoneHeader; readonly id: MilestoneId },
): SnapshotOutcome<void> {
  if (header.previousId !== previous.id) {
    return refuseSnapshot('snapshot-milestone', `the predecessor of ${header.index}`);
  }
  return header.timestampMs > previous.header.timestampMs
    ? succeed(undefined)
    : refuseSnapshot('snapshot-milestone', `the time of ${header.index}`);
}

/** Body, term and committee fit the header, and a quorum of the committee signed it. */
function checkCertified(milestone: Milestone, context: WindowContext): SnapshotOutcome<void> {
  const { header, certificate } = milestone;
  const { hasher, params, genesis } = context;
  const { index } = header;
  const sound = checkMilestoneBody(milestone, hasher).ok && header.epoch === epochOf(index, params);
  if (!sound) return refuseSnapshot('snapshot-milestone', `the content of ${index}`);
  const { elections } = context;
  const [committee, next] = [elections.committeeOf(index), elections.committeeOf(index + 1)];
  if (!equalBytes(header.committeeRoot, committeeRoot(next, hasher))) {
    return refuseSnapshot('snapshot-certificate', `the committee after ${index} is another`);
  }
  const final = checkFinality(header, certificate, committee, genesis.networkId, context);
  return final.ok
    ? succeed(undefined)
    : refuseSnapshot('snapshot-certificate', `${final.code} at ${index}`);
}
