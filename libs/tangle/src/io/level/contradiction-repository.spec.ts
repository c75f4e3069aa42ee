// Proof against single seats: what comes back, how much is kept, what damage says.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Proposal, Vote } from '../../core/codec/consensus.ts';
import type { BlockId, MilestoneId } from '../../core/codec/ids.ts';
import { MAX_MILESTONE_PARENTS } from '../../core/params/limits.ts';
import type { Evidence } from '../../core/consensus/round.ts';
import { BUCKETS, keyOf, prefixRange } from './buckets.ts';
import {
  MAX_CONTRADICTIONS,
  readContradictions,
  saveContradiction,
} from './contradiction-repository.ts';
import { openKvStore, type KvStore } from './kv-store.ts';

const OWNER = { kind: 'node', networkId: 7n, schema: 2 };
const filled = (byte: number, length = 32): Uint8Array => new Uint8Array(length).fill(byte);

let folder: string;
let store: KvStore;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'contradictions-'));
  store = await openKvStore(folder, OWNER);
});
afterEach(async () => {
  await store.close();
  await rm(folder, { recursive: true });
});

function votes(seat: number, view: bigint, epoch = 1): Evidence {
  const signature = filled(9, 64);
  const vote = (byte: number): Vote => {
    return { kind: 'notarize', epoch, view, digest: filled(byte), seat, signature };
  };
  return { kind: 'votes', seat, pair: [vote(1), vote(2)] };
}

function proposals(seat: number, view: bigint): Evidence {
  const parents = Array.from({ length: MAX_MILESTONE_PARENTS }, (_, at) => {
    return at.toString(16).padStart(64, '0') as BlockId;
  });
  const proposal = (timestampMs: number): Proposal => ({
    epoch: 1,
    view,
    signature: filled(8, 64),
    header: {
      version: 1,
      epoch: 1,
      index: 3,
      view,
      timestampMs,
      previousId: '99'.repeat(32) as MilestoneId,
      parentsRoot: filled(1),
      inclusionRoot: filled(2),
      appliedRoot: filled(3),
      stateRoot: filled(4),
      committeeRoot: filled(5),
      optionsRoot: filled(6),
    },
    body: { parents, options: { powLoadBits: 2 } },
  });
  return { kind: 'proposals', seat, pair: [proposal(1_000), proposal(1_001)] };
}

describe('contradictions', () => {
  it('come back in the order of epoch and view, also from the disk', async () => {
    const late = votes(2, 0x1_0000_0000n);
    const kept = [votes(31, 5n, 0), proposals(0, 7n), votes(0, 7n), late, votes(2, 1n, 2)];
    for (const one of kept.toReversed()) expect(await saveContradiction(store, one)).toBe(true);
    expect(await readContradictions(store)).toEqual(kept);
    await store.close();
    store = await openKvStore(folder, OWNER);
    expect(await readContradictions(store)).toEqual(kept);
  });

  it('are kept once, however often they are told', async () => {
    await saveContradiction(store, votes(1, 4n));
    await saveContradiction(store, votes(1, 4n));
    expect(await readContradictions(store)).toEqual([votes(1, 4n)]);
  });

  it('fill no disk: so many are kept of a seat and epoch, and of the others still', async () => {
    const views = Array.from({ length: MAX_CONTRADICTIONS }, (_, at) => BigInt(at + 1));
    for (const view of views) expect(await saveContradiction(store, votes(3, view))).toBe(true);
    expect(await saveContradiction(store, votes(3, 99n))).toBe(false);
    expect(await readContradictions(store)).toHaveLength(MAX_CONTRADICTIONS);
    expect(await saveContradiction(store, votes(4, 99n))).toBe(true);
    expect(await saveContradiction(store, votes(3, 99n, 2))).toBe(true);
    expect(await readContradictions(store)).toHaveLength(MAX_CONTRADICTIONS + 2);
  });

  it('are damaged when they do not decode to the last byte', async () => {
    await saveContradiction(store, votes(1, 4n));
    const range = prefixRange(Uint8Array.of(BUCKETS.contradictions.number));
    const [entry] = await Array.fromAsync(store.iterate(range));
    if (entry === undefined) throw new Error('one was kept');
    const [key, value] = entry;
    expect(Buffer.from(key).toString('hex')).toBe('150000000100000000000000040102');
    for (const damaged of [value.subarray(0, -1), new Uint8Array([...value, 0])]) {
      await store.batch().put(key, damaged).write({ sync: true });
      await expect(readContradictions(store)).rejects.toMatchObject({ code: 'corrupt' });
    }
    expect(keyOf('contradictions', 1)).toEqual(key.subarray(0, 5));
  });
});
