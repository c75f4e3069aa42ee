/** The work over a stranger's mail: before it leaves, again when its day is over, over crashes. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { decodeEnvelope } from '@tanglemail/mail/core/envelope/envelope.ts';
import { stampBase, stampBitsAt } from '@tanglemail/mail/core/envelope/stamp.ts';
import { segmentRoot } from '@tanglemail/mail/core/market/segment-tree.ts';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { PowPool } from '@tanglemail/tangle/io/accel/pow-pool.ts';
import { orderedKey } from '../store/sealed-store.ts';
import type { Disk } from '../testing/memory-store.ts';
import { OutboxBench } from '../testing/outbox-bench.ts';
import { until } from '../testing/small-tangle.ts';
import type { WorkDone } from './outbox.ts';

const BITS = 7;
const POLICY = { stampBits: BITS, contactsOnly: false };
const DAY_MS = 86_400_000;

let bench: OutboxBench;

beforeAll(async () => {
  bench = await OutboxBench.start();
});

afterAll(() => bench.tangle.stop());

beforeEach(() => bench.renew());

afterEach(() => bench.rest());

function bitsOf(bytes: Uint8Array, arrivedAtMs: number): number {
  const envelope = decodeEnvelope(bytes);
  if (!envelope.ok) throw new Error(envelope.code);
  const { networkId } = bench.tangle.access;
  const at = { networkId, arrivedAt: Math.floor(arrivedAtMs / 1_000) };
  return stampBitsAt(stampBase(bytes), envelope.value.tag, at, nobleHasher);
}

const nowMs = (): number => bench.tangle.access.clock.nowMs();

describe('a stranger’s mail', () => {
  it('carries the work that its recipient asks, under its own root, and opens', async () => {
    const before = bench.blocksSoFar();
    const alice = await bench.sender(new Map(), { policy: POLICY });
    alice.outbox.start();
    const { id } = await bench.send(alice, 'first contact');
    await until(() => alice.outbox.get(id)?.state === 'confirmed');
    const [bytes = new Uint8Array(18)] = bench.tangle.confirmedEnvelopes(before);
    expect(bitsOf(bytes, nowMs())).toBeGreaterThanOrEqual(BITS);
    const entry = alice.outbox.get(id);
    expect(entry).toMatchObject({ stampBits: BITS, root: bytesToHex(segmentRoot(bytes)) });
    expect(await bench.received(before)).toEqual(['first contact']);
  });

  it('leaves without work when none is asked', async () => {
    const alice = await bench.sender();
    alice.outbox.start();
    const { id } = await bench.send(alice, 'free');
    await bench.allDone(alice);
    expect(alice.outbox.get(id)).not.toHaveProperty('stampBits');
    expect(alice.outbox.get(id)).not.toHaveProperty('stampDay');
  });

  it('arrives once, wherever the power goes', async () => {
    const freshDisk = async (): Promise<Disk> => {
      const disk: Disk = new Map();
      await bench.sender(disk);
      return disk;
    };
    // Writes of one stamped mail on its way, as the run without a cut counts them.
    const whole = await bench.sender(await freshDisk(), { policy: POLICY });
    whole.outbox.start();
    await bench.send(whole, 'uncut');
    await bench.allDone(whole);
    const count = whole.writes();
    expect(count).toBeGreaterThanOrEqual(6);
    for (let atWrite = 0; atWrite < count; atWrite += 1) {
      for (const isApplied of [false, true]) {
        await bench.renew();
        const before = bench.blocksSoFar();
        const disk = await freshDisk();
        const cut = { atWrite, isApplied };
        const first = await bench.sender(disk, { policy: POLICY, cut });
        first.outbox.start();
        const text = `cut ${atWrite} ${isApplied}`;
        await bench.send(first, text).catch(() => undefined);
        await until(() => first.isOff());
        await first.outbox.stop();
        const again = await bench.sender(disk, { policy: POLICY });
        again.outbox.start();
        await bench.allDone(again);
        const taken = (await again.outbox.list(9)).length;
        const subjects = await bench.received(before);
        expect(subjects).toEqual(taken === 0 ? [] : [text]);
        const sent = bench.tangle.confirmedEnvelopes(before);
        const least = Math.min(BITS, ...sent.map((bytes) => bitsOf(bytes, nowMs())));
        expect(least).toBe(BITS);
      }
    }
  }, 120_000);

  it('is stamped again when its day is over before it could leave', async () => {
    bench.tangle.confirmNoMore();
    const disk: Disk = new Map();
    const watchTags = (): Promise<void> => Promise.reject(new Error('not yet'));
    const first = await bench.sender(disk, { policy: POLICY, watchTags });
    first.outbox.start();
    const { id } = await bench.send(first, 'late');
    await until(() => first.outbox.get(id)?.stampDay !== undefined);
    const stale = first.alice.store.getBytes('outboxEnvelope', orderedKey(id));
    await first.outbox.stop();
    bench.tangle.aheadMs = 3 * DAY_MS;
    expect(bitsOf(stale ?? new Uint8Array(508), nowMs())).toBeLessThan(BITS);
    const before = bench.blocksSoFar();
    bench.tangle.confirmAlways();
    const again = await bench.sender(disk, { policy: POLICY });
    again.outbox.start();
    await until(() => again.outbox.get(id)?.state === 'confirmed');
    const [bytes = new Uint8Array(508)] = bench.tangle.confirmedEnvelopes(before);
    expect(bitsOf(bytes, nowMs())).toBeGreaterThanOrEqual(BITS);
  });
});

describe('the search', () => {
  it('tells how far it is, and ends at once when the mail is taken back', async () => {
    const pool = new PowPool({ threads: 1, progressIntervalMs: 10 });
    try {
      const told: WorkDone[] = [];
      const alice = await bench.sender(new Map(), {
        policy: { stampBits: 28, contactsOnly: false },
        tangle: { ...bench.tangle.access, proofOfWork: pool },
        onWork: (_entry, work) => told.push(work),
      });
      alice.outbox.start();
      const { id } = await bench.send(alice, 'never mind');
      await until(() => told.length > 1);
      expect(told[0]?.expectedHashes).toBe(2 ** 28);
      expect(alice.outbox.workOf(id)).toBeDefined();
      expect(await alice.outbox.recall(id)).toBe(true);
      await until(() => pool.pending === 0);
      expect(alice.outbox.get(id)).toMatchObject({ state: 'recalled', isDone: true });
      expect(alice.outbox.workOf(id)).toBeUndefined();
    } finally {
      await pool.close();
    }
  });
});
