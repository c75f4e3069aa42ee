import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { chmod, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createKeyFile, KeyFileError, openKeyFile } from './key-file.ts';

describe('a key file', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'keys-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('is written once, for its owner only, and read back', async () => {
    const path = join(folder, 'new', 'a.key');
    await createKeyFile(path, { secret: '00' });
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await openKeyFile(path)).toEqual({ secret: '00' });
    await expect(createKeyFile(path, {})).rejects.toThrow(
      `cannot create ${path}: the file exists already`,
    );
    expect(await openKeyFile(path)).toEqual({ secret: '00' });
  });

  it('is refused when others can read it', async () => {
    const path = join(folder, 'open.key');
    await createKeyFile(path, {});
    await chmod(path, 0o640);
    await expect(openKeyFile(path)).rejects.toThrow(
      `others can read the key file ${path}: run \`chmod 600 ${path}\``,
    );
  });

  it('is refused when it is missing, and nothing when it is no JSON', async () => {
    const path = join(folder, 'none.key');
    const missing = openKeyFile(path, '; see toy init');
    await expect(missing).rejects.toThrow('there is no such file; see toy init');
    await expect(missing).rejects.toBeInstanceOf(KeyFileError);
    await writeFile(path, '{', { mode: 0o600 });
    expect(await openKeyFile(path)).toBeUndefined();
  });
});
