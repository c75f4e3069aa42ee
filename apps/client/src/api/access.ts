/**
 * Who may call the local API: whoever knows the token or is our own page in a browser that has
 * shown it, under a name of this machine, from no other page. The token keeps other users and
 * programs out; the checks of Host and Origin keep out web pages, which a browser would otherwise
 * let reach 127.0.0.1 (DNS rebinding, cross-site requests).
 * Spec: docs/spec/41-client-api.md, "Access".
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { parseCookie } from 'cookie';
import { ClientError } from '../client-error.ts';
import type { BodyTickets } from '../html/body-tickets.ts';
import { headerOf, type HttpRequest, type HttpResponse } from '@tanglemail/tangle/io/shell/http.ts';
import { sendProblem } from './problem.ts';
import { SOCKET_HOST } from './socket-host.ts';
import type { WebSessions } from './web-sessions.ts';

/** Names under which a browser on this machine may know the API. */
const LOCAL_NAMES = ['127.0.0.1', 'localhost', '[::1]'];
/** Paths that say nothing about the account: the program's own pages among them. */
const OPEN_PATHS =
  /^\/(?:health|faces\.json|docs(?:-json)?(?:\/.*)?|(?:assets\/[\w.-]+|[\w-]+\.(?:html|svg))?)$/;
/** Where frames find the HTML of mails. */
export const BODY_PREFIX = '/_body/';
const BODY_PATH = /^\/_body\/([\w.-]{1,96})\/([\w-]{32})$/;
/** Sub-protocols of the event socket: the name, and behind these prefixes a secret. */
export const EVENTS_PROTOCOL = 'tanglemail';
const TOKEN_PROTOCOL_PREFIX = 'token.';
const PAGE_PROTOCOL_PREFIX = 'page.';
/** The header in which a page shows its key. */
const PAGE_HEADER = 'tanglemail-page';

/** What an HTTP or upgrade request shows of where it comes from. */
export type RequestOrigin = Pick<HttpRequest, 'headers' | 'socket'>;

/** The secret of one run of the daemon, and the browsers that have shown it. */
export class Access {
  readonly #digest: Uint8Array;
  readonly sessions: WebSessions;
  readonly bodies: BodyTickets;

  constructor(token: string, sessions: WebSessions, bodies: BodyTickets) {
    this.#digest = digestOf(token);
    this.sessions = sessions;
    this.bodies = bodies;
  }

  /** True for a request with the token, or of a page that is signed in. */
  permits(request: RequestOrigin): boolean {
    return this.knowsToken(bearerOf(request)) || this.sessions.matches(...pageOf(request));
  }

  /** The same for an event socket, whose request can carry no other header of a page's choice. */
  permitsSocket(request: RequestOrigin): boolean {
    if (this.knowsToken(protocolOf(request, TOKEN_PROTOCOL_PREFIX))) return true;
    const [cookie] = pageOf(request);
    return this.sessions.matches(cookie, protocolOf(request, PAGE_PROTOCOL_PREFIX));
  }

  /** A frame sends the cookie of its browser, and no header; the nonce in its path is asked for. */
  permitsFrame(request: HttpRequest): boolean {
    const [, mailId, nonce] = BODY_PATH.exec(request.path) ?? [];
    if (mailId === undefined || nonce === undefined) return false;
    return this.bodies.permits(mailId, nonce, pageOf(request)[0]);
  }

  /** Compares digests in constant time, so that an answer's delay says nothing of the token. */
  knowsToken(candidate: string | undefined): boolean {
    return candidate !== undefined && timingSafeEqual(digestOf(candidate), this.#digest);
  }
}

/** Browsers keep the cookies of all ports of a machine together: each daemon has its own name. */
export function cookieNameOf({ socket }: RequestOrigin): string {
  return `tanglemail-${socket.localPort ?? 0}`;
}

/** Cookie and key that a page shows. */
export function pageOf(request: RequestOrigin): [string | undefined, string | undefined] {
  const cookies = parseCookie(headerOf(request, 'cookie') ?? '');
  return [cookies[cookieNameOf(request)], headerOf(request, PAGE_HEADER)];
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

/** What a sub-protocol of a socket carries: a browser can set no header for it. */
function protocolOf(request: RequestOrigin, prefix: string): string | undefined {
  const offered = headerOf(request, 'sec-websocket-protocol') ?? '';
  const protocols = offered.split(',').map((one) => one.trim());
  const found = protocols.find((one) => one.startsWith(prefix));
  return found?.slice(prefix.length);
}

/** True when a sub-protocol shows a secret, right or wrong. */
export function showsSecret(request: RequestOrigin): boolean {
  const prefixes = [TOKEN_PROTOCOL_PREFIX, PAGE_PROTOCOL_PREFIX];
  return prefixes.some((prefix) => protocolOf(request, prefix) !== undefined);
}

function bearerOf(request: RequestOrigin): string | undefined {
  const match = /^Bearer ([\x21-\x7e]{1,256})$/i.exec(headerOf(request, 'authorization') ?? '');
  return match?.[1];
}

/** Express middleware in front of everything, also of the parsers of bodies. */
export function guardAccess(access: Access) {
  return (request: HttpRequest, response: HttpResponse, next: () => void): void => {
    response.set('Cache-Control', 'no-store').set('X-Content-Type-Options', 'nosniff');
    const refusal = checkOrigin(request) ?? checkAccess(request, access);
    if (refusal === undefined) next();
    else sendProblem(response, refusal);
  };
}

function checkAccess(request: HttpRequest, access: Access): ClientError | undefined {
  if (request.method === 'GET' && OPEN_PATHS.test(request.path)) return undefined;
  if (request.method === 'GET' && access.permitsFrame(request)) return undefined;
  return access.permits(request) ? undefined : new ClientError('unauthorized');
}
