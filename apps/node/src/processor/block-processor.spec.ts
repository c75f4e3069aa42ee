import { describe, expect, it } from '@jest/globals';
import type { CheckedBlock } from '@tanglemail/tangle/core/block/rules.ts';
import type { BlockId } from '@tanglemail/tangle/core/codec/ids.ts';
import { fail, succeed } from '@tanglemail/tangle/core/outcome.ts';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import { BlockProcessor, type ProcessorDeps } from './block-processor.ts';
import { VerifyPoolError } from '@tanglemail/tangle/io/accel/verify-pool.ts';
import {
  API_RESERVE,
  MAX_UNREFERENCED,
  QUEUES,
  SHARED_UNREFERENCED,
  type QueueName,
} from './queues.ts';
import { saltedHash, SeenFilter } from './seen-filter.ts';

const idOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex').padEnd(64, '0') as BlockId;
const hash = await saltedHash(7n);

/**
 * Blocks are their text: `bad…` breaks a rule, `forged…` has a wrong signature, `load…` little
 * work.
 */
class World {
  readonly dag = new Map<BlockId, boolean>();
  readonly saved: BlockId[] = [];
  readonly fatal: unknown[] = [];
  readonly forgotten: BlockId[] = [];
  dropped: BlockId[] = [];
  /** Blocks of the DAG that a milestone has referenced. */
  readonly referenced = new Set<BlockId>();
  checks = 0;
  /** Solid blocks without a milestone, as the DAG would say. */
  waiting = 0;
  /** Sources that have their share of these. */
  readonly heavy = new Set<string>();
  processor: BlockProcessor;

  constructor(changes: Partial<ProcessorDeps> = {}) {
    const deps: ProcessorDeps = {
      check: (bytes, trusted) => {
        this.checks += 1;
        const text = Buffer.from(bytes).toString();
        if (text.startsWith('bad')) return fail('pow-insufficient');
        if (text.startsWith('load') && !trusted) return fail('pow-below-load');
        const block = { parents: text.startsWith('child') ? [idOf(Buffer.from('one'))] : [] };
        return succeed({ id: idOf(bytes), bytes, block } as unknown as CheckedBlock);
      },
      idOf,
      claims: ({ bytes }) => [{ publicKey: bytes, message: bytes, signature: bytes }],
      verifier: {
        verifyBatch: async (claims) =>
          await Promise.resolve(
            claims.map(({ message }) => !Buffer.from(message).toString().startsWith('forged')),
          ),
      },
      store: {
        referenced: async () => await Promise.resolve(new Set()),
        save: async (blocks) => {
          this.saved.push(...blocks.map(({ id }) => id));
          await Promise.resolve();
        },
        forget: async (ids) => {
          this.forgotten.push(...ids);
          await Promise.resolve();
        },
      },
      intake: {
        add: async (id) => {
          await Promise.resolve();
          if (this.dag.has(id)) return { ...fail('block-known'), dropped: [] };
          this.dag.set(id, true);
          return succeed({ solid: [id], missing: [], dropped: [] });
        },
        takeDropped: () => this.dropped.splice(0),
      },
      dag: new DagOf(this),
      seen: new SeenFilter(hash, 100),
      logger: SILENT_LOGGER,
      onFatal: (error) => this.fatal.push(error),
      ...changes,
    };
    this.processor = new BlockProcessor(deps);
  }

  submit(text: string, queue: QueueName = 'gossip', source = 'peer') {
    return this.processor.submit(Buffer.from(text), queue, source);
  }
}

class DagOf {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  has(id: BlockId): boolean {
    return this.#world.dag.has(id);
  }

  isSolid(id: BlockId): boolean {
    return this.#world.dag.has(id);
  }

  isReferenced(id: BlockId): boolean {
    return this.#world.referenced.has(id);
  }

  get unreferencedCount(): number {
    return this.#world.waiting;
  }

  holdsShare(source: string): boolean {
    return this.#world.heavy.has(source);
  }
}

describe('block processor', () => {
  it('stores a good block before it enters the DAG, once', async () => {
    const world = new World();
    const [first, copy] = await Promise.all([world.submit('one'), world.submit('one')]);
    expect(first).toMatchObject({ ok: true, value: { isNew: true } });
    expect(copy).toMatchObject({ ok: true, value: { isNew: false } });
    expect(await world.submit('one')).toMatchObject({ ok: true, value: { isNew: false } });
    expect(world.saved).toHaveLength(1);
    expect(world.checks).toBe(1);
  });

  it('remembers a bad block without checking it again', async () => {
    const world = new World();
    expect(await world.submit('bad')).toEqual(fail('pow-insufficient'));
    expect(await world.submit('bad')).toEqual(fail('pow-insufficient'));
    expect(world.checks).toBe(1);
    expect(world.saved).toEqual([]);
  });

  it('refuses a wrong signature and takes its neighbours in the batch', async () => {
    const world = new World();
    const outcomes = await Promise.all(['a', 'forged', 'b'].map((text) => world.submit(text)));
    expect(outcomes.map(({ ok }) => ok)).toEqual([true, false, true]);
    expect(outcomes[1]).toEqual(fail('signature-invalid'));
    expect(world.saved).toHaveLength(2);
  });

  it('asks no load term of blocks that it requested', async () => {
    const world = new World();
    expect(await world.submit('load', 'gossip')).toEqual(fail('pow-below-load'));
    expect(await world.submit('load', 'sync')).toMatchObject({ ok: true });
  });

  it('calls a block known that a final milestone references', async () => {
    const referenced = async () => await Promise.resolve(new Set([idOf(Buffer.from('old'))]));
    const written: unknown[] = [];
    const save = async (blocks: readonly unknown[]) => {
      written.push(...blocks);
      await Promise.resolve();
    };
    const world = new World({ store: { referenced, save, forget: save } });
    expect(await world.submit('old')).toMatchObject({ ok: true, value: { isNew: false } });
    await world.processor.stop();
    expect([world.dag.size, written.length, world.fatal.length]).toEqual([0, 0, 0]);
  });

  it('asks the store only for blocks that a milestone may have referenced', async () => {
    const doubted: BlockId[] = [];
    const done = async () => await Promise.resolve();
    const world = new World({
      store: {
        referenced: async (blocks, isDoubtful) => {
          doubted.push(...blocks.filter((block) => isDoubtful(block)).map(({ id }) => id));
          return await Promise.resolve(new Set());
        },
        save: done,
        forget: done,
      },
    });
    const one = idOf(Buffer.from('one'));
    for (const text of ['one', 'child a']) await world.submit(text);
    world.referenced.add(one);
    await world.submit('child b');
    expect(doubted).toEqual([one, idOf(Buffer.from('child b'))]);
  });

  it('takes a block again that the DAG has dropped since', async () => {
    const world = new World();
    await world.submit('one');
    world.dag.clear();
    expect(await world.submit('one')).toMatchObject({ ok: true, value: { isNew: true } });
  });

  it('says queue-full when the queue is full, to whoever fills it', async () => {
    const world = new World();
    const { items } = QUEUES.api;
    const sent = Array.from({ length: items + 60 }, (_, i) => world.submit(`${i}`, 'api', 'x'));
    const honest = world.submit('honest', 'api', 'y');
    const outcomes = await Promise.all(sent);
    const refused = outcomes.filter((outcome) => !outcome.ok);
    expect(refused).toHaveLength(61);
    expect(refused[0]).toMatchObject({ code: 'queue-full', action: 'ignore' });
    expect(await honest).toMatchObject({ ok: true });
    expect(world.processor.queueLengths()).toEqual({ milestone: 0, api: 0, sync: 0, gossip: 0 });
  });

  it('does not let a copy wait in the line of a flood', async () => {
    const world = new World();
    const flood = Array.from({ length: 2_000 }, (_, i) => world.submit(`spam${i}`, 'gossip', 'x'));
    const hostage = world.submit('block', 'gossip', 'x');
    const order: string[] = [];
    void flood.at(-1)?.then(() => order.push('flood'));
    await world.submit('block', 'gossip', 'honest').then(() => order.push('honest'));
    expect(order).toEqual(['honest']);
    expect(await hostage).toMatchObject({ ok: true, value: { isNew: false } });
    expect(world.saved.filter((id) => id === idOf(Buffer.from('block')))).toHaveLength(1);
  });

  it('checks copies of several sources in one batch once', async () => {
    const world = new World();
    const copies = ['a', 'b', 'c'].map((source) => world.submit('one', 'gossip', source));
    const outcomes = await Promise.all(copies);
    expect(outcomes.map((one) => one.ok && one.value.isNew)).toEqual([true, false, false]);
    expect([world.checks, world.saved.length]).toEqual([1, 1]);
  });

  it('takes what a milestone waits for before all else', async () => {
    const world = new World();
    const order: string[] = [];
    const note = (name: string) => () => void order.push(name);
    for (let i = 0; i < 500; i++) void world.submit(`g${i}`, 'gossip').then(note('gossip'));
    const cone = Array.from({ length: 200 }, (_, i) => world.submit(`c${i}`, 'milestone', 'cone'));
    await Promise.all(cone);
    expect(order.length).toBeLessThan(80);
  });

  it('stops gossip while the DAG is full, users a little later, a milestone never', async () => {
    const world = new World();
    world.waiting = MAX_UNREFERENCED;
    const gossip = world.submit('one');
    expect(await world.submit('two', 'api')).toMatchObject({ ok: true });
    world.waiting += API_RESERVE;
    expect(await world.submit('three', 'api')).toMatchObject({ code: 'queue-full' });
    expect(await world.submit('one', 'milestone', 'cone')).toMatchObject({ ok: true });
    expect(world.processor.queueLengths().gossip).toBe(1);
    world.waiting = 0;
    world.processor.wake();
    expect(await gossip).toMatchObject({ ok: true, value: { isNew: false } });
  });

  it('holds a source with its share of a crowded DAG until a milestone, and no other', async () => {
    const world = new World();
    world.heavy.add('loud');
    world.waiting = SHARED_UNREFERENCED - 1;
    expect(await world.submit('early', 'gossip', 'loud')).toMatchObject({ ok: true });
    world.waiting = SHARED_UNREFERENCED;
    const held = world.submit('held', 'gossip', 'loud');
    expect(await world.submit('one', 'gossip', 'quiet')).toMatchObject({ ok: true });
    expect(await world.submit('two', 'api', 'loud')).toMatchObject({ ok: true });
    world.waiting += API_RESERVE;
    expect(await world.submit('three', 'api', 'loud')).toMatchObject({ code: 'queue-full' });
    expect(await world.submit('four', 'api', 'user')).toMatchObject({ ok: true });
    expect(await world.submit('five', 'sync', 'loud')).toMatchObject({ ok: true });
    expect(world.processor.queueLengths().gossip).toBe(1);
    world.heavy.clear();
    world.processor.wake();
    expect(await held).toMatchObject({ ok: true });
  });

  it('is busy for the peer that fills the gossip queue, and hears the others', () => {
    const world = new World();
    for (let i = 0; i < QUEUES.gossip.items * 0.6; i++) void world.submit(`${i}`, 'gossip', 'loud');
    void world.submit('x', 'gossip', 'quiet');
    const { processor } = world;
    expect([undefined, 'loud', 'quiet', 'new'].map((one) => processor.isBusy(one))).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });

  it('counts garbage in its queues less and less as pressure', async () => {
    const world = new World();
    const flood = async (name: string, count: number): Promise<number> => {
      const sent = Array.from({ length: count }, (_, i) => world.submit(`${name}${i}`));
      const { workedFill } = world.processor;
      await Promise.all(sent);
      return workedFill;
    };
    const worked = await flood('good', 4_096);
    expect(worked).toBeCloseTo(0.5, 1);
    await flood('bad', 8_000);
    expect(await flood('good2', 4_096)).toBeLessThan(worked / 10);
  });

  it('calls no block bad when the threads for signatures fail', async () => {
    const error = new VerifyPoolError('worker-failed', 'a thread died');
    let isBroken = true;
    const verifyBatch = async (claims: readonly unknown[]) =>
      isBroken ? await Promise.reject(error) : await Promise.resolve(claims.map(() => true));
    const world = new World({ verifier: { verifyBatch } });
    expect(await world.submit('one')).toMatchObject({ code: 'queue-full' });
    isBroken = false;
    expect(await world.submit('one')).toMatchObject({ ok: true, value: { isNew: true } });
    expect(world.fatal).toEqual([]);
  });

  it('too-large: refuses before it hashes', async () => {
    const world = new World();
    expect(await world.processor.submit(new Uint8Array(40_000), 'gossip', 'p')).toEqual(
      fail('too-large'),
    );
    expect(world.checks).toBe(0);
  });

  it('reports a failed store as fatal and answers everybody', async () => {
    const referenced = async () => await Promise.resolve(new Set<BlockId>());
    const save = async () => await Promise.reject(new Error('disk full'));
    const world = new World({ store: { referenced, save, forget: save } });
    const outcomes = await Promise.all([world.submit('a'), world.submit('b')]);
    expect(outcomes.every((outcome) => !outcome.ok)).toBe(true);
    expect(world.fatal).toHaveLength(1);
  });

  it('touches the store no more after a failure, and answers what still waits', async () => {
    let saves = 0;
    const world = new World({
      store: {
        referenced: async () => await Promise.resolve(new Set()),
        save: async () => {
          saves += 1;
          return await Promise.reject(new Error('disk full'));
        },
        forget: async () => await Promise.resolve(),
      },
    });
    const sent = Array.from({ length: 200 }, (_, i) => world.submit(`${i}`));
    const outcomes = await Promise.all(sent);
    expect(outcomes.every((outcome) => !outcome.ok)).toBe(true);
    expect(await world.submit('later')).toMatchObject({ code: 'queue-full' });
    expect([saves, world.fatal.length]).toEqual([1, 1]);
  });

  it('deletes from the store what the DAG did not keep', async () => {
    const world = new World();
    world.dropped = [idOf(Buffer.from('x'))];
    await world.submit('one');
    await world.processor.stop();
    expect(world.forgotten).toEqual([idOf(Buffer.from('x'))]);
  });

  it('takes nothing more once it is stopped', async () => {
    const world = new World();
    const last = world.submit('last');
    await world.processor.stop();
    expect(await last).toMatchObject({ ok: true });
    expect(await world.submit('late')).toMatchObject({ code: 'queue-full' });
  });
});
