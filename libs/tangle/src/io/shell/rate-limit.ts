/**
 * A token bucket per remote address. Stops one address from keeping the API busy; the number of
 * addresses remembered is bounded, the least recent is forgotten first (and starts full again).
 */
import type { Clock } from '../../core/ports.ts';
import { TokenBucket } from '../token-bucket.ts';
import { sendProblem, type HttpRequest, type HttpResponse } from './http.ts';

export interface RateLimitOptions {
  /** Requests per second on average. */
  readonly perSecond: number;
  /** Requests at once after a pause. */
  readonly burst: number;
}

const MAX_REMOTES = 10_000;

/** Says who may make a request now. */
export class RateLimiter {
  readonly #options: RateLimitOptions;
  readonly #clock: Clock;
  readonly #buckets = new Map<string, TokenBucket>();

  constructor(options: RateLimitOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
  }

  /** Takes one token of `remote`; false when none is left. */
  take(remote: string): boolean {
    const nowMs = this.#clock.nowMs();
    const { perSecond, burst } = this.#options;
    const bucket = this.#buckets.get(remote) ?? new TokenBucket(perSecond, burst, nowMs);
    this.#buckets.delete(remote);
    this.#buckets.set(remote, bucket);
    if (this.#buckets.size > MAX_REMOTES) {
      const oldest = this.#buckets.keys().next().value as string;
      this.#buckets.delete(oldest);
    }
    return bucket.take(1, nowMs);
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

/** Express middleware that answers 429 with `problem` and Retry-After. */
export function rateLimit(limiter: RateLimiter, problem: object) {
  return (request: HttpRequest, response: HttpResponse, next: () => void): void => {
    if (limiter.take(remoteOf(request.ip ?? ''))) next();
    else sendProblem(response.set('Retry-After', '1'), 429, problem);
  };
}
