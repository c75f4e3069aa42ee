/** One line about a mail to several people. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type OutboxEntry, outboxStates } from '../store/outbox-collections.ts';
import { reportOf } from './report.ts';

const of = (...states: OutboxEntry['state'][]): ReturnType<typeof reportOf> =>
  reportOf(states.map((state) => ({ state })));

describe('the report of a mail', () => {
  it('names the weakest state, and how many have come furthest', () => {
    expect(of('fetched', 'stored', 'fetched', 'fetched')).toEqual({
      weakest: 'stored',
      furthest: { state: 'fetched', count: 3 },
      failedCount: 0,
      isFailed: false,
      summary: 'fetched by 3 of 4',
    });
    expect(of('stored', 'stored').summary).toBe('stored');
    expect(of('confirmed', 'queued').summary).toBe('confirmed for 1 of 2');
  });

  it('is failed only if all have failed', () => {
    expect(of('failed', 'read')).toMatchObject({ isFailed: false, weakest: 'read' });
    expect(of('failed', 'read').summary).toBe('read by 1 of 2, 1 failed');
    expect(of('failed', 'expired').isFailed).toBe(true);
    expect(of('recalled', 'recalled')).toMatchObject({ isFailed: false, weakest: 'recalled' });
  });

  it('counts everybody once, whatever the states', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...outboxStates), { minLength: 1 }), (states) => {
        const { furthest, failedCount } = of(...states);
        expect(states.filter((one) => one === furthest.state).length).toBeGreaterThan(0);
        expect(furthest.count).toBeLessThanOrEqual(states.length);
        expect(failedCount).toBeLessThanOrEqual(states.length);
      }),
    );
  });
});
