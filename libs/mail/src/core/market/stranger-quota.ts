/**
 * Who has a place in a bucket of strangers' mail: a day's free places go to those who did most work
 * for them, so that a flood without stamps fills nothing and a flood with cheap ones gives way to
 * whoever pays more. Before: envelope/stamp.ts measures. After: the provider writes what it
 * decides.
 * Spec: docs/spec/33-mailbox.md, section "Strangers".
 */
import { dayOf } from './mailbox.ts';

/** Stamps above it count as this much: 2^63 hashes are nobody's. */
export const MAX_LEVEL = 63;

/** The free places of one bucket that are taken on one day, counted by their stamp bits. */
export interface BucketDay {
  /** Whole days of ledger time since 1970. */
  readonly day: number;
  /** levels[n] envelopes with n stamp bits; what is missing at the end is 0. */
  readonly levels: readonly number[];
}

export const NO_BUCKET_DAY: BucketDay = { day: 0, levels: [] };

/** A place: the position-th of its level, from 0. */
export interface Place {
  readonly level: number;
  readonly position: number;
}

/** The count after an envelope came, its place, and the place of the one that had to go for it. */
export interface PlaceTaken {
  readonly taken: BucketDay;
  readonly place: Place;
  readonly displaced?: Place;
}

/**
 * A place for an envelope with `stampBits` bits among `perDay` places, or undefined. When all are
 * taken, the last one of the lowest level gives way to more work, never to as much: whoever was
 * there first stays.
 */
export function takePlace(
  count: BucketDay,
  stampBits: number,
  perDay: number,
  ledgerTime: number,
): PlaceTaken | undefined {
  const day = dayOf(ledgerTime);
  const levels = count.day === day ? [...count.levels] : [];
  const level = Math.min(stampBits, MAX_LEVEL);
  const used = levels.reduce((sum, one) => sum + one, 0);
  let displaced: Place | undefined;
  if (used >= perDay) {
    const lowest = levels.findIndex((one) => one > 0);
    if (lowest < 0 || lowest >= level) return undefined;
    const position = (levels[lowest] as number) - 1;
    levels[lowest] = position;
    displaced = { level: lowest, position };
  }
  while (levels.length <= level) levels.push(0);
  const position = levels[level] as number;
  levels[level] = position + 1;
  const place = { level, position };
  const taken = { day, levels };
  return displaced ? { taken, place, displaced } : { taken, place };
}
