/**
 * The one table of what a node does about what a peer sent: the gossipsub verdict and the points
 * against the sender. Called by gossip.ts, requester.ts and responder.ts.
 * Spec: docs/spec/07-gossip.md, "Verdicts".
 */
import type { Outcome } from '../../core/outcome.ts';

/** accept: relay. ignore: drop, no penalty. reject: drop, the sender is at fault. */
export type Verdict = 'accept' | 'ignore' | 'reject';

/** A peer at this many points is disconnected and banned for a while. */
export const BAN_POINTS = 100;
/** Points halve in this time. */
export const POINTS_HALF_LIFE_MS = 60_000;

/**
 * Findings. Five invalid packs within a minute or so are enough for a ban; one may come from a node
 * with an older rule set, so one alone is not.
 */
export const FINDINGS = {
  'pack-new': { verdict: 'accept', points: 0 },
  'pack-known': { verdict: 'ignore', points: 0 },
  'pack-malformed': { verdict: 'reject', points: 25 },
  'pack-invalid-block': { verdict: 'reject', points: 25 },
  'milestone-new': { verdict: 'accept', points: 0 },
  'milestone-not-needed': { verdict: 'ignore', points: 0 },
  'milestone-too-large': { verdict: 'reject', points: 25 },
  'milestone-invalid': { verdict: 'reject', points: 25 },
  'consensus-new': { verdict: 'accept', points: 0 },
  'consensus-known': { verdict: 'ignore', points: 0 },
  'consensus-malformed': { verdict: 'reject', points: 25 },
  'consensus-invalid': { verdict: 'reject', points: 25 },
  /** Too much is under validation: the pack is lost to gossip, solidification repairs it. */
  overloaded: { verdict: 'ignore', points: 0 },
  /** Our own handler failed: never the sender's fault. */
  'handler-failed': { verdict: 'ignore', points: 0 },
  /** A frame of the request protocol that does not decode, or of a type that has no place there. */
  'frame-invalid': { verdict: 'reject', points: 30 },
  /** An answer that was not asked for, is too long, or holds blocks that were not asked for. */
  'answer-invalid': { verdict: 'reject', points: 30 },
  /** A cone whose blocks do not make the inclusion root of its certified milestone. */
  'cone-invalid': { verdict: 'reject', points: 30 },
  /** A STATUS with a milestone that the peer cannot show when it is asked for it. */
  'status-unproven': { verdict: 'reject', points: 15 },
  /** More requests than the budget. */
  'request-flood': { verdict: 'reject', points: 2 },
  /** More messages or blocks of gossip than the budget; what is beyond it is not looked at. */
  'gossip-flood': { verdict: 'reject', points: 2 },
  /** More bytes of gossip, duplicates and control messages included, than the budget. */
  'byte-flood': { verdict: 'reject', points: 10 },
  /** More streams opened than the budget. */
  'stream-flood': { verdict: 'reject', points: 5 },
  /** More queries to the table of peers than the budget. */
  'table-flood': { verdict: 'reject', points: 5 },
} as const satisfies Record<string, { verdict: Verdict; points: number }>;

export type Finding = keyof typeof FINDINGS;

/**
 * The verdict on a pack from the outcomes of its blocks: one block with the action `reject` rejects
 * the pack, one good new block accepts it, and a pack that brought nothing new is ignored.
 */
export function packVerdict(outcomes: readonly Outcome<unknown>[]): Verdict {
  let verdict: Verdict = 'ignore';
  for (const outcome of outcomes) {
    if (outcome.ok) verdict = 'accept';
    else if (outcome.action === 'reject') return 'reject';
  }
  return verdict;
}

/** The finding that stands for a handler's verdict on a pack. */
export function packFinding(verdict: Verdict): Finding {
  if (verdict === 'accept') return 'pack-new';
  return verdict === 'ignore' ? 'pack-known' : 'pack-invalid-block';
}

/** The finding that stands for a handler's verdict on a milestone. */
export function milestoneFinding(verdict: Verdict): Finding {
  if (verdict === 'accept') return 'milestone-new';
  return verdict === 'ignore' ? 'milestone-not-needed' : 'milestone-invalid';
}

/** The finding that stands for a handler's verdict on a message of the agreement. */
export function consensusFinding(verdict: Verdict): Finding {
  if (verdict === 'accept') return 'consensus-new';
  return verdict === 'ignore' ? 'consensus-known' : 'consensus-invalid';
}
