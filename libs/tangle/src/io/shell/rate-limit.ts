/**
 * A token bucket per remote address. Stops one address from keeping the API busy; the number of
 * addresses remembered is bounded, the least recent is forgotten first (and starts full again).
 */
import type { IncomingMessage } from 'node:http';
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

  /**
   * Takes `cost` tokens of `remote`, 1 by default; false when fewer are left. A cost above the
   * burst waits for a full bucket and leaves it below zero.
   */
  take(remote: string, cost = 1): boolean {
    const nowMs = this.#clock.nowMs();
    const bucket = this.#bucketOf(remote, nowMs);
    const atOnce = Math.min(cost, this.#options.burst);
    if (!bucket.take(atOnce, nowMs)) return false;
    bucket.charge(cost - atOnce);
    return true;
  }

  /** Books what an answer turned out to cost; later requests of `remote` wait for it. */
  charge(remote: string, cost: number): void {
    this.#bucketOf(remote, this.#clock.nowMs()).charge(cost);
  }

  /** Whole seconds after which `remote` may ask again, at least 1. */
  retryAfterSeconds(remote: string, cost = 1): number {
    const nowMs = this.#clock.nowMs();
    return Math.max(1, Math.ceil(this.#bucketOf(remote, nowMs).waitMs(cost, nowMs) / 1_000));
  }

  #bucketOf(remote: string, nowMs: number): TokenBucket {
    const { perSecond, burst } = this.#options;
    const bucket = this.#buckets.get(remote) ?? new TokenBucket(perSecond, burst, nowMs);
    this.#buckets.delete(remote);
    this.#buckets.set(remote, bucket);
    if (this.#buckets.size > MAX_REMOTES) {
      const oldest = this.#buckets.keys().next().value as string;
      this.#buckets.delete(oldest);
    }
    return bucket;
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

/**
 * The address of whoever opened a socket, behind so many trusted proxies: the same choice as
 * Express makes for requests. Each proxy adds the address that it saw to the end of the header.
 */
export function addressBehind(request: IncomingMessage, trustedProxies: number): string {
  const forwarded = request.headers['x-forwarded-for'];
  const text = typeof forwarded === 'string' ? forwarded : '';
  const hops = text.split(',').map((hop) => hop.trim());
  const addresses = [request.socket.remoteAddress ?? '', ...hops.toReversed()].filter(
    (address) => address !== '',
  );
  return addresses[Math.min(trustedProxies, addresses.length - 1)] ?? '';
}

/** Express middleware that answers 429 with `problem` and Retry-After. */
export function rateLimit(limiter: RateLimiter, problem: object) {
  return (request: HttpRequest, response: HttpResponse, next: () => void): void => {
    const remote = remoteOf(request.ip ?? '');
    if (limiter.take(remote)) next();
    else {
      const seconds = `${limiter.retryAfterSeconds(remote)}`;
      sendProblem(response.set('Retry-After', seconds), 429, problem);
    }
  };
}
