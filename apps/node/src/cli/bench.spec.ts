// `tools bench`: the verdict follows from the figures; one short real measurement.
import { afterEach, describe, expect, it } from '@jest/globals';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { measureMachine, verdictOf, type Measured } from './bench-run.ts';

const FAST: Measured = {
  processors: 8,
  hasher: 'sodium-native',
  checksPerSecond: 40_000,
  signaturesPerSecond: 20_000,
  powHashesPerSecond: 4_000_000,
  writesPerSecond: 40_000,
  syncMsMedian: 1,
  syncMsP99: 4,
};

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

describe('the verdict of tools bench', () => {
  it('promises half of what checking and writing one after the other allow', () => {
    const verdict = verdictOf(FAST);
    expect(verdict).toMatchObject({ blocksPerSecond: 10_000, paymentsPerSecond: 10_000 });
    expect(verdict.committeeSize).toBe(32);
    expect(verdict.sentences).toContain(
      'The slowest part is checking signatures: more processors help.',
    );
  });

  it('lets slow signatures bound payments, not blocks', () => {
    const verdict = verdictOf({ ...FAST, signaturesPerSecond: 400 });
    expect(verdict).toMatchObject({ blocksPerSecond: 10_000, paymentsPerSecond: 200 });
    expect(verdict.committeeSize).toBe(4);
  });

  it('gives no seat to a disk that is slow to sync', () => {
    const verdict = verdictOf({ ...FAST, syncMsP99: 400 });
    expect(verdict.committeeSize).toBe(0);
    expect(verdict.sentences.join(' ')).toMatch(/400\.0 ms for a sync: too slow/);
    expect(verdictOf({ ...FAST, syncMsP99: 100 }).committeeSize).toBe(32);
  });
});

describe('tools bench', () => {
  it('measures everything and leaves nothing behind', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'bench-'));
    folders.push(folder);
    const measured = await measureMachine({ folder, seconds: 0.05 });
    const figures = Object.values(measured).filter((value) => typeof value === 'number');
    expect(figures.filter((value) => !(value > 0))).toEqual([]);
    expect(await readdir(folder)).toEqual([]);
  });
});
