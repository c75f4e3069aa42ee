/**
 * One HTTP exchange with a node: time-out, limit on the answer's size, typed errors. Every request
 * of node-client.ts goes through here.
 */
import { readBody } from '../read-body.ts';
import { problemDto } from './dto.ts';
import { NodeApiError, NodeUnreachableError } from './errors.ts';

export type Fetch = (url: URL, init: RequestInit) => Promise<Response>;

export interface HttpRequest {
  readonly url: URL;
  readonly method: 'GET' | 'POST';
  readonly accept: 'application/json' | 'application/octet-stream';
  readonly body?: Uint8Array;
  readonly maxBytes: number;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** A problem document is short; more of it is not read. */
const MAX_PROBLEM_BYTES = 64 * 1024;

/**
 * The body of a 2xx answer. Throws NodeApiError for another status or too long an answer,
 * NodeUnreachableError without an answer; an abort by `signal` throws the signal's reason.
 */
export async function exchange(fetchUrl: Fetch, request: HttpRequest): Promise<Uint8Array> {
  const timeout = AbortSignal.timeout(request.timeoutMs);
  const { signal } = request;
  const both = signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
  try {
    const response = await fetchUrl(request.url, {
      method: request.method,
      redirect: 'error',
      signal: both,
      headers: {
        accept: request.accept,
        ...(request.body === undefined ? {} : { 'content-type': 'application/octet-stream' }),
      },
      ...(request.body === undefined ? {} : { body: new Uint8Array(request.body) }),
    });
    if (!response.ok) throw await problemOf(response);
    return await readBody(response, request.maxBytes, tooLarge(response));
  } catch (error) {
    if (error instanceof NodeApiError) throw error;
    signal?.throwIfAborted();
    throw new NodeUnreachableError(timeout.aborted ? 'timed-out' : 'network', error);
  }
}

/** Parses JSON from a body; throws NodeApiError `answer-invalid`. */
export function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch (error) {
    throw new NodeApiError('answer-invalid', 200, undefined, error);
  }
}

async function problemOf(response: Response): Promise<NodeApiError> {
  const { status } = response;
  try {
    const body = await readBody(response, MAX_PROBLEM_BYTES, tooLarge(response));
    const problem = problemDto.safeParse(parseJson(body));
    if (problem.success) return new NodeApiError(problem.data.code, status, problem.data);
  } catch (error) {
    if (!(error instanceof NodeApiError)) throw error;
  }
  return new NodeApiError('http-status', status);
}

function tooLarge({ status }: Response): NodeApiError {
  return new NodeApiError('answer-too-large', status);
}
