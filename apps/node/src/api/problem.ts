/**
 * Errors of the API as problem bodies (RFC 9457): {type, title, status, code, detail}. `code` is
 * one of the core's error codes or one of the API's own below, and never changes its meaning. Spec:
 * docs/spec/11-node-api.md.
 */
import { Catch, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { ErrorCode, Failure } from '@tanglemail/tangle/core/outcome.ts';
import { errorFields, type Logger } from '@tanglemail/tangle/io/logger.ts';
import { sendProblem, statusOf, type HttpResponse } from '@tanglemail/tangle/io/shell/http.ts';

/** Codes that only the API uses, with their HTTP status and title. */
export const API_PROBLEMS = {
  'request-malformed': { status: 400, title: 'The request does not have the form asked for' },
  'not-found': { status: 404, title: 'The node does not hold this' },
  'method-or-path-unknown': { status: 404, title: 'There is nothing at this address' },
  'body-too-large': { status: 413, title: 'The request body is too large' },
  'media-type-unknown': { status: 415, title: 'The body is of a type that is not accepted here' },
  'rate-limited': { status: 429, title: 'Too many requests from this address' },
  'internal-error': { status: 500, title: 'The node failed to answer' },
  'pow-not-offered': { status: 403, title: 'This node does no proof of work for others' },
  'queue-full': { status: 503, title: 'The node is busy; try again' },
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
}

/** Thrown by a controller; the filter turns it into the answer. */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem';
  readonly body: ProblemBody;

  private constructor(code: string, status: number, title: string, detail: string | undefined) {
    super(title);
    const type = `urn:tanglemail:error:${code}`;
    this.body = { type, title, status, code, ...(detail === undefined ? {} : { detail }) };
  }

  static of(code: ApiProblemCode, detail?: string): ApiProblem {
    return new ApiProblem(code, API_PROBLEMS[code].status, API_PROBLEMS[code].title, detail);
  }

  /** The core refused a block, or what `title` names: 400 with its code. */
  static refused(
    code: ErrorCode,
    detail?: string,
    title: string = 'The block was refused',
  ): ApiProblem {
    return new ApiProblem(code, 400, title, detail);
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
    const { body } = this.#problemOf(error);
    const response = host.switchToHttp().getResponse<HttpResponse>();
    if (response.headersSent) response.destroy();
    else sendProblem(response, body.status, body);
  }

  #problemOf(error: unknown): ApiProblem {
    if (error instanceof ApiProblem) return error;
    const status = statusOf(error);
    if (status >= 500) {
      this.#logger.error(errorFields(error), 'a request failed inside the node');
      return ApiProblem.of('internal-error');
    }
    return ApiProblem.of(BY_STATUS[status] ?? 'request-malformed');
  }
}
