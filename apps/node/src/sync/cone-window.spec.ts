/** Which cones are asked for, of whom, and what becomes of peers that are slow, wrong or pruned. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { blockIdOf } from '@tanglemail/tangle/core/codec/block.ts';
import type { MilestoneHeader } from '@tanglemail/tangle/core/codec/milestone.ts';
import { rootOfIds } from '@tanglemail/tangle/core/ledger/apply-milestone.ts';
import { bestHasher } from '@tanglemail/tangle/io/accel/hasher.ts';
import type {
  Answered,
  AnsweredCones,
  ConeOptions,
  RequestOptions,
} from '@tanglemail/tangle/io/libp2p/requester.ts';
import { NetworkError } from '@tanglemail/tangle/io/libp2p/types.ts';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import { until } from '../testing/test-network.ts';
import { ConeWindow } from './cone-window.ts';

const HASHER = await bestHasher();

interface Asked<Answer> {
  readonly from: number;
  readonly count: number;
  readonly options: ConeOptions;
  readonly answer: (answer: Answer) => void;
  readonly fail: (code: 'no-peers') => void;
}

const blockOf = (text: string): Uint8Array => Buffer.from(text);

/** A window over requests that the test answers. */
class World {
  nowMs = 0;
  readonly cones = new Map<number, Uint8Array[]>();
  readonly asked: Asked<AnsweredCones>[] = [];
  readonly parts: Asked<Answered>[] = [];
  readonly blamed: string[] = [];
  readonly fatal: unknown[] = [];
  readonly abort = new AbortController();
  readonly window = new ConeWindow({
    network: {
      requestCones: (from, count, options) => this.#ask(this.asked, from, count, options),
      requestCone: (index, options) => this.#ask(this.parts, index, 1, options),
      blameAnswer: (peer, finding) => this.blamed.push(`${peer} ${finding}`),
    },
    hasher: HASHER,
    header: (index) => this.#header(index),
    onProgress: () => undefined,
    onFatal: (error) => this.fatal.push(error),
    signal: this.abort.signal,
    logger: SILENT_LOGGER,
    nowMs: () => this.nowMs,
  });

  /** Milestones 1 … count with one block each. */
  constructor(count: number) {
    for (let index = 1; index <= count; index++) this.cones.set(index, [blockOf(`${index}`)]);
  }

  pump(first = 1): void {
    this.window.pump(first, this.cones.size, () => true);
  }

  conesOf(from: number, last: number): Uint8Array[][] {
    return Array.from({ length: last - from + 1 }, (_, at) => this.cones.get(from + at) ?? []);
  }

  #header(index: number): MilestoneHeader | undefined {
    const cone = this.cones.get(index);
    if (cone === undefined) return undefined;
    const ids = cone.map((bytes) => blockIdOf(bytes, HASHER));
    return { inclusionRoot: rootOfIds(ids, HASHER) } as MilestoneHeader;
  }

  #ask<Answer>(asked: Asked<Answer>[], from: number, count: number, options: RequestOptions) {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const fail = (code: 'no-peers'): void => reject(new NetworkError(code, 'nobody'));
    asked.push({ from, count, options, answer: resolve, fail });
    return promise;
  }
}

const turn = (): Promise<void> => new Promise(setImmediate);

let world: World;
afterEach(async () => {
  world.abort.abort();
  for (const { fail } of [...world.asked, ...world.parts]) fail('no-peers');
  await world.window.settle();
  if (world.fatal.length > 0) throw world.fatal[0];
});

describe('a request', () => {
  it('reaches over milestones without blocks, and ends with the last that has some', async () => {
    world = new World(20);
    for (let index = 1; index <= 20; index++) if (index % 3 !== 1) world.cones.set(index, []);
    world.pump();
    expect(world.asked).toMatchObject([{ from: 1, count: 19 }]);
    world.asked[0]?.answer({ cones: world.conesOf(1, 19), peer: 'a' });
    await turn();
    expect(world.window.counts()).toMatchObject({ requested: 0, proven: 20, failed: 0 });
  });
});

describe('what takes too long', () => {
  it('is asked of another peer once, as far as confirmation has come', async () => {
    world = new World(10);
    world.pump();
    expect(world.asked).toMatchObject([{ from: 1, count: 10, options: { priority: 'milestone' } }]);
    world.asked[0]?.options.onSent?.('slow');
    world.nowMs = 1_999;
    world.pump(3);
    expect(world.asked).toHaveLength(1);
    world.nowMs = 2_000;
    world.pump(3);
    world.nowMs = 9_000;
    world.pump(3);
    expect(world.asked).toHaveLength(2);
    expect(world.asked[1]).toMatchObject({ from: 3, count: 8 });
    expect(world.asked[1]?.options.except).toEqual(new Set(['slow']));
    world.asked[1]?.answer({ cones: world.conesOf(3, 10), peer: 'quick' });
    await turn();
    expect(world.window.get(10)?.ids).toHaveLength(1);
    // The slow answer is still good for what it brings.
    world.asked[0]?.answer({ cones: world.conesOf(1, 10), peer: 'slow' });
    await turn();
    expect(world.window.counts()).toMatchObject({ requested: 0, proven: 10, failed: 0 });
  });

  it('stays with the only peer there is, without haste', async () => {
    world = new World(1);
    world.pump();
    world.nowMs = 2_000;
    world.pump();
    world.asked[1]?.fail('no-peers');
    await turn();
    world.pump();
    expect(world.asked).toHaveLength(2);
    world.asked[0]?.answer({ cones: world.conesOf(1, 1), peer: 'slow' });
    await turn();
    expect(world.window.counts()).toMatchObject({ proven: 1, failed: 0 });
  });
});

describe('a cone that is larger than one answer', () => {
  const large = { cones: [], peer: 'a' };

  it('comes in parts of one peer, which may be busy for a while', async () => {
    world = new World(1);
    const blocks = ['one', 'two', 'three'].map(blockOf);
    world.cones.set(1, blocks);
    world.pump();
    world.asked[0]?.answer(large);
    await turn();
    world.parts[0]?.answer({ items: blocks.slice(0, 1), complete: false, peer: 'b' });
    await turn();
    expect(world.parts[1]?.options).toMatchObject({ skip: 1, peer: 'b', only: true });
    expect(world.window.counts().bytes).toBeGreaterThan(0);
    world.parts[1]?.fail('no-peers');
    await until(() => world.parts.length === 3);
    world.parts[2]?.answer({ items: blocks.slice(1), complete: true, peer: 'b' });
    await turn();
    expect(world.window.get(1)?.blocks).toEqual(blocks);
    world.window.drop(1);
    expect(world.window.counts().bytes).toBe(0);
  });

  it('is nobody’s fault when the peer has pruned the rest meanwhile', async () => {
    world = new World(1);
    world.pump();
    world.asked[0]?.answer(large);
    await turn();
    world.parts[0]?.answer({ items: [blockOf('1')], complete: false, peer: 'b' });
    await turn();
    world.parts[1]?.answer({ items: [], complete: true, peer: 'b' });
    await turn();
    expect(world.blamed).toEqual([]);
    expect(world.window.counts()).toMatchObject({ requested: 0, proven: 0, bytes: 0, failed: 1 });
  });

  it('costs its sender points when it is another one', async () => {
    world = new World(1);
    world.pump();
    world.asked[0]?.answer(large);
    await turn();
    world.parts[0]?.answer({ items: [blockOf('1'), blockOf('2')], complete: true, peer: 'b' });
    await turn();
    expect(world.blamed).toEqual(['b cone-invalid']);
    world.pump();
    expect(world.asked[1]?.options.except).toEqual(new Set(['b']));
  });

  it('is fetched alone, beside the one that confirmation waits for', async () => {
    world = new World(5);
    // Each is asked for by itself: the first answers of a range say that it is too large.
    for (let index = 1; index <= 5; index++) world.cones.set(index, [Buffer.alloc(30_000, index)]);
    world.pump();
    world.asked[0]?.answer({ cones: world.conesOf(1, 1), peer: 'a' });
    await turn();
    world.window.dropUpTo(1);
    let answered = 1;
    for (let first = 2; first <= 5; first++) {
      world.pump(2);
      for (; answered < world.asked.length; answered++) world.asked[answered]?.answer(large);
      await turn();
    }
    const urgent = world.parts.filter(({ options }) => options.priority === 'milestone');
    expect(urgent.map(({ from }) => from)).toEqual([2]);
    expect(world.parts.length).toBeLessThanOrEqual(2);
  });
});

describe('bounds', () => {
  it('hold for requests, and the cone that is waited for may exceed them', () => {
    world = new World(1_000);
    world.pump(2);
    expect(world.asked).toHaveLength(8);
    expect(world.asked.every(({ count }) => count <= 64)).toBe(true);
    world.pump(1);
    expect(world.asked).toHaveLength(9);
    expect(world.asked[8]).toMatchObject({ from: 1, count: 1 });
  });

  it('hold for bytes', async () => {
    const blocks = Array.from({ length: 31 }, (_, n) => Buffer.alloc(32_000, n));
    world = new World(80);
    for (const index of world.cones.keys()) world.cones.set(index, blocks);
    let answered = 0;
    await until(async () => {
      world.pump();
      for (; answered < world.asked.length; answered++) {
        const { from = 1 } = world.asked[answered] ?? {};
        // At most four such cones fit one answer.
        world.asked[answered]?.answer({ cones: world.conesOf(from, from + 3), peer: 'a' });
      }
      await turn();
      world.pump();
      return answered === world.asked.length;
    });
    const { bytes, proven } = world.window.counts();
    expect(proven).toBeGreaterThan(10);
    expect(bytes).toBeLessThanOrEqual((64 + 4) << 20);
    world.window.dropUpTo(Number.POSITIVE_INFINITY);
    expect(world.window.counts()).toMatchObject({ proven: 0, bytes: 0 });
  });
});
