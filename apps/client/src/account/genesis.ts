/**
 * The genesis that an account trusts: from a file, or from a node at the first start.
 * Spec: docs/spec/06-genesis.md.
 */
import { readFile } from 'node:fs/promises';
import type { Genesis } from '@tanglemail/tangle/core/codec/genesis.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import {
  checkGenesis,
  genesisMilestone,
  loadGenesis,
} from '@tanglemail/tangle/core/milestone/genesis.ts';
import { NodeClient } from '@tanglemail/tangle/io/node-client/node-client.ts';
import { ClientError } from '../client-error.ts';

/** Reads and checks a genesis document. Throws ClientError `file-unusable`, `genesis-invalid`. */
export async function readGenesis(path: string): Promise<Genesis> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new ClientError('file-unusable', path, { cause });
  }
  const genesis = loadGenesis(text);
  if (genesis.ok) return genesis.value;
  throw new ClientError('genesis-invalid', `${path}, ${genesis.detail ?? genesis.code}`);
}

/** Asks a node for its genesis. Throws ClientError `genesis-invalid` and the node's errors. */
export async function fetchGenesis(nodeUrl: string): Promise<Genesis> {
  const genesis = await new NodeClient({ baseUrl: nodeUrl }).genesis();
  const checked = checkGenesis(genesis);
  if (checked.ok) return genesis;
  throw new ClientError('genesis-invalid', `${nodeUrl}, ${checked.detail ?? checked.code}`);
}

/** Id of milestone 0: 64 hex digits that tell networks apart. */
export function genesisIdOf(genesis: Genesis): string {
  return genesisMilestone(genesis, nobleHasher).id;
}
