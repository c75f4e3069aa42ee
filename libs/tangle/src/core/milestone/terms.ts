/**
 * Which committee certifies which epochs, for whoever was shown the elections and has no ledger:
 * a light client, the reader of a snapshot. Path: `milestone/certificate.ts` → here →
 * `milestone/light-client.ts`, `snapshot/verifier.ts`. Spec: docs/spec/05-light-client.md §3.
 */
import { equalBytes } from '@noble/curves/utils.js';
import type { Milestone } from '../codec/milestone.ts';
import { Writer } from '../codec/writer.ts';
import type { Outcome } from '../outcome.ts';
import { assert, fail, succeed } from '../outcome.ts';
import type { NetworkParams } from '../params/networks.ts';
import type { Hasher, Verifier } from '../ports.ts';
import { checkMilestoneBody } from './body.ts';
import { checkFinality } from './certificate.ts';
import { checkCommittee, committeeRoot, epochOf } from './committee.ts';
import { electionIndex } from './election.ts';

/** A committee and the first epoch whose milestones it certifies. */
export interface Term {
  readonly epoch: number;
  /** Keys in seat order, 1–32. */
  readonly committee: readonly Uint8Array[];
}

/** What an election is checked with. */
export interface ElectionContext {
  readonly networkId: bigint;
  readonly params: Pick<NetworkParams, 'epochLength'>;
  readonly hasher: Hasher;
  readonly verifier: Verifier;
}

/**
 * The term that a milestone gives a committee, if it is an election of `committee`'s: it stands
 * where its epoch elects, names other keys than those that sit, and those that sit certified it and
 * are still named by its header. That last condition is what binds it to them: an honest member
 * signs, in the middle of an epoch, only headers that name the committee of that epoch, so that
 * signatures given in another committee's term never add up to an election of this one
 * (docs/spec/05-light-client.md §4).
 * Codes: `milestone-root`, `milestone-epoch`, `milestone-committee` (no election),
 * `committee-invalid`, and those of certificates.
 */
export function checkNewTerm(
  milestone: Milestone,
  committee: readonly Uint8Array[],
  { networkId, params, hasher, verifier }: ElectionContext,
): Outcome<Term> {
  const { header, body, certificate } = milestone;
  const { index, epoch } = header;
  const sound = checkMilestoneBody(milestone, hasher);
  if (!sound.ok) return sound;
  if (epoch !== epochOf(index, params)) {
    return fail('milestone-epoch', `epoch ${epoch} at index ${index}`);
  }
  const { nextCommittee } = body.options;
  if (index !== electionIndex(epoch, params) || nextCommittee === undefined) {
    return fail('milestone-committee', `no election at index ${index}`);
  }
  const valid = checkCommittee(nextCommittee);
  if (!valid.ok) return valid;
  const root = committeeRoot(committee, hasher);
  if (!equalBytes(header.committeeRoot, root)) return fail('milestone-root', 'committeeRoot');
  if (equalBytes(committeeRoot(nextCommittee, hasher), root)) {
    return fail('milestone-committee', 'the committee that sits is no change');
  }
  const final = checkFinality(header, certificate, committee, networkId, { hasher, verifier });
  return final.ok ? succeed({ epoch: epoch + 1, committee: nextCommittee }) : final;
}

/**
 * Terms that follow one another, ascending by epoch; the last one is open. There are as many as
 * elections were truly held: each was certified before it came here.
 */
export class Terms {
  readonly #list: Term[];

  /** At least one, ascending. */
  constructor(list: readonly Term[]) {
    assert(list.length > 0, 'somebody sits');
    this.#list = [...list];
  }

  /** Adds the next one. */
  add(term: Term): void {
    assert(term.epoch > this.last.epoch, 'terms follow one another');
    this.#list.push(term);
  }

  get last(): Term {
    const last = this.#list.at(-1);
    assert(last !== undefined, 'somebody sits');
    return last;
  }

  /** The term that epoch `epoch` belongs to; undefined for one before the first. */
  at(epoch: number): Term | undefined {
    let [low, high] = [0, this.#list.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#list[middle]?.epoch ?? 0) <= epoch) low = middle + 1;
      else high = middle;
    }
    return this.#list[low - 1];
  }
}

/** What remains of a row of terms: enough to know it again, whoever shows it. */
export interface TermsDigest {
  /** How many elections were followed, u32. */
  readonly elections: number;
  /** 32 bytes. */
  readonly digest: Uint8Array;
}

/** The digest of the term that a genesis committee begins: no election. */
export function firstDigest(committee: readonly Uint8Array[], hasher: Hasher): TermsDigest {
  return { elections: 0, digest: committeeRoot(committee, hasher) };
}

/** `BLAKE2b-256(digest before 32 | epoch u32 | root over the committee's keys 32)`. */
export function nextDigest(before: TermsDigest, term: Term, hasher: Hasher): TermsDigest {
  const writer = new Writer(68);
  writer.fixed(before.digest, 32);
  writer.u32(term.epoch);
  writer.fixed(committeeRoot(term.committee, hasher), 32);
  return { elections: before.elections + 1, digest: hasher.blake2b256(writer.finish()) };
}
