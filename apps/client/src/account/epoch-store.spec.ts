/** Pruning of epoch secrets: never before every mailbox was read, and not put off for ever. */
import { describe, expect, it } from '@jest/globals';
import { deriveEpochRoot } from '@tanglemail/mail/core/identity/keys.ts';
import { EPOCH_SECONDS, epochOf, startEpochs } from '@tanglemail/mail/core/identity/epoch.ts';
import { sealedMemoryStore } from '../testing/memory-store.ts';
import { EpochStore, type PruneFacts, pruneTime } from './epoch-store.ts';

const DAY = 86_400;
const START = 1_800_000_000;
const LEASE = 30 * DAY;

async function storeAt(seconds: number): Promise<EpochStore> {
  const store = sealedMemoryStore();
  const batch = store.batch();
  EpochStore.create(batch, startEpochs(deriveEpochRoot(new Uint8Array(64).fill(1), 0), seconds));
  await batch.write();
  return EpochStore.load(store);
}

const oldest = (epochs: EpochStore): number | undefined => epochs.state.lines[0]?.epoch;

function facts(now: number, more: Partial<PruneFacts> = {}): PruneFacts {
  return { now, fetchedAt: [now], leaseSeconds: LEASE, ...more };
}

describe('pruneTime', () => {
  it('is that of the mailbox that was read longest ago, a lease back at most', () => {
    const now = START;
    expect(pruneTime(facts(now, { fetchedAt: [] }))).toBe(now);
    expect(pruneTime(facts(now, { fetchedAt: [now - 5, now - 9 * DAY] }))).toBe(now - 9 * DAY);
    expect(pruneTime(facts(now, { fetchedAt: [0] }))).toBe(now - LEASE);
    // A clock that went back prunes nothing that lies ahead of it.
    expect(pruneTime(facts(now, { fetchedAt: [now + DAY] }))).toBe(now);
  });
});

describe('EpochStore', () => {
  it('keeps what a mailbox that was not read for weeks may still hold', async () => {
    const epochs = await storeAt(START);
    const before = oldest(epochs);
    const now = START + 70 * DAY;
    await epochs.prune(facts(now, { fetchedAt: [now, START] }));
    // 30 days of lease that nobody read, 30 more before, and one epoch for clocks.
    expect(oldest(epochs)).toBe(epochOf(now - 2 * LEASE - EPOCH_SECONDS));
    expect(oldest(epochs)).toBeGreaterThan(before ?? Infinity);
    await epochs.prune(facts(now));
    expect(oldest(epochs)).toBe(epochOf(now - LEASE - EPOCH_SECONDS));
  });

  it('keeps the last epoch of a descriptor that senders may have used', async () => {
    const epochs = await storeAt(START);
    const now = START + 140 * DAY;
    const oldestLastEpoch = epochOf(START) + 7;
    await epochs.prune(facts(now, { oldestLastEpoch }));
    expect(oldest(epochs)).toBe(oldestLastEpoch);
  });

  it('keeps more for a mailbox that keeps mail longer', async () => {
    const epochs = await storeAt(START);
    const now = START + 140 * DAY;
    await epochs.prune(facts(now, { leaseSeconds: 90 * DAY }));
    expect(oldest(epochs)).toBe(epochOf(now - 90 * DAY - EPOCH_SECONDS));
  });
});
