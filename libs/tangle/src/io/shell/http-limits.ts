/**
 * Limits of a listening HTTP server, below its framework: connections, and the time that a request
 * may take to arrive. What is no HTTP never reaches the framework; it is answered here.
 * Path: api/ of a program → here. Spec: docs/spec/11-node-api.md, docs/spec/34-provider-api.md.
 */
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { errorCode } from '../error-code.ts';
import { remoteOf } from './rate-limit.ts';

export interface ServerLimits {
  /** Open connections; one more is closed at once. Bounds memory and file handles. */
  readonly maxConnections: number;
  /**
   * Open connections from one remote address (or IPv6 /64 network), so that one cannot take all;
   * undefined behind a proxy, where all connections come from it.
   */
  readonly maxPerAddress?: number | undefined;
  /** Time for the head of a request, in milliseconds. Stops whoever sends a letter a minute. */
  readonly headTimeoutMs: number;
  /** Time for a whole request, in milliseconds. */
  readonly requestTimeoutMs: number;
}

/** Far above what the largest body needs on a slow line. */
export const SERVER_TIMES = { headTimeoutMs: 10_000, requestTimeoutMs: 30_000 } as const;

/**
 * Time after which an idle connection is closed, in milliseconds: longer than the pauses in a
 * client's work, so that a request seldom meets a connection that is just being closed.
 */
const KEEP_ALIVE_MS = 65_000;
const MAX_HEADERS = 100;
/** Looks for late requests in one of their times. */
const LOOKS = 4;

/** Sets the limits; call it before the server listens. `problem`: the body for a bad request. */
export function limitServer(server: Server, limits: ServerLimits, problem: object): void {
  const { maxConnections, headTimeoutMs, requestTimeoutMs } = limits;
  server.maxConnections = maxConnections;
  server.headersTimeout = headTimeoutMs;
  server.requestTimeout = requestTimeoutMs;
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.maxHeadersCount = MAX_HEADERS;
  // An option of createServer, which the framework calls. Without it Node looks every 30 s.
  Reflect.set(server, 'connectionsCheckingInterval', Math.ceil(headTimeoutMs / LOOKS));
  if (limits.maxPerAddress !== undefined) limitAddresses(server, limits.maxPerAddress);
  const answer = answerOf(problem);
  server.on('clientError', (error, socket: Duplex) => {
    if (errorCode(error) === 'ECONNRESET' || !socket.writable) socket.destroy();
    else socket.end(answer, () => socket.destroy());
  });
  server.on('checkExpectation', (request, response) => {
    response.writeHead(400, { 'Content-Type': PROBLEM_TYPE, Connection: 'close' });
    response.end(JSON.stringify(problem), () => request.destroy());
  });
}

/** Closes the connections of an address that has enough of them. */
function limitAddresses(server: Server, maxPerAddress: number): void {
  const open = new Map<string, number>();
  server.on('connection', (socket: Socket) => {
    const remote = remoteOf(socket.remoteAddress ?? '');
    const count = (open.get(remote) ?? 0) + 1;
    if (count > maxPerAddress) {
      socket.destroy();
      return;
    }
    open.set(remote, count);
    socket.once('close', () => {
      const left = (open.get(remote) ?? 1) - 1;
      if (left === 0) open.delete(remote);
      else open.set(remote, left);
    });
  });
}

const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';

function answerOf(problem: object): string {
  const body = JSON.stringify(problem);
  const head = [
    'HTTP/1.1 400 Bad Request',
    `Content-Type: ${PROBLEM_TYPE}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  return `${head.join('\r\n')}\r\n\r\n${body}`;
}
