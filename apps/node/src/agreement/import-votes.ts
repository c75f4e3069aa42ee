/**
 * The votes of versions that had no agreement: `votes.json`, which holds the last one. It was
 * synced before each signature, so it is complete: the seat speaks above it.
 * Path: seat.ts → here. Spec: docs/spec/16-signer.md §4.
 */
import { readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { epochOf } from '@tanglemail/tangle/core/milestone/committee.ts';
import type { NetworkParams } from '@tanglemail/tangle/core/params/networks.ts';
import { errorCode } from '@tanglemail/tangle/io/error-code.ts';
import { jsonOf } from '@tanglemail/tangle/io/json-text.ts';
import { syncFolder } from '@tanglemail/tangle/io/write-file.ts';
import { VoteError } from './vote-error.ts';
import type { Place } from './vote-records.ts';

const OLD_FILE = 'votes.json';

const DOCUMENT = z.object({
  networkId: z.string().regex(/^[0-9a-f]{16}$/),
  index: z.int().min(0),
  view: z.string().regex(/^[0-9]{1,20}$/),
});

/**
 * The first place above the vote in `folder`; undefined when there is no such file. Throws
 * VoteError for a damaged file and one of another network.
 */
export async function readOldVotes(
  folder: string,
  networkId: bigint,
  params: NetworkParams,
): Promise<Place | undefined> {
  const path = join(folder, OLD_FILE);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw new VoteError(`cannot read ${path}`, { cause: error });
  }
  const document = DOCUMENT.safeParse(jsonOf(text));
  if (!document.success) {
    throw new VoteError(`${path} is damaged; a validator does not sign without its memory`);
  }
  const { index, view } = document.data;
  if (BigInt(`0x${document.data.networkId}`) !== networkId) {
    throw new VoteError(`${path} holds the votes of another network: ${document.data.networkId}`);
  }
  return { epoch: epochOf(index, params), view: BigInt(view) + 1n };
}

/** Puts the file aside; call it when the log has what it says. */
export async function retireOldVotes(folder: string): Promise<void> {
  const path = join(folder, OLD_FILE);
  await rename(path, `${path}.old`);
  await syncFolder(folder);
}
