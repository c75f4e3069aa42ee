/**
 * One HTTP exchange with a provider: time limit, size limit, problems as typed errors. Before:
 * provider-client.ts. Spec: docs/spec/34-provider-api.md.
 */
import { jsonOf } from '@tanglemail/tangle/io/json-text.ts';
import { readBody } from '@tanglemail/tangle/io/read-body.ts';
import { withinTime } from '@tanglemail/tangle/io/within-time.ts';
import type { z } from 'zod';
import { PROBLEM } from './dto.ts';
import { ProviderApiError, ProviderFault, ProviderUnreachable } from './errors.ts';
import type { ProviderProblem } from './errors.ts';

/** Bytes of a JSON answer; the largest is a page of 1,000 held envelopes. */
const MAX_JSON_BYTES = 4 * 1_048_576;

export interface HttpOptions {
  /** Origin and optional path, without a slash at the end. */
  readonly baseUrl: string;
  readonly timeoutMs: number;
  readonly fetch: typeof fetch;
}

export interface Exchange {
  readonly method: string;
  readonly path: string;
  readonly json?: unknown;
  /** A body of bytes, in place of `json`. */
  readonly bytes?: Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** Greatest answer in bytes. */
  readonly maxBytes?: number;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Uint8Array;
}

/** Sends one request. Throws ProviderUnreachable or ProviderFault; any status is an answer. */
export async function exchange(options: HttpOptions, request: Exchange): Promise<Answer> {
  try {
    return await withinTime(options.timeoutMs, [request.signal], (signal) =>
      send(options, request, signal),
    );
  } catch (error) {
    if (error instanceof ProviderFault) throw error;
    throw new ProviderUnreachable('the provider did not answer', { cause: error });
  }
}

async function send(options: HttpOptions, request: Exchange, signal: AbortSignal): Promise<Answer> {
  const { body, contentType } = bodyOf(request);
  const response = await options.fetch(`${options.baseUrl}${request.path}`, {
    method: request.method,
    headers: { accept: 'application/json', ...contentType, ...request.headers },
    redirect: 'error',
    signal,
    ...body,
  });
  const tooLarge = (): ProviderFault => new ProviderFault('answer-too-large');
  const bytes = await readBody(response, request.maxBytes ?? MAX_JSON_BYTES, tooLarge);
  return { status: response.status, headers: response.headers, bytes };
}

function bodyOf({ json, bytes }: Exchange): { body: object; contentType: Record<string, string> } {
  if (bytes !== undefined) {
    // `fetch` takes bytes over no shared memory only, which none of ours is.
    const body = { body: bytes as Uint8Array<ArrayBuffer> };
    return { body, contentType: { 'content-type': 'application/octet-stream' } };
  }
  if (json === undefined) return { body: {}, contentType: {} };
  return {
    body: { body: JSON.stringify(json) },
    contentType: { 'content-type': 'application/json' },
  };
}

/** The JSON of a successful answer. Throws ProviderApiError or ProviderFault. */
export function readJson<T>(answer: Answer, schema: z.ZodType<T>): T {
  if (answer.status >= 400) throw problemOf(answer);
  const parsed = schema.safeParse(jsonOf(new TextDecoder().decode(answer.bytes)));
  if (!parsed.success) throw new ProviderFault('answer-malformed', parsed.error);
  return parsed.data;
}

/** The error that an answer of status 400 and above stands for. */
export function problemOf(answer: Answer): ProviderApiError {
  const parsed = PROBLEM.safeParse(jsonOf(new TextDecoder().decode(answer.bytes)));
  const after = Number(answer.headers.get('retry-after') ?? Number.NaN);
  const retryAfter = Number.isFinite(after) ? after : undefined;
  // Zod's optional keys may be present and undefined; the shape is the same for a reader.
  const problem = (parsed.success ? parsed.data : {}) as ProviderProblem;
  return new ProviderApiError(answer.status, problem, retryAfter);
}
