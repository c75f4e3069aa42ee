/**
 * One view of the agreement: its proposal, the votes of each seat, the certificates that came of
 * them, and what this seat has signed itself. Path: `simplex.ts` keeps one per view.
 * Spec: docs/spec/15-consensus.md §3.
 */
import { equalBytes } from '@noble/curves/utils.js';
import type { Certificate, CertificateKind, Statement } from '../codec/certificate.ts';
import type { Proposal, Vote } from '../codec/consensus.ts';
import { bytesToHex, idToBytes, type MilestoneId } from '../codec/ids.ts';
import { milestoneIdOf } from '../codec/milestone.ts';
import { compareStatements, type EvidenceUnlock, type SignedDigest } from '../codec/unlock.ts';
import { assembleCertificate } from '../milestone/certificate.ts';
import type { Hasher } from '../ports.ts';

/** Two signed statements of one seat that no honest validator makes. */
export type Evidence =
  | {
      readonly kind: 'proposals';
      readonly seat: number;
      readonly pair: readonly [Proposal, Proposal];
    }
  | { readonly kind: 'votes'; readonly seat: number; readonly pair: readonly [Vote, Vote] };

/**
 * Evidence as the unlock that slashes the bond of who signed it. The order of its statements is
 * that of the wire, so that all who hold the same pair make the same bytes.
 */
export function evidenceUnlockOf(evidence: Evidence, hasher: Hasher): EvidenceUnlock {
  const [{ epoch, view }] = evidence.pair;
  const [one, other] =
    evidence.kind === 'votes'
      ? evidence.pair
      : [proposedBy(evidence.pair[0], hasher), proposedBy(evidence.pair[1], hasher)];
  const [first, second] = compareStatements(one, other) < 0 ? [one, other] : [other, one];
  return { kind: 'evidence', epoch, view, statements: [signedDigest(first), signedDigest(second)] };
}

function proposedBy({ header, signature }: Proposal, hasher: Hasher): SignedDigest {
  return { kind: 'propose', digest: idToBytes(milestoneIdOf(header, hasher)), signature };
}

function signedDigest({ kind, digest, signature }: SignedDigest): SignedDigest {
  return { kind, digest, signature };
}

/** What became of the proposal's content. */
export type ProposalState = 'waiting' | 'checking' | 'valid' | 'invalid';

/** What a seat has signed in one view. */
export interface OwnStatements {
  propose?: MilestoneId;
  notarize?: MilestoneId;
  nullify?: true;
  finalize?: MilestoneId;
}

/** What counting a vote led to. */
export interface Counted {
  /** False for a vote that was known, and for one that contradicts another. */
  readonly isNew: boolean;
  /** The certificate that this vote completed. */
  readonly certificate?: Certificate;
  readonly evidence?: Evidence;
}

export class Round {
  readonly view: bigint;
  /** The first proposal that its leader signed; later ones are evidence. */
  proposal: { readonly id: MilestoneId; readonly proposal: Proposal } | undefined;
  proposalState: ProposalState = 'waiting';
  /** What this seat signed; it outlives a restart by the vote log. */
  readonly own: OwnStatements = {};
  readonly certificates: Partial<Record<CertificateKind, Certificate>> = {};
  readonly #votes = new Map<CertificateKind, Map<number, Vote>>();
  readonly #accused = new Set<number>();

  constructor(view: bigint) {
    this.view = view;
  }

  /** The id that a quorum notarised; undefined while none is known. */
  get notarized(): MilestoneId | undefined {
    return this.certificates.notarize && digestId(this.certificates.notarize);
  }

  get isNullified(): boolean {
    return this.certificates.nullify !== undefined;
  }

  /**
   * Whether a vote brings nothing new: it was counted, or its seat, of which there is evidence,
   * contradicts itself once more. Else one seat could have us check signatures without end.
   */
  knows(vote: Vote): boolean {
    const known = this.#votes.get(vote.kind)?.get(vote.seat);
    if (known !== undefined && equalBytes(known.digest, vote.digest)) return true;
    return this.isAccused(vote.seat) && this.#contradictedBy(vote) !== undefined;
  }

  /** Whether there is evidence against the seat in this view. */
  isAccused(seat: number): boolean {
    return this.#accused.has(seat);
  }

  /** True the first time: one piece of evidence per seat and view says it all. */
  accuse(seat: number): boolean {
    return !this.#accused.has(seat) && this.#accused.add(seat).size > 0;
  }

  /** Every vote that counted. */
  get votes(): Vote[] {
    return [...this.#votes.values()].flatMap((ofKind) => Array.from(ofKind.values()));
  }

  /** This seat's votes, for sending them again. */
  votesOf(seat: number): Vote[] {
    return [...this.#votes.values()].flatMap((ofKind) => ofKind.get(seat) ?? []);
  }

  /**
   * Counts a vote whose signature holds. One seat counts once per kind; a second statement, or a
   * nullify beside a finalize, is evidence and counts for nothing.
   */
  add(vote: Vote, size: number): Counted {
    const contradicted = this.#contradictedBy(vote);
    if (contradicted !== undefined) {
      const evidence = { kind: 'votes', seat: vote.seat, pair: [contradicted, vote] } as const;
      return this.accuse(vote.seat) ? { isNew: false, evidence } : { isNew: false };
    }
    const ofKind = this.#votes.get(vote.kind) ?? new Map<number, Vote>();
    if (ofKind.has(vote.seat)) return { isNew: false };
    this.#votes.set(vote.kind, ofKind.set(vote.seat, vote));
    if (this.certificates[vote.kind] !== undefined) return { isNew: true };
    const agreeing = [...ofKind.values()].filter((one) => equalBytes(one.digest, vote.digest));
    const certificate = assembleCertificate(agreeing, size);
    if (certificate === undefined) return { isNew: true };
    this.certificates[vote.kind] = certificate;
    return { isNew: true, certificate };
  }

  #contradictedBy(vote: Vote): Vote | undefined {
    const same = this.#votes.get(vote.kind)?.get(vote.seat);
    if (same !== undefined && !equalBytes(same.digest, vote.digest)) return same;
    if (vote.kind === 'nullify') return this.#votes.get('finalize')?.get(vote.seat);
    return vote.kind === 'finalize' ? this.#votes.get('nullify')?.get(vote.seat) : undefined;
  }
}

/** The milestone id that a statement names. */
export function digestId({ digest }: Pick<Statement, 'digest'>): MilestoneId {
  return bytesToHex(digest) as MilestoneId;
}
