/**
 * A refusal on its way from the rules to the API: thrown inside a transaction it undoes what the
 * transaction wrote. The API's filter turns it into a problem body. Before: the desks in payments/
 * and mailboxes/. After: api/problem-filter.ts.
 */
import type { Outcome } from '@tanglemail/tangle/core/outcome.ts';
import { refuse } from '@tanglemail/mail/core/market/problems.ts';
import type { ProblemCode, Refusal } from '@tanglemail/mail/core/market/problems.ts';

/** Members that a problem body carries beside those of RFC 9457. */
export interface ProblemFacts {
  readonly required?: bigint;
  readonly balance?: bigint;
  /** Highest accepted voucher of the channel in question. */
  readonly voucher?: { readonly cumulative: bigint; readonly signature: Uint8Array };
  /** What a new challenge should ask for; present on every 402. */
  readonly charge?: bigint;
  readonly channelId?: string;
  /** The owner's release, in place of a receipt. */
  readonly release?: Uint8Array;
}

export class Refused extends Error {
  override readonly name = 'Refused';
  readonly refusal: Refusal;
  readonly facts: ProblemFacts;

  constructor(refusal: Refusal, facts: ProblemFacts = {}, cause?: unknown) {
    super(refusal.code, cause === undefined ? {} : { cause });
    this.refusal = refusal;
    this.facts = facts;
  }
}

/** Throws a refusal. */
export function refuseWith(code: ProblemCode, facts: ProblemFacts = {}, detail?: string): never {
  throw new Refused(refuse(code, detail), facts);
}

/** The value of an outcome, or the refusal thrown. */
export function orRefuse<T>(outcome: Outcome<T, ProblemCode>, facts: ProblemFacts = {}): T {
  if (!outcome.ok) throw new Refused(outcome, facts);
  return outcome.value;
}
