/**
 * The machine's clock and chance, behind the ports of the cores.
 */
import { randomBytes, randomInt } from 'node:crypto';
import type { Clock, Random } from '@tanglemail/tangle/core/ports.ts';

export const systemClock: Clock = { nowMs: () => Date.now() };

export const systemRandom: Random = {
  bytes: (length) => new Uint8Array(randomBytes(length)),
  below: (bound) => randomInt(bound),
};
