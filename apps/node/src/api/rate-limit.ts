/**
 * A token bucket per remote address. Stops one address from keeping the API busy; the number of
 * addresses remembered is bounded, the least recent is forgotten first (and starts full again).
 */
import type { Clock } from '@tanglemail/tangle/core/ports.ts';
import type { HttpRequest, HttpResponse } from './http.ts';
import { API_PROBLEMS } from './problem.ts';

export interface RateLimitOptions {
  /** Requests per second on average. */
  readonly perSecond: number;
  /** Requests at once after a pause. */
  readonly burst: number;
}

const MAX_REMOTES = 10_000;

interface Bucket {
  tokens: number;
  updatedMs: number;
}

/** Says who may make a request now. */
export class RateLimiter {
  readonly #options: RateLimitOptions;
  readonly #clock: Clock;
  readonly #buckets = new Map<string, Bucket>();

  constructor(options: RateLimitOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
  }

  /** Takes one token of `remote`; false when none is left. */
  take(remote: string): boolean {
    const nowMs = this.#clock.nowMs();
    const bucket = this.#buckets.get(remote) ?? { tokens: this.#options.burst, updatedMs: nowMs };
    this.#buckets.delete(remote);
    this.#buckets.set(remote, bucket);
    if (this.#buckets.size > MAX_REMOTES) {
      const oldest = this.#buckets.keys().next().value as string;
      this.#buckets.delete(oldest);
    }
    const earned = (Math.max(0, nowMs - bucket.updatedMs) / 1_000) * this.#options.perSecond;
    bucket.tokens = Math.min(this.#options.burst, bucket.tokens + earned);
    bucket.updatedMs = nowMs;
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  }
}

/**
 * Who counts as one remote: an IPv4 address, or the /64 network of an IPv6 address, because whoever
 * has one address of such a network has all 2^64.
 */
export function remoteOf(ip: string): string {
  const mapped = /^::ffff:([0-9.]+)$/i.exec(ip);
  if (mapped?.[1] !== undefined) return mapped[1];
  if (!ip.includes(':')) return ip;
  const [head = '', tail] = ip.split('::');
  const groups = head === '' ? [] : head.split(':');
  const end = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - groups.length - end.length);
  return [...groups, ...Array<string>(zeros).fill('0'), ...end].slice(0, 4).join(':');
}

/** Express middleware that answers 429 as a problem body with Retry-After. */
export function rateLimit(limiter: RateLimiter) {
  return (request: HttpRequest, response: HttpResponse, next: () => void): void => {
    if (limiter.take(remoteOf(request.ip ?? ''))) {
      next();
      return;
    }
    const { status, title } = API_PROBLEMS['rate-limited'];
    const body = { type: 'urn:tanglemail:error:rate-limited', title, status, code: 'rate-limited' };
    response
      .status(status)
      .set('Retry-After', '1')
      .type('application/problem+json')
      .send(JSON.stringify(body));
  };
}
