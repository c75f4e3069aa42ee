/**
 * Evidence against a seat as the ledger takes it: of two contradicting messages only what was
 * signed. Path: the node's contradictions → here → `ledger/slash.ts`.
 * Spec: docs/spec/15-consensus.md §9, docs/spec/02-transaction.md §3.
 */
import type { Proposal, Vote } from '../codec/consensus.ts';
import { idToBytes } from '../codec/ids.ts';
import { milestoneIdOf } from '../codec/milestone.ts';
import { compareStatements, type EvidenceUnlock, type SignedDigest } from '../codec/unlock.ts';
import type { Hasher } from '../ports.ts';
import type { Evidence } from './round.ts';

/** The unlock of a bond whose key said both. */
export function evidenceUnlock(evidence: Evidence, hasher: Hasher): EvidenceUnlock {
  const [{ epoch, view }] = evidence.pair;
  const [first, second] =
    evidence.kind === 'votes'
      ? [voteDigest(evidence.pair[0]), voteDigest(evidence.pair[1])]
      : [proposalDigest(evidence.pair[0], hasher), proposalDigest(evidence.pair[1], hasher)];
  const statements =
    compareStatements(first, second) < 0 ? ([first, second] as const) : ([second, first] as const);
  return { kind: 'evidence', epoch, view, statements };
}

function voteDigest({ kind, digest, signature }: Vote): SignedDigest {
  return { kind, digest, signature };
}

function proposalDigest({ header, signature }: Proposal, hasher: Hasher): SignedDigest {
  return { kind: 'propose', digest: idToBytes(milestoneIdOf(header, hasher)), signature };
}
