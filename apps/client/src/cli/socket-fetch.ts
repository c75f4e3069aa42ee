/**
 * Requests to the daemon's local API, over TCP or over its unix socket, which `fetch` cannot reach.
 * Before: daemon-link.ts; after: the daemon. Spec: docs/spec/41-client-api.md, section 3.
 */
import { request } from 'node:http';
import { Readable } from 'node:stream';
import { SOCKET_HOST } from '../api/socket-host.ts';

const SCHEME = 'unix:';
/** Answers that have no body. */
const NO_BODY = new Set([204, 205, 304]);

export interface DaemonRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  readonly redirect: 'error';
  readonly body?: string | Uint8Array<ArrayBuffer>;
}

/** The path of a socket that `daemon.json` names; undefined for an address of TCP. */
export function socketPathOf(api: string): string | undefined {
  return api.startsWith(SCHEME) ? api.slice(SCHEME.length) : undefined;
}

/** As `fetch`: resolves with any answer, rejects when there is none. */
export function fetchFrom(api: string, path: string, init: DaemonRequest): Promise<Response> {
  const socketPath = socketPathOf(api);
  if (socketPath === undefined) return fetch(`${api}${path}`, init);
  const { method, headers, signal, body } = init;
  return new Promise((resolve, reject) => {
    const options = {
      socketPath,
      path,
      method,
      signal,
      headers: { ...headers, host: SOCKET_HOST },
    };
    const sent = request(options, (answer) => {
      const { statusCode: status = 500 } = answer;
      const named = Object.entries(answer.headers).map(([name, value]): [string, string] => [
        name,
        String(value),
      ]);
      if (NO_BODY.has(status)) answer.resume();
      const content = NO_BODY.has(status) ? null : (Readable.toWeb(answer) as ReadableStream);
      resolve(new Response(content, { status, headers: named }));
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
