/**
 * Whether a certificate is worth anything: a quorum of distinct seats of this committee, each with
 * a STRICT signature over the same statement. Path: `codec/certificate.ts` (form) → here →
 * `milestone/rules.ts`, the node's consensus and `milestone/light-client.ts`.
 * Spec: docs/spec/04-milestone.md §3.
 */
import { equalBytes } from '@noble/curves/utils.js';
import type { Certificate, Statement } from '../codec/certificate.ts';
import { bitmapLengthOf, signedMessage } from '../codec/certificate.ts';
import type { Proposal, Vote } from '../codec/consensus.ts';
import type { MilestoneHeader } from '../codec/milestone.ts';
import { milestoneIdOf } from '../codec/milestone.ts';
import { idToBytes, type MilestoneId } from '../codec/ids.ts';
import { signEd25519 } from '../crypto/ed25519-strict.ts';
import type { Outcome } from '../outcome.ts';
import { assert, fail, succeed } from '../outcome.ts';
import type { Hasher, Verifier } from '../ports.ts';
import { quorum } from './committee.ts';

/** Signs a statement. `secretKey` is the 32-byte Ed25519 seed of the key in this seat. */
export function signVote(
  statement: Statement,
  networkId: bigint,
  seat: number,
  secretKey: Uint8Array,
): Vote {
  const { kind, epoch, view, digest } = statement;
  const message = signedMessage(networkId, kind, epoch, view, digest);
  return { kind, epoch, view, digest, seat, signature: signEd25519(secretKey, message) };
}

/** True when the vote comes from its seat. */
export function checkVote(
  vote: Vote,
  committee: readonly Uint8Array[],
  networkId: bigint,
  verifier: Verifier,
): boolean {
  const key = committee[vote.seat];
  if (key === undefined) return false;
  const message = signedMessage(networkId, vote.kind, vote.epoch, vote.view, vote.digest);
  return verifier.verify(key, message, vote.signature);
}

/** True when the proposal of milestone `id` is signed by `leader`, the key whose turn it is. */
export function checkProposer(
  { epoch, view, signature }: Proposal,
  id: MilestoneId,
  leader: Uint8Array | undefined,
  networkId: bigint,
  verifier: Verifier,
): boolean {
  if (leader === undefined) return false;
  const message = signedMessage(networkId, 'propose', epoch, view, idToBytes(id));
  return verifier.verify(leader, message, signature);
}

/**
 * Makes a certificate of votes under one statement: the q lowest seats, whatever order they came
 * in. Undefined while fewer than q distinct seats voted. The caller has checked each vote.
 */
export function assembleCertificate(
  votes: readonly Vote[],
  committeeSize: number,
): Certificate | undefined {
  const bySeat = new Map(votes.map((vote) => [vote.seat, vote]));
  const needed = quorum(committeeSize);
  const first = votes[0];
  if (first === undefined || bySeat.size < needed) return undefined;
  const chosen = [...bySeat.values()].toSorted((a, b) => a.seat - b.seat).slice(0, needed);
  assert(
    chosen.every((vote) => sameStatement(vote, first) && vote.seat < committeeSize),
    'votes of one certificate share their statement',
  );
  return {
    kind: first.kind,
    epoch: first.epoch,
    view: first.view,
    digest: first.digest,
    bitmapLength: bitmapLengthOf(committeeSize),
    signers: chosen.map(({ seat }) => seat),
    signatures: chosen.map(({ signature }) => signature),
  };
}

/**
 * Accepts a certificate of exactly q distinct seats. More than q would prove nothing more, cost
 * more to check and let one certificate be padded into many; so the size is fixed by n.
 * Codes: `certificate-quorum` (bitmap or count do not fit the committee),
 * `certificate-signature`.
 */
export function checkCertificate(
  certificate: Certificate,
  committee: readonly Uint8Array[],
  networkId: bigint,
  verifier: Verifier,
): Outcome<void> {
  const { kind, epoch, view, digest, signers, signatures } = certificate;
  const size = committee.length;
  if (certificate.bitmapLength !== bitmapLengthOf(size)) {
    return fail('certificate-quorum', 'the bitmap has another length');
  }
  const distinct = new Set(signers).size === signers.length;
  const seated = signers.every((seat) => seat < size);
  if (!distinct || !seated || signers.length !== quorum(size)) {
    return fail(
      'certificate-quorum',
      `${signers.length} signers, ${quorum(size)} of ${size} needed`,
    );
  }
  const message = signedMessage(networkId, kind, epoch, view, digest);
  for (const [position, seat] of signers.entries()) {
    const key = committee[seat];
    const signature = signatures[position];
    if (key === undefined || signature === undefined || !verifier.verify(key, message, signature)) {
      return fail('certificate-signature', `seat ${seat}`);
    }
  }
  return succeed(undefined);
}

/** What a committee signs to make `header` notarised or final. */
export function statementOf(
  header: MilestoneHeader,
  kind: 'notarize' | 'finalize' | 'ratify',
  hasher: Hasher,
): Statement {
  const digest = idToBytes(milestoneIdOf(header, hasher));
  return { kind, epoch: header.epoch, view: header.view, digest };
}

/**
 * Accepts `certificate` as the proof that `header` is final: kind, epoch, view and digest are those
 * of the header (`certificate-mismatch`), and the certificate itself holds.
 */
export function checkFinality(
  header: MilestoneHeader,
  certificate: Certificate,
  committee: readonly Uint8Array[],
  networkId: bigint,
  { hasher, verifier }: { hasher: Hasher; verifier: Verifier },
): Outcome<void> {
  const { kind } = certificate;
  const isFinality = kind === 'finalize' || kind === 'ratify';
  if (!isFinality || !sameStatement(certificate, statementOf(header, kind, hasher))) {
    return fail('certificate-mismatch');
  }
  return checkCertificate(certificate, committee, networkId, verifier);
}

function sameStatement(a: Statement, b: Statement): boolean {
  return (
    a.kind === b.kind && a.epoch === b.epoch && a.view === b.view && equalBytes(a.digest, b.digest)
  );
}
