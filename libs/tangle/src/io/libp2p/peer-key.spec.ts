/** The peer key file: made once, private, the same for all who start at once. */
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { loadPeerKey, peerKeyFromSeed, peerKeyText } from './peer-key.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tangle-peer-key-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

describe('peer key', () => {
  it('is made once, with mode 0600, and read again', async () => {
    const path = join(folder, 'deep', 'peer.key');
    const made = await loadPeerKey(path);
    const read = await loadPeerKey(path);
    expect(peerKeyText(read)).toBe(peerKeyText(made));
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readdir(join(folder, 'deep'))).toEqual(['peer.key']);
  });

  it('is one key when many start at once', async () => {
    const path = join(folder, 'race.key');
    const keys = await Promise.all(Array.from({ length: 8 }, async () => await loadPeerKey(path)));
    expect(new Set(keys.map(peerKeyText)).size).toBe(1);
  });

  it('malformed', async () => {
    const path = join(folder, 'malformed.key');
    await writeFile(path, 'no key');
    await expect(loadPeerKey(path)).rejects.toMatchObject({ code: 'malformed', path });
    expect(await readFile(path, 'utf8')).toBe('no key');
  });

  it('unreadable', async () => {
    await expect(loadPeerKey(folder)).rejects.toMatchObject({ code: 'unreadable' });
  });

  it('unwritable', async () => {
    const path = join(folder, 'file');
    await writeFile(path, '');
    await expect(loadPeerKey(join(path, 'below'))).rejects.toMatchObject({ name: 'PeerKeyError' });
  });

  it('comes from a seed for private networks', async () => {
    const seed = new Uint8Array(32).fill(7);
    const keys = await Promise.all([peerKeyFromSeed(seed), peerKeyFromSeed(seed)]);
    expect(peerKeyText(keys[0])).toBe(peerKeyText(keys[1]));
  });
});
