import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { chmod, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { apiSecretOf, generateKeys, KeyFileError, readKeyFile, writeKeyFile } from './key-file.ts';

describe('the key file', () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'provider-keys-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('is written once, for its owner only, and read back', async () => {
    const path = join(folder, 'new', 'key.json');
    const keys = generateKeys();
    await writeKeyFile(path, keys);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readKeyFile(path)).toEqual(keys);
    await expect(writeKeyFile(path, keys)).rejects.toThrow('the file exists already');
    expect(apiSecretOf(keys)).not.toEqual(apiSecretOf(generateKeys()));
  });

  it('is refused when others can read it, when it is missing, and when it is none', async () => {
    const path = join(folder, 'open.json');
    await writeFile(path, '{}', { mode: 0o600 });
    await expect(readKeyFile(path)).rejects.toThrow('no key file of tangle-provider');
    await writeFile(path, 'no JSON');
    await expect(readKeyFile(path)).rejects.toBeInstanceOf(KeyFileError);
    await chmod(path, 0o644);
    await expect(readKeyFile(path)).rejects.toThrow('others can read the key file');
    await expect(readKeyFile(join(folder, 'none'))).rejects.toThrow('there is no such file');
  });
});
