/**
 * What the agreement needs of the rest of the node beside the engine (confirmation/speculation.ts)
 * and the memory of its seat (seat-memory.ts): its peers, time, and where to say what happened.
 * Interfaces only; the node joins them in parts.ts. Path: gossip → `agreement.ts` → these.
 * Spec: docs/spec/15-consensus.md.
 */
import type { ConsensusMessage } from '@tanglemail/tangle/core/codec/consensus.ts';
import type { BlockId, MilestoneId } from '@tanglemail/tangle/core/codec/ids.ts';
import type { Evidence } from '@tanglemail/tangle/core/consensus/round.ts';
import type { UnreferencedView } from '@tanglemail/tangle/core/tips/window.ts';
import type { Verdict } from '@tanglemail/tangle/io/libp2p/verdicts.ts';

/** Peers, as the agreement sees them. */
export interface AgreementWire {
  /** Gossips the message. Gossip drops bytes that it carried: `attempt` makes them others. */
  publish(message: ConsensusMessage, attempt: number): void;
  /**
   * Asks two peers that take part, and hands every message of their answers over. One request per
   * peer is under way at a time; peers that are busy are left out.
   */
  ask(
    epoch: number,
    views: readonly bigint[],
    ids: readonly MilestoneId[],
    onMessage: (message: ConsensusMessage) => Verdict,
  ): Promise<void>;
  /** Gossips a final milestone, encoded, to everybody. */
  publishMilestone(bytes: Uint8Array): void;
}

/** Two contradicting statements of one seat, and their epoch. */
export type ConsensusEvidence = Evidence & { readonly epoch: number };

/** What the leader measures of its node. */
export interface LeaderFacts {
  /** Solid blocks that no milestone has referenced. */
  waitingBlocks(): number;
  /** Share of the intake queues that is in use, 0–1. */
  queueFill(): number;
  /** Time that the last milestone took to check or build, and to write, milliseconds. */
  confirmMs(): number;
  /** `TipPool.heaviest`: the parents of the next milestone. */
  heaviest(
    latestIndex: number,
    dag: UnreferencedView,
    previousParents: readonly BlockId[],
    maxCone: number,
  ): BlockId[];
}

/** Numbers of the agreement; what changes steadily is read from `Agreement.state`. */
export interface AgreementMetrics {
  /** A message of a peer was taken, or one of ours published. */
  message(direction: 'in' | 'out', type: ConsensusMessage['type']): void;
  /** A view ended that way. */
  viewEnded(end: 'notarized' | 'nullified'): void;
  /** Milliseconds from seeing or making a proposal to its finality. */
  final(elapsedMs: number): void;
  /** A group of statements was written, synced and signed. */
  votesWritten(elapsedMs: number): void;
  /** A new vote of this seat was taken. */
  seatVote(seat: number): void;
  evidence(kind: Evidence['kind']): void;
}

/** Where the agreement of this node stands. */
export interface AgreementState {
  readonly epoch: number;
  readonly view: bigint;
  /** The seat in the committee of the epoch; undefined for a node that only listens. */
  readonly seat: number | undefined;
  /** Why the seat does not speak; left out while it does, and without a seat. */
  readonly silent?: string;
  /** Whether it is this seat's turn. */
  readonly isLeading: boolean;
  /** Views since that of the last final milestone, the current one left out. */
  readonly undecidedViews: number;
  /** When the view was entered, by the wall clock. */
  readonly sinceMs: number;
}

/** Timers; those of the process, or a simulation's. */
export interface Timers {
  /** Runs `run` once after `delayMs`. @returns what cancels it. */
  after(delayMs: number, run: () => void): () => void;
}

/** The timers of the process. */
export const PROCESS_TIMERS: Timers = {
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
};
