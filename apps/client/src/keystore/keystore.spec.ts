/**
 * The keystore: round trip, wrong passphrase, damage, and that nothing secret stands in the file.
 */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AccountSecrets, createKeystore, openKeystore } from './keystore.ts';

const secrets: AccountSecrets = {
  accountRoot: '11'.repeat(32),
  accountIndex: 0,
  storeKey: '22'.repeat(32),
  createdAt: 1_800_000_000,
};

describe('keystore', () => {
  let folder = '';
  let path = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'keystore-'));
    path = join(folder, 'keystore.json');
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('gives back what was sealed, with the right passphrase', async () => {
    await createKeystore(path, secrets, 'correct horse');
    expect(await openKeystore(path, 'correct horse')).toEqual(secrets);
  });

  it('holds no secret in the clear and is readable by its owner only', async () => {
    await createKeystore(path, secrets, 'correct horse');
    const text = await readFile(path, 'utf8');
    expect(text).not.toContain(secrets.accountRoot);
    expect(text).not.toContain(secrets.storeKey);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it('passphrase-wrong', async () => {
    await createKeystore(path, secrets, 'correct horse');
    await expect(openKeystore(path, 'correct house')).rejects.toMatchObject({
      code: 'passphrase-wrong',
    });
  });

  it('treats composed and decomposed letters of a passphrase alike', async () => {
    await createKeystore(path, secrets, 'caf\u00e9');
    expect(await openKeystore(path, 'cafe\u0301')).toEqual(secrets);
  });

  it('missing', async () => {
    await expect(openKeystore(path, 'x')).rejects.toMatchObject({ code: 'missing' });
  });

  it('exists: never overwrites an account', async () => {
    await createKeystore(path, secrets, 'one');
    await expect(createKeystore(path, secrets, 'two')).rejects.toMatchObject({ code: 'exists' });
    expect(await openKeystore(path, 'one')).toEqual(secrets);
  });

  it('damaged: any other file, and a cost that would take all memory', async () => {
    await writeFile(path, '{"version":2}');
    await expect(openKeystore(path, 'x')).rejects.toMatchObject({ code: 'damaged' });
    await rm(path);
    await createKeystore(path, secrets, 'x');
    const text = await readFile(path, 'utf8');
    await writeFile(path, text.replace('"memoryKiB": 65536', '"memoryKiB": 99999999'));
    await expect(openKeystore(path, 'x')).rejects.toMatchObject({ code: 'damaged' });
    await writeFile(path, text.slice(0, 100));
    await expect(openKeystore(path, 'x')).rejects.toMatchObject({ code: 'damaged' });
  });
});
