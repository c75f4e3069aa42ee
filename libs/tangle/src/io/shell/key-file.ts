/**
 * JSON files that hold secret keys: made once, never overwritten, readable by their owner only.
 * What stands in them is the program's matter. Path: keys/key-file.ts of a program → here.
 */
import { chmod, mkdir, open, readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errorCode } from '../error-code.ts';
import { jsonOf } from '../json-text.ts';

/** A key file that cannot be used; `message` is for the operator and names no secret. */
export class KeyFileError extends Error {
  override readonly name = 'KeyFileError';
}

/** Writes a new file with mode 0600, synced. Refuses to overwrite. Throws KeyFileError. */
export async function createKeyFile(path: string, document: object): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const file = await open(path, 'wx', 0o600).catch((error: unknown) => {
    throw new KeyFileError(`cannot create ${path}: ${reasonOf(error)}`, { cause: error });
  });
  try {
    await file.writeFile(`${JSON.stringify(document, undefined, 2)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await chmod(path, 0o600);
}

/**
 * The content of a file of `createKeyFile`; undefined when it is not JSON. Refuses a file that
 * others can read. `hint` ends the message about a file that cannot be read. Throws KeyFileError.
 */
export async function openKeyFile(path: string, hint = ''): Promise<unknown> {
  let text: string;
  let mode: number;
  try {
    ({ mode } = await stat(path));
    text = await readFile(path, 'utf8');
  } catch (error) {
    const message = `cannot read the key file ${path}: ${reasonOf(error)}${hint}`;
    throw new KeyFileError(message, { cause: error });
  }
  if ((mode & 0o077) !== 0) {
    throw new KeyFileError(`others can read the key file ${path}: run \`chmod 600 ${path}\``);
  }
  return jsonOf(text);
}

function reasonOf(error: unknown): string {
  const code = errorCode(error);
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EEXIST') return 'the file exists already';
  if (code === 'EACCES') return 'permission denied';
  return code ?? 'unknown error';
}
