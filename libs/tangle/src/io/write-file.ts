/**
 * Small files that must never be half there: votes, keys, peers, access tokens. Used by the shells
 * of node and client and by the network; block bodies and snapshots have writers of their own.
 */
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Writes a file that appears whole or not at all, and is there after a power cut: temporary name in
 * the same folder, sync, rename, sync of the folder. The temporary file is always new, so it has
 * `mode` from its first byte on, whoever made one of that name before. Rejects as `node:fs` does.
 */
export async function writeFileAtomically(
  path: string,
  content: string | Uint8Array,
  mode: number,
): Promise<void> {
  const temporary = `${path}.tmp`;
  await rm(temporary, { force: true });
  const handle = await open(temporary, 'wx', mode);
  try {
    await handle.chmod(mode);
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, path);
  await syncFolder(dirname(path));
}

/** Makes creations, renames and removals in a folder durable. Rejects as `node:fs` does. */
export async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
