/** What a node proves, finds and tells, against a real node and against small parts of one. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { idToBytes, outputIdOf, type BlockId } from '@tanglemail/tangle/core/codec/ids.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import {
  auditPath,
  decodeAuditPath,
  merkleRoot,
  verifyAuditPath,
} from '@tanglemail/tangle/core/crypto/merkle.ts';
import {
  pay,
  RICH_AMOUNT,
  RICH_KEY,
  testKey,
  TestNetwork,
  until,
} from '../testing/test-network.ts';
import { BlockRates } from './block-rates.ts';
import { NodeQuery, type NodeQueryDeps } from './node-query.ts';
import { appliedPathAt, inclusionPathAt, ProofTrees } from './proof-trees.ts';
import { BusyError, WorkGate } from './work-gate.ts';

const network = new TestNetwork();
afterEach(() => network.closeAll());

const idOf = (n: number): BlockId => `${n}`.padStart(64, '0') as BlockId;
const coneOf = (size: number, from = 0) => Array.from({ length: size }, (_, n) => idOf(from + n));

/** A source whose blocks are applied when their number is a multiple of three. */
function source(sizes: Readonly<Record<number, number>>) {
  let reads = 0;
  return {
    reads: () => reads,
    cone: (index: number) => {
      reads += 1;
      return sizes[index] === undefined ? undefined : coneOf(sizes[index], index * 10_000);
    },
    statesOf: async (ids: readonly BlockId[]) => {
      await new Promise(setImmediate);
      const states = ids.map((id, at) => {
        const state = at % 3 === 0 ? ('applied' as const) : ('no-transaction' as const);
        return [id, { state }] as const;
      });
      return new Map(states);
    },
  };
}

describe('kept trees of proofs', () => {
  it.each([1, 2, 3, 7, 64, 100])('give the paths of a cone of %i blocks', async (size) => {
    const trees = await new ProofTrees(source({ 1: size }), nobleHasher).of(1);
    if (trees === undefined) throw new Error('the cone is there');
    const leaves = coneOf(size, 10_000).map((id) => idToBytes(id));
    const applied = leaves.filter((_, at) => at % 3 === 0);
    const root = merkleRoot(leaves, nobleHasher);
    for (const [at, leaf] of leaves.entries()) {
      const path = decodeAuditPath(inclusionPathAt(trees, at));
      expect(path.ok && verifyAuditPath(leaf, path.value, root, nobleHasher)).toBe(true);
      expect(path).toEqual({ ok: true, value: auditPath(leaves, at, nobleHasher) });
      const inApplied = appliedPathAt(trees, at);
      const applies = inApplied === undefined ? undefined : decodeAuditPath(inApplied);
      const expected = at % 3 === 0 ? auditPath(applied, at / 3, nobleHasher) : undefined;
      expect(applies).toEqual(expected && { ok: true, value: expected });
    }
  });

  it('are built once however many ask, and leave when the bytes are up', async () => {
    const cones = source({ 1: 100, 2: 100, 3: 100 });
    const trees = new ProofTrees(cones, nobleHasher, { maxBytes: 25_000 });
    await Promise.all(Array.from({ length: 50 }, () => trees.of(1)));
    expect(trees.built).toBe(1);
    await trees.of(2);
    await trees.of(1);
    expect([trees.built, trees.sizeBytes <= 25_000]).toEqual([2, true]);
    await trees.of(3);
    await trees.of(1);
    expect(trees.built).toBe(3);
    await trees.of(2);
    expect([trees.built, trees.sizeBytes <= 25_000]).toEqual([4, true]);
    expect(await trees.of(9)).toBeUndefined();
  });

  it('are built by few at a time, and the rest is told to come again', async () => {
    const cones = source(Object.fromEntries(Array.from({ length: 9 }, (_, n) => [n, 4])));
    const trees = new ProofTrees(cones, nobleHasher, { maxBuilding: 1, maxWaiting: 2 });
    const asked = await Promise.allSettled(Array.from({ length: 9 }, (_, n) => trees.of(n)));
    const refused = asked.filter((one) => one.status === 'rejected');
    expect(refused).toHaveLength(6);
    expect(refused.every(({ reason }) => reason instanceof BusyError)).toBe(true);
    expect(await trees.of(8)).toBeDefined();
  });
});

describe('work gate', () => {
  it('lets in so many, keeps so many waiting in order, and hands places over', async () => {
    const gate = new WorkGate({ maxActive: 1, maxWaiting: 2 });
    const first = await gate.enter();
    const order: number[] = [];
    const waiting = [1, 2].map(async (n) => {
      const release = await gate.enter();
      order.push(n);
      release?.();
    });
    expect(await gate.enter()).toBeUndefined();
    expect([gate.active, gate.waiting]).toEqual([1, 2]);
    first?.();
    first?.();
    await Promise.all(waiting);
    expect([order, gate.active, gate.waiting]).toEqual([[1, 2], 0, 0]);
  });

  it('lets others pass whose source waits for places of its own', async () => {
    const gate = new WorkGate({
      maxActive: 4,
      maxWaiting: 8,
      maxActivePerSource: 2,
      maxWaitingPerSource: 2,
    });
    const stuck = [await gate.enter('a'), await gate.enter('a')];
    const order: string[] = [];
    const enter = async (from: string): Promise<void> => {
      const release = await gate.enter(from);
      order.push(release === undefined ? `no ${from}` : from);
      release?.();
    };
    const waiting = [enter('a'), enter('a'), enter('a')];
    await Promise.all([enter('b'), enter('c'), enter('d')]);
    expect(order).toEqual(['no a', 'b', 'c', 'd']);
    expect([gate.active, gate.waiting]).toEqual([2, 2]);
    for (const release of stuck) release?.();
    await Promise.all(waiting);
    expect(order.slice(4)).toEqual(['a', 'a']);
    expect([gate.active, gate.waiting]).toEqual([0, 0]);
  });

  it.each([1, 2, 3, 4])(
    'never gives away more than it has, nor more to one (seed %i)',
    async (n) => {
      const gate = new WorkGate({ maxActive: 5, maxWaiting: 1_000, maxActivePerSource: 2 });
      const held = new Map<string, number>();
      let random = n;
      const visits = Array.from({ length: 300 }, async () => {
        random = (random * 48_271) % 2_147_483_647;
        const from = `${random % 7}`;
        const release = await gate.enter(from);
        held.set(from, (held.get(from) ?? 0) + 1);
        expect(held.get(from)).toBeLessThanOrEqual(2);
        expect(gate.active).toBeLessThanOrEqual(5);
        for (let turns = random % 5; turns >= 0; turns--) await Promise.resolve();
        held.set(from, (held.get(from) ?? 0) - 1);
        release?.();
      });
      await Promise.all(visits);
      expect([gate.active, gate.waiting]).toEqual([0, 0]);
    },
  );
});

describe('blocks of a milestone', () => {
  it('come page by page, and a page looks at so many, however few are of the kind', () => {
    const ids = coneOf(9_000);
    const last = ids.at(-1);
    const store = {
      prunedIndex: 0,
      milestones: { cone: () => ids },
      blocks: { bytes: () => Uint8Array.of(1) },
      payloadKind: (id: BlockId) => (id === last ? 'envelope' : 'tagged-data'),
    };
    const query = new NodeQuery({ store } as unknown as NodeQueryDeps);
    const pages = [];
    for (let skip: number | undefined = 0; skip !== undefined;) {
      const page = query.milestoneBlocks(1, 'envelope', skip);
      pages.push([page?.blocks.map(({ blockId }) => blockId), page?.next]);
      skip = page?.next;
    }
    expect(pages).toEqual([
      [[], 4_096],
      [[], 8_192],
      [[last], undefined],
    ]);
    expect(query.milestoneBlocks(1, undefined, 9_000)).toEqual({ index: 1, blocks: [] });
  });
});

describe('block rates', () => {
  it('look back half a minute', () => {
    let nowMs = 0;
    const rates = new BlockRates(() => nowMs);
    nowMs = 10_000;
    rates.add(100, 50);
    expect(rates.rates()).toEqual({
      blocksPerSecond: 10,
      referencedBlocksPerSecond: 5,
      referencedRate: 50,
    });
    nowMs = 39_000;
    rates.add(0, 100);
    expect(rates.rates()).toMatchObject({ blocksPerSecond: 3.33, referencedRate: 150 });
    nowMs = 45_000;
    expect(rates.rates()).toMatchObject({ blocksPerSecond: 0, referencedRate: 0 });
  });
});

describe('queries of a real node', () => {
  const ALICE = testKey(9);

  it('prove a balance page by page, and by time what was booked when', async () => {
    const one = await network.start({ validator: true });
    // The genesis is old, and old proofs are refused.
    await until(() => one.node.query.confirmedIndex > 0);
    const send = async (amount: bigint) =>
      await one.wallet.sendTransaction({
        from: [RICH_KEY.secretKey],
        outputs: [pay(ALICE.address, amount)],
      });
    const first = await send(5_000n);
    const second = await send(6_000n);
    const balance = await one.client.balance(ALICE.address);
    expect(balance).toMatchObject({ amount: '11000', address: ALICE.address });
    expect(await one.checker.balance(balance)).toBe(11_000n);
    const [only] = balance.outputs;
    if (only === undefined) throw new Error('an output');
    const twice = { ...balance, outputs: [only, only] };
    await expect(one.checker.balance(twice)).rejects.toMatchObject({ code: 'proof-invalid' });
    const rich = await one.client.balance(RICH_KEY.address);
    expect(await one.checker.balance(rich)).toBe(RICH_AMOUNT - 11_000n);

    const between = (await one.client.output(outputIdOf(first.transactionId, 0)))
      .milestoneTimestampBooked;
    const find = async (filter: Parameters<typeof one.client.outputs>[0]) => {
      const found: string[] = [];
      for await (const id of one.client.outputs(filter)) found.push(id.slice(0, 64));
      return found;
    };
    const [a, b] = [first.transactionId, second.transactionId];
    const { address } = ALICE;
    expect(await find({ address, createdAfter: between })).toEqual([b]);
    expect(await find({ address, createdBefore: between + 1 })).toEqual([a]);
    expect(await find({ address, createdBefore: between })).toEqual([]);
    expect(new Set(await find({ createdAfter: between }))).toEqual(new Set([b]));
    expect(await find({ address, hasTimelock: true })).toEqual([]);
    expect(await find({ createdAfter: 0, unspent: false })).toContain(a);

    const proof = await (
      await fetch(`${one.api.url}/api/core/v1/transactions/${first.transactionId}/proof`)
    ).json();
    const inclusion = await one.checker.inclusion(first.blockId, proof as never);
    expect(inclusion.applied).toBe(true);
  });

  it('list tagged data page by page, newest first', async () => {
    const one = await network.start({ validator: true });
    const tag = new TextEncoder().encode('page');
    const ids: string[] = [];
    for (const text of ['one', 'two', 'three']) {
      const data = new TextEncoder().encode(text);
      const { blockId } = await one.issuer.issueAndConfirm({ kind: 'tagged-data', tag, data });
      ids.unshift(blockId);
    }
    const { indexer } = one.node.query;
    const first = await indexer.taggedData(tag, 2);
    const cursor = first.ok ? first.value.cursor : undefined;
    const second = await indexer.taggedData(tag, 2, cursor);
    const listed = [first, second].flatMap((page) => (page.ok ? page.value.items : []));
    expect(listed.map(({ blockId }) => blockId)).toEqual(ids);
    expect(second).toMatchObject({ ok: true, value: expect.not.objectContaining({ cursor }) });
    expect((await indexer.taggedData(tag, 2, 'x')).ok).toBe(false);
  });

  it('tell the past of outputs and transactions, and then what follows', async () => {
    const one = await network.start({ validator: true });
    // The genesis is old, and old proofs are refused.
    await until(() => one.node.query.confirmedIndex > 0);
    const sent = await one.wallet.sendTransaction({
      from: [RICH_KEY.secretKey],
      outputs: [pay(ALICE.address, 5_000n)],
    });
    const events = one.client.events();
    const seen: Record<string, number[]> = {};
    const watch = (name: string) => (event: { milestoneIndex: number }) => {
      (seen[name] ??= []).push(event.milestoneIndex);
    };
    const id = outputIdOf(sent.transactionId, 0);
    events.subscribe(`outputs/unlock/address/${ALICE.address}`, watch('unlock'), 0);
    events.subscribe(`outputs/unlock/address/${ALICE.address}/spent`, watch('spent'), 0);
    events.subscribe(`outputs/${id}`, watch('output'), 0);
    events.subscribe(`transactions/${sent.transactionId}/included-block`, watch('included'), 0);
    const referenced: string[] = [];
    events.subscribe('block-metadata/referenced', ({ blockId }) => referenced.push(blockId), 0);
    await until(() => ['unlock', 'output', 'included'].every((name) => seen[name]?.length === 1));
    await until(() => referenced.includes(sent.blockId));
    expect(seen['spent']).toBeUndefined();
    const spent = await one.wallet.sendTransaction({
      from: [ALICE.secretKey],
      outputs: [pay(RICH_KEY.address, 5_000n)],
    });
    await until(() => seen['spent']?.length === 1 && seen['output']?.length === 2);
    expect(seen).toMatchObject({
      unlock: [sent.milestoneIndex, spent.milestoneIndex],
      spent: [spent.milestoneIndex],
      output: [sent.milestoneIndex, spent.milestoneIndex],
      included: [sent.milestoneIndex],
    });
    events.close();
  });

  it('answer what is pruned with a code of its own', async () => {
    const one = await network.start();
    // A node that is pruned for real would need hundreds of milestones.
    Object.defineProperty(one.node.query, 'prunedIndex', { get: () => 7 });
    for (const path of ['milestones/7', 'milestones/5/blocks', 'milestones/6/utxo-changes']) {
      const answer = await fetch(`${one.api.url}/api/core/v1/${path}`);
      const facts = { code: 'pruned', detail: 'pruned below index 8', prunedIndex: 7 };
      expect([answer.status, await answer.json()]).toMatchObject([404, facts]);
    }
    const unknown = await fetch(`${one.api.url}/api/core/v1/milestones/8`);
    expect(await unknown.json()).toMatchObject({ code: 'not-found' });
  });
});
