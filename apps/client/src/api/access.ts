/**
 * Who may call the local API: whoever knows the token, under a name of this machine, from no other
 * page. The token keeps other users and programs out; the checks of Host and Origin keep out web
 * pages, which a browser would otherwise let reach 127.0.0.1 (DNS rebinding, cross-site requests).
 * Spec: docs/spec/41-client-api.md, "Access".
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { ClientError } from '../client-error.ts';
import { headerOf, type HttpRequest, type HttpResponse } from '@tanglemail/tangle/io/shell/http.ts';
import { sendProblem } from './problem.ts';
import { SOCKET_HOST } from './socket-host.ts';

/** Names under which a browser on this machine may know the API. */
const LOCAL_NAMES = ['127.0.0.1', 'localhost', '[::1]'];
/** Paths that say nothing about the account. */
const OPEN_PATHS = /^\/(?:health|docs(?:-json)?(?:\/.*)?)$/;
/** Sub-protocols of the event socket: the name, and behind this prefix the token. */
export const EVENTS_PROTOCOL = 'tanglemail';
const TOKEN_PROTOCOL_PREFIX = 'token.';

/** What an HTTP or upgrade request shows of where it comes from. */
export type RequestOrigin = Pick<HttpRequest, 'headers' | 'socket'>;

/** The secret of one run of the daemon. */
export class AccessToken {
  readonly #digest: Uint8Array;

  constructor(token: string) {
    this.#digest = digestOf(token);
  }

  /** Compares digests in constant time, so that an answer's delay says nothing of the token. */
  matches(candidate: string | undefined): boolean {
    return candidate !== undefined && timingSafeEqual(digestOf(candidate), this.#digest);
  }
}

function digestOf(text: string): Uint8Array {
  return createHash('sha256').update(text).digest();
}

/** Refuses foreign names and origins. */
export function checkOrigin(request: RequestOrigin): ClientError | undefined {
  const host = headerOf(request, 'host');
  const { localPort } = request.socket;
  if (host === undefined || !isLocalHost(host, localPort)) return new ClientError('host-refused');
  const { origin } = request.headers;
  if (origin === undefined || origin === `http://${host}`) return undefined;
  return new ClientError('origin-refused');
}

/** A unix socket has no port, and no page of a browser reaches it. */
function isLocalHost(host: string, port: number | undefined): boolean {
  if (port === undefined) return host === SOCKET_HOST;
  return LOCAL_NAMES.some((name) => host.toLowerCase() === `${name}:${port}`);
}

/** The token that the sub-protocols of a socket carry: a browser can set no other header. */
export function tokenOfProtocols(request: RequestOrigin): string | undefined {
  const offered = headerOf(request, 'sec-websocket-protocol') ?? '';
  const protocols = offered.split(',').map((one) => one.trim());
  const found = protocols.find((one) => one.startsWith(TOKEN_PROTOCOL_PREFIX));
  return found?.slice(TOKEN_PROTOCOL_PREFIX.length);
}

function bearerOf(request: HttpRequest): string | undefined {
  const match = /^Bearer ([\x21-\x7e]{1,256})$/i.exec(headerOf(request, 'authorization') ?? '');
  return match?.[1];
}

/** Express middleware in front of everything, also of the parsers of bodies. */
export function guardAccess(token: AccessToken) {
  return (request: HttpRequest, response: HttpResponse, next: () => void): void => {
    response.set('Cache-Control', 'no-store').set('X-Content-Type-Options', 'nosniff');
    const refusal = checkOrigin(request) ?? checkToken(request, token);
    if (refusal === undefined) next();
    else sendProblem(response, refusal);
  };
}

function checkToken(request: HttpRequest, token: AccessToken): ClientError | undefined {
  if (request.method === 'GET' && OPEN_PATHS.test(request.path)) return undefined;
  return token.matches(bearerOf(request)) ? undefined : new ClientError('unauthorized');
}
