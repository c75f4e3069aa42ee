/**
 * Who may use the control API: whoever has the token of this start, under an address of this
 * machine, and no web page. A page whose name suddenly means 127.0.0.1 (DNS rebinding) sends its
 * own name as Host; one of another origin sends Origin. Next: control.controller.ts.
 * Spec: docs/spec/11-node-api.md, "Control".
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import {
  headerOf,
  sendProblem,
  type HttpRequest,
  type HttpResponse,
} from '@tanglemail/tangle/io/shell/http.ts';
import { ApiProblem, type ApiProblemCode } from './problem.ts';

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];

/** The middleware; `host` is the address that control listens on. */
export function guardControl(token: string, host: string) {
  const expected = digestOf(token);
  const hosts = new Set([...LOOPBACK, host.includes(':') ? `[${host}]` : host]);
  return (request: HttpRequest, response: HttpResponse, next: () => void): void => {
    const refusal = refusalOf(request, hosts, expected);
    if (refusal === undefined) {
      next();
      return;
    }
    const { body } = ApiProblem.of(refusal);
    if (refusal === 'unauthorized') response.set('WWW-Authenticate', 'Bearer');
    sendProblem(response, body.status, body);
  };
}

function refusalOf(
  request: HttpRequest,
  hosts: ReadonlySet<string>,
  expected: Buffer,
): ApiProblemCode | undefined {
  const host = headerOf(request, 'host')?.replace(/:[0-9]{1,5}$/, '');
  if (host === undefined || !hosts.has(host.toLowerCase())) return 'host-refused';
  if (request.headers['origin'] !== undefined) return 'origin-refused';
  const given = /^Bearer ([0-9a-f]{1,128})$/.exec(headerOf(request, 'authorization') ?? '')?.[1];
  // Both digests have the same length, whatever was given, and comparing them takes the same time.
  return timingSafeEqual(digestOf(given ?? ''), expected) ? undefined : 'unauthorized';
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
