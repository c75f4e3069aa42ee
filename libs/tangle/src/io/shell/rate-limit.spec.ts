import { describe, expect, it } from '@jest/globals';
import { RateLimiter, remoteOf } from './rate-limit.ts';

describe('rate limit', () => {
  it('lets a burst through, then what the rate earns', () => {
    let nowMs = 0;
    const limiter = new RateLimiter({ perSecond: 2, burst: 3 }, { nowMs: () => nowMs });
    expect([1, 2, 3, 4].map(() => limiter.take('a'))).toEqual([true, true, true, false]);
    expect(limiter.take('b')).toBe(true);
    nowMs = 500;
    expect([limiter.take('a'), limiter.take('a')]).toEqual([true, false]);
    nowMs = 100_000;
    expect([1, 2, 3, 4].map(() => limiter.take('a'))).toEqual([true, true, true, false]);
  });

  it('takes what a request costs, books what an answer cost, and says when to come', () => {
    let nowMs = 0;
    const limiter = new RateLimiter({ perSecond: 2, burst: 10 }, { nowMs: () => nowMs });
    expect([limiter.take('a', 8), limiter.take('a', 3)]).toEqual([true, false]);
    expect(limiter.retryAfterSeconds('a', 3)).toBe(1);
    limiter.charge('a', 10);
    expect(limiter.retryAfterSeconds('a', 3)).toBe(6);
    nowMs = 6_000;
    expect(limiter.take('a', 3)).toBe(true);
    // Dearer than the burst: once the bucket is full, and then in debt.
    expect([limiter.take('b', 30), limiter.retryAfterSeconds('b', 1)]).toEqual([true, 11]);
  });

  it('remembers a bounded number of addresses', () => {
    const limiter = new RateLimiter({ perSecond: 0.1, burst: 1 }, { nowMs: () => 0 });
    expect([limiter.take('first'), limiter.take('first')]).toEqual([true, false]);
    for (let index = 0; index < 10_000; index += 1) limiter.take(`${index}`);
    expect(limiter.take('first')).toBe(true);
  });

  it('earns nothing while the clock goes back', () => {
    let nowMs = 1_000;
    const limiter = new RateLimiter({ perSecond: 1, burst: 1 }, { nowMs: () => nowMs });
    expect(limiter.take('a')).toBe(true);
    nowMs = 0;
    expect(limiter.take('a')).toBe(false);
    nowMs = 1_000;
    expect(limiter.take('a')).toBe(true);
  });

  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:db8::6', '2001:db8:0:0'],
    ['::1', '0:0:0:0'],
  ])('counts %s as %s', (ip, remote) => {
    expect(remoteOf(ip)).toBe(remote);
  });
});
