/**
 * Makes an account on this machine: from fresh randomness, or again from its words. The keystore is
 * written last and is what makes the account exist, so that a folder left half-made by a crash is
 * simply made again. Before: the command line; after: keystore, store.
 * Spec: docs/spec/20-identity.md, docs/spec/41-client-api.md, "Data folder".
 */
import { access, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { type Genesis, genesisToJson, networkIdOf } from '@tanglemail/tangle/core/codec/genesis.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import type { Clock, Random } from '@tanglemail/tangle/core/ports.ts';
import { startEpochs } from '@tanglemail/mail/core/identity/epoch.ts';
import { deriveAccountRoot, deriveEpochRoot } from '@tanglemail/mail/core/identity/keys.ts';
import {
  mnemonicFromEntropy,
  parseMnemonic,
  seedFromMnemonic,
} from '@tanglemail/mail/core/identity/mnemonic.ts';
import { syncFolder, writeFileAtomically } from '@tanglemail/tangle/io/write-file.ts';
import { bestSuite } from '@tanglemail/mail/io/crypto/native-suite.ts';
import { ClientError } from '../client-error.ts';
import { type AccountSecrets, createKeystore, KeystoreError } from '../keystore/keystore.ts';
import { openSealedStore } from '../store/open-store.ts';
import { addressText, emailText, openAccount } from './account.ts';
import { dataFolder, type DataFolder } from './data-folder.ts';
import { EpochStore } from './epoch-store.ts';
import { genesisIdOf } from './genesis.ts';

export interface AccountOptions {
  readonly dataDir: string;
  readonly genesis: Genesis;
  /** Kept as a setting, so that the daemon finds it. */
  readonly nodeUrl: string;
  readonly passphrase: string;
  /** Several accounts can come from the same words; u31, 0 unless told otherwise. */
  readonly accountIndex: number;
}

export interface AccountDeps {
  readonly random: Random;
  readonly clock: Clock;
}

/** What may be shown of an account. */
export interface AccountFacts {
  readonly address: string;
  readonly email: string;
  readonly accountIndex: number;
  readonly networkName: string;
  /** 16 hex digits. */
  readonly networkId: string;
  /** Id of milestone 0: whoever shows the same one is on the same network. */
  readonly genesisId: string;
  readonly dataDir: string;
}

const ENTROPY_LENGTH = 32;
const STORE_KEY_LENGTH = 32;
const TEMPORARY = 'new-';

/** Facts of an account from its secrets. */
export function accountFacts(
  secrets: Pick<AccountSecrets, 'accountRoot' | 'accountIndex'>,
  genesis: Genesis,
  dataDir: string,
): AccountFacts {
  const networkId = networkIdOf(genesis, nobleHasher);
  const account = openAccount(secrets.accountRoot, { networkId, name: genesis.name }, bestSuite());
  return {
    address: addressText(account),
    email: emailText(account),
    accountIndex: secrets.accountIndex,
    networkName: genesis.name,
    networkId: networkId.toString(16).padStart(16, '0'),
    genesisId: genesisIdOf(genesis),
    dataDir,
  };
}

/**
 * A new account. `show` gets its 24 words before the account exists: they must reach the user even
 * if the machine dies right after. Throws ClientError `account-exists`, StoreError, and what `show`
 * throws; then there is no account.
 */
export async function createAccount(
  options: AccountOptions,
  deps: AccountDeps,
  show: (facts: AccountFacts, words: string) => Promise<void>,
): Promise<AccountFacts> {
  const words = mnemonicFromEntropy(deps.random.bytes(ENTROPY_LENGTH));
  return await setUp(words, options, deps, (facts) => show(facts, words));
}

/**
 * The account of `words`, as typed. Codes as `createAccount`, and `words-invalid` with the position
 * of the word that is wrong.
 */
export async function restoreAccount(
  words: string,
  options: AccountOptions,
  deps: AccountDeps,
): Promise<AccountFacts> {
  const parsed = parseMnemonic(words);
  if (!parsed.ok) throw new ClientError('words-invalid', parsed.detail ?? parsed.code);
  return await setUp(parsed.value, options, deps, async () => {});
}

/** Throws ClientError `account-exists` when the folder holds an account. */
export async function requireNoAccount(dataDir: string): Promise<void> {
  if (await exists(dataFolder(dataDir).keystore)) throw new ClientError('account-exists', dataDir);
}

async function setUp(
  words: string,
  options: AccountOptions,
  deps: AccountDeps,
  beforeItExists: (facts: AccountFacts) => Promise<void>,
): Promise<AccountFacts> {
  const { dataDir, genesis, accountIndex, passphrase } = options;
  await requireNoAccount(dataDir);
  const folder = dataFolder(dataDir);
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const seed = seedFromMnemonic(words);
  const createdAt = Math.floor(deps.clock.nowMs() / 1_000);
  const secrets: AccountSecrets = {
    accountRoot: bytesToHex(deriveAccountRoot(seed, accountIndex)),
    accountIndex,
    storeKey: bytesToHex(deps.random.bytes(STORE_KEY_LENGTH)),
    createdAt,
  };
  const temporary = await makeStore(folder, secrets, deriveEpochRoot(seed, accountIndex), {
    ...deps,
    genesis,
  });
  seed.fill(0);
  await writeFileAtomically(folder.genesis, `${genesisToJson(genesis)}\n`, 0o600);
  await writeSettings(folder, options);
  const facts = accountFacts(secrets, genesis, dataDir);
  await beforeItExists(facts);
  await moveStore(folder, temporary);
  try {
    await createKeystore(folder.keystore, secrets, passphrase);
  } catch (cause) {
    if (!(cause instanceof KeystoreError) || cause.code !== 'exists') throw cause;
    throw new ClientError('account-exists', dataDir, { cause });
  }
  return facts;
}

/** A store with the secrets of the epochs, in a folder of its own; gives the folder's path. */
async function makeStore(
  folder: DataFolder,
  secrets: AccountSecrets,
  epochRoot: Uint8Array,
  { genesis, random }: AccountDeps & { readonly genesis: Genesis },
): Promise<string> {
  for (const name of await readdir(folder.path)) {
    if (name.startsWith(TEMPORARY)) await rm(join(folder.path, name), { recursive: true });
  }
  const path = join(folder.path, `${TEMPORARY}${bytesToHex(random.bytes(6))}`);
  const networkId = networkIdOf(genesis, nobleHasher);
  const store = await openSealedStore(path, { storeKey: secrets.storeKey, networkId }, random);
  try {
    const batch = store.batch();
    EpochStore.create(batch, startEpochs(epochRoot, secrets.createdAt));
    await batch.write();
  } finally {
    await store.close();
  }
  epochRoot.fill(0);
  return path;
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

/** Adds the node to the settings of the account; what the user wrote there stays. */
async function writeSettings(folder: DataFolder, { nodeUrl }: AccountOptions): Promise<void> {
  const known = (await exists(folder.config)) ? await readSettings(folder.config) : {};
  const settings = { ...known, node: { url: nodeUrl } };
  await writeFileAtomically(folder.config, `${JSON.stringify(settings, undefined, 2)}\n`, 0o600);
}

async function readSettings(path: string): Promise<object> {
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
