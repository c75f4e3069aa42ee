/**
 * The file `votes.log` on this machine, and its lock. Behind an interface, so that a test can cut
 * the power between any two steps. Path: vote-log.ts → here. Spec: docs/spec/16-signer.md §2.
 */
import { open, readFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from '@tanglemail/tangle/io/error-code.ts';
import { openKvStore, type KvStore } from '@tanglemail/tangle/io/level/kv-store.ts';
import { writeFileAtomically } from '@tanglemail/tangle/io/write-file.ts';

export const VOTE_FILE = 'votes.log';
const LOCK_FOLDER = 'votes.lock';

/** One file. Rejects as `node:fs` does; one call at a time. */
export interface VoteDisk {
  /** For messages. */
  readonly path: string;
  /** All of it; undefined when there is no such file. */
  read(): Promise<Uint8Array | undefined>;
  /** Writes at the end of a file of `size` bytes, and syncs. */
  append(bytes: Uint8Array, size: number): Promise<void>;
  /** Cuts the file to `size` bytes, and syncs. */
  truncate(size: number): Promise<void>;
  /** Puts another file in its place: after a power cut it is the old or the new one, whole. */
  replace(bytes: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

/** Opens a file; a test looks on at what is done with it. */
export type OpenFile = (path: string, flags: string) => Promise<FileHandle>;

/**
 * Opens the file in `folder` for this process alone. Rejects with StoreError `locked` if another
 * process has it. Node knows no lock on files; LevelDB's ends with its process, however that ends,
 * so an empty store stands for it.
 */
export async function openVoteDisk(
  folder: string,
  networkId: bigint,
  openFile: OpenFile = open,
): Promise<VoteDisk> {
  const owner = { kind: 'votes-lock', networkId, schema: 1 };
  const lock = await openKvStore(join(folder, LOCK_FOLDER), owner);
  return new NodeVoteDisk(join(folder, VOTE_FILE), { lock, openFile });
}

class NodeVoteDisk implements VoteDisk {
  readonly path: string;
  readonly #lock: KvStore;
  readonly #openFile: OpenFile;
  #handle: FileHandle | undefined;

  constructor(path: string, { lock, openFile }: { lock: KvStore; openFile: OpenFile }) {
    this.path = path;
    this.#lock = lock;
    this.#openFile = openFile;
  }

  async read(): Promise<Uint8Array | undefined> {
    try {
      return await readFile(this.path);
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  async append(bytes: Uint8Array, size: number): Promise<void> {
    const handle = await this.#opened();
    let done = 0;
    while (done < bytes.length) {
      // A full disk takes a part first, and refuses the rest with its own error.
      const part = await handle.write(bytes, done, bytes.length - done, size + done);
      done += part.bytesWritten;
    }
    await handle.datasync();
  }

  async truncate(size: number): Promise<void> {
    const handle = await this.#opened();
    await handle.truncate(size);
    await handle.sync();
  }

  async replace(bytes: Uint8Array): Promise<void> {
    await this.#closeFile();
    await writeFileAtomically(this.path, bytes, 0o600);
  }

  async close(): Promise<void> {
    await this.#closeFile();
    await this.#lock.close();
  }

  async #opened(): Promise<FileHandle> {
    this.#handle ??= await this.#openFile(this.path, 'r+');
    return this.#handle;
  }

  async #closeFile(): Promise<void> {
    await this.#handle?.close();
    this.#handle = undefined;
  }
}
