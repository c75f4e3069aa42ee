/**
 * Time and chance of the real world, for the ports of the core.
 */
import { randomBytes, randomInt } from 'node:crypto';
import type { Clock, Random } from '../core/ports.ts';

export const SYSTEM_CLOCK: Clock = { nowMs: () => Date.now() };

/** Never goes back and is never set: for pauses and ages within this process. */
export const STEADY_CLOCK: Clock = { nowMs: () => performance.now() };

export const SYSTEM_RANDOM: Random = {
  bytes: (length) => new Uint8Array(randomBytes(length)),
  below: (bound) => randomInt(bound),
};
