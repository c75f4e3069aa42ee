// What a start says of segments that a crash cannot have left like this: a damaged disk is told,
// never repaired in silence. Power cuts are in power-cut.spec.ts. Spec: docs/spec/10-storage.md.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nobleHasher as hasher } from '../../core/crypto/blake2b.ts';
import { segmentName } from '../segments/segment-handles.ts';
import { BlockRepository } from './block-repository.ts';
import { readTail } from './block-index.ts';
import type { KvStore } from './kv-store.ts';
import { openKvStore } from './kv-store.ts';
import { commitGenesis, commitMilestone } from './milestone-batch.ts';
import { sampleChain, sampleGenesis } from './testing/sample-chain.ts';

const LENGTH = 4;
const genesis = sampleGenesis(hasher);
const OWNER = { kind: 'node', networkId: genesis.networkId, schema: 1 };
/** Some milestones to a segment. */
const options = { segmentBytes: 3_000 };

let folder: string;
let store: KvStore;
const path = (name = ''): string => join(folder, 'blocks', name);
const open = (): Promise<BlockRepository> => BlockRepository.open(store, path(), hasher, options);

/** A store with some milestones, and the blocks of one more that wait. */
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'recovery-'));
  store = await openKvStore(folder, OWNER);
  await commitGenesis(store, genesis, hasher);
  const blocks = await open();
  for (const one of sampleChain(hasher)) {
    await blocks.save(one.blocks);
    if (one.commit.header.index > LENGTH) break;
    await commitMilestone({ store, blocks }, one.commit, hasher);
  }
  await blocks.close();
});
afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

async function opened<T>(use: (blocks: BlockRepository) => T): Promise<Awaited<T>> {
  const blocks = await open();
  try {
    return await use(blocks);
  } finally {
    await blocks.close();
  }
}

const names = (): string[] => readdirSync(path()).toSorted();
const lastName = (): string => names().at(-1) ?? '';

describe('a start', () => {
  it('finds the blocks without a milestone again', async () => {
    const blocks = await open();
    expect([...blocks.unreferenced()]).toHaveLength(3);
    await blocks.close();
  });

  it('cuts a torn tail off, and goes on behind it', async () => {
    const bytes = readFileSync(path(lastName()));
    writeFileSync(path(lastName()), bytes.subarray(0, bytes.length - 1));
    const blocks = await open();
    expect([...blocks.unreferenced()]).toHaveLength(2);
    await blocks.close();
  });

  it('passes over what follows the last record: zeroes, garbage, a wrong sum', async () => {
    const bytes = readFileSync(path(lastName()));
    const wrong = Buffer.from('040000000000000001020304', 'hex');
    for (const tail of [Buffer.alloc(5_000), Buffer.from('not a record at all'), wrong]) {
      writeFileSync(path(lastName()), Buffer.concat([bytes, tail]));
      const blocks = await open();
      expect([...blocks.unreferenced()]).toHaveLength(3);
      await blocks.close();
      expect(readFileSync(path(lastName()))).toEqual(bytes);
    }
  });

  it('removes files that nothing uses', async () => {
    const blocks = await open();
    blocks.forget([...blocks.unreferenced()].map(({ id }) => id));
    await blocks.close();
    writeFileSync(path('00000000.blocks'), '');
    await (await open()).close();
    expect(names()).not.toContain('00000000.blocks');
  });

  it('corrupt: a block whose bytes changed is never read as another, nor its parents', async () => {
    const [first] = sampleChain(hasher);
    const [id, other] = first?.commit.result.included ?? [];
    if (!id || !other) throw new Error('a milestone has blocks');
    const bytes = readFileSync(path('00000001.blocks'));
    // Behind the head of its record, version, network and count: in its first parent.
    const { location } = (await opened((blocks) => blocks.entry(id))) ?? {};
    const at = (location?.offset ?? 0) + 8 + 10 + 5;
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    writeFileSync(path('00000001.blocks'), bytes);
    await opened(async (blocks) => {
      expect(() => blocks.bytes(id)).toThrow(expect.objectContaining({ code: 'corrupt' }));
      await expect(blocks.bytesOf([id])).rejects.toMatchObject({ code: 'corrupt' });
      await expect(blocks.heads([id])).rejects.toMatchObject({ code: 'corrupt' });
      const whole = first?.blocks.find((one) => one.id === other);
      expect(blocks.bytes(other)).toEqual(Buffer.from(whole?.bytes ?? []));
      expect((await blocks.heads([other])).get(other)?.parents).toEqual(whole?.block.parents);
    });
  });

  it('corrupt: a segment with referenced blocks is missing', async () => {
    rmSync(path('00000001.blocks'));
    await expect(open()).rejects.toMatchObject({ name: 'StoreError', code: 'corrupt' });
  });

  it('corrupt: a segment with referenced blocks is shorter', async () => {
    truncateSync(path('00000001.blocks'), 100);
    await expect(open()).rejects.toMatchObject({ code: 'corrupt' });
  });

  it('corrupt: the segment that was synced last is shorter', async () => {
    const { synced } = readTail(store);
    truncateSync(path(segmentName(synced.segment)), synced.offset - 1);
    await expect(open()).rejects.toMatchObject({ code: 'corrupt' });
  });
});
