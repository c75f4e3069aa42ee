/** Fresh randomness: who learns of it, who cannot, and that what is over is forgotten. */
import { describe, expect, it } from '@jest/globals';
import {
  DEFAULT_LEASE_SECONDS,
  epochOf,
  epochSecrets,
} from '@tanglemail/mail/core/identity/epoch.ts';
import { nobleSuite as suite } from '@tanglemail/mail/core/crypto/noble-suite.ts';
import type { MailAddress } from '@tanglemail/mail/core/identity/address.ts';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import { randomBytes } from 'node:crypto';
import { EpochStore } from '../account/epoch-store.ts';
import type { ControlNote } from '../inbox/note-router.ts';
import { NoteRouter } from '../inbox/note-router.ts';
import { backupRecords } from '../backup/backup-source.ts';
import { restoreValues } from '../backup/restore.ts';
import type { SealedStore } from '../store/sealed-store.ts';
import { memoryStore, type PowerCut, sealedMemoryStore } from '../testing/memory-store.ts';
import { descriptorOf, sealMail } from '../testing/letters.ts';
import { NOW_MS, person, tangleWithoutNode } from '../testing/people.ts';
import { DeviceLog } from './device-log.ts';
import { EpochLines } from './epoch-lines.ts';
import { RecoveryBoxes } from './recovery-boxes.ts';
import { SelfNotes } from './self-notes.ts';

const DAY_MS = 86_400_000;
const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));

/** A device over a store, whose notes to itself are caught instead of sent. */
async function device(store: SealedStore, nowMs: () => number) {
  const owner = await person(1, store, tangleWithoutNode(nowMs));
  const { epochs, writes, account } = owner;
  const made = { name: 'test', nowMs: nowMs(), epochs: epochs.state };
  const log = await DeviceLog.load({ store, writes, suite, random }, made);
  const boxes = new RecoveryBoxes(store, writes);
  const lastPublished = (): number => epochOf(nowMs() / 1_000) + 7;
  const lines = new EpochLines({ log, epochs, random, lastPublished });
  const sent: Uint8Array[] = [];
  const enqueueNote = (_batch: unknown, note: { readonly body: Uint8Array }) => {
    sent.push(note.body);
    return Object.assign(() => ({}) as never, { id: 1 });
  };
  const notes = new SelfNotes({
    address: account.address,
    store,
    writes,
    log,
    boxes,
    outbox: { enqueueNote },
    suite,
    random,
    nowMs,
    logger: SILENT_LOGGER,
    isSealedAnew: () => true,
    onLine: (batch) => lines.adopt(batch),
    onFork: () => {},
  });
  const router = new NoteRouter();
  notes.register(router);
  const begin = async (): Promise<void> => {
    const batch = store.batch();
    lines.begin(batch, nowMs() / 1_000);
    await batch.write();
    await notes.flush();
  };
  const take = async (body: Uint8Array, sender: MailAddress = account.address): Promise<void> => {
    const batch = store.batch();
    const apply = router.take(batch, { sender, body } as ControlNote);
    await batch.write();
    apply();
  };
  return { ...owner, log, boxes, lines, selfNotes: notes, sent, begin, take };
}

async function backupOf(store: SealedStore, recoveryBox: Uint8Array): Promise<SealedStore> {
  const secrets = {
    accountRoot: '00'.repeat(32),
    accountIndex: 0,
    storeKey: '00'.repeat(32),
    createdAt: 1,
  };
  const box = bytesToHex(recoveryBox);
  const manifest = { createdAtMs: NOW_MS, recoveryBox: box, secrets, genesis: '', settings: {} };
  const records = backupRecords(store, { ...manifest, version: 1, withMail: true });
  await records.next();
  const copy = sealedMemoryStore();
  await restoreValues(copy, records, manifest);
  return copy;
}

describe('fresh randomness', () => {
  it('reaches a backup of before it, and nobody without the backup', async () => {
    let nowMs = NOW_MS;
    const first = await device(sealedMemoryStore(), () => nowMs);
    const box = random(32);
    await first.boxes.add(suite.x25519PublicKey(box), nowMs);
    const backup = await backupOf(first.store, box);
    const stranger = await backupOf(first.store, random(32));
    nowMs += 10 * DAY_MS;
    await first.begin();
    const bob = await person(
      2,
      sealedMemoryStore(),
      tangleWithoutNode(() => nowMs),
    );
    const { bytes } = await sealMail(bob, first, { sealFor: descriptorOf(first) });
    nowMs += 20 * DAY_MS;
    for (const [store, opens] of [
      [backup, 'delivered'],
      [stranger, 'refused'],
    ] as const) {
      const back = await device(store, () => nowMs);
      expect(back.log.own.id).not.toBe(first.log.own.id);
      expect(back.log.own.isFirst).toBe(false);
      for (const note of first.sent) await back.take(note);
      expect((await back.intake.take(bytes)).kind).toBe(opens);
    }
    expect(first.sent.length).toBeGreaterThan(0);
  });

  it('is told to backups again every week: a provider keeps a note for a lease', async () => {
    let nowMs = NOW_MS;
    const first = await device(sealedMemoryStore(), () => nowMs);
    await first.boxes.add(suite.x25519PublicKey(random(32)), nowMs);
    await first.begin();
    await first.selfNotes.refresh();
    const told = first.sent.length;
    nowMs += 6 * DAY_MS;
    await first.selfNotes.refresh();
    expect(first.sent).toHaveLength(told);
    nowMs += DAY_MS;
    await first.selfNotes.refresh();
    expect(first.sent.length).toBeGreaterThan(told);
  });

  it('is due when the line is 30 days old, not before', async () => {
    const first = await device(sealedMemoryStore(), () => NOW_MS);
    const made = NOW_MS / 1_000;
    expect(first.lines.isDue(made + 29 * 86_400, made)).toBe(false);
    expect(first.lines.isDue(made + 30 * 86_400, made)).toBe(true);
    await first.begin();
    expect(first.lines.isDue(made + 23 * 86_400, 0)).toBe(false);
    expect(first.lines.isDue(made + 37 * 86_400, 0)).toBe(true);
  });

  it('a note of somebody else changes nothing', async () => {
    const first = await device(sealedMemoryStore(), () => NOW_MS);
    const other = await device(sealedMemoryStore(), () => NOW_MS);
    await other.boxes.add(first.log.own.keys.publicKey, 1);
    await other.begin();
    const before = first.log.log.operations.size;
    for (const note of other.sent) await first.take(note, '0f'.repeat(24) as MailAddress);
    expect(first.log.log.operations.size).toBe(before);
  });
});

describe('secrets of epochs that are over', () => {
  it('are in no value of the store', async () => {
    let nowMs = NOW_MS;
    const { store, epochs, lines, begin } = await device(sealedMemoryStore(), () => nowMs);
    const old = epochSecrets(epochs.state, epochOf(nowMs / 1_000));
    const secrets = old.ok ? old.value.map((one) => bytesToHex(one)) : [];
    await begin();
    const [line] = epochs.state.lines;
    secrets.push(bytesToHex(line?.secret ?? new Uint8Array(0)));
    const found = async (): Promise<number> => {
      let count = 0;
      for await (const { value } of store.dump()) {
        const text = `${bytesToHex(value)} ${Buffer.from(value).toString('latin1')}`;
        count += secrets.filter((one) => text.includes(one)).length;
      }
      return count;
    };
    expect(await found()).toBeGreaterThan(0);
    nowMs += 140 * DAY_MS;
    const now = nowMs / 1_000;
    const facts = { now, fetchedAt: [now], leaseSeconds: DEFAULT_LEASE_SECONDS };
    await epochs.prune(facts);
    const batch = store.batch();
    lines.forget(batch, facts);
    await batch.write();
    expect(secrets).toHaveLength(2);
    expect(await found()).toBe(0);
    expect(EpochStore.load(store).state.lines.length).toBeGreaterThan(0);
  });
});

describe('a power cut at any write', () => {
  it('leaves a log that goes on without a gap, and what was confirmed in it', async () => {
    for (let atWrite = 0; atWrite < 6; atWrite++) {
      for (const isApplied of [false, true]) {
        const disk = new Map<string, Uint8Array>();
        const cut: PowerCut = { atWrite, isApplied };
        const confirmed: number[] = [];
        const run = async (store: SealedStore): Promise<void> => {
          const { log } = await device(store, () => NOW_MS);
          for (let flag = 0; flag < 5; flag++) {
            const batch = store.batch();
            const [owner, element] = ['aa'.repeat(32), `0${flag}`];
            log.journal(batch, { kind: 'add', set: 'flag', owner, element });
            await batch.write();
            confirmed.push(flag);
          }
        };
        await run(sealedMemoryStore(memoryStore(disk, cut).store)).catch(() => undefined);
        const before = confirmed.length;
        const store = sealedMemoryStore(memoryStore(disk).store);
        const { log } = await device(store, () => NOW_MS);
        const held = [...log.log.operations.values()].filter((one) => one.body.kind === 'add');
        expect(held.length).toBeGreaterThanOrEqual(before);
        const own = [...log.log.operations.values()].filter((one) => one.device === log.own.id);
        const seqs = own.map((one) => one.seq).toSorted((a, b) => a - b);
        expect(seqs).toEqual(seqs.map((_, at) => at + 1));
        await run(store);
        expect(log.log.heads.size).toBe(1);
      }
    }
  });
});
