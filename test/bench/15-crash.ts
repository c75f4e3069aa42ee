/**
 * Goal 15: a real node process under load is killed without warning, 200 times, and started again.
 * Nothing that it acknowledged may be lost. How: test/e2e/testing/kill-cycles.ts.
 */
import { KillCycles } from '../e2e/testing/kill-cycles.ts';
import { valueAtMost, type Bench, type Measurement } from './bench.ts';

const KILLS = 200;
const QUICK_KILLS = 5;
const RATE = 100;

export const crash: Bench = {
  name: 'crash',
  goal: 15,
  async run({ quick, seed }) {
    const kills = quick ? QUICK_KILLS : KILLS;
    const report = await new KillCycles({ kills, seed, rate: RATE }).run();
    const row = (name: string, value: number, unit: string, isGoal = true): Measurement => ({
      name: `crash, ${kills} kills: ${name}`,
      value,
      unit,
      limit: null,
      ratio: null,
      goal: isGoal ? valueAtMost(0) : null,
    });
    return [
      row('starts that were torn', report.torn, 'starts'),
      row('acknowledged blocks lost', report.acknowledgedLost, 'blocks'),
      row('… of', report.acknowledged, 'blocks', false),
      row('confirmed blocks lost or moved', report.confirmedLost, 'blocks'),
      row('… of', report.confirmed, 'blocks', false),
      row('confirmed index went back', report.wentBack, 'starts'),
      row('milestones that became others', report.changed, 'starts'),
      row('longest start until healthy', report.longestStartMs, 'ms', false),
    ];
  },
};
