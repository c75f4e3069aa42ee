/**
 * What the store takes of the disk and what is left there. Files come and go while the store works:
 * one that is gone by the time it is looked at counts as nothing. Used by metrics, the status line
 * and `tools db info`. Spec: docs/operating.md.
 */
import { readdir, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';

/** The sum of the sizes of all files in a folder and below it; 0 when there is no such folder. */
export async function folderBytes(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(files.map((file) => sizeOf(join(file.parentPath, file.name))));
  return sizes.reduce((sum, size) => sum + size, 0);
}

async function sizeOf(path: string): Promise<number> {
  const found = await stat(path).catch(() => undefined);
  return found?.size ?? 0;
}

/** Looks at the disk of one data folder. */
export class DiskUsage {
  readonly #dataDir: string;

  constructor(dataDir: string) {
    this.#dataDir = dataDir;
  }

  /** Bytes of the store's files. */
  async storeBytes(): Promise<number> {
    return await folderBytes(join(this.#dataDir, 'store'));
  }

  /** Bytes that this process may still write where the data folder is. */
  async freeBytes(): Promise<number> {
    const { bavail, bsize } = await statfs(this.#dataDir);
    return bavail * bsize;
  }
}
