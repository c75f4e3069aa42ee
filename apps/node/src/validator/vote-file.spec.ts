import { afterEach, describe, expect, it } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StoreError } from '@tanglemail/tangle/io/level/store-error.ts';
import { VoteError, VoteFile, type Vote } from './vote-file.ts';

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

async function folderOf(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'votes-'));
  folders.push(folder);
  return folder;
}

const NETWORK = '0'.repeat(16);

const vote = (view: bigint, digit: string, networkId = NETWORK): Vote => ({
  networkId,
  index: Number(view),
  view,
  digest: digit.repeat(64),
});

describe('vote file', () => {
  it('never lets two headers have one view, also after a restart', async () => {
    const folder = await folderOf();
    const votes = await VoteFile.open(folder, NETWORK);
    await votes.record(vote(5n, 'a'));
    await votes.record(vote(5n, 'a'));
    await expect(votes.record(vote(5n, 'b'))).rejects.toThrow(VoteError);
    const again = await VoteFile.open(folder, NETWORK);
    expect(again.last).toEqual(vote(5n, 'a'));
    await expect(again.record(vote(5n, 'b'))).rejects.toThrow(/view 5 was voted in already/);
    await expect(again.record(vote(4n, 'b'))).rejects.toThrow(VoteError);
    await again.record(vote(6n, 'b'));
    expect((await VoteFile.open(folder, NETWORK)).last?.view).toBe(6n);
  });

  it('refuses votes for another network', async () => {
    const votes = await VoteFile.open(await folderOf(), NETWORK);
    await votes.record(vote(1n, 'a'));
    await expect(votes.record(vote(2n, 'a', 'f'.repeat(16)))).rejects.toThrow(VoteError);
  });

  it('does not open in the folder of another network', async () => {
    const folder = await folderOf();
    await (await VoteFile.open(folder, NETWORK)).record(vote(1n, 'a'));
    await expect(VoteFile.open(folder, 'f'.repeat(16))).rejects.toThrow(/another network/);
  });

  it('says what the disk said, and forgets a vote that it could not write', async () => {
    const folder = await folderOf();
    const votes = await VoteFile.open(join(folder, 'gone'), NETWORK);
    await expect(votes.record(vote(1n, 'a'))).rejects.toThrow(StoreError);
    expect(votes.last).toBeUndefined();
  });

  it('does not sign without its memory', async () => {
    const folder = await folderOf();
    await writeFile(join(folder, 'votes.json'), '{"view":"1"');
    await expect(VoteFile.open(folder, NETWORK)).rejects.toThrow(/damaged/);
  });
});
