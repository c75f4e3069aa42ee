/**
 * What the client stores of its search for mail by filters: how far it read, what that brought and
 * cost, and which nodes were found to lie. Spec: docs/spec/40-client-store.md, 42-delivery.md §8.
 */
import { z } from 'zod';
import { collection, count, hex, type RecordOf } from './collections.ts';

export const filterPositions = collection(
  'filterState',
  z.strictObject({
    /** The milestone whose filter is read next. */
    next: count,
    /** The filter header before it, in its segment; empty when that is not known. */
    header: hex,
    /** Unix seconds of the last time when no node had more; 0 before the first. */
    caughtUpAt: count,
    /** Milestones up to here were compared with another node; 0 for none. */
    comparedTo: count,
    /** Milestones that were fetched because they may have mail for us. */
    hits: count,
    /** Those of them that had none. */
    falseHits: count,
    /** Milestones that were fetched so that the others show less. */
    decoys: count,
    mails: count,
    filterBytes: count,
    blockBytes: count,
    /** Milestones that were gone everywhere before they were read. */
    missed: count,
  }),
);

/** A node that is not asked again; its key is opaque(its URL). */
export const filterLiars = collection(
  'filterState',
  z.strictObject({
    url: z.string().max(2_048),
    atMs: count,
    /** The milestone whose filter it gave falsely. */
    milestoneIndex: count,
    reason: z.enum(['filter-false', 'header-false']),
  }),
);

export type FilterPosition = RecordOf<typeof filterPositions>;
export type FilterLiar = RecordOf<typeof filterLiars>;
