/**
 * What the keeper of snapshots does when its disk, its files or its moment are not as it wants:
 * over a small chain, without a node around it. Spec: docs/spec/12-snapshot.md §6.
 */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { encodeFile, SnapshotFixture } from '@tanglemail/tangle/core/testing/snapshot-fixture.ts';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import { verifySnapshot } from '@tanglemail/tangle/io/snapshot/read-snapshot.ts';
import { until } from '@tanglemail/tangle/io/testing/until.ts';
import { SnapshotKeeper, type KeeperDeps, type KeeperOptions } from './snapshot-keeper.ts';

const fixture = new SnapshotFixture();
fixture.advance(8);
const { start, genesis } = fixture.chain;

let folder: string;
/** Where the store stands, how often it was looked at, and how many views are open. */
let index: number;
let views: number;
let open: number;
/** Waited for before the first output is given. */
let gate: Promise<void>;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'keeper-'));
  [index, views, open, gate] = [3, 0, 0, Promise.resolve()];
});
afterEach(() => rm(folder, { recursive: true }));

const store: KeeperDeps['store'] = {
  prunedIndex: 0,
  view: () => {
    const { id, header } = fixture.headers[index]!;
    const unspent = fixture.ledgers[index]!;
    views++;
    open++;
    return Promise.resolve({
      state: { index, id, timestampMs: header.timestampMs, unspentCount: unspent.length },
      milestoneBytes: (one: number) => fixture.milestones[one]!.bytes,
      cone: (one: number) => fixture.milestones[one]!.cone,
      elections: async () => await Promise.resolve([]),
      async *unspent() {
        await gate;
        yield* unspent;
      },
      close: () => {
        open--;
        return Promise.resolve();
      },
    });
  },
};

async function keeperOf(options: Partial<KeeperOptions> = {}): Promise<SnapshotKeeper> {
  const keeper = new SnapshotKeeper(
    {
      enabled: true,
      directory: folder,
      intervalMilestones: 500,
      deltaInterval: 50,
      keep: 1,
      ...options,
    },
    {
      store,
      genesis: start,
      params: genesis.params,
      hasher: nobleHasher,
      logger: SILENT_LOGGER,
      onWritten: () => undefined,
    },
  );
  await keeper.open();
  return keeper;
}

const path = (name: string): string => join(folder, name);
const FULL = 'full-0000000003.snapshot';

describe('a snapshot keeper', () => {
  it('gives up a base that is damaged, and writes a full one where a delta was due', async () => {
    const keeper = await keeperOf();
    const full = await keeper.makeNow('full');
    const bytes = await readFile(full.path);
    bytes[bytes.length - 100]! ^= 1;
    await writeFile(full.path, bytes);
    index = 5;
    await expect(keeper.makeNow('delta')).rejects.toMatchObject({ code: 'snapshot-checksum' });
    expect(keeper.files()).toEqual([]);
    const next = await keeper.makeNow('full');
    index = 8;
    const delta = await keeper.makeNow('delta');
    expect(keeper.files()).toEqual([next, delta]);
    const base = await verifySnapshot(next.path, fixture.trust);
    expect((await verifySnapshot(delta.path, fixture.trust, { base })).index).toBe(8);
    expect(open).toBe(0);
  });

  it('unwritable: a full disk leaves nothing, and nothing for the next one to clear', async () => {
    const keeper = await keeperOf();
    await symlink('/dev/full', path(`${FULL}.part`));
    await expect(keeper.makeNow('full')).rejects.toMatchObject({ code: 'unwritable' });
    expect([await readdir(folder), keeper.files(), keeper.isWriting]).toEqual([[], [], false]);
    expect(await keeper.makeNow('full')).toMatchObject({ path: path(FULL) });
    expect(open).toBe(0);
  });

  it('does not try a full disk at every milestone', async () => {
    const keeper = await keeperOf();
    const attempt = async (confirmed: number): Promise<number> => {
      await symlink('/dev/full', path(`${FULL}.part`));
      keeper.onConfirmed(confirmed);
      await until(() => !keeper.isWriting);
      await rm(path(`${FULL}.part`), { force: true });
      return views;
    };
    expect(await attempt(500)).toBe(1);
    expect(await attempt(501)).toBe(1);
    expect(await attempt(599)).toBe(1);
    expect(await attempt(600)).toBe(2);
  });

  it.each(['full', 'delta'] as const)('stopped: a %s one is given up at once', async (kind) => {
    const keeper = await keeperOf();
    const before = kind === 'full' ? [] : [await keeper.makeNow('full')];
    let release: () => void = () => undefined;
    gate = new Promise((resolve) => {
      release = resolve;
    });
    index = 8;
    const writing = keeper.makeNow(kind).catch((error: unknown) => error);
    // By turns, not by time: a delta is written within a few milliseconds.
    for (let turn = 0; views === before.length && turn < 100_000; turn += 1) {
      await new Promise(setImmediate);
    }
    const stopping = keeper.stop();
    release();
    await stopping;
    expect(await writing).toMatchObject({ name: 'SnapshotError', code: 'stopped' });
    expect((await readdir(folder)).map(path)).toEqual(before.map((file) => file.path));
    expect(keeper.files()).toEqual(before);
    await expect(keeper.makeNow(kind)).rejects.toMatchObject({ code: 'stopped' });
    expect(open).toBe(0);
  });

  it('keeps what it was asked for when the folder is ahead of the store', async () => {
    await writeFile(path('full-0000000008.snapshot'), encodeFile(fixture.file(8)));
    const keeper = await keeperOf();
    const file = await keeper.makeNow('full');
    expect(existsSync(file.path)).toBe(true);
    expect(keeper.files().map(({ targetIndex }) => targetIndex)).toEqual([3, 8]);
  });

  it('takes only its own files for its own', async () => {
    const strangers = ['movie.part', 'full-3.snapshot.part', 'full-0000000009.snapshot'];
    const other = new SnapshotFixture(1);
    other.advance(3);
    await writeFile(path(FULL), encodeFile(fixture.file(3)));
    await writeFile(path('full-0000000001.snapshot.part'), 'half');
    for (const name of strangers) await writeFile(path(name), encodeFile(other.file(3)));
    expect((await keeperOf()).files()).toMatchObject([{ targetIndex: 3, path: path(FULL) }]);
    expect((await readdir(folder)).toSorted()).toEqual([FULL, ...strangers].toSorted());
  });
});
