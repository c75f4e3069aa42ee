// The stored filters of milestones and their headers: whole after commits, pruning, late building.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Payload } from '../../core/codec/payload.ts';
import { nobleHasher as hasher } from '../../core/crypto/blake2b.ts';
import { nextFilterHeader, segmentStart } from '../../core/filter/filter-chain.ts';
import type { StoredFilter } from '../../core/filter/filter-range.ts';
import { buildFilter, encodeFilter, envelopeTags } from '../../core/filter/tag-filter.ts';
import { FILTER_SEGMENT } from '../../core/params/limits.ts';
import { FilterRepository } from './filter-repository.ts';
import type { KvStore } from './kv-store.ts';
import { openKvStore } from './kv-store.ts';
import { sampleGenesis } from './testing/sample-chain.ts';

const genesis = sampleGenesis(hasher);
let folder: string;
let store: KvStore;
let filters: FilterRepository;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'filters-'));
  store = await openKvStore(folder, { kind: 'node', networkId: genesis.networkId, schema: 2 });
  filters = new FilterRepository(store, genesis.id, hasher);
});
afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

/** Blocks of milestone `index`: as many envelopes as it says, each with a tag of its own. */
function blocksOf(index: number, count: number): { payload: Payload }[] {
  return Array.from({ length: count }, (_, at) => {
    const bytes = new Uint8Array(508);
    bytes.set(hasher.blake2b256(Uint8Array.of(index & 255, index >>> 8, at)).subarray(0, 16), 2);
    return { payload: { kind: 'envelope', bytes } };
  });
}

/** Every third milestone carries mail. */
const countAt = (index: number): number => (index % 3 === 0 ? (index % 5) + 1 : 0);

async function commit(index: number): Promise<void> {
  const batch = store.batch();
  await filters.putNext(batch, index, blocksOf(index, countAt(index)));
  await batch.write({ sync: false });
}

async function prune(index: number): Promise<void> {
  const batch = store.batch();
  await filters.prune(batch, index);
  await batch.write({ sync: false });
}

async function all(first: number, last: number): Promise<StoredFilter[]> {
  const found: StoredFilter[] = [];
  for await (const one of filters.range(first, last)) found.push(one);
  return found;
}

/** The header after `index`, computed from the rule alone. */
function expectedAfter(index: number): Uint8Array {
  const segment = Math.floor(index / FILTER_SEGMENT);
  let header = segmentStart(genesis.id, segment, hasher);
  for (let at = segment * FILTER_SEGMENT; at <= index; at++) {
    const filter = encodeFilter(buildFilter(envelopeTags(blocksOf(at, countAt(at)))));
    header = nextFilterHeader(header, at, filter, hasher);
  }
  return header;
}

describe('filters of a store from genesis on', () => {
  it('are those of the blocks, with the headers of the rule, over a segment’s end', async () => {
    await filters.begin(store, 0);
    const end = FILTER_SEGMENT + 20;
    for (let index = 0; index <= end; index++) await commit(index);
    expect(filters.span()).toEqual({ first: 0, next: end + 1 });
    const [one] = await all(9, 11);
    expect(one).toEqual({
      index: 9,
      bytes: encodeFilter(buildFilter(envelopeTags(blocksOf(9, countAt(9))))),
    });
    expect((await all(0, end)).length).toBeGreaterThan(1_000);
    const start = await filters.headerAfter(FILTER_SEGMENT);
    expect(start).toEqual(expectedAfter(FILTER_SEGMENT));
    expect(await filters.headerAfter(end)).toEqual(expectedAfter(end));
    expect(await filters.headerBefore(FILTER_SEGMENT)).toEqual(segmentStart(genesis.id, 1, hasher));
    expect(await filters.headerAfter(end + 1)).toBeUndefined();
  });

  it('keep their chain of headers while pruning goes on inside a segment', async () => {
    await filters.begin(store, 0);
    for (let index = 0; index <= 60; index++) await commit(index);
    const before = await Promise.all([30, 41, 42, 60].map((at) => filters.headerAfter(at)));
    for (let index = 1; index <= 41; index++) await prune(index);
    expect(filters.span()).toEqual({ first: 42, next: 61 });
    expect(await filters.headerAfter(30)).toBeUndefined();
    expect(await filters.headerBefore(41)).toBeUndefined();
    expect(await filters.headerBefore(42)).toEqual(before[1]);
    expect(await Promise.all([41, 42, 60].map((at) => filters.headerAfter(at)))).toEqual(
      before.slice(1),
    );
    expect((await all(0, 60)).map(({ index }) => index)).toEqual([0, 42, 45, 48, 51, 54, 57, 60]);
    await commit(61);
    await prune(42);
    expect(filters.span()).toEqual({ first: 43, next: 62 });
  });

  it('go on from the header alone when every filter of the segment is pruned', async () => {
    await filters.begin(store, 0);
    for (let index = 0; index <= 10; index++) await commit(index);
    const last = await filters.headerAfter(10);
    for (let index = 1; index <= 9; index++) await prune(index);
    expect((await all(1, 10)).length).toBe(0);
    expect(await filters.headerBefore(11)).toEqual(last);
    for (const index of [11, 12]) await commit(index);
    expect(await all(11, 12)).toHaveLength(1);
    const [{ bytes }] = (await all(12, 12)) as [StoredFilter];
    expect(await filters.headerAfter(12)).toEqual(nextFilterHeader(last!, 12, bytes, hasher));
  });
});

describe('filters of a store that had none', () => {
  it('wait for the first whole segment after a snapshot or pruning', async () => {
    for (const [pruned, first] of [
      [1, FILTER_SEGMENT],
      [FILTER_SEGMENT - 1, FILTER_SEGMENT],
      [FILTER_SEGMENT, 2 * FILTER_SEGMENT],
    ] as const) {
      await filters.begin(store, pruned);
      expect(filters.span()).toEqual({ first, next: first });
    }
    await commit(FILTER_SEGMENT + 3);
    expect(await all(0, 3 * FILTER_SEGMENT)).toEqual([]);
    expect(await filters.headerAfter(2 * FILTER_SEGMENT - 1)).toBeUndefined();
    expect(await filters.headerBefore(2 * FILTER_SEGMENT)).toEqual(
      segmentStart(genesis.id, 2, hasher),
    );
  });

  it('are built late, in any groups, to the same bytes', async () => {
    await filters.begin(store, 0);
    const milestones = Array.from({ length: 50 }, (_, index) => {
      return { index, blocks: blocksOf(index, countAt(index)) };
    });
    // What comes before the older ones are there is left to them.
    await commit(7);
    expect(filters.span()).toEqual({ first: 0, next: 0 });
    for (const [from, to] of [
      [0, 1],
      [1, 17],
      [20, 30],
      [17, 50],
    ] as const) {
      const batch = store.batch();
      await filters.putMany(batch, milestones.slice(from, to));
      await batch.write({ sync: true });
    }
    expect(filters.span()).toEqual({ first: 0, next: 50 });
    const late = { filters: await all(0, 49), header: await filters.headerAfter(49) };
    const other = new FilterRepository(store, genesis.id, hasher);
    const clear = store.batch();
    for await (const [key] of store.iterate({ gte: Uint8Array.of(1), lt: Uint8Array.of(255) })) {
      clear.del(key);
    }
    await clear.write({ sync: true });
    await other.begin(store, 0);
    for (let index = 0; index < 50; index++) await commit(index);
    expect({ filters: await all(0, 49), header: await other.headerAfter(49) }).toEqual(late);
  });

  it('begin anew where pruning overtakes the building', async () => {
    await filters.begin(store, 0);
    for (let index = 1; index <= 5; index++) await prune(index);
    expect(filters.span()).toEqual({ first: FILTER_SEGMENT, next: FILTER_SEGMENT });
    const batch = store.batch();
    await filters.putMany(batch, [{ index: 1, blocks: blocksOf(1, 1) }]);
    expect(batch.length).toBe(0);
  });

  it('leave no filter of milestones that another program pruned', async () => {
    await filters.begin(store, 0);
    for (let index = 0; index <= 9; index++) await commit(index);
    await filters.begin(store, 6);
    expect(filters.span()).toEqual({ first: FILTER_SEGMENT, next: FILTER_SEGMENT });
    expect(await all(0, 100)).toEqual([]);
  });
});
