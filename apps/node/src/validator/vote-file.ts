/**
 * The validator's memory of what it signed: one small file, replaced and synced before a signature
 * leaves the process. It stands beside the database, not in it, so that a database that is thrown
 * away and fetched again does not take the memory along. Spec: docs/spec/04-milestone.md (VOTE).
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { errorCode } from '@tanglemail/tangle/io/error-code.ts';
import { toStoreError } from '@tanglemail/tangle/io/level/store-error.ts';
import { writeFileAtomically } from '@tanglemail/tangle/io/write-file.ts';

/** The last vote. Views only grow, so the last one is enough to never vote twice in one view. */
export interface Vote {
  /** The network the vote belongs to, 16 hex digits. */
  readonly networkId: string;
  readonly index: number;
  readonly view: bigint;
  /** The header's id, 64 hex digits. */
  readonly digest: string;
}

const DOCUMENT = z.strictObject({
  networkId: z.string().regex(/^[0-9a-f]{16}$/),
  index: z.int().min(0),
  view: z.string().regex(/^[0-9]{1,20}$/),
  digest: z.string().regex(/^[0-9a-f]{64}$/),
});

/** A vote that must not be cast, or a memory that cannot be trusted. */
export class VoteError extends Error {
  override readonly name = 'VoteError';
}

export class VoteFile {
  readonly #path: string;
  #last: Vote | undefined;

  private constructor(path: string, last: Vote | undefined) {
    this.#path = path;
    this.#last = last;
  }

  /**
   * Opens `votes.json` in `folder`. A damaged file, or one of another network, stops a validator
   * rather than be ignored. `networkId`: 16 hex digits. Throws VoteError.
   */
  static async open(folder: string, networkId: string): Promise<VoteFile> {
    const path = join(folder, 'votes.json');
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch (error) {
      if (errorCode(error) === 'ENOENT') {
        return new VoteFile(path, undefined);
      }
      throw new VoteError(`cannot read ${path}`, { cause: error });
    }
    const last = parse(path, text);
    if (last.networkId === networkId) return new VoteFile(path, last);
    throw new VoteError(`${path} holds the votes of another network: ${last.networkId}`);
  }

  get last(): Vote | undefined {
    return this.#last;
  }

  /**
   * Records `vote` and syncs it to disk. Must end before the signature is made. Throws VoteError
   * for a view that is not above the last one, unless it is the very same vote; StoreError when the
   * disk refuses, after which the vote must not be cast.
   */
  async record(vote: Vote): Promise<void> {
    const last = this.#last;
    if (last !== undefined) {
      const same = last.view === vote.view && last.digest === vote.digest;
      if (same && last.networkId === vote.networkId) return;
      if (last.networkId !== vote.networkId) throw new VoteError('the votes are another network’s');
      if (vote.view <= last.view) {
        throw new VoteError(`view ${vote.view} was voted in already (last: ${last.view})`);
      }
    }
    const text = `${JSON.stringify({ ...vote, view: String(vote.view) })}\n`;
    await writeFileAtomically(this.#path, text, 0o600).catch((error: unknown) => {
      throw toStoreError(error);
    });
    this.#last = vote;
  }
}

function parse(path: string, text: string): Vote {
  try {
    const document = DOCUMENT.parse(JSON.parse(text));
    return { ...document, view: BigInt(document.view) };
  } catch (error) {
    throw new VoteError(`${path} is damaged; a validator does not sign without its memory`, {
      cause: error,
    });
  }
}
