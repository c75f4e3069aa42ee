/**
 * What a folder takes on the disk. Path: the node's store → here. Spec: docs/spec/10-storage.md.
 */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { toStoreError } from './store-error.ts';

/** Sum of the sizes of all files below `path`, in bytes. Files that vanish meanwhile count 0. */
export async function folderSize(path: string): Promise<number> {
  try {
    const entries = await readdir(path, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile());
    const sizes = await Promise.all(files.map((file) => sizeOf(join(file.parentPath, file.name))));
    return sizes.reduce((sum, size) => sum + size, 0);
  } catch (error) {
    throw toStoreError(error);
  }
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw error;
  }
}
