import { afterEach, describe, expect, it } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateKeyPair, keyPairOf, readKeyFile, writeKeyFile } from './key-file.ts';

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

async function pathOf(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'keys-'));
  folders.push(folder);
  return join(folder, 'a.key');
}

describe('key file', () => {
  it('comes back as it was', async () => {
    const path = await pathOf();
    const pair = generateKeyPair();
    await writeKeyFile(path, pair);
    expect(await readKeyFile(path)).toEqual(pair);
  });

  it('is refused when it is missing, no JSON, or names another public key', async () => {
    const path = await pathOf();
    await expect(readKeyFile(path)).rejects.toThrow(/there is no such file/);
    await writeFile(path, '{', { mode: 0o600 });
    await expect(readKeyFile(path)).rejects.toThrow(/no key file/);
    const pair = keyPairOf(new Uint8Array(32).fill(1));
    const other = keyPairOf(new Uint8Array(32).fill(2));
    await rm(path);
    await writeKeyFile(path, { ...pair, publicKey: other.publicKey });
    await expect(readKeyFile(path)).rejects.toThrow(/no key file/);
  });
});
