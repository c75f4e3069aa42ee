/**
 * Opens the account of a data folder: its secrets by the passphrase, and the genesis it trusts.
 */
import { access } from 'node:fs/promises';
import type { Genesis } from '@tanglemail/tangle/core/codec/genesis.ts';
import { dataFolder } from '../account/data-folder.ts';
import { readGenesis } from '../account/genesis.ts';
import { ClientError } from '../client-error.ts';
import { type AccountSecrets, openKeystore } from '../keystore/keystore.ts';
import { readPassphrase } from './passphrase.ts';
import type { Terminal } from './terminal.ts';

export interface UnlockOptions {
  readonly dataDir: string;
  readonly passphraseFile?: string | undefined;
  readonly genesisFile?: string | undefined;
}

/**
 * Throws ClientError `account-missing` before it asks for anything, `passphrase-missing`,
 * `genesis-invalid`, and KeystoreError.
 */
export async function unlockAccount(
  terminal: Terminal,
  options: UnlockOptions,
): Promise<{ readonly secrets: AccountSecrets; readonly genesis: Genesis }> {
  const folder = dataFolder(options.dataDir);
  try {
    await access(folder.keystore);
  } catch (cause) {
    throw new ClientError('account-missing', options.dataDir, { cause });
  }
  const genesis = await readGenesis(options.genesisFile ?? folder.genesis);
  const passphrase = await readPassphrase(terminal, options.passphraseFile);
  return { secrets: await openKeystore(folder.keystore, passphrase), genesis };
}
