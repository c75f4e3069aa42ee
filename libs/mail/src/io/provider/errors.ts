/**
 * What can go wrong when a client talks to a storage provider: it answered with a problem, it could
 * not be reached, or what it said does not hold. Spec: docs/spec/34-provider-api.md.
 */
import { isProblemCode } from '../../core/market/problems.ts';
import type { ProblemCode } from '../../core/market/problems.ts';

/** A problem body (RFC 9457) as far as a client reads it. */
export interface ProviderProblem {
  readonly type?: string;
  readonly title?: string;
  readonly status?: number;
  readonly code?: string;
  readonly detail?: string;
  /** Base units, decimal. */
  readonly required?: string;
  readonly balance?: string;
  /** Highest voucher that the provider holds, with `voucher-not-increasing`. */
  readonly voucher?: { readonly cumulative: string; readonly signature: string };
}

/** The provider answered and refused. */
export class ProviderApiError extends Error {
  override readonly name = 'ProviderApiError';
  /** A code of the table, or `unknown` when the provider sent another. */
  readonly code: ProblemCode | 'unknown';
  readonly status: number;
  readonly problem: ProviderProblem;
  /** Seconds after which the provider asks to try again. */
  readonly retryAfter: number | undefined;

  constructor(status: number, problem: ProviderProblem, retryAfter?: number) {
    const { code } = problem;
    const known = code !== undefined && isProblemCode(code) ? code : 'unknown';
    super(`the provider answered ${status} ${known}`);
    this.code = known;
    this.status = status;
    this.problem = problem;
    this.retryAfter = retryAfter;
  }
}

/** No answer: refused, timed out, or cut off. The request may be repeated. */
export class ProviderUnreachable extends Error {
  override readonly name = 'ProviderUnreachable';
  readonly code = 'provider-unreachable';
}

/** An answer that is malformed or does not verify; the provider lost trust, not the network. */
export class ProviderFault extends Error {
  override readonly name = 'ProviderFault';
  /** `log-rewritten`: the log is not the one of which the known position is a part. */
  readonly code:
    | 'answer-malformed'
    | 'answer-too-large'
    | 'root-mismatch'
    | 'proof-invalid'
    | 'log-rewritten';

  constructor(code: ProviderFault['code'], cause?: unknown) {
    super(`the provider's answer does not hold: ${code}`, cause === undefined ? {} : { cause });
    this.code = code;
  }
}
