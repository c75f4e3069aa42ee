/**
 * The shapes of `filters`: how the search for mail by filters stands.
 * Spec: docs/spec/41-client-api.md §27.
 */
import { z } from 'zod';

const count = z.int().min(0);

/** A node that filters are read from. */
export const filterNodeDto = z.object({
  url: z.string(),
  /** It was not found to lie; one that did is not asked again. */
  isTrusted: z.boolean(),
  /** What it gave falsely, and for which milestone. */
  reason: z.enum(['filter-false', 'header-false']).optional(),
  milestoneIndex: count.optional(),
});

export const filterStatusDto = z.object({
  /** `mail.find` has `filters`. */
  isEnabled: z.boolean(),
  nodes: z.array(filterNodeDto),
  /** The milestone whose filter is read next; null before the first look. */
  next: count.nullable(),
  /** Unix seconds of the last time when no node had more; null before the first. */
  caughtUpAt: count.nullable(),
  /** Milestones up to here were compared with another node; null for none. */
  comparedTo: count.nullable(),
  mails: count,
  /** Milestones that were fetched because they may have had mail, those that had none, decoys. */
  hits: count,
  falseHits: count,
  decoys: count,
  filterBytes: count,
  blockBytes: count,
  /** Milestones that were gone everywhere before they were read. */
  missed: count,
});

/** `from`: a milestone index; the oldest that a node has when it is left out. */
export const rescanDto = z.strictObject({ from: z.int().min(0).max(0xffff_ffff).optional() });

export type FilterStatusDto = z.infer<typeof filterStatusDto>;
export type RescanDto = z.infer<typeof rescanDto>;
