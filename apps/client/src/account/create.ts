/**
 * Makes an account on this machine: from fresh randomness, or again from its words. The keystore is
 * written last and is what makes the account exist, so that a folder left half-made by a crash is
 * simply made again. Before: the command line; after: keystore, store.
 * Spec: docs/spec/20-identity.md, docs/spec/41-client-api.md, "Data folder".
 */
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { type Genesis, networkIdOf } from '@tanglemail/tangle/core/codec/genesis.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import type { Clock, Random } from '@tanglemail/tangle/core/ports.ts';
import { recoveryKeyOf, recoverySecret } from '@tanglemail/mail/core/backup/lock.ts';
import {
  DEFAULT_LEASE_SECONDS,
  RECALL_SECONDS,
  startEpochs,
} from '@tanglemail/mail/core/identity/epoch.ts';
import { deriveAccountRoot, deriveEpochRoot } from '@tanglemail/mail/core/identity/keys.ts';
import {
  mnemonicFromEntropy,
  parseMnemonic,
  seedFromMnemonic,
} from '@tanglemail/mail/core/identity/mnemonic.ts';
import { bestSuite } from '@tanglemail/mail/io/crypto/native-suite.ts';
import { CHANNEL_COUNTER, counters } from '../store/collections.ts';
import { markRestored } from '../store/restored-note.ts';
import { ClientError } from '../client-error.ts';
import type { AccountSecrets } from '../keystore/keystore.ts';
import { openSealedStore } from '../store/open-store.ts';
import { addressText, emailText, openAccount } from './account.ts';
import type { DataFolder } from './data-folder.ts';
import { EpochStore } from './epoch-store.ts';
import { genesisIdOf } from './genesis.ts';
import { installAccount, newFolder, newStorePath } from './install.ts';

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
/** Channel keys have numbers of 32 bits; half of them are left to count on. */
const MAX_CHANNEL_START = 2 ** 31;

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
  return await setUp(wordsOf(words), { ...options, isRestored: true }, deps, async () => {});
}

function wordsOf(typed: string): string {
  const parsed = parseMnemonic(typed);
  if (!parsed.ok) throw new ClientError('words-invalid', parsed.detail ?? parsed.code);
  return parsed.value;
}

/** The seed of words as typed. Throws ClientError `words-invalid`. */
export function seedOfWords(typed: string): Uint8Array {
  return seedFromMnemonic(wordsOf(typed));
}

async function setUp(
  words: string,
  options: AccountOptions & { readonly isRestored?: boolean },
  deps: AccountDeps,
  beforeItExists: (facts: AccountFacts) => Promise<void>,
): Promise<AccountFacts> {
  const { dataDir, genesis, accountIndex, passphrase } = options;
  const folder = await newFolder(dataDir);
  const seed = seedFromMnemonic(words);
  const createdAt = Math.floor(deps.clock.nowMs() / 1_000);
  const secrets: AccountSecrets = {
    accountRoot: bytesToHex(deriveAccountRoot(seed, accountIndex)),
    accountIndex,
    storeKey: bytesToHex(deps.random.bytes(STORE_KEY_LENGTH)),
    createdAt,
    recoveryKey: bytesToHex(recoveryKeyOf(recoverySecret(seed, accountIndex), bestSuite())),
  };
  const temporary = await makeStore(folder, secrets, deriveEpochRoot(seed, accountIndex), {
    ...deps,
    genesis,
    isRestored: options.isRestored === true,
  });
  seed.fill(0);
  const facts = accountFacts(secrets, genesis, dataDir);
  const settings = { node: { url: options.nodeUrl } };
  const made = { secrets, passphrase, store: temporary, genesis, settings };
  await installAccount(folder, made, () => beforeItExists(facts));
  return facts;
}

/** A store with the secrets of the epochs, in a folder of its own; gives the folder's path. */
async function makeStore(
  folder: DataFolder,
  secrets: AccountSecrets,
  epochRoot: Uint8Array,
  {
    genesis,
    random,
    isRestored,
  }: AccountDeps & { readonly genesis: Genesis; readonly isRestored: boolean },
): Promise<string> {
  const path = await newStorePath(folder, random);
  const networkId = networkIdOf(genesis, nobleHasher);
  const store = await openSealedStore(path, { storeKey: secrets.storeKey, networkId }, random);
  try {
    const batch = store.batch();
    // What is not needed is deleted as soon as the account's last descriptor was looked for.
    const backSeconds = isRestored ? RECALL_SECONDS : DEFAULT_LEASE_SECONDS;
    EpochStore.create(batch, startEpochs(epochRoot, secrets.createdAt, backSeconds));
    if (isRestored) {
      // Tags' numbers may be used up by the account's earlier life, and keys of channels, too: how
      // many is not known, so these begin anywhere.
      markRestored(batch);
      batch.put(counters, CHANNEL_COUNTER, { next: random.below(MAX_CHANNEL_START) });
    }
    await batch.write();
  } finally {
    await store.close();
  }
  epochRoot.fill(0);
  return path;
}
