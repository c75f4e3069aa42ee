import { afterEach, describe, expect, it } from '@jest/globals';
import { chmod, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
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
  it('comes back as it was, and only its owner can read it', async () => {
    const path = await pathOf();
    const pair = generateKeyPair();
    await writeKeyFile(path, pair);
    expect(await readKeyFile(path)).toEqual(pair);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it('is never overwritten', async () => {
    const path = await pathOf();
    await writeKeyFile(path, generateKeyPair());
    await expect(writeKeyFile(path, generateKeyPair())).rejects.toThrow(/exists already/);
  });

  it('is refused when others can read it', async () => {
    const path = await pathOf();
    await writeKeyFile(path, generateKeyPair());
    await chmod(path, 0o644);
    await expect(readKeyFile(path)).rejects.toThrow(/chmod 600/);
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
