/**
 * One HTTP exchange with a node: time-out, limit on the answer's size, typed errors. Every request
 * of node-client.ts goes through here.
 */
import { setTimeout } from 'node:timers/promises';
import { readBody } from '../read-body.ts';
import { isTimeOver, withinTime } from '../within-time.ts';
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

/** Pauses that a node may ask for (429, `Retry-After`) and that are waited out. */
const MAX_PAUSES = 3;
const MAX_PAUSE_MS = 5_000;

/**
 * The body of a 2xx answer; a node that asks to come again a little later is asked again. Throws
 * NodeApiError for another status or too long an answer, NodeUnreachableError without an answer; an
 * abort by `signal` throws the signal's reason.
 */
export async function exchange(fetchUrl: Fetch, request: HttpRequest): Promise<Uint8Array> {
  const { signal, timeoutMs } = request;
  return await withinTime(timeoutMs, [signal], async (both) => {
    try {
      return await ask(fetchUrl, request, both);
    } catch (error) {
      if (error instanceof NodeApiError) throw error;
      signal?.throwIfAborted();
      throw new NodeUnreachableError(isTimeOver(both) ? 'timed-out' : 'network', error);
    }
  });
}

async function ask(
  fetchUrl: Fetch,
  request: HttpRequest,
  signal: AbortSignal,
): Promise<Uint8Array> {
  let response = await send(fetchUrl, request, signal);
  for (let pauses = 0; pauses < MAX_PAUSES; pauses++) {
    const pauseMs = pauseOf(response);
    if (pauseMs === undefined) break;
    await response.body?.cancel();
    await setTimeout(pauseMs, undefined, { signal });
    response = await send(fetchUrl, request, signal);
  }
  if (!response.ok) throw await problemOf(response);
  return await readBody(response, request.maxBytes, () => tooLarge(response));
}

async function send(fetchUrl: Fetch, request: HttpRequest, signal: AbortSignal): Promise<Response> {
  return await fetchUrl(request.url, {
    method: request.method,
    redirect: 'error',
    signal,
    headers: {
      accept: request.accept,
      ...(request.body === undefined ? {} : { 'content-type': 'application/octet-stream' }),
    },
    ...(request.body === undefined ? {} : { body: new Uint8Array(request.body) }),
  });
}

/** How long a node that is asked too fast wants us to wait; undefined for any other answer. */
function pauseOf({ status, headers }: Response): number | undefined {
  const seconds = /^[0-9]{1,3}$/.exec(headers.get('retry-after') ?? '')?.[0];
  if (status !== 429 || seconds === undefined) return undefined;
  const pauseMs = Number(seconds) * 1_000;
  return pauseMs <= MAX_PAUSE_MS ? pauseMs : undefined;
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
    const body = await readBody(response, MAX_PROBLEM_BYTES, () => tooLarge(response));
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
