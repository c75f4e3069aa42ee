/**
 * A file that is there as a whole or not at all: written under a temporary name, synced, renamed,
 * and the folder synced. A crash leaves at most the temporary file, which a start removes.
 * Path: write-snapshot.ts → here. Spec: docs/spec/12-snapshot.md §6.
 */
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncFolder } from '../write-file.ts';
import { SnapshotError } from './snapshot-error.ts';

/** The end of temporary names. */
export const TEMPORARY_SUFFIX = '.part';

/** Bytes that are gathered before they are written. */
const BUFFER = 262_144;
/**
 * Bytes after which the disk is asked to take what it has: one sync of a large file at its end
 * would hold up the node's own syncs for as long as the disk needs for all of it.
 */
const SYNC_BYTES = 8_388_608;

export class SnapshotFileWriter {
  readonly #path: string;
  readonly #handle: FileHandle;
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #written = 0;
  #unsynced = 0;

  private constructor(path: string, handle: FileHandle) {
    this.#path = path;
    this.#handle = handle;
  }

  /** Begins a file; an earlier temporary one of this name is written over. */
  static async create(path: string): Promise<SnapshotFileWriter> {
    try {
      const handle = await open(`${path}${TEMPORARY_SUFFIX}`, 'w', 0o600);
      return new SnapshotFileWriter(path, handle);
    } catch (error) {
      throw new SnapshotError('unwritable', path, error);
    }
  }

  /** Takes over `bytes`; resolves when the next may come. */
  async write(bytes: Uint8Array): Promise<void> {
    this.#pending.push(bytes);
    this.#pendingBytes += bytes.length;
    if (this.#pendingBytes >= BUFFER) await this.#flush();
  }

  /** Makes the file durable under its name; its size in bytes. */
  async commit(): Promise<number> {
    await this.#flush();
    await this.#guard(async () => {
      await this.#handle.sync();
      await this.#handle.close();
      await rename(`${this.#path}${TEMPORARY_SUFFIX}`, this.#path);
      await syncFolder(dirname(this.#path));
    });
    return this.#written;
  }

  /** Throws the file away. Never fails: it is called when something else did. */
  async abort(): Promise<void> {
    await this.#handle.close().catch(() => undefined);
    await rm(`${this.#path}${TEMPORARY_SUFFIX}`, { force: true }).catch(() => undefined);
  }

  async #flush(): Promise<void> {
    const pending = this.#pending;
    this.#pending = [];
    this.#pendingBytes = 0;
    await this.#guard(async () => {
      for (const bytes of pending) {
        await this.#handle.writeFile(bytes);
        this.#written += bytes.length;
        this.#unsynced += bytes.length;
      }
      if (this.#unsynced < SYNC_BYTES) return;
      await this.#handle.datasync();
      this.#unsynced = 0;
    });
  }

  async #guard(step: () => Promise<void>): Promise<void> {
    try {
      await step();
    } catch (error) {
      throw new SnapshotError('unwritable', this.#path, error);
    }
  }
}
