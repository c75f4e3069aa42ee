/**
 * What can go wrong between a client and a node's API, whose problems follow RFC 9457. Used by
 * every file of this folder.
 */
import type { ProblemDto } from './dto.ts';

/** The node answered, and the answer is a refusal or cannot be used. */
export class NodeApiError extends Error {
  /** A code of the node (see `ERROR_CODES`), or `answer-invalid`, `answer-too-large`. */
  readonly code: string;
  /** HTTP status. */
  readonly status: number;
  /** The problem document, when the node sent one. */
  readonly problem: ProblemDto | undefined;

  constructor(code: string, status: number, problem?: ProblemDto, cause?: unknown) {
    super(`node answered ${status}: ${code}`, { cause });
    this.name = 'NodeApiError';
    this.code = code;
    this.status = status;
    this.problem = problem;
  }
}

/** No answer: refused connection, broken connection, or time-out. */
export class NodeUnreachableError extends Error {
  readonly reason: 'timed-out' | 'network';

  constructor(reason: 'timed-out' | 'network', cause: unknown) {
    super(reason === 'timed-out' ? 'node did not answer in time' : 'node is out of reach', {
      cause,
    });
    this.name = 'NodeUnreachableError';
    this.reason = reason;
  }
}

/** True for the answer "there is no such thing". */
export function isNotFound(error: unknown): boolean {
  return error instanceof NodeApiError && error.status === 404;
}

/** True when the same question may be answered later: no answer, an overloaded or starting node. */
export function isTransient(error: unknown): boolean {
  if (error instanceof NodeUnreachableError) return true;
  return error instanceof NodeApiError && (error.status >= 500 || error.status === 429);
}
