/**
 * What a client looks for in filters: its own tags, and the buckets in which strangers' mail for it
 * stands. Before: filter-scan.ts; after: tangle core, filter. Spec: docs/spec/17-filter.md §4.
 */
import { matchFilter, watchFor, type Bucket } from '@tanglemail/tangle/core/filter/match.ts';
import type { TagFilter } from '@tanglemail/tangle/core/filter/tag-filter.ts';
import { bucketOf, dayOf } from '@tanglemail/mail/core/envelope/stranger.ts';

/** Strangers' mail of some time, both ends in unix seconds. */
export interface StrangersWatch {
  readonly introKeys: readonly Uint8Array[];
  /** Bits of the network's buckets, 0 to 24. */
  readonly bits: number;
  readonly from: number;
  readonly to: number;
}

/** Whether a milestone with this filter may have mail for us. */
export type MayHold = (filter: TagFilter) => boolean;

/** `tags` of 16 bytes; `strangers` undefined when their mail is found in another way. */
export function ownWatch(tags: readonly Uint8Array[], strangers?: StrangersWatch): MayHold {
  // One bucket for everybody: each milestone with mail may have some for us.
  if (strangers?.bits === 0) return (filter) => filter.values.length > 0;
  const watch = watchFor(tags, strangers === undefined ? [] : strangerBuckets(strangers));
  return (filter) => matchFilter(filter, watch).length > 0;
}

/** The buckets of all intro keys on every day of the time, and of a day around it. */
function strangerBuckets({ introKeys, bits, from, to }: StrangersWatch): Bucket[] {
  const prefixes = new Set<number>();
  for (let day = Math.max(0, dayOf(from) - 1); day <= dayOf(to) + 1; day++) {
    for (const key of introKeys) prefixes.add(bucketOf(key, day, bits));
  }
  return [...prefixes].map((prefix) => ({ bits, prefix }));
}
