/**
 * Makes an account again from a backup file, in an empty data folder: everything is in its place or
 * nothing is. Before: the command line; after: account/install.ts, start-anew.ts. Spec:
 * docs/spec/29-backup.md.
 */
import { type Genesis, networkIdOf } from '@tanglemail/tangle/core/codec/genesis.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { loadGenesis } from '@tanglemail/tangle/core/milestone/genesis.ts';
import type { Random } from '@tanglemail/tangle/core/ports.ts';
import type { BackupRecord, ValueRecord } from '@tanglemail/mail/core/backup/record.ts';
import { installAccount, newFolder, newStorePath } from '../account/install.ts';
import { type AccountFacts, accountFacts } from '../account/create.ts';
import { ClientError } from '../client-error.ts';
import { openSealedStore } from '../store/open-store.ts';
import { bucketOf, type SealedBatch, type SealedStore } from '../store/sealed-store.ts';
import { type BackupOpener, BackupReader } from './backup-reader.ts';
import { type BackupManifest, decodeManifest } from './manifest.ts';
import { markRestored } from '../store/restored-note.ts';
import { startAnew } from './start-anew.ts';

export interface RestoreOptions {
  readonly file: string;
  readonly opener: BackupOpener;
  readonly dataDir: string;
  /** Protects the account on this machine. */
  readonly passphrase: string;
  /** Replaces the node of the settings in the backup. */
  readonly nodeUrl?: string;
}

/** What came back. */
export interface Restored extends AccountFacts {
  /** When the backup was made. */
  readonly createdAtMs: number;
  readonly values: number;
  readonly withMail: boolean;
}

/** Bytes that are written at once. */
const BATCH_BYTES = 4_194_304;

/**
 * Throws ClientError `account-exists`, `backup-locked`, `backup-invalid`, `file-unusable`; then
 * there is no account.
 */
export async function restoreBackup(
  options: RestoreOptions,
  deps: { readonly random: Random },
): Promise<Restored> {
  const folder = await newFolder(options.dataDir);
  const reader = await BackupReader.open(options.file);
  try {
    const records = reader.records(options.opener);
    const first = await records.next();
    if (first.done === true || first.value.kind !== 'manifest') {
      throw new ClientError('backup-invalid', 'it does not begin with a manifest');
    }
    const manifest = decodeManifest(first.value.json);
    const genesis = genesisOf(manifest);
    const store = await newStorePath(folder, deps.random);
    const values = await fillStore(store, { manifest, genesis, records, ...deps });
    const { nodeUrl } = options;
    const node = nodeUrl === undefined ? {} : { node: { url: nodeUrl } };
    const { secrets, createdAtMs, withMail } = manifest;
    const settings = { ...manifest.settings, ...node };
    const { passphrase } = options;
    await installAccount(folder, { secrets, passphrase, store, genesis, settings }, async () => {});
    return { ...accountFacts(secrets, genesis, folder.path), createdAtMs, values, withMail };
  } finally {
    await reader.close();
  }
}

function genesisOf({ genesis }: BackupManifest): Genesis {
  const loaded = loadGenesis(genesis);
  if (loaded.ok) return loaded.value;
  throw new ClientError('backup-invalid', 'its genesis');
}

interface Filling {
  readonly manifest: BackupManifest;
  readonly genesis: Genesis;
  readonly records: AsyncIterable<BackupRecord>;
  readonly random: Random;
}

async function fillStore(path: string, filling: Filling): Promise<number> {
  const { manifest, genesis, random } = filling;
  const { storeKey } = manifest.secrets;
  const networkId = networkIdOf(genesis, nobleHasher);
  const store = await openSealedStore(path, { storeKey, networkId }, random);
  try {
    return await restoreValues(store, filling.records, manifest);
  } finally {
    await store.close();
  }
}

/** Puts every value into the store, as a device that starts anew has it; gives their number. */
export async function restoreValues(
  store: SealedStore,
  records: AsyncIterable<BackupRecord>,
  manifest: Pick<BackupManifest, 'createdAtMs' | 'recoveryBox'>,
): Promise<number> {
  let batch = store.batch();
  let size = 0;
  let values = 0;
  for await (const record of records) {
    if (record.kind === 'manifest') throw new ClientError('backup-invalid', 'two manifests');
    if (record.kind === 'end') continue;
    size += putValue(batch, record);
    values += 1;
    if (size < BATCH_BYTES) continue;
    await batch.write();
    batch = store.batch();
    size = 0;
  }
  const { createdAtMs: backupAtMs, recoveryBox } = manifest;
  markRestored(batch, { backupAtMs, recoveryBox });
  await batch.write();
  return values;
}

function putValue(batch: SealedBatch, record: ValueRecord): number {
  const bucket = bucketOf(record.bucket);
  if (bucket === undefined) {
    throw new ClientError('backup-invalid', `a newer version made it (bucket ${record.bucket})`);
  }
  try {
    const value = startAnew({ bucket, key: record.key, value: record.value });
    if (value !== undefined) batch.putBytes(value.bucket, value.key, value.value);
    return record.value.length;
  } catch (cause) {
    throw new ClientError('backup-invalid', `a value of bucket ${bucket}`, { cause });
  }
}
