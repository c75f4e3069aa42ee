import { describe, expect, it } from '@jest/globals';
import type { LogFields } from '@tanglemail/tangle/io/logger.ts';
import { bytesText, StatusReporter, statusLine, type StatusFacts } from './status-line.ts';

const FACTS: StatusFacts = {
  healthy: true,
  solidIndex: 1_234,
  latestIndex: 1_236,
  milestoneAgeMs: 1_400,
  blocks: { in: 220, new: 105, out: 50 },
  requests: { queued: 7, pending: 2, processing: 3 },
  peers: 4,
  tips: 9,
  unsolid: 11,
  queues: { api: 1, sync: 3, gossip: 5 },
  difficultyBits: 18,
  storeBytes: 1_440_000_000,
  prunedIndex: 900,
  rssBytes: 180_400_000,
};

describe('status line', () => {
  it('says the rates of the interval and the state at its end', () => {
    const { fields, message } = statusLine({ in: 100, new: 100, out: 50 }, FACTS, 10, 12.4);
    expect(fields).toMatchObject({
      blocksPerSecond: { in: 12, new: 0.5, out: 0 },
      loopDelayMs: 12,
      solidIndex: 1_234,
      requests: { queued: 7, pending: 2, processing: 3 },
    });
    expect(fields).not.toHaveProperty('blocks');
    expect(message).toBe(
      'status: milestone 1234 of 1236, 1 s old; blocks/s 12 in, 0.5 new, 0 out; ' +
        'requests 7 queued, 2 pending, 3 processing; 4 peers, 9 tips, 11 unsolid; ' +
        'queues api 1, sync 3, gossip 5; difficulty 18; store 1.4 GB from milestone 901 on; ' +
        'memory 180 MB, loop delay 12 ms',
    );
  });

  it('says where the agreement stands, and a seat that is silent', () => {
    const line = (agreement: StatusFacts['agreement']): string =>
      statusLine(FACTS.blocks, { ...FACTS, ...(agreement && { agreement }) }, 10, 0).message;
    expect(line({ view: 7, undecidedViews: 0 })).toContain('old; view 7; blocks/s');
    expect(line({ view: 7, undecidedViews: 2, seat: 3 })).toContain(
      'view 7 (2 undecided), seat 3;',
    );
    expect(line({ view: 7, undecidedViews: 0, seat: 0, silent: 'imported' })).toContain(
      'view 7, seat 0 SILENT (imported);',
    );
  });

  it('shouts when the node is not healthy, and says an old age in coarser units', () => {
    const line = (milestoneAgeMs: number): string =>
      statusLine(FACTS.blocks, { ...FACTS, healthy: false, milestoneAgeMs }, 10, 0).message;
    expect(line(0)).toMatch(/^status: NOT HEALTHY; milestone 1234 of 1236, 0 s old;/);
    expect(line(3_600_000)).toMatch(/ 60 min old;/);
    expect(line(86_400_000 * 700)).toMatch(/ 700 d old;/);
  });

  it('divides by no interval of nothing', () => {
    const { fields } = statusLine({ in: 0, new: 0, out: 0 }, FACTS, 0, 0);
    expect(fields).toMatchObject({ blocksPerSecond: { in: 0, new: 0, out: 0 } });
  });

  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1_000, '1.0 kB'],
    [99_940, '99.9 kB'],
    [99_960, '100 kB'],
    [999_600, '1.0 MB'],
    [30e9, '30.0 GB'],
    [5e15, '5000 TB'],
  ])('writes %d bytes as %s', (bytes, text) => {
    expect(bytesText(bytes)).toBe(text);
  });
});

describe('status reporter', () => {
  function reporterOf(look: () => Promise<StatusFacts>) {
    const lines: [level: string, fields: LogFields, message: string][] = [];
    const into = (level: string) => (fields: LogFields, message: string) => {
      lines.push([level, fields, message]);
    };
    const logger = {
      debug: into('debug'),
      info: into('info'),
      warn: into('warn'),
      error: into('error'),
    };
    return { lines, reporter: new StatusReporter({ intervalMs: 60_000 }, { look, logger }) };
  }

  it('counts each block once, over several lines', async () => {
    let blocks = { in: 10, new: 10, out: 10 };
    const { lines, reporter } = reporterOf(() => Promise.resolve({ ...FACTS, blocks }));
    reporter.start();
    await reporter.report();
    await reporter.report();
    blocks = { in: 1_000_000, new: 10, out: 10 };
    await reporter.report();
    await reporter.stop();
    expect(lines.map(([level]) => level)).toEqual(['info', 'info', 'info']);
    const rates = lines.map(([, fields]) => fields['blocksPerSecond'] as StatusFacts['blocks']);
    expect(rates[1]).toEqual({ in: 0, new: 0, out: 0 });
    expect(rates[2]?.in).toBeGreaterThan(0);
    expect(rates[2]?.new).toBe(0);
  });

  it('goes on after a look that failed', async () => {
    let fails = true;
    const { lines, reporter } = reporterOf(() =>
      fails ? Promise.reject(new Error('no disk')) : Promise.resolve(FACTS),
    );
    await reporter.report();
    fails = false;
    await reporter.report();
    expect(lines.map(([level]) => level)).toEqual(['warn', 'info']);
    expect(lines[0]).toEqual([
      'warn',
      { error: 'Error', reason: 'no disk' },
      'the status could not be read',
    ]);
  });
});
