/** Cones that fill more than one answer, and a peer that drips, over real connections. */
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { multiaddr } from '@multiformats/multiaddr';
import { blockIdOf } from '@tanglemail/tangle/core/codec/block.ts';
import { encodeFrame, type Frame } from '@tanglemail/tangle/core/codec/frame.ts';
import type { BlockId } from '@tanglemail/tangle/core/codec/ids.ts';
import type { MilestoneHeader } from '@tanglemail/tangle/core/codec/milestone.ts';
import { rootOfIds } from '@tanglemail/tangle/core/ledger/apply-milestone.ts';
import { succeed } from '@tanglemail/tangle/core/outcome.ts';
import { bestHasher } from '@tanglemail/tangle/io/accel/hasher.ts';
import { FrameChannel } from '@tanglemail/tangle/io/libp2p/frame-channel.ts';
import { syncProtocol } from '@tanglemail/tangle/io/libp2p/message-id.ts';
import {
  acquainted,
  NETWORK_ID,
  startBareNode,
  startNode,
  stopAll,
  type TestNode,
} from '@tanglemail/tangle/io/libp2p/testing/network-nodes.ts';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import { until } from '../testing/test-network.ts';
import { ConeFeed } from './cone-feed.ts';
import { ConeWindow } from './cone-window.ts';
import { conesFrom, type ConeSource } from './serve-cones.ts';

jest.setTimeout(120_000);
const HASHER = await bestHasher();
const STATUS = { solidIndex: 1_000, latestIndex: 1_000, prunedIndex: 0, peers: 1 };
const MIB = 1 << 20;
/** Of a real node, on a machine that may be busy. */
/** 72 MiB over TLS on a busy machine. */
const LONG_MS = 90_000;
const PATIENT = { requestTimeoutMs: 30_000, answerTimeoutMs: 60_000, hedgeMs: 30_000 };

type Cones = ReadonlyMap<number, readonly Uint8Array[]>;

/** `count` different blocks of `size` bytes. */
function blocksOf(count: number, size: number): Uint8Array[] {
  return Array.from({ length: count }, (_, position) => {
    const block = Buffer.alloc(size, 1);
    block.writeUInt32LE(position);
    return block;
  });
}

const idsOf = (cone: readonly Uint8Array[]): BlockId[] =>
  cone.map((bytes) => blockIdOf(bytes, HASHER));

/** Has a node serve these cones as a real one does from its store. */
function serve(node: TestNode, cones: Cones): void {
  const ids = new Map(Array.from(cones, ([index, cone]) => [index, idsOf(cone)]));
  const part = (index: number, skip: number, maxBytes: number): Uint8Array[] => {
    const found: Uint8Array[] = [];
    let bytes = 0;
    for (const block of cones.get(index)?.slice(skip) ?? []) {
      if (bytes > maxBytes) break;
      found.push(block);
      bytes += block.length;
    }
    return found;
  };
  const source: ConeSource = {
    milestones: { cone: (index) => ids.get(index) },
    conePart: (index, skip, maxBytes) => Promise.resolve(part(index, skip, maxBytes)),
  };
  node.coneOf = part;
  node.conesOf = (from, count, maxBytes) => conesFrom(source, from, count, maxBytes) as never;
  for (const [index, cone] of cones) {
    cone.forEach((bytes, position) => {
      const id = ids.get(index)?.[position];
      if (id !== undefined) node.stored.set(id, bytes);
    });
  }
  node.status = STATUS;
}

const stopped = new AbortController();

/** What a node fetches ahead over `asker`'s network. */
function windowOf(asker: TestNode, cones: Cones): ConeWindow {
  const roots = new Map(
    Array.from(cones, ([index, cone]) => [index, rootOfIds(idsOf(cone), HASHER)]),
  );
  return new ConeWindow({
    network: asker.network,
    hasher: HASHER,
    header: (index) => {
      const inclusionRoot = roots.get(index);
      return inclusionRoot && ({ inclusionRoot } as MilestoneHeader);
    },
    onProgress: () => undefined,
    onFatal: (error) => {
      throw error;
    },
    signal: stopped.signal,
    logger: SILENT_LOGGER,
    nowMs: () => performance.now(),
  });
}

/** Fetches and processes cone 1; returns what the processor was given and what waited for it. */
async function feed(asker: TestNode, cones: Cones): Promise<{ ids: BlockId[]; bytes: number }> {
  const window = windowOf(asker, cones);
  await until(() => {
    window.pump(1, 1, () => true);
    return window.get(1) !== undefined;
  }, LONG_MS);
  const { bytes } = window.counts();
  const ids: BlockId[] = [];
  const fed = new ConeFeed({
    cones: window,
    submit: (block) => {
      const blockId = blockIdOf(block, HASHER);
      ids.push(blockId);
      return Promise.resolve(succeed({ blockId, isNew: true }));
    },
    fetch: (wanted) => asker.network.requestBlocks(wanted),
    signal: stopped.signal,
  });
  fed.ahead(1, 1);
  expect(await fed.finished(1)).toEqual({ refusal: undefined });
  return { ids, bytes };
}

async function pairOf(cones: Cones): Promise<TestNode> {
  const server = await startNode({ limits: PATIENT });
  serve(server, cones);
  const asker = await startNode({ limits: PATIENT, peers: server.network.addresses() });
  await until(acquainted(asker, server));
  return asker;
}

/** What drips. */
const timers = new Set<NodeJS.Timeout>();

/** A peer that claims to have everything and sends one block every 20 ms. */
async function startDripping(asker: TestNode, block: Uint8Array) {
  const bare = await startBareNode();
  let asked = 0;
  const onFrame = (channel: FrameChannel, frame: Frame): void => {
    if (frame.type !== 'get-cones') return;
    asked += 1;
    const { requestId } = frame;
    const drop = encodeFrame({ type: 'cones', requestId, end: 'more', items: [block] });
    timers.add(setInterval(() => channel.send(drop), 20));
  };
  const ignore = { onInvalid: () => undefined, onEnd: () => undefined };
  await bare.handle(syncProtocol(NETWORK_ID), (stream) => {
    const events = { ...ignore, onFrame: (frame: Frame) => onFrame(channel, frame) };
    const channel: FrameChannel = new FrameChannel(stream, events);
  });
  const connection = await bare.dial(multiaddr(asker.network.addresses()[0]));
  const stream = await connection.newStream(syncProtocol(NETWORK_ID));
  const own = new FrameChannel(stream, { ...ignore, onFrame: () => undefined });
  const tell = (): void => own.send(encodeFrame({ type: 'status', status: STATUS }));
  tell();
  timers.add(setInterval(tell, 200));
  return { key: bare.peerId.toString(), asked: () => asked };
}

afterEach(async () => {
  for (const timer of timers) clearInterval(timer);
  timers.clear();
  await stopAll();
});

describe('a cone of more than 4 MiB', () => {
  it('of 20,000 blocks comes whole and in order', async () => {
    const cones = new Map([[1, blocksOf(20_000, 220)]]);
    const asker = await pairOf(cones);
    const { ids } = await feed(asker, cones);
    expect(ids).toEqual(idsOf(cones.get(1) ?? []));
  });

  it('and more than 64 MiB is proven whole, kept in part, and the rest fetched by id', async () => {
    const cones = new Map([[1, blocksOf(2_200, 32_768)]]);
    const asker = await pairOf(cones);
    const { ids, bytes } = await feed(asker, cones);
    expect(ids.length).toBe(2_200);
    expect(new Set(ids)).toEqual(new Set(idsOf(cones.get(1) ?? [])));
    expect(bytes).toBeLessThan(66 * MIB);
  });
});

describe('a peer that drips', () => {
  it('is given up, and holds up neither a request nor a node that catches up', async () => {
    const cones = new Map(
      Array.from({ length: 200 }, (_, at) => [at + 1, blocksOf(20, 600 + at)] as const),
    );
    // Slower than 64 KiB a second is too slow here, so that the test need not wait for long.
    const limits = { ...PATIENT, requestTimeoutMs: 2_000, minAnswerBytesPerSecond: 64 << 10 };
    const asker = await startNode({ limits });
    const honest = await startNode({ limits, peers: asker.network.addresses() });
    serve(honest, cones);
    const dripping = await startDripping(asker, Buffer.alloc(200, 7));
    await until(() => asker.network.peers().filter(({ status }) => status).length === 2);

    const told = () => asker.network.peers().find(({ id }) => id === dripping.key);
    const { peer } = await asker.network.requestCones(1, 64, { peer: dripping.key });
    expect(peer).toBe(honest.network.key);
    expect(told()?.counters.requestsTimedOut).toBe(1);

    const window = windowOf(asker, cones);
    await until(() => {
      window.pump(1, cones.size, () => true);
      return window.counts().proven === cones.size;
    });
    expect(dripping.asked()).toBeGreaterThan(0);
  });
});
