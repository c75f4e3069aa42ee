/**
 * Every request of the API passes here first: what its route costs its caller, how many of its kind
 * run at once, in all and of one remote, how long an answer may take to begin and how slowly it may
 * be read. One table says it all. Next: the controllers. Spec: docs/spec/11-node-api.md, "Limits".
 */
import type { API_ROUTES } from '@tanglemail/tangle/io/metrics/node-metrics.ts';
import {
  sendProblem,
  type HttpRequest,
  type HttpResponse,
} from '@tanglemail/tangle/io/shell/http.ts';
import { remoteOf, type RateLimiter } from '@tanglemail/tangle/io/shell/rate-limit.ts';
import { WorkGate } from '../query/work-gate.ts';
import { ApiProblem, type ApiProblemCode } from './problem.ts';

export type RouteClass = (typeof API_ROUTES)[number];

/** What a request of a class costs and how many there may be. */
export interface RouteRule {
  /**
   * Tokens of the caller's budget, besides those for the bytes of the answer; 0 is not counted. The
   * bytes of a snapshot cost nothing: they are gigabytes, and whoever fetched them asks on.
   */
  readonly cost: number;
  /** Requests at once, of all callers. */
  readonly maxActive: number;
  /** Those that wait for a place; one more is `queue-full`. */
  readonly maxWaiting: number;
}

/** The one table of classes; the spec page has the same. */
export const ROUTE_RULES: Readonly<Record<RouteClass, RouteRule>> = {
  health: { cost: 0, maxActive: 64, maxWaiting: 64 },
  node: { cost: 1, maxActive: 64, maxWaiting: 256 },
  submit: { cost: 2, maxActive: 512, maxWaiting: 512 },
  block: { cost: 1, maxActive: 256, maxWaiting: 512 },
  ledger: { cost: 1, maxActive: 128, maxWaiting: 512 },
  proof: { cost: 3, maxActive: 16, maxWaiting: 512 },
  feed: { cost: 2, maxActive: 8, maxWaiting: 256 },
  indexer: { cost: 2, maxActive: 32, maxWaiting: 512 },
  snapshot: { cost: 50, maxActive: 2, maxWaiting: 0 },
  other: { cost: 1, maxActive: 64, maxWaiting: 64 },
};

/**
 * One remote holds at most this part of the places of a class, so that answers that it does not
 * read keep nobody else waiting, and this part of those that wait.
 */
const PLACES_PER_REMOTE = 1 / 4;
const WAITING_PER_REMOTE = 1 / 2;

/** Bytes of an answer that cost one token, beyond the first so many. */
export const BYTES_PER_TOKEN = 65_536;
/** Whoever reads an answer more slowly than this on the whole is cut off. */
export const MIN_BYTES_PER_SECOND = 65_536;
const DRIP_LOOK_MS = 10_000;

const PATTERNS: readonly [RegExp, RouteClass][] = [
  [/^\/health(\/live)?$/, 'health'],
  [/^\/api\/core\/v1\/(blocks|transactions|outputs)\/[^/]+\/proof$/, 'proof'],
  [/^\/api\/core\/v1\/addresses\//, 'proof'],
  [/^\/api\/core\/v1\/milestones\/[^/]+\/blocks$/, 'feed'],
  [/^\/api\/core\/v1\/filters(\/|$)/, 'feed'],
  [/^\/api\/core\/v1\/snapshots\/(full|delta)$/, 'snapshot'],
  [/^\/api\/core\/v1\/(blocks|transactions|tips)(\/|$)/, 'block'],
  [/^\/api\/core\/v1\/(outputs|milestones|elections)(\/|$)/, 'ledger'],
  [/^\/api\/(core\/v1\/|routes$)/, 'node'],
  [/^\/api\/indexer\//, 'indexer'],
];

/** The class of a request. */
export function routeClassOf(method: string, path: string): RouteClass {
  if (method === 'POST' && path === '/api/core/v1/blocks') return 'submit';
  return PATTERNS.find(([pattern]) => pattern.test(path))?.[1] ?? 'other';
}

export interface LimitsOptions {
  readonly requestTimeoutMs: number;
  /** How often slow readers are looked at, and what they have to read; tests change both. */
  readonly dripLookMs?: number;
  readonly minBytesPerSecond?: number;
  /** Places of the class `snapshot`. */
  readonly maxSnapshotDownloads: number;
}

export interface LimitsDeps {
  readonly limiter: RateLimiter;
  /** Told of every answer, and the seconds that it took. */
  onAnswer(route: RouteClass, statusCode: number, seconds: number): void;
}

/** The middleware of all limits. */
export function limitRequests(options: LimitsOptions, deps: LimitsDeps) {
  const gates = gatesOf(options);
  const { limiter } = deps;
  return async (request: HttpRequest, response: HttpResponse, next: () => void): Promise<void> => {
    const startedMs = performance.now();
    const route = routeClassOf(request.method, request.path);
    const { cost } = ROUTE_RULES[route];
    const remote = remoteOf(request.ip ?? '');
    const writtenBefore = request.socket.bytesWritten;
    const state = { isOver: false };
    response.on('close', () => {
      state.isOver = true;
      deps.onAnswer(route, response.statusCode, (performance.now() - startedMs) / 1_000);
      const extra = Math.floor((request.socket.bytesWritten - writtenBefore) / BYTES_PER_TOKEN);
      const isCounted = cost > 0 && route !== 'snapshot';
      if (isCounted && extra > 0) limiter.charge(remote, extra);
    });
    if (cost > 0 && !limiter.take(remote, cost)) {
      refuse(response, 'rate-limited', limiter.retryAfterSeconds(remote, cost));
      return;
    }
    watchTime(request, response, options);
    const release = await gates[route].enter(remote);
    if (release === undefined) {
      refuse(response, 'queue-full', 1);
      return;
    }
    // It left, or its time was over, while it waited.
    if (state.isOver || response.headersSent) {
      release();
      return;
    }
    response.on('close', release);
    next();
  };
}

function gatesOf({ maxSnapshotDownloads }: LimitsOptions): Record<RouteClass, WorkGate> {
  const gates = Object.entries(ROUTE_RULES).map(([route, rule]) => {
    const maxActive = route === 'snapshot' ? maxSnapshotDownloads : rule.maxActive;
    const { maxWaiting } = rule;
    const maxActivePerSource = Math.ceil(maxActive * PLACES_PER_REMOTE);
    const maxWaitingPerSource = Math.ceil(maxWaiting * WAITING_PER_REMOTE);
    const gate = { maxActive, maxWaiting, maxActivePerSource, maxWaitingPerSource };
    return [route, new WorkGate(gate)];
  });
  return Object.fromEntries(gates) as Record<RouteClass, WorkGate>;
}

function refuse(response: HttpResponse, code: ApiProblemCode, retryAfterSeconds: number): void {
  const { body } = ApiProblem.of(code);
  sendProblem(response.set('Retry-After', `${retryAfterSeconds}`), body.status, body);
}

/**
 * Ends an answer that does not begin in time, and then one whose reader is slow on the whole: its
 * time is what its size takes at the least rate. (How much of one large write has left cannot be
 * seen, so that the rate of the moment is no measure.)
 */
function watchTime(request: HttpRequest, response: HttpResponse, options: LimitsOptions): void {
  const { requestTimeoutMs, dripLookMs = DRIP_LOOK_MS } = options;
  const { minBytesPerSecond = MIN_BYTES_PER_SECOND } = options;
  const startedMs = performance.now();
  const before = request.socket.bytesWritten;
  const look = (): void => {
    const sizeBytes = request.socket.bytesWritten - before;
    const allowedMs = requestTimeoutMs + (sizeBytes / minBytesPerSecond) * 1_000;
    if (performance.now() - startedMs > allowedMs + dripLookMs) response.destroy();
    else timer = setTimeout(look, dripLookMs);
  };
  let timer = setTimeout(() => {
    if (response.headersSent) look();
    else refuse(response, 'timed-out', 5);
  }, requestTimeoutMs);
  response.on('close', () => clearTimeout(timer));
}
