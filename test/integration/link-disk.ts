/** Links a device by what leaves the other one's disk, without the conversation of linking. */
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { deriveAccountRoot } from '@tanglemail/mail/core/identity/keys.ts';
import { EpochStore } from '../../apps/client/src/account/epoch-store.ts';
import {
  makeLinkArchive,
  putLinkArchive,
  readLinkArchive,
} from '../../apps/client/src/devices/link-archive.ts';
import { loadSelfLog } from '../../apps/client/src/devices/self-log-store.ts';
import {
  type Disk,
  memoryStore,
  sealedMemoryStore,
} from '../../apps/client/src/testing/memory-store.ts';

/** Makes `fresh` the disk of one more device of the account, whose device at `from` is off. */
export async function linkDisk(
  from: Disk,
  fresh: Disk,
  seed: Uint8Array,
  name = 'phone',
): Promise<void> {
  const store = sealedMemoryStore(memoryStore(from).store);
  const secrets = {
    accountRoot: bytesToHex(deriveAccountRoot(seed, 0)),
    accountIndex: 0,
    createdAt: 1,
  };
  const archive = await makeLinkArchive(store, {
    secrets,
    genesis: '',
    settings: {},
    epochs: EpochStore.load(store).state,
    log: await loadSelfLog(store),
  });
  const own = sealedMemoryStore(memoryStore(fresh).store);
  const batch = own.batch();
  putLinkArchive(batch, own, readLinkArchive(archive), name);
  await batch.write();
}
