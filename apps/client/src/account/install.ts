/**
 * Puts an account into its data folder, so that it is there whole or not at all: an account exists
 * exactly when its keystore does, and that is written last. Before: account/create.ts,
 * backup/restore.ts; after: keystore. Spec: docs/spec/41-client-api.md, "Data folder".
 */
import { access, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Genesis, genesisToJson } from '@tanglemail/tangle/core/codec/genesis.ts';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import type { Random } from '@tanglemail/tangle/core/ports.ts';
import { syncFolder, writeFileAtomically } from '@tanglemail/tangle/io/write-file.ts';
import { ClientError } from '../client-error.ts';
import { type AccountSecrets, createKeystore, KeystoreError } from '../keystore/keystore.ts';
import { dataFolder, type DataFolder } from './data-folder.ts';

/** Everything that makes an account. */
export interface NewAccount {
  readonly secrets: AccountSecrets;
  /** Protects the secrets on this machine. */
  readonly passphrase: string;
  /** Folder of its closed store, from `newStorePath`. */
  readonly store: string;
  readonly genesis: Genesis;
  /** Added to the settings that are there. */
  readonly settings: object;
}

const TEMPORARY = 'new-';

/** Throws ClientError `account-exists` when the folder holds an account. */
export async function requireNoAccount(dataDir: string): Promise<void> {
  if (await exists(dataFolder(dataDir).keystore)) throw new ClientError('account-exists', dataDir);
}

/** Makes a data folder ready for an account. Throws ClientError `account-exists`. */
export async function newFolder(dataDir: string): Promise<DataFolder> {
  await requireNoAccount(dataDir);
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  return dataFolder(dataDir);
}

/** A path for a store that gets its place later; remains of attempts that failed are deleted. */
export async function newStorePath(folder: DataFolder, random: Random): Promise<string> {
  for (const name of await readdir(folder.path)) {
    if (name.startsWith(TEMPORARY)) await rm(join(folder.path, name), { recursive: true });
  }
  return join(folder.path, `${TEMPORARY}${bytesToHex(random.bytes(6))}`);
}

/** Puts everything into its place. Throws ClientError `account-exists`, `file-unusable`. */
export async function installAccount(
  folder: DataFolder,
  made: NewAccount,
  beforeItExists: () => Promise<void>,
): Promise<void> {
  await writeFileAtomically(folder.genesis, `${genesisToJson(made.genesis)}\n`, 0o600);
  await writeSettings(folder, made.settings);
  await beforeItExists();
  await moveStore(folder, made.store);
  try {
    await createKeystore(folder.keystore, made.secrets, made.passphrase);
  } catch (cause) {
    if (!(cause instanceof KeystoreError) || cause.code !== 'exists') throw cause;
    throw new ClientError('account-exists', folder.path, { cause });
  }
}

/**
 * Puts the new store into its place. A store without a keystore cannot be opened; it is set aside
 * rather than deleted, because its keystore may lie in a backup.
 */
async function moveStore(folder: DataFolder, temporary: string): Promise<void> {
  await requireNoAccount(folder.path);
  if (await exists(folder.store)) {
    await rename(folder.store, `${folder.store}.without-keystore-${temporary.slice(-12)}`);
  }
  await rename(temporary, folder.store);
  await syncFolder(folder.path);
}

/** Adds to the settings of the account; whatever else the user wrote there stays. */
async function writeSettings(folder: DataFolder, added: object): Promise<void> {
  const known = (await exists(folder.config)) ? await readSettings(folder.config) : {};
  const settings = { ...known, ...added };
  await writeFileAtomically(folder.config, `${JSON.stringify(settings, undefined, 2)}\n`, 0o600);
}

/** The settings file of an account. Throws ClientError `file-unusable`. */
export async function readSettings(path: string): Promise<object> {
  try {
    const settings: unknown = JSON.parse(await readFile(path, 'utf8'));
    if (typeof settings === 'object' && settings !== null) return settings;
  } catch (cause) {
    throw new ClientError('file-unusable', path, { cause });
  }
  throw new ClientError('file-unusable', path);
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
}
