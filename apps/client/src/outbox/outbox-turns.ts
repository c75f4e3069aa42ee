/**
 * Which steps of the outbox take turns with which, and how long they rest. Before: outbox.ts.
 * Spec: docs/spec/42-delivery.md.
 */
import type { OutboxEntry } from '../store/outbox-collections.ts';

/** A slow provider of somebody must not hold up what wants to leave. */
export type Lane = 'sending' | 'receipts' | 'parcels';

/**
 * Mails at work at once in each lane. Proof of work runs one at a time anyway; a parcel that is
 * uploaded holds its mail in memory.
 */
export const MAX_ACTIVE: Readonly<Record<Lane, number>> = { sending: 8, receipts: 8, parcels: 2 };

/** Between two attempts when not even the failure can be written down. */
export const DISK_RETRY_MS = 60_000;
/** What a timer can hold; a later time is looked at again then. */
export const MAX_TIMER_MS = 86_400_000;

export function laneOf({ form, root, milestoneIndex }: OutboxEntry): Lane {
  const hasParts = form === 'parcel' || form === 'copy';
  if (hasParts && root === undefined) return 'parcels';
  return milestoneIndex === undefined ? 'sending' : 'receipts';
}
