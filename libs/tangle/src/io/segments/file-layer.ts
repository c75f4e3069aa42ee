/**
 * The few calls on files that segments need, over node:fs. They stand behind an interface so that a
 * test can cut the power at any of them. Path: segment-files.ts → here.
 * Spec: docs/spec/10-storage.md.
 */
import { closeSync, fdatasync, ftruncate, openSync, read, readSync, write } from 'node:fs';
import { mkdir, readdir, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { syncFolder } from '../write-file.ts';

const writeAsync = promisify(write);
const readAsync = promisify(read);
const syncAsync = promisify(fdatasync);
const truncateAsync = promisify(ftruncate);

/** An open file. Positions and sizes in bytes. Fails with the operating system's errors. */
export interface RandomFile {
  /** Writes all of `bytes` at `position`, growing the file where needed. */
  write(bytes: Uint8Array, position: number): Promise<void>;
  /** Fills `into` from `position` on; the number of bytes that the file had. Blocks the thread. */
  readSync(into: Uint8Array, position: number): number;
  /** The same without blocking. */
  read(into: Uint8Array, position: number): Promise<number>;
  /** Resolves when the disk has everything that was written. */
  sync(): Promise<void>;
  truncate(size: number): Promise<void>;
  /** Not while a call is under way. */
  close(): void;
}

/** A folder of such files. */
export interface FileLayer {
  /** Makes the folder with its parents; only its owner can look into it. */
  makeFolder(folder: string): Promise<void>;
  /** Names and sizes of the files in a folder. */
  list(folder: string): Promise<{ readonly name: string; readonly size: number }[]>;
  /** Opens for reading and writing; `create` makes the file, which must not be there. */
  open(path: string, create: boolean): RandomFile;
  remove(path: string): Promise<void>;
  /** Resolves when the disk has the names of the files in the folder. */
  syncFolder(folder: string): Promise<void>;
}

class NodeFile implements RandomFile {
  readonly #fd: number;

  constructor(fd: number) {
    this.#fd = fd;
  }

  async write(bytes: Uint8Array, position: number): Promise<void> {
    let done = 0;
    while (done < bytes.length) {
      const part = await writeAsync(this.#fd, bytes, done, bytes.length - done, position + done);
      // A full disk takes a part first, and refuses the rest with its own error.
      done += part.bytesWritten;
    }
  }

  readSync(into: Uint8Array, position: number): number {
    let done = 0;
    while (done < into.length) {
      const count = readSync(this.#fd, into, done, into.length - done, position + done);
      if (count === 0) return done;
      done += count;
    }
    return done;
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    let done = 0;
    while (done < into.length) {
      const part = await readAsync(this.#fd, into, done, into.length - done, position + done);
      if (part.bytesRead === 0) return done;
      done += part.bytesRead;
    }
    return done;
  }

  async sync(): Promise<void> {
    await syncAsync(this.#fd);
  }

  async truncate(size: number): Promise<void> {
    await truncateAsync(this.#fd, size);
  }

  close(): void {
    closeSync(this.#fd);
  }
}

/** The files of this machine. */
export const NODE_FILES: FileLayer = {
  makeFolder: async (folder) => {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  },
  list: async (folder) => {
    const names = await readdir(folder);
    return await Promise.all(
      names.map(async (name) => ({ name, size: (await stat(join(folder, name))).size })),
    );
  },
  open: (path, create) => new NodeFile(openSync(path, create ? 'wx+' : 'r+', 0o600)),
  remove: (path) => unlink(path),
  syncFolder,
};
