/** What a change of a long log costs, and what a batch that fails leaves. */
import { describe, expect, it } from '@jest/globals';
import { nobleSuite as suite } from '@tanglemail/mail/core/crypto/noble-suite.ts';
import { startEpochs } from '@tanglemail/mail/core/identity/epoch.ts';
import { elementsOf, viewOf } from '@tanglemail/mail/core/self-log/view.ts';
import type { OperationBody } from '@tanglemail/mail/core/self-log/operation.ts';
import type { SealedStore } from '../store/sealed-store.ts';
import { WriteLock } from '../store/write-lock.ts';
import { memoryStore, sealedMemoryStore } from '../testing/memory-store.ts';
import { DeviceLog } from './device-log.ts';

const random = (length: number): Uint8Array => crypto.getRandomValues(new Uint8Array(length));

async function logOver(store: SealedStore): Promise<DeviceLog> {
  const epochs = startEpochs(new Uint8Array(32).fill(1), 1_800_000_000);
  const made = { name: 'test', nowMs: 1_800_000_000_000, epochs };
  return await DeviceLog.load({ store, writes: new WriteLock(), suite, random }, made);
}

const flag = (number: number): OperationBody => ({
  kind: 'add',
  set: 'flag',
  owner: number.toString(16).padStart(64, '0'),
  element: 'ff',
});

describe('a long log', () => {
  it('is never read as a whole for a change: a batch costs what it changes', async () => {
    const store = sealedMemoryStore();
    const log = await logOver(store);
    const first = store.batch();
    log.journal(first, ...Array.from({ length: 1_000 }, (_, at) => flag(at)));
    await first.write();
    log.view();
    // From here on whoever goes through all operations is found out.
    const { operations } = log.log;
    let passes = 0;
    for (const method of ['values', 'entries', 'keys', 'forEach', Symbol.iterator] as const) {
      const original = Reflect.get(operations, method) as (...given: unknown[]) => unknown;
      Object.defineProperty(operations, method, {
        value: (...given: unknown[]) => {
          passes += 1;
          return original.apply(operations, given);
        },
      });
    }
    for (let at = 1_000; at < 1_100; at++) {
      const batch = store.batch();
      log.journal(batch, flag(at));
      await batch.write();
      expect(elementsOf(log.view(), 'flag', at.toString(16).padStart(64, '0'))).toEqual(['ff']);
    }
    expect(passes).toBe(0);
    expect(log.log.operations.size).toBe(2 + 1_100);
    expect(log.view().sets).toEqual(viewOf(log.log).sets);
  });
});

describe('a batch that fails', () => {
  it('leaves the log as it was, and its numbers are given again', async () => {
    const { disk } = memoryStore();
    const store = sealedMemoryStore(memoryStore(disk, { atWrite: 1, isApplied: false }).store);
    const log = await logOver(store);
    const batch = store.batch();
    log.journal(batch, flag(1), flag(2));
    await expect(batch.write()).rejects.toThrow('the power went');
    expect(log.log.heads.get(log.own.id)?.seq).toBe(2);
    expect(elementsOf(log.view(), 'flag', '1'.padStart(64, '0'))).toEqual([]);
    const back = sealedMemoryStore(memoryStore(disk).store);
    const again = await logOver(back);
    const next = back.batch();
    again.journal(next, flag(3));
    await next.write();
    expect([...again.log.operations.values()].map((one) => one.seq)).toEqual([1, 2, 3]);
    expect((await logOver(back)).log.operations.size).toBe(3);
  });
});
