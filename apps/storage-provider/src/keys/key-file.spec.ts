import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { apiSecretOf, generateKeys, readKeyFile, writeKeyFile } from './key-file.ts';

describe('the key file', () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'provider-keys-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('is read back as it was written', async () => {
    const path = join(folder, 'key.json');
    const keys = generateKeys();
    await writeKeyFile(path, keys);
    expect(await readKeyFile(path)).toEqual(keys);
    expect(apiSecretOf(keys)).not.toEqual(apiSecretOf(generateKeys()));
  });

  it('is refused when it is missing, and when it is none', async () => {
    await expect(readKeyFile(join(folder, 'none'))).rejects.toThrow(
      'there is no such file; see tangle-provider init',
    );
    const path = join(folder, 'other.json');
    for (const text of ['{}', 'no JSON']) {
      await writeFile(path, text, { mode: 0o600 });
      await expect(readKeyFile(path)).rejects.toThrow('no key file of tangle-provider');
    }
  });
});
