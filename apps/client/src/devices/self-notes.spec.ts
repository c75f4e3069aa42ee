/** What a new device learns of what was written while nobody knew of it yet. */
import { describe, expect, it } from '@jest/globals';
import { encodeSnapshot, decodeSnapshot } from '@tanglemail/mail/core/self-log/snapshot.ts';
import { elementsOf } from '@tanglemail/mail/core/self-log/view.ts';
import { EpochStore } from '../account/epoch-store.ts';
import { markRestored } from '../store/restored-note.ts';
import type { SealedStore } from '../store/sealed-store.ts';
import { logDevice } from '../testing/log-device.ts';
import { sealedMemoryStore } from '../testing/memory-store.ts';
import { NOW_MS } from '../testing/people.ts';
import { putSelfLog } from './self-log-store.ts';

const DAY_MS = 86_400_000;
const OWNER = 'aa'.repeat(32);
const SEEN = Buffer.from('\\Seen').toString('hex');
const FLAGGED = Buffer.from('\\Flagged').toString('hex');

type LogDevice = Awaited<ReturnType<typeof logDevice>>;

/** The store of a device that gets what `host` knows. */
async function linkedStore(host: LogDevice): Promise<SealedStore> {
  await host.log.noteArchive(NOW_MS);
  const snapshot = encodeSnapshot(host.log.log);
  const copy = snapshot.ok ? decodeSnapshot(snapshot.value) : snapshot;
  if (!copy.ok) throw new Error(copy.code);
  const store = sealedMemoryStore();
  const batch = store.batch();
  EpochStore.create(batch, host.epochs.state);
  putSelfLog(batch, copy.value);
  markRestored(batch);
  await batch.write();
  return store;
}

async function flag(device: LogDevice, element: string): Promise<void> {
  const batch = device.store.batch();
  device.log.journal(batch, { kind: 'add', set: 'flag', owner: OWNER, element });
  await batch.write();
}

async function unflag(device: LogDevice): Promise<void> {
  const batch = device.store.batch();
  const dots = [...device.log.log.operations.values()]
    .filter(({ body }) => body.kind === 'add' && body.element === SEEN)
    .map(({ device: of, seq }) => ({ device: of, seq }));
  device.log.journal(batch, { kind: 'remove', dots });
  await batch.write();
}

const flagsOf = ({ log }: LogDevice): string[] => elementsOf(log.view(), 'flag', OWNER).toSorted();

/** Takes what the other has sent since `from`; gives how much there is now. */
async function hear(device: LogDevice, { sent }: LogDevice, from = 0): Promise<number> {
  for (const body of sent.slice(from)) await device.take(body);
  return sent.length;
}

describe('a device that was just given the archive', () => {
  it('learns what was written and taken back before its opening arrived', async () => {
    let nowMs = NOW_MS;
    const host = await logDevice(sealedMemoryStore(), () => nowMs);
    await flag(host, SEEN);
    const guest = await logDevice(await linkedStore(host), () => nowMs);
    expect(flagsOf(guest)).toEqual([SEEN]);
    // The host is used on for some days, and has not heard of the new device.
    await unflag(host);
    await flag(host, FLAGGED);
    for (let day = 0; day < 3; day += 1) {
      nowMs += DAY_MS;
      await host.selfNotes.refresh();
      await host.selfNotes.flush();
    }
    await guest.selfNotes.refresh();
    await guest.selfNotes.flush();
    await hear(host, guest);
    await host.selfNotes.stop();
    await hear(guest, host);
    expect([...guest.log.log.waiting]).toEqual([]);
    expect(flagsOf(guest)).toEqual([FLAGGED]);
    expect(flagsOf(guest)).toEqual(flagsOf(host));
  });
});
