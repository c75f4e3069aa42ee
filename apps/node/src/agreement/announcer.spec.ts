import { describe, expect, it } from '@jest/globals';
import type { ConsensusMessage } from '@tanglemail/tangle/core/codec/consensus.ts';
import type { MilestoneId } from '@tanglemail/tangle/core/codec/ids.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { VirtualClock } from '../../../../test/sim/clock.ts';
import { Announcer } from './announcer.ts';

const DELTA_MS = 500;

function vote(view: bigint, seat = 0): ConsensusMessage {
  const statement = { kind: 'nullify', epoch: 0, view, digest: new Uint8Array(32) } as const;
  return { type: 'vote', vote: { ...statement, seat, signature: new Uint8Array(64) } };
}

function bench(startMs = 0) {
  const clock = new VirtualClock(startMs);
  const attempts: number[] = [];
  const published: number[] = [];
  const announcer = new Announcer(
    { deltaMs: DELTA_MS },
    {
      clock: { nowMs: () => clock.nowMs },
      hasher: nobleHasher,
      timers: {
        after: (delayMs, run) => {
          let isWanted = true;
          clock.after(delayMs, () => isWanted && run());
          return () => {
            isWanted = false;
          };
        },
      },
      wire: {
        publish: (_, attempt) => attempts.push(attempt),
        ask: () => Promise.resolve(),
        publishMilestone: ([first = -1]) => published.push(first),
      },
    },
  );
  return { announcer, clock, attempts, published };
}

const ID = 'a' as MilestoneId;

describe('what is said again', () => {
  it('has one attempt more each time, by its bytes', () => {
    const { announcer, attempts } = bench();
    for (const message of [vote(1n), vote(2n), vote(1n), vote(1n, 1), vote(1n)]) {
      announcer.publish(message);
    }
    expect(attempts).toEqual([0, 0, 1, 0, 2]);
  });

  it('wraps after 256, which takes longer than gossip remembers', () => {
    const { announcer, attempts } = bench();
    for (let said = 0; said < 258; said += 1) announcer.publish(vote(1n));
    expect(attempts.slice(-3)).toEqual([255, 0, 1]);
    expect(256 * DELTA_MS).toBeGreaterThan(120_000);
  });

  it('goes on beyond what was said before a restart', () => {
    const before = bench(7_000_123);
    for (let said = 0; said < 20; said += 1) {
      before.announcer.publish(vote(1n));
      before.clock.runUntil(before.clock.nowMs + DELTA_MS);
    }
    const after = bench(before.clock.nowMs);
    after.announcer.publish(vote(1n));
    expect(before.attempts).not.toContain(after.attempts[0]);
  });

  it('is counted no longer than its view matters', () => {
    const { announcer, clock, attempts } = bench();
    announcer.publish(vote(1n));
    announcer.publish(vote(2n));
    clock.runUntil(10 * DELTA_MS);
    announcer.forgetBelow(2n);
    announcer.publish(vote(1n));
    announcer.publish(vote(2n));
    expect(attempts).toEqual([0, 0, 10, 1]);
  });
});

describe('a final milestone', () => {
  it('is published at once when it is our turn', () => {
    const { announcer, published } = bench();
    announcer.announce(ID, new Uint8Array([7]), true);
    expect(published).toEqual([7]);
  });

  it('is published after a delta if nobody else did', () => {
    const { announcer, clock, published } = bench();
    announcer.announce(ID, new Uint8Array([7]), false);
    clock.runUntil(DELTA_MS - 1);
    expect(published).toEqual([]);
    clock.runUntil(DELTA_MS);
    expect(published).toEqual([7]);
  });

  it.each(['before', 'after'])('is left to others when it is heard %s it is final', (when) => {
    const { announcer, clock, published } = bench();
    if (when === 'before') announcer.heard(ID);
    announcer.announce(ID, new Uint8Array([7]), false);
    if (when === 'after') announcer.heard(ID);
    clock.runUntil(10 * DELTA_MS);
    expect(published).toEqual([]);
  });

  it('is not published any more after the stop', () => {
    const { announcer, clock, published } = bench();
    announcer.announce(ID, new Uint8Array([7]), false);
    announcer.stop();
    clock.runUntil(10 * DELTA_MS);
    expect(published).toEqual([]);
  });

  it('is remembered as heard among the last 64', () => {
    const { announcer, clock, published } = bench();
    for (let at = 0; at < 65; at += 1) announcer.heard(`${at}` as MilestoneId);
    for (const at of [0, 1, 64]) {
      announcer.announce(`${at}` as MilestoneId, new Uint8Array([at]), false);
    }
    clock.runUntil(10 * DELTA_MS);
    expect(published).toEqual([0]);
  });
});
