/** How a device of a simulated person comes to what is on its disk: new, linked, or restored. */
import { startEpochs } from '@tanglemail/mail/core/identity/epoch.ts';
import { deriveEpochRoot } from '@tanglemail/mail/core/identity/keys.ts';
import { parseLinkCode } from '@tanglemail/mail/core/link/protocol.ts';
import { bestSuite } from '@tanglemail/mail/io/crypto/native-suite.ts';
import { EpochStore } from '../../apps/client/src/account/epoch-store.ts';
import { BackupReader } from '../../apps/client/src/backup/backup-reader.ts';
import { decodeManifest } from '../../apps/client/src/backup/manifest.ts';
import { restoreValues } from '../../apps/client/src/backup/restore.ts';
import type { Client } from '../../apps/client/src/client.ts';
import { type LinkArchive, putLinkArchive } from '../../apps/client/src/devices/link-archive.ts';
import { receiveArchive } from '../../apps/client/src/devices/link-guest.ts';
import { pause } from '../../apps/client/src/pause.ts';
import { markRestored } from '../../apps/client/src/store/restored-note.ts';
import {
  type Disk,
  memoryStore,
  sealedMemoryStore,
} from '../../apps/client/src/testing/memory-store.ts';
import type { SealedStore } from '../../apps/client/src/store/sealed-store.ts';
import type { TangleAccess } from '../../apps/client/src/tangle/tangle-access.ts';

/** An account that begins on an empty disk, or that comes back from its words alone. */
export async function putNewAccount(
  store: SealedStore,
  seed: Uint8Array,
  nowMs: number,
  isRestored = false,
): Promise<void> {
  const batch = store.batch();
  EpochStore.create(batch, startEpochs(deriveEpochRoot(seed, 0), Math.floor(nowMs / 1_000)));
  if (isRestored) markRestored(batch);
  await batch.write();
}

/** The disk of an account that comes back from its words alone. */
export async function diskFromWords(seed: Uint8Array, nowMs: number): Promise<Disk> {
  const disk: Disk = new Map();
  await putNewAccount(sealedMemoryStore(memoryStore(disk).store), seed, nowMs, true);
  return disk;
}

/** The disk that a backup file brings back. */
export async function diskFromBackup(path: string, seed: Uint8Array): Promise<Disk> {
  const disk: Disk = new Map();
  const store = sealedMemoryStore(memoryStore(disk).store);
  const reader = await BackupReader.open(path);
  try {
    const records = reader.records({ kind: 'words', seed, accountIndex: 0 });
    const first = await records.next();
    if (first.done === true || first.value.kind !== 'manifest') throw new Error('no manifest');
    await restoreValues(store, records, decodeManifest(first.value.json));
  } finally {
    await reader.close();
  }
  return disk;
}

/** Links a new device to the running `host`, as two people at two screens do; gives its disk. */
export async function diskFromLink(host: Client, tangle: TangleAccess): Promise<Disk> {
  const { devices } = host.services;
  if (devices === undefined) throw new Error('the client has devices');
  const abort = new AbortController();
  const { signal } = abort;
  const key = parseLinkCode((await devices.beginLink()).code ?? '');
  if (!key.ok) throw new Error('the code of a device is one');
  const screen = { number: '' };
  const showNumber = (number: string): void => {
    screen.number = number;
  };
  const coming = receiveArchive(key.value, 'phone', {
    tangle,
    suite: bestSuite(),
    signal,
    showNumber,
  });
  coming.catch(() => undefined);
  try {
    for (;;) {
      const { state } = await devices.linkStatus();
      if (state === 'compare' && screen.number !== '') break;
      if (state !== 'waiting' && state !== 'compare') throw new Error(`the link is ${state}`);
      await pause(500, signal);
    }
    await devices.confirmLink(screen.number);
    return await linkedDisk(await coming);
  } finally {
    abort.abort(new Error('the link is over'));
  }
}

async function linkedDisk(archive: LinkArchive): Promise<Disk> {
  const disk: Disk = new Map();
  const store = sealedMemoryStore(memoryStore(disk).store);
  const batch = store.batch();
  putLinkArchive(batch, store, archive, 'phone');
  await batch.write();
  return disk;
}
