import { describe, expect, it } from '@jest/globals';
import type { BlockId } from '@tanglemail/tangle/core/codec/ids.ts';
import { ConfirmationTimes } from './confirmation-times.ts';

const idOf = (first: string, number: number): BlockId =>
  (first + number.toString(16).padStart(63, '0')) as BlockId;

describe('confirmation times', () => {
  it('sums up the last 256 times, and says nothing before the first', () => {
    const times = new ConfirmationTimes();
    expect(times.lately()).toBeUndefined();
    const ids = Array.from({ length: 300 }, (_, number) => idOf('0', number));
    for (const [place, id] of ids.entries()) {
      times.onSolid(id, 0);
      times.onReferenced([id], place + 1);
    }
    expect(times.lately()).toEqual({ median: 172, p95: 287 });
  });

  it('watches one id in sixteen, and tells each time once', () => {
    const times = new ConfirmationTimes();
    const ids = Array.from({ length: 16 }, (_, first) => idOf(first.toString(16), 1));
    for (const id of ids) times.onSolid(id, 1_000);
    expect(times.onReferenced(ids, 3_500)).toEqual([2_500]);
    expect(times.onReferenced(ids, 9_000)).toEqual([]);
  });

  it('forgets the oldest of too many blocks that no milestone takes', () => {
    const times = new ConfirmationTimes();
    for (let at = 0; at < 4_097; at++) times.onSolid(idOf('0', at), 0);
    expect(times.onReferenced([idOf('0', 0)], 10)).toEqual([]);
    expect(times.onReferenced([idOf('0', 1), idOf('0', 4_096)], 10)).toEqual([10, 10]);
  });

  it('never tells a time below zero', () => {
    const times = new ConfirmationTimes();
    times.onSolid(idOf('0', 1), 100);
    expect(times.onReferenced([idOf('0', 1)], 50)).toEqual([0]);
  });
});
