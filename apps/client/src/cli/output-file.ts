/**
 * Files that a command writes for the user: what is there already stays as it is. Used by the
 * commands with a file to write.
 */
import { lstat, writeFile } from 'node:fs/promises';
import { ClientError } from '../client-error.ts';

/** Throws ClientError `file-unusable` when something has this name already. */
export async function requireNew(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found !== undefined) throw taken(path);
}

/** Writes a new file. Throws ClientError `file-unusable`. */
export async function writeOutputFile(path: string, content: string | Uint8Array): Promise<void> {
  try {
    await writeFile(path, content, { flag: 'wx' });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') throw taken(path);
    throw new ClientError('file-unusable', `${path} cannot be written`, { cause });
  }
}

function taken(path: string): ClientError {
  return new ClientError('file-unusable', `${path} is there already and is not overwritten`);
}
