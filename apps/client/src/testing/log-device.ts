/** For specs of the self-log: one device of an account without outbox and providers. */
import { randomBytes } from 'node:crypto';
import { nobleSuite as suite } from '@tanglemail/mail/core/crypto/noble-suite.ts';
import type { MailAddress } from '@tanglemail/mail/core/identity/address.ts';
import { epochOf } from '@tanglemail/mail/core/identity/epoch.ts';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import { DeviceLog } from '../devices/device-log.ts';
import { EpochLines } from '../devices/epoch-lines.ts';
import { RecoveryBoxes } from '../devices/recovery-boxes.ts';
import { SelfNotes } from '../devices/self-notes.ts';
import { type ControlNote, NoteRouter } from '../inbox/note-router.ts';
import type { SealedStore } from '../store/sealed-store.ts';
import { person, tangleWithoutNode } from './people.ts';

const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));

/** A device over a store, whose notes to itself are caught instead of sent. */
export async function logDevice(store: SealedStore, nowMs: () => number) {
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
