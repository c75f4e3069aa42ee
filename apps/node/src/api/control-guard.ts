/**
 * Who may use the control API: whoever has the token of this start, under an address of this
 * machine, and no web page but the node's own. A page whose name suddenly means 127.0.0.1 (DNS
 * rebinding) sends its own name as Host; one of another origin sends Origin.
 * Next: control.controller.ts.
 * Spec: docs/spec/11-node-api.md, "Control".
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import {
  headerOf,
  sendProblem,
  type HttpRequest,
  type HttpResponse,
} from '@tanglemail/tangle/io/shell/http.ts';
import { ApiProblem, type ApiProblemCode } from './problem.ts';

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);
/** All addresses of the machine. */
const EVERYWHERE = new Set(['0.0.0.0', '::']);

/** Addresses of this machine, as sockets tell them. */
const LOCAL_ADDRESS = /^(?:::ffff:)?127\.|^::1$/;
/** What a proxy adds: whoever is behind it sits somewhere else. */
const PROXY_HEADERS = ['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip'];

/**
 * The middleware where control stands beside the public API, for the node's own pages: callers of
 * this machine alone, not by way of a proxy, and of all pages those that came from this server.
 */
export function guardPageControl(token: string) {
  const expected = digestOf(token);
  return (request: HttpRequest, response: HttpResponse, next: () => void): void => {
    const isLocal =
      LOCAL_ADDRESS.test(request.socket.remoteAddress ?? '') &&
      PROXY_HEADERS.every((name) => request.headers[name] === undefined);
    const host = headerOf(request, 'host') ?? '';
    const origins = [undefined, `http://${host}`];
    const isOwn = (name: string): boolean => isLocal && LOOPBACK.has(name);
    answer(refusalOf(request, isOwn, origins, expected), response, next);
  };
}

/** The middleware of the listener for the operator; `host` is the address that it listens on. */
export function guardControl(token: string, host: string) {
  const expected = digestOf(token);
  const own = host.includes(':') ? `[${host}]` : host;
  // A page can give a name of its own any address, but cannot be served under ours.
  const isOwn = (name: string): boolean =>
    LOOPBACK.has(name) ||
    name === own ||
    (EVERYWHERE.has(host) && isIP(name.replace(/^\[(.*)\]$/, '$1')) !== 0);
  return (request: HttpRequest, response: HttpResponse, next: () => void): void => {
    answer(refusalOf(request, isOwn, [undefined], expected), response, next);
  };
}

function answer(
  refusal: ApiProblemCode | undefined,
  response: HttpResponse,
  next: () => void,
): void {
  if (refusal === undefined) {
    next();
    return;
  }
  const { body } = ApiProblem.of(refusal);
  if (refusal === 'unauthorized') response.set('WWW-Authenticate', 'Bearer');
  sendProblem(response, body.status, body);
}

function refusalOf(
  request: HttpRequest,
  isOwn: (host: string) => boolean,
  origins: readonly (string | undefined)[],
  expected: Buffer,
): ApiProblemCode | undefined {
  const host = headerOf(request, 'host')?.replace(/:[0-9]{1,5}$/, '');
  if (host === undefined || !isOwn(host.toLowerCase())) return 'host-refused';
  if (!origins.some((one) => one === request.headers['origin'])) return 'origin-refused';
  const given = /^Bearer ([0-9a-f]{1,128})$/.exec(headerOf(request, 'authorization') ?? '')?.[1];
  // Both digests have the same length, whatever was given, and comparing them takes the same time.
  return timingSafeEqual(digestOf(given ?? ''), expected) ? undefined : 'unauthorized';
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
