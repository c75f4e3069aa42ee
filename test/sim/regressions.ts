/**
 * The runs that found something once: lines `seed nodes [storm] [forgetful] [plain] [elections]
 * [epoch=N]` of regressions.txt; what follows `#` is for people. Used by main.ts and sim.spec.ts.
 */
import type { SimOptions } from './setup.ts';

/** What tells one run from another. */
export type Run = Pick<
  SimOptions,
  'seed' | 'nodes' | 'isStormy' | 'isForgetful' | 'isPlain' | 'isElecting' | 'epochLength'
>;

/** The runs of a file. Throws for a line that is none. */
export function readRuns(text: string): Run[] {
  return text.split('\n').flatMap((line) => {
    const words = line.replace(/#.*/, '').trim().split(/\s+/).filter(Boolean);
    return words.length === 0 ? [] : readRun(words, line);
  });
}

function readRun([seed, nodes, ...more]: readonly string[], line: string): Run {
  const run = {
    seed: Number(seed),
    nodes: Number(nodes),
    isStormy: more.includes('storm'),
    isForgetful: more.includes('forgetful'),
    isPlain: more.includes('plain'),
    isElecting: more.includes('elections'),
  };
  const epoch = more.find((word) => word.startsWith('epoch='))?.slice('epoch='.length);
  const numbers = [run.seed, run.nodes, Number(epoch ?? 1)];
  if (!numbers.every((one) => Number.isInteger(one) && one > 0)) throw new Error(`no run: ${line}`);
  return epoch === undefined ? run : { ...run, epochLength: Number(epoch) };
}
