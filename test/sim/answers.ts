/**
 * What a node answers to peers that ask, and how it reads such an answer. Used by both kinds of
 * simulated nodes. Path: `network.ts` → here → `node.ts`, `agreement-node.ts`.
 */
import { encodeConsensusMessage } from '@tanglemail/tangle/core/codec/consensus.ts';
import {
  decodeMilestone,
  encodeMilestone,
  type Milestone,
} from '@tanglemail/tangle/core/codec/milestone.ts';
import type { Simplex } from '@tanglemail/tangle/core/consensus/simplex.ts';
import { checkMilestoneBody } from '@tanglemail/tangle/core/milestone/body.ts';
import { checkFinality } from '@tanglemail/tangle/core/milestone/certificate.ts';
import { epochOf } from '@tanglemail/tangle/core/milestone/committee.ts';
import { fail, type Outcome } from '@tanglemail/tangle/core/outcome.ts';
import type { Committees } from '../../apps/node/src/committees.ts';
import type { SimNetworkRules } from './chain.ts';
import type { Disk } from './disk.ts';
import type { RangeItem, SimMessage } from './network.ts';

const RANGE_LENGTH = 8;

/** What tells whether a milestone is final. */
interface Judging extends Pick<SimNetworkRules, 'start' | 'params' | 'hasher' | 'verifier'> {
  readonly committees: Pick<Committees, 'of' | 'isKnown'>;
}

/** Milestones from an index on, with their cones. */
export function rangeFrom(disk: Disk, from: number): RangeItem[] {
  return disk.chain.slice(from, from + RANGE_LENGTH).map(({ milestone, included }) => ({
    milestone: encodeMilestone(milestone),
    cone: included.flatMap((id) => disk.block(id) ?? []),
  }));
}

/** What the agreement has of views and milestones. */
export function consensusFor(
  simplex: Simplex,
  { views, ids }: Pick<Extract<SimMessage, { kind: 'want-consensus' }>, 'views' | 'ids'>,
): Uint8Array[] {
  const messages = views.flatMap((view) => simplex.messagesOf(view));
  for (const id of ids) {
    const proposal = simplex.proposalOf(id);
    if (proposal !== undefined) messages.push({ type: 'proposal', proposal });
  }
  return messages.map(encodeConsensusMessage);
}

/**
 * A milestone whose certificate holds, with the body that its header names. Code `milestone-index`
 * for one that cannot be judged yet, which is nobody's fault.
 */
export function readProven(
  bytes: Uint8Array,
  rules: Judging,
  checksBody = true,
): Outcome<Milestone> {
  const { start, params, committees, hasher, verifier } = rules;
  const decoded = decodeMilestone(bytes);
  if (!decoded.ok) return decoded;
  const { header, certificate } = decoded.value;
  const epoch = epochOf(header.index, params);
  if (!committees.isKnown(epoch)) return fail('milestone-index');
  const committee = committees.of(epoch);
  const crypto = { hasher, verifier };
  const final = checkFinality(header, certificate, committee, start.networkId, crypto);
  if (!final.ok) return final;
  if (!checksBody) return decoded;
  const own = checkMilestoneBody(decoded.value, hasher);
  return own.ok ? decoded : own;
}

/** The code for which a node punishes who sent it something. */
export function faultOf(outcome: Outcome<unknown>): string | undefined {
  return outcome.ok || outcome.action === 'ignore' ? undefined : outcome.code;
}
