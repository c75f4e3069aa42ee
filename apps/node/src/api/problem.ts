/**
 * Errors of the API as problem bodies (RFC 9457): {type, title, status, code, detail}. `code` is
 * one of the core's error codes or one of the API's own below, and never changes its meaning. Spec:
 * docs/spec/11-node-api.md.
 */
import { Catch, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { ErrorCode, Failure } from '@tanglemail/tangle/core/outcome.ts';
import { errorFields, type Logger } from '@tanglemail/tangle/io/logger.ts';
import { sendProblem, statusOf, type HttpResponse } from '@tanglemail/tangle/io/shell/http.ts';
import { BusyError } from '../query/work-gate.ts';

/** Codes that only the API uses, with their HTTP status and title. */
export const API_PROBLEMS = {
  'request-malformed': { status: 400, title: 'The request does not have the form asked for' },
  pruned: { status: 404, title: 'The node does not keep things this old' },
  'not-found': { status: 404, title: 'The node does not hold this' },
  'method-or-path-unknown': { status: 404, title: 'There is nothing at this address' },
  'body-too-large': { status: 413, title: 'The request body is too large' },
  'media-type-unknown': { status: 415, title: 'The body is of a type that is not accepted here' },
  'rate-limited': { status: 429, title: 'Too many requests from this address' },
  'internal-error': { status: 500, title: 'The node failed to answer' },
  'pow-not-offered': { status: 403, title: 'This node does no proof of work for others' },
  'queue-full': { status: 503, title: 'The node is busy; try again' },
  'timed-out': { status: 503, title: 'The node took too long; try again' },
  'snapshots-not-offered': { status: 403, title: 'This node does not give its snapshots away' },
  unauthorized: { status: 401, title: 'The token of control.json is missing or wrong' },
  'host-refused': { status: 403, title: 'Control answers only under its own address' },
  'origin-refused': { status: 403, title: 'Control does not answer web pages' },
  'control-refused': { status: 400, title: 'The node cannot do this' },
  'control-busy': { status: 409, title: 'The node is doing this already' },
  'faucet-limit': { status: 429, title: 'The faucet has given enough for this hour' },
  'faucet-amount': { status: 400, title: 'The faucet does not give this amount' },
  'faucet-busy': { status: 503, title: 'The faucet is busy; try again' },
  'faucet-failed': { status: 503, title: 'The faucet could not pay' },
} as const satisfies Record<string, { status: number; title: string }>;

export type ApiProblemCode = keyof typeof API_PROBLEMS;

/** The body of every error answer. */
export interface ProblemBody {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail?: string;
  /** With `pruned`: milestones up to this index are gone here. */
  readonly prunedIndex?: number;
}

type ProblemFacts = Pick<ProblemBody, 'detail' | 'prunedIndex'>;

/** Thrown by a controller; the filter turns it into the answer. */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem';
  readonly body: ProblemBody;

  private constructor(code: string, status: number, title: string, facts: ProblemFacts) {
    super(title);
    const type = `urn:tanglemail:error:${code}`;
    this.body = { type, title, status, code, ...facts };
  }

  static of(code: ApiProblemCode, detail?: string): ApiProblem {
    const { status, title } = API_PROBLEMS[code];
    return new ApiProblem(code, status, title, detail === undefined ? {} : { detail });
  }

  /** What was asked for belongs to a milestone that is gone here. */
  static pruned(prunedIndex: number): ApiProblem {
    const { status, title } = API_PROBLEMS.pruned;
    const detail = `pruned below index ${prunedIndex + 1}`;
    return new ApiProblem('pruned', status, title, { detail, prunedIndex });
  }

  /** The core refused a block, or what `title` names: 400 with its code. */
  static refused(
    code: ErrorCode,
    detail?: string,
    title: string = 'The block was refused',
  ): ApiProblem {
    return new ApiProblem(code, 400, title, detail === undefined ? {} : { detail });
  }
}

/** The problem of a block that was not taken: the core's code, or that the node is busy. */
export function problemOfRefusal({ code, detail }: Failure): ApiProblem {
  if (code === 'queue-full' || code === 'too-many-unsolid') return ApiProblem.of('queue-full');
  return ApiProblem.refused(code, detail);
}

const BY_STATUS: Readonly<Record<number, ApiProblemCode>> = {
  404: 'method-or-path-unknown',
  405: 'method-or-path-unknown',
  413: 'body-too-large',
  415: 'media-type-unknown',
  429: 'rate-limited',
};

/** Every error of a request becomes a problem body; an unknown one is logged and says nothing. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  catch(error: unknown, host: ArgumentsHost): void {
    const response = host.switchToHttp().getResponse<HttpResponse>();
    if (response.headersSent) {
      // Too late to say it: the answer timed out, or broke off half way.
      this.#logger.debug(errorFields(error), 'an answer was not finished');
      response.destroy();
      return;
    }
    const { body } = this.#problemOf(error);
    if (body.status === 503) response.set('Retry-After', '1');
    sendProblem(response, body.status, body);
  }

  #problemOf(error: unknown): ApiProblem {
    if (error instanceof ApiProblem) return error;
    if (error instanceof BusyError) return ApiProblem.of('queue-full');
    const status = statusOf(error);
    if (status >= 500) {
      this.#logger.error(errorFields(error), 'a request failed inside the node');
      return ApiProblem.of('internal-error');
    }
    return ApiProblem.of(BY_STATUS[status] ?? 'request-malformed');
  }
}
