/**
 * The data folder of an account: what lies where.
 * Spec: docs/spec/41-client-api.md, "Data folder".
 */
import { open, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Paths inside a data folder. */
export interface DataFolder {
  readonly path: string;
  /** The sealed secrets; an account exists exactly when this file does. */
  readonly keystore: string;
  /** The genesis document that the account trusts. */
  readonly genesis: string;
  /** Settings of this account. */
  readonly config: string;
  readonly store: string;
  /** Where the daemon listens, while it runs. */
  readonly daemon: string;
}

export function dataFolder(path: string): DataFolder {
  return {
    path,
    keystore: join(path, 'keystore.json'),
    genesis: join(path, 'genesis.json'),
    config: join(path, 'config.json'),
    store: join(path, 'store'),
    daemon: join(path, 'daemon.json'),
  };
}

/** Writes a file that appears whole or not at all, and is there after a power cut. */
export async function writeFileAtomically(path: string, text: string, mode: number): Promise<void> {
  const temporary = `${path}.tmp`;
  const handle = await open(temporary, 'w', mode);
  try {
    await handle.writeFile(text);
    await handle.chmod(mode);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, path);
  await syncFolder(dirname(path));
}

/** Makes renames in a folder durable. */
export async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
