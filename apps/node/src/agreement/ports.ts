/**
 * What the agreement needs of the rest of the node: its peers, the memory of its seat, milestones
 * that are checked and not yet final, time, and where to say what happened. Interfaces only; the
 * node joins them in parts.ts. Path: gossip → `agreement.ts` → these.
 * Spec: docs/spec/15-consensus.md.
 */
import type { Certificate } from '@tanglemail/tangle/core/codec/certificate.ts';
import type { ConsensusMessage } from '@tanglemail/tangle/core/codec/consensus.ts';
import type { BlockId, MilestoneId } from '@tanglemail/tangle/core/codec/ids.ts';
import type { MilestoneHeader } from '@tanglemail/tangle/core/codec/milestone.ts';
import type { SignedStatement } from '@tanglemail/tangle/core/consensus/actions.ts';
import type { Entry } from '@tanglemail/tangle/core/consensus/final-chain.ts';
import type { Evidence } from '@tanglemail/tangle/core/consensus/round.ts';
import type { BuiltMilestone, MilestoneProposal } from '@tanglemail/tangle/core/milestone/build.ts';
import type { ParentMilestone } from '@tanglemail/tangle/core/milestone/rules.ts';
import type { Outcome } from '@tanglemail/tangle/core/outcome.ts';
import type { UnreferencedView } from '@tanglemail/tangle/core/tips/window.ts';
import type { Verdict } from '@tanglemail/tangle/io/libp2p/verdicts.ts';

/** Who certifies the milestones of which epoch. */
export interface Committees {
  /** Public keys in seat order. */
  of(epoch: number): readonly Uint8Array[];
  /** Signatures of one certificate of that epoch. */
  quorumAt(epoch: number): number;
}

/** What a leader decides about a milestone whose parent and view are given. */
export type Choice = Omit<MilestoneProposal, 'parent' | 'view'>;

/** Milestones that are checked and built before they are final. */
export interface SpeculativeEngine {
  /** The last committed milestone. */
  readonly latest: ParentMilestone;
  /** Why nothing is confirmed any more; undefined while all is well. */
  readonly halted: string | undefined;
  /** Whether the state after this milestone is known: it is the committed one, or checked. */
  has(id: MilestoneId): boolean;
  /**
   * Serial with commits. Keeps the milestone when it holds. Without `nowMs` its time is not judged:
   * a quorum did that before. `milestone-cone-missing` names the block that is missing.
   */
  check(id: MilestoneId, entry: Entry, nowMs?: number): Promise<Outcome<void>>;
  /** Builds on a milestone that it `has`, from what `choose` takes of the blocks that wait. */
  build(
    parent: MilestoneId,
    view: bigint,
    choose: (parent: ParentMilestone, view: UnreferencedView) => Choice,
  ): Promise<Outcome<BuiltMilestone>>;
  /** Whether blocks wait that no checked milestone up to `id` references and that may go in. */
  isWaiting(id: MilestoneId): boolean;
  /** All blocks that were stored before the call survive a power cut after it. */
  syncBlocks(): Promise<void>;
}

/** Where a seat may speak, as far as its memory may have holes. */
export interface SilenceGuard {
  /** The first view in which the seat speaks; undefined: it does not speak at all for now. */
  silentBelow(epoch: number): bigint | undefined;
  /** Why the seat is silent. */
  readonly reason: string | undefined;
  onConfirmed(header: MilestoneHeader, certificate: Certificate): void;
  /** A statement with this seat's signature that its log does not hold. */
  onForeignOwn(epoch: number, view: bigint): void;
  /** The node stands where its peers stand: from here on an operator's word counts. */
  onCaughtUp(latest: MilestoneHeader): void;
}

/** Why statements are logged and not said. */
export interface Refusal {
  /** `away`: the signer does not answer and may be asked again. */
  readonly code: string;
  /** What it did sign, in the order asked. */
  readonly signatures: readonly (Uint8Array | undefined)[];
}

/** What a seat has signed, on disk, and its key. */
export interface SeatMemory {
  readonly seat: number;
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** What is logged of the epoch, for a new `Simplex`. */
  statementsOf(epoch: number): readonly SignedStatement[];
  /**
   * Writes and syncs the statements, after `syncCone` where one notarises, and then signs them:
   * one signature for each, in their order. Rejects with a {@link Refusal} when the signer does
   * not sign all of them; after any other error nothing may be said any more.
   */
  record(
    statements: readonly SignedStatement[],
    syncCone: () => Promise<void>,
  ): Promise<Uint8Array[]>;
  /** Statements of older epochs, and of this one below the view, may go. */
  forget(belowEpoch: number, belowView: bigint): Promise<void>;
  readonly silence: SilenceGuard;
  close(): Promise<void>;
}

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
