import { describe, expect, it } from '@jest/globals';
import { fail } from '@tanglemail/tangle/core/outcome.ts';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import { TEST_PARAMS, testKey, until } from '../testing/test-network.ts';
import { seatOf, Validator, type ValidatorDeps } from './validator.ts';

describe('validator', () => {
  it('finds its seat in a committee of one', () => {
    expect(seatOf(testKey(1), [testKey(1).publicKey])).toBe(0);
  });

  it('refuses a key without a seat', () => {
    expect(() => seatOf(testKey(2), [testKey(1).publicKey])).toThrow(/no seat/);
  });

  it.each([
    [2, 2],
    [3, 3],
    [4, 3],
    [7, 5],
  ])('refuses a committee of %i, which needs %i signatures', (size, needed) => {
    const committee = Array.from({ length: size }, (_, seat) => testKey(seat + 1).publicKey);
    expect(() => seatOf(testKey(1), committee)).toThrow(`needs ${needed} signatures`);
  });
});

/** A validator over an engine that only counts what it is asked for. */
function world(facts: { waiting?: number; votedIndex?: number; aheadMs?: number; error?: Error }) {
  const { waiting = 1, votedIndex = 0, aheadMs = 0, error } = facts;
  const counts = { proposals: 0, warnings: 0 };
  const fatal: unknown[] = [];
  const nowMs = 1_700_000_000_000;
  const deps = {
    params: { ...TEST_PARAMS, milestoneIntervalMs: 20, heartbeatMs: 40 },
    networkId: 1n,
    committee: [testKey(1).publicKey],
    clock: { nowMs: () => nowMs },
    engine: {
      latest: { header: { index: 7, timestampMs: nowMs + aheadMs, view: 7n }, powLoadBits: 0 },
      halted: undefined,
      propose: async () => {
        counts.proposals += 1;
        if (error !== undefined) throw error;
        return await Promise.resolve(fail('milestone-cone-missing'));
      },
    },
    dag: { unreferencedCount: waiting },
    votes: { last: { index: votedIndex, view: 7n } },
    load: { choose: () => 0 },
    mayLead: () => true,
    publish: () => undefined,
    logger: { ...SILENT_LOGGER, warn: () => (counts.warnings += 1) },
    onFatal: (reason: unknown) => fatal.push(reason),
  };
  return { counts, fatal, validator: new Validator(deps as unknown as ValidatorDeps, testKey(1)) };
}

describe('validator at work', () => {
  it('goes on when the wall clock was set back by an hour, while blocks wait', async () => {
    const { validator, counts } = world({ aheadMs: 3_600_000 });
    validator.start();
    await until(() => counts.proposals > 0);
    await validator.stop();
    expect(counts.proposals).toBeGreaterThan(0);
  });

  it('tells once that it has lost milestones, and leads no more', async () => {
    const { validator, counts } = world({ votedIndex: 9, aheadMs: -1_000 });
    validator.start();
    await until(() => counts.warnings > 0);
    await validator.stop();
    expect(counts).toEqual({ proposals: 0, warnings: 1 });
  });

  it('ends the process when its vote cannot be written', async () => {
    const error = new Error('disk full');
    const { validator, counts, fatal } = world({ aheadMs: -1_000, error });
    validator.start();
    await until(() => fatal.length > 0);
    await validator.stop();
    expect([counts.proposals, fatal]).toEqual([1, [error]]);
  });
});
