/**
 * The genesis document from its file: which network a program belongs to.
 */
import { readFile } from 'node:fs/promises';
import type { Genesis } from '../../core/codec/genesis.ts';
import { loadGenesis } from '../../core/milestone/genesis.ts';
import { UsageError } from './terminal.ts';

/** The checked document; `hint` ends the message about a missing one. Throws UsageError. */
export async function readGenesis(path: string, hint = ''): Promise<Genesis> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new UsageError(`cannot read the genesis document ${path}${hint}`, { cause });
  });
  const genesis = loadGenesis(text);
  if (!genesis.ok) throw new UsageError(`${path} is no genesis document: ${genesis.detail ?? ''}`);
  return genesis.value;
}
