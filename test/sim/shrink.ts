/** Shortens a failing run: the fewest faults from the start of the schedule that still fail. */
import type { SimOptions, SimTools } from './setup.ts';
import { simulate, type SimResult } from './world.ts';

/** Plays the seed with ever more of its faults until it fails; the result of the shortest. */
export function shrink(options: SimOptions, failed: SimResult, tools: SimTools): SimResult {
  for (let faultsMax = 0; faultsMax < failed.scheduled; faultsMax += 1) {
    const result = simulate({ ...options, faultsMax }, tools);
    if (result.violations.length > 0) return result;
  }
  return failed;
}
