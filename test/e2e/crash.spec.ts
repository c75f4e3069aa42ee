/**
 * A node that is killed without warning under load, again and again. Ten times here;
 * `E2E_KILLS=200` is goal 15 of docs/performance.md, which `npm run bench -- crash` measures.
 */
import { describe, expect, it } from '@jest/globals';
import { KillCycles } from './testing/kill-cycles.ts';

const KILLS = Number(process.env['E2E_KILLS'] ?? '10');
const SEED = Number(process.env['E2E_SEED'] ?? '15');
const CYCLE_TIMEOUT_MS = 20_000;

describe('a node that is killed under load', () => {
  it(
    `comes up by itself ${KILLS} times and has all that it acknowledged, seed ${SEED}`,
    async () => {
      const report = await new KillCycles({ kills: KILLS, seed: SEED, rate: 100 }).run();
      expect(report.acknowledged).toBeGreaterThan(KILLS);
      expect(report.confirmed).toBeGreaterThan(KILLS);
      expect(report).toMatchObject({
        kills: KILLS,
        torn: 0,
        acknowledgedLost: 0,
        confirmedLost: 0,
        wentBack: 0,
        changed: 0,
      });
    },
    KILLS * CYCLE_TIMEOUT_MS,
  );
});
