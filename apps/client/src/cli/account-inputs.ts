/**
 * What commands ask for that make an account: the words, the genesis, which account of the words.
 * Before: account-commands.ts, backup-commands.ts, device-commands.ts; after: account/genesis.ts.
 */
import { readFile } from 'node:fs/promises';
import type { Genesis } from '@tanglemail/tangle/core/codec/genesis.ts';
import { ClientError } from '../client-error.ts';
import type { CommandContext } from './context.ts';
import { integerOption } from './options.ts';

export const MAX_ACCOUNT_INDEX = 0x7fff_ffff;

/** The number given as `--account`. Throws ClientError `request-malformed`. */
export function accountIndexOf(text: string): number {
  return integerOption('--account', text, 0, MAX_ACCOUNT_INDEX);
}

/** The 24 words, from a file, the terminal or standard input. */
export async function readWords(
  context: CommandContext,
  file: string | undefined,
): Promise<string> {
  const { terminal } = context;
  if (file !== undefined) {
    try {
      return await readFile(file, 'utf8');
    } catch (cause) {
      throw new ClientError('file-unusable', file, { cause });
    }
  }
  if (terminal.isInputTty) return await terminal.ask('The 24 words: ', false);
  return new TextDecoder().decode(await terminal.readInput());
}

/** Where a genesis comes from: a file, else the node. */
export interface GenesisSource {
  readonly genesisFile?: string | undefined;
  readonly node: { readonly url: string };
}

/** Throws ClientError `genesis-invalid` if it is another one than `wantedId`. */
export async function loadGenesis(
  { genesisFile, node }: GenesisSource,
  wantedId: string | undefined,
): Promise<Genesis> {
  const { fetchGenesis, genesisIdOf, readGenesis } = await import('../account/genesis.ts');
  const genesis =
    genesisFile === undefined ? await fetchGenesis(node.url) : await readGenesis(genesisFile);
  const id = genesisIdOf(genesis);
  if (wantedId === undefined || wantedId.toLowerCase() === id) return genesis;
  throw new ClientError('genesis-invalid', `its id is ${id}`);
}

/** For a new account: the id of what a node gave is shown, and trusted from now on. */
export async function findGenesis(
  context: CommandContext,
  source: GenesisSource,
  wantedId: string | undefined,
): Promise<Genesis> {
  const genesis = await loadGenesis(source, wantedId);
  if (source.genesisFile === undefined && wantedId === undefined && !context.isJson) {
    const { genesisIdOf } = await import('../account/genesis.ts');
    context.terminal.err(
      `Network "${genesis.name}" of ${source.node.url}, genesis ${genesisIdOf(genesis)}.\n` +
        'This account trusts it from now on; compare the id with somebody who is on the network.\n',
    );
  }
  return genesis;
}
