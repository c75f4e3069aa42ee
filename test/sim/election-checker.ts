/**
 * Committees seen from outside: who certifies each milestone, that a quorum of them did, and whom
 * the bonds of the second ledger elect. It shares no code with the core's election.
 * Path: `checkers.ts` → here. Spec: docs/spec/04-milestone.md §2, §6.
 */
import { signedMessage, type Certificate } from '@tanglemail/tangle/core/codec/certificate.ts';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import type { Milestone } from '@tanglemail/tangle/core/codec/milestone.ts';
import type { Output, ValidatorBondOutput } from '@tanglemail/tangle/core/codec/output.ts';
import type { Transaction } from '@tanglemail/tangle/core/codec/transaction.ts';
import type { SimNetworkRules } from './chain.ts';
import type { StoredMilestone } from './disk.ts';
import type { Tally } from './tally.ts';

export type ElectionRule = 'same-committee' | 'certified' | 'elected-by-bonds';

/** Keys in hex, in the order of seats. */
type Seats = readonly string[];

/** What holds at one index. */
interface Term {
  /** Who certifies the milestone. */
  readonly seats: Seats;
  /** Who certifies the next one. */
  readonly next: Seats;
  /** Who is elected for the next epoch; undefined while nobody else is. */
  readonly elected: Seats | undefined;
}

interface Deps {
  readonly tally: Tally;
  fail(rule: ElectionRule, detail: string): void;
}

export class ElectionChecker {
  readonly #rules: SimNetworkRules;
  readonly #deps: Deps;
  readonly #terms: Term[];

  constructor(rules: SimNetworkRules, deps: Deps) {
    this.#rules = rules;
    this.#deps = deps;
    const seats = rules.committee.map(bytesToHex);
    this.#terms = [{ seats, next: seats, elected: undefined }];
  }

  /** The next index was agreed on; `unspent` is what the milestone before it left. */
  onNext({ header, body }: Milestone, unspent: Iterable<Output>): void {
    const { index } = header;
    const { epochLength, validatorBondMin } = this.#rules.params;
    const before = this.#terms[index - 1];
    if (before === undefined) throw new Error('milestones are agreed on in order');
    const seats = before.next;
    const left = epochLength - 1 - (index % epochLength);
    const isElection = validatorBondMin > 0n && left === Math.max(1, Math.ceil(epochLength / 10));
    const due = isElection ? electedBy(unspent, validatorBondMin, seats) : undefined;
    const named = body.options.nextCommittee?.map(bytesToHex);
    if (named?.join() !== due?.join()) {
      this.#deps.fail('elected-by-bonds', `${index}: ${short(named)}, not ${short(due)}`);
    }
    const elected = due ?? before.elected;
    if (isElection) this.#deps.tally.count('election');
    const next = left === 0 ? (elected ?? seats) : seats;
    if (next !== seats) this.#deps.tally.count('committee-change');
    this.#terms[index] = { seats, next, elected: left === 0 ? undefined : elected };
  }

  /** A node wrote a milestone that was agreed on. */
  onCommit(place: number, { milestone, state }: StoredMilestone): void {
    const { index } = milestone.header;
    const { seats, next, elected } = this.#terms[index] ?? {};
    const name = `${index} at ${place}`;
    const committee = state.committee.map(bytesToHex);
    const chosen = state.elected?.map(bytesToHex);
    if (committee.join() !== next?.join() || chosen?.join() !== elected?.join()) {
      this.#deps.fail('same-committee', `${name}: ${short(committee)}, elected ${short(chosen)}`);
    }
    if (!this.#isCertified(milestone.certificate, seats ?? [])) {
      this.#deps.fail('certified', `${name}: not by ${short(seats)}`);
    }
  }

  /** Whether a quorum of these seats signed it, each once. */
  #isCertified({ signers, signatures, ...statement }: Certificate, seats: Seats): boolean {
    const { kind, epoch, view, digest } = statement;
    const { start, verifier } = this.#rules;
    const message = signedMessage(start.networkId, kind, epoch, view, digest);
    const good = signers.filter((seat, at) => {
      const [key, signature] = [seats[seat], signatures[at]];
      return key && signature && verifier.verify(Buffer.from(key, 'hex'), message, signature);
    });
    const needed = seats.length - Math.floor((seats.length - 1) / 3);
    return new Set(good).size >= needed;
  }
}

/** The sixteen keys with the greatest sums; undefined for fewer than four, or the same ones. */
function electedBy(unspent: Iterable<Output>, minimum: bigint, seats: Seats): Seats | undefined {
  const sums = new Map<string, bigint>();
  for (const output of unspent) {
    if (output.kind !== 'validator-bond' || output.unbondAt !== 0) continue;
    const key = bytesToHex(output.publicKey);
    if (output.amount >= minimum) sums.set(key, (sums.get(key) ?? 0n) + output.amount);
  }
  const ranked = [...sums].toSorted(([key, sum], [other, than]) => {
    if (sum !== than) return sum > than ? -1 : 1;
    return key < other ? -1 : 1;
  });
  const keys = ranked.slice(0, 16).map(([key]) => key);
  const isSame = keys.toSorted().join() === seats.toSorted().join();
  return keys.length < 4 || isSame ? undefined : keys.toSorted();
}

/** What a transaction does with validators' bonds, by the name that `faults` uses. */
export function bondDealing(
  spent: readonly Output[],
  { outputs, unlocks }: Transaction,
): 'bond' | 'unbond' | 'top-up' | 'slash' | 'bond-theft' | undefined {
  if (unlocks.some(({ kind }) => kind === 'evidence')) return 'slash';
  const [from, to] = [spent.filter(isBond), outputs.filter(isBond)];
  const [had, has] = [from, to].map((bonds) => bonds.reduce((sum, one) => sum + one.amount, 0n));
  if (had === undefined || has === undefined || had > has) return 'bond-theft';
  if (to.length === 0) return undefined;
  if (to.some(({ unbondAt }) => unbondAt !== 0)) return 'unbond';
  return from.length === 0 ? 'bond' : 'top-up';
}

function isBond(output: Output): output is ValidatorBondOutput {
  return output.kind === 'validator-bond';
}

function short(seats: Seats | undefined): string {
  return seats === undefined ? 'nobody' : seats.map((key) => key.slice(0, 4)).join(' ');
}
