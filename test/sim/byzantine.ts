/**
 * Byzantine seats: the core is an honest one, what it says is changed on the way out. Seats of one
 * run collude: all tell the same half of the others the same lie. Played by the simulation, and by
 * whole nodes over real links (`apps/node/src/testing/byzantine-seat.ts`).
 */
import type { ConsensusMessage, Proposal, Vote } from '@tanglemail/tangle/core/codec/consensus.ts';
import { idToBytes, type MilestoneId } from '@tanglemail/tangle/core/codec/ids.ts';
import { milestoneIdOf, type MilestoneHeader } from '@tanglemail/tangle/core/codec/milestone.ts';
import type { SignedStatement } from '@tanglemail/tangle/core/consensus/actions.ts';
import type { Entry } from '@tanglemail/tangle/core/consensus/final-chain.ts';
import type { Hasher } from '@tanglemail/tangle/core/ports.ts';
import type { SeededRandom } from './random.ts';
import type { Tally } from './tally.ts';

/** Behaviours that a seed draws. */
export const BEHAVIOURS = [
  'silent',
  'equivocating',
  'double-voting',
  'invalid-roots',
  'stale',
] as const;
export type Behaviour = (typeof BEHAVIOURS)[number] | 'forgetful' | 'early';

/** A seat that does what the lies need: it signs, and knows what its honest core knows. */
export interface ByzantineSeat {
  /** It tells nobody again what it said up to this view. */
  readonly forgotten?: bigint | undefined;
  signStatement(statement: Omit<SignedStatement, 'proposal'>): Uint8Array;
  /** What the leader of the view proposed, as far as the seat has heard it. */
  proposalAt(view: bigint): MilestoneId | undefined;
  /** A valid milestone on this one, if it can be built at once. */
  buildOn(parent: MilestoneId, view: bigint): Entry | undefined;
}

/** How a byzantine seat changes what it says to one peer; undefined leaves it as it is. */
export type Alter = (
  seat: ByzantineSeat,
  to: number,
  message: ConsensusMessage,
) => readonly ConsensusMessage[] | undefined;

/** What the byzantine seats of one run know together. */
export interface Collusion {
  /** Two proposals for one view: the first for even seats, the second for odd ones. */
  readonly twins: Map<bigint, readonly [MilestoneId, MilestoneId]>;
  /** Old messages to say again. */
  readonly said: ConsensusMessage[];
}

interface Tools {
  readonly hasher: Hasher;
  readonly random: SeededRandom;
  readonly tally: Tally;
  readonly collusion: Collusion;
}

const MAX_SAID = 64;

/** What a seat with these behaviours sends instead. */
export function alterBy(behaviours: readonly Behaviour[], tools: Tools): Alter {
  const has = (name: Behaviour): boolean => behaviours.includes(name);
  return (node, to, message) => {
    if (has('silent')) return counted(tools, 'silent', []);
    if (has('forgetful'))
      return isForgotten(node, message) ? counted(tools, 'forgotten', []) : undefined;
    if (message.type === 'proposal') {
      if (has('equivocating')) return equivocate(node, to, message.proposal, tools);
      if (has('invalid-roots')) return [falsify(node, message.proposal, tools)];
      if (has('early')) return [nameNextEpoch(node, message.proposal, tools)];
    }
    if (message.type === 'vote' && has('double-voting')) {
      return voteTwice(node, to, message.vote, tools);
    }
    return has('stale') ? withOld(message, tools) : undefined;
  };
}

/** Votes as everybody until power fails somewhere; what it said before, nobody hears again. */
function isForgotten({ forgotten = -1n }: ByzantineSeat, message: ConsensusMessage): boolean {
  if (message.type === 'proposal') return message.proposal.view <= forgotten;
  return (message.type === 'vote' ? message.vote : message.certificate).view <= forgotten;
}

function counted<T>({ tally }: Tools, name: string, value: T): T {
  tally.count(name);
  return value;
}

function signed(node: ByzantineSeat, proposal: Proposal, header: MilestoneHeader, hasher: Hasher) {
  const id = milestoneIdOf(header, hasher);
  const { epoch, view } = proposal;
  const statement = { kind: 'propose', epoch, view, digest: idToBytes(id) } as const;
  return { id, proposal: { ...proposal, header, signature: node.signStatement(statement) } };
}

/** A second valid milestone for the same view: only its time differs. */
function equivocate(
  node: ByzantineSeat,
  to: number,
  proposal: Proposal,
  tools: Tools,
): ConsensusMessage[] {
  const { header, view } = proposal;
  if (header.view !== view) return [overreach(node, proposal, tools)];
  const later = { ...header, timestampMs: header.timestampMs + 1 };
  const twin = signed(node, proposal, later, tools.hasher);
  tools.collusion.twins.set(view, [milestoneIdOf(header, tools.hasher), twin.id]);
  const told = to % 2 === 0 ? proposal : twin.proposal;
  return counted(tools, 'equivocating', [{ type: 'proposal', proposal: told }]);
}

/** Instead of the epoch's last milestone again a valid one of the next epoch that stands on it. */
function overreach(node: ByzantineSeat, proposal: Proposal, tools: Tools): ConsensusMessage {
  const parent = milestoneIdOf(proposal.header, tools.hasher);
  const built = node.buildOn(parent, proposal.view);
  if (built === undefined) return { type: 'proposal', proposal };
  const { header, body } = built;
  const early = signed(node, { ...proposal, body }, header, tools.hasher);
  return counted(tools, 'overreaching', { type: 'proposal', proposal: early.proposal });
}

function falsify(node: ByzantineSeat, proposal: Proposal, tools: Tools): ConsensusMessage {
  const stateRoot = proposal.header.stateRoot.map((byte) => byte ^ 1);
  const { proposal: false_ } = signed(
    node,
    proposal,
    { ...proposal.header, stateRoot },
    tools.hasher,
  );
  return counted(tools, 'invalid-roots', { type: 'proposal', proposal: false_ });
}

/** The same milestone, but its header says that it belongs to the next epoch. */
function nameNextEpoch(node: ByzantineSeat, proposal: Proposal, tools: Tools): ConsensusMessage {
  const header = { ...proposal.header, epoch: proposal.header.epoch + 1 };
  const early = signed(node, proposal, header, tools.hasher);
  return counted(tools, 'early', { type: 'proposal', proposal: early.proposal });
}

/** Each half hears a vote for its twin; without twins, the opposite vote goes along. */
function voteTwice(node: ByzantineSeat, to: number, vote: Vote, tools: Tools): ConsensusMessage[] {
  const { kind, epoch, view } = vote;
  const twins = tools.collusion.twins.get(view);
  const own: ConsensusMessage = { type: 'vote', vote };
  const say = (other: Vote['kind'], id?: MilestoneId): ConsensusMessage => {
    const digest = id === undefined ? new Uint8Array(32) : idToBytes(id);
    const statement = { kind: other, epoch, view, digest };
    const signature = node.signStatement(statement);
    return { type: 'vote', vote: { ...statement, seat: vote.seat, signature } };
  };
  tools.tally.count('double-voting');
  if (twins !== undefined && kind !== 'ratify') {
    const mine = twins[to % 2] ?? twins[0];
    return [say('notarize', mine), say('finalize', mine)];
  }
  if (kind === 'notarize' || kind === 'finalize') return [own, say('nullify')];
  const proposed = node.proposalAt(view);
  return proposed === undefined ? [own] : [own, say('finalize', proposed)];
}

/** An old message beside the new one, sometimes for another epoch or with a broken signature. */
function withOld(message: ConsensusMessage, tools: Tools): ConsensusMessage[] {
  const { random, collusion } = tools;
  const { said } = collusion;
  if (said.length < MAX_SAID) said.push(message);
  else if (random.chance(0.1)) said[random.below(MAX_SAID)] = message;
  if (!random.chance(0.5)) return [message];
  const old = random.pick(said);
  tools.tally.count('stale');
  if (old.type !== 'certificate' || random.chance(0.5)) return [old, message];
  tools.tally.count('stale-certificate');
  const { certificate } = old;
  const broken = { ...certificate, view: certificate.view + BigInt(random.below(40)) };
  return [{ type: 'certificate', certificate: broken }, message];
}
