/**
 * What must be different in a store that comes back from a backup: the machine that the backup was
 * made on went on, so nothing that is used once may be used from where the backup stands. Before:
 * restore.ts; after: store. Spec: docs/spec/29-backup.md, "Starting anew".
 */
import { counters, ownDescriptor, rentals } from '../store/collections.ts';
import { folders } from '../store/mailbox-collections.ts';
import { outboxEntries } from '../store/outbox-collections.ts';
import type { Bucket, Collection } from '../store/sealed-store.ts';

/** How much of its own part of the self-log a device has sent: another device sends its own. */
export const SELF_LOG_SENT = 'self-log/sent';

/** One value of the store, in the clear. */
export interface StoredValue {
  readonly bucket: Bucket;
  readonly key: string;
  readonly value: Uint8Array;
}

/** How far each counter jumps: beyond whatever the other machine can have used since. */
const JUMPS: Readonly<Record<string, number>> = {
  outbox: 1_048_576,
  channel: 1_024,
  uidvalidity: 65_536,
  // Less than the gap that a scan bridges (GAP_LIMIT), so that the words alone find the money, too.
  'wallet/next': 10,
};

/** The names of the counters that jump. */
export const JUMPING_COUNTERS = Object.keys(JUMPS);

/** The value as a restored store has it; undefined when it stays behind. */
export function startAnew(stored: StoredValue): StoredValue | undefined {
  const { bucket, key } = stored;
  // Its own keys, and the seeds of its tags: this is another device.
  if (bucket === 'device') return key.startsWith('own/') ? undefined : stored;
  if (bucket === 'state' && key === SELF_LOG_SENT) return undefined;
  // Keys of a chain serve one message each, and the other machine may have used them since.
  if (bucket === 'chain' && key.startsWith('s/')) return undefined;
  if (bucket === 'rental') {
    return changed(stored, rentals, (rental) => ({
      ...rental,
      registered: {},
      hasBucket: false,
      isRecovering: true,
    }));
  }
  if (bucket === 'folder') {
    const by = JUMPS['uidvalidity'] ?? 0;
    return changed(stored, folders, (one) => ({ ...one, uidValidity: one.uidValidity + by }));
  }
  if (bucket === 'outbox') {
    // Failures of the other machine do not count; the time that a mail was given does.
    return changed(stored, outboxEntries, (entry) => ({
      ...entry,
      nextTryAtMs: Math.max(entry.notBeforeMs ?? 0, entry.awaitsFetchUntilMs ?? 0),
    }));
  }
  return bucket === 'state' ? restartState(stored) : stored;
}

function restartState(stored: StoredValue): StoredValue {
  const { key } = stored;
  const jump = JUMPS[key];
  if (jump !== undefined) return changed(stored, counters, ({ next }) => ({ next: next + jump }));
  if (key !== 'descriptor') return stored;
  // Outdated at once, so that the next one is numbered behind whatever the tangle has.
  return changed(stored, ownDescriptor, ({ block: _block, ...own }) => ({
    ...own,
    state: 'confirmed' as const,
    issuedAt: 0,
  }));
}

function changed<T>(stored: StoredValue, of: Collection<T>, change: (value: T) => T): StoredValue {
  const before = of.schema.parse(JSON.parse(new TextDecoder().decode(stored.value)));
  const after = of.schema.parse(change(before));
  return { ...stored, value: new TextEncoder().encode(JSON.stringify(after)) };
}
