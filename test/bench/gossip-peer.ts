/**
 * One process of the gossip benchmark: a whole network of this project that accepts every pack, or
 * gossipsub alone with the same options. Steered by 07-gossip.ts over the process channel.
 */
import { generateKeyPair } from '@libp2p/crypto/keys';
import { multiaddr } from '@multiformats/multiaddr';
import { encodePack, decodePack } from '../../libs/tangle/src/core/codec/pack.ts';
import { bestHasher } from '../../libs/tangle/src/io/accel/hasher.ts';
import { createNode } from '../../libs/tangle/src/io/libp2p/create-node.ts';
import { createMessageIds, gossipTopics } from '../../libs/tangle/src/io/libp2p/message-id.ts';
import { TangleNetwork } from '../../libs/tangle/src/io/libp2p/network.ts';
import { DEFAULT_LIMITS } from '../../libs/tangle/src/io/libp2p/types.ts';
import { SILENT_LOGGER } from '../../libs/tangle/src/io/logger.ts';

const NETWORK_ID = 0x0123_4567_89ab_cdefn;
const LISTEN = ['/ip4/127.0.0.1/tcp/0'];
const BLOCK_BYTES = 600;
/** Where the time of sending stands in a block, after eight random bytes. */
const TIME_OFFSET = 8;
const PACK_BYTES = 48 * 1024;
/** Gossip that may wait for the other process before the sender pauses. */
const BACKLOG_BYTES = 2 << 20;
/** Large enough for a whole round: what is measured is sending, not dropping. */
const QUEUE_BYTES = 256 << 20;
const TICK_MS = 5;

/** What the bench asks. */
export type Order =
  | { readonly do: 'dial'; readonly address: string }
  /** Sends so many blocks as fast as the receivers take them. */
  | { readonly do: 'burst'; readonly blocks: number }
  /** Sends blocks evenly until `stop`. */
  | { readonly do: 'stream'; readonly perSecond: number }
  | { readonly do: 'stop' }
  | { readonly do: 'look' };

/** What a process knows of itself. */
export interface View {
  readonly addresses: readonly string[];
  /** Peers that gossip reaches. */
  readonly reached: number;
  /** Blocks received for the first time, and sent. */
  readonly received: number;
  readonly sent: number;
  /** Messages of gossip, all copies and first ones. */
  readonly copies: number;
  readonly firsts: number;
  readonly cpuMicros: number;
  /** Milliseconds from sending to the handler, since the last look; at most 20,000 of them. */
  readonly latenciesMs: readonly number[];
}

interface Engine {
  dial(address: string): Promise<void>;
  publish(block: Uint8Array): void;
  /** Ends once the waiting gossip is below the bound. */
  drain(): Promise<void>;
  addresses(): string[];
  reached(): number;
}

const seen = { received: 0, sent: 0, copies: 0, firsts: 0 };
let latenciesMs: number[] = [];

/** One clock for all processes of this machine, with parts of a millisecond. */
function now(): number {
  return performance.timeOrigin + performance.now();
}

function makeBlock(): Uint8Array {
  const block = new Uint8Array(BLOCK_BYTES);
  const view = new DataView(block.buffer);
  view.setFloat64(0, Math.random());
  view.setFloat64(TIME_OFFSET, now());
  return block;
}

function onBlocks(blocks: readonly Uint8Array[]): void {
  seen.received += blocks.length;
  const first = blocks[0];
  if (first === undefined || latenciesMs.length >= 20_000) return;
  const view = new DataView(first.buffer, first.byteOffset, first.byteLength);
  latenciesMs.push(now() - view.getFloat64(TIME_OFFSET));
}

async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

/** The network as a node runs it, with a handler that accepts everything. */
async function startNetwork(): Promise<Engine> {
  const network = new TangleNetwork(
    {
      networkId: NETWORK_ID,
      listen: LISTEN,
      peers: [],
      privateKey: await generateKeyPair('Ed25519'),
      limits: {
        packQueueBytes: QUEUE_BYTES,
        gossipBytesPerSecond: 1 << 30,
        gossipMessagesPerSecond: 1e6,
        gossipBlocksPerSecond: 1e7,
      },
    },
    {
      async onPack(blocks) {
        onBlocks(blocks);
        return 'accept';
      },
      onMilestone: async () => 'ignore',
      onConsensus: async () => 'ignore',
      getBlocks: async () => [],
      getMilestones: async () => [],
      getCone: async () => [],
      getCones: async () => ({ cones: [], isTooLarge: false }),
      getConsensus: async () => [],
      status: () => ({ solidIndex: 1, latestIndex: 1, prunedIndex: 0, peers: 0 }),
    },
    {
      logger: SILENT_LOGGER,
      hasher: await bestHasher(),
      metrics: {
        count(event) {
          if (event === 'message-received') seen.copies += 1;
          else if (event === 'pack-received') seen.firsts += 1;
        },
        gossipBytes: () => undefined,
        wireBytes: () => undefined,
      },
    },
  );
  await network.start();
  return {
    dial: async (address) => await network.addPeer(address),
    publish: (block) => network.publishBlock(block),
    drain: async () => await pause(0),
    addresses: () => network.addresses(),
    reached: () => network.peers().filter(({ subscribed }) => subscribed).length,
  };
}

/** gossipsub alone, unsigned, with packs of the same size over the same transport. */
async function startBare(): Promise<Engine> {
  const topics = gossipTopics(NETWORK_ID);
  const node = await createNode(
    {
      networkId: NETWORK_ID,
      listen: LISTEN,
      peers: [],
      privateKey: await generateKeyPair('Ed25519'),
    },
    {
      topics,
      messageIds: await createMessageIds(topics, await bestHasher(), 1n),
      limits: DEFAULT_LIMITS,
      points: () => 0,
    },
  );
  const { pubsub } = node.services;
  await node.start();
  pubsub.addEventListener('gossipsub:message', ({ detail }) => {
    const pack = decodePack(detail.msg.data);
    if (pack.ok) onBlocks(pack.value);
  });
  pubsub.subscribe(topics.blocks);
  let waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  const flush = (): void => {
    if (waiting.length > 0) void pubsub.publish(topics.blocks, encodePack(waiting));
    waiting = [];
    waitingBytes = 0;
  };
  const backlog = (): number =>
    node
      .getConnections()
      .flatMap((connection) => connection.streams)
      .reduce((sum, stream) => sum + stream.writeBufferLength, 0);
  return {
    dial: async (address) => void (await node.dial(multiaddr(address))),
    publish(block) {
      waiting.push(block);
      waitingBytes += block.length + 2;
      if (waitingBytes + block.length >= PACK_BYTES) flush();
    },
    async drain() {
      flush();
      do await pause(0);
      while (backlog() > BACKLOG_BYTES);
    },
    addresses: () => node.getMultiaddrs().map(String),
    reached: () => pubsub.getSubscribers(topics.blocks).length,
  };
}

async function burst(engine: Engine, blocks: number): Promise<void> {
  const made = Array.from({ length: blocks }, makeBlock);
  for (const [at, block] of made.entries()) {
    engine.publish(block);
    if (at % 1_024 === 1_023) await engine.drain();
  }
  seen.sent += blocks;
  await engine.drain();
}

let ticking: ReturnType<typeof setInterval> | undefined;

/** Sends `perSecond` blocks evenly; a tick that comes late makes up for it. */
function sendEvenly(engine: Engine, perSecond: number): void {
  const started = performance.now();
  let sent = 0;
  ticking = setInterval(() => {
    const due = Math.floor(((performance.now() - started) * perSecond) / 1_000);
    for (; sent < due; sent += 1) {
      engine.publish(makeBlock());
      seen.sent += 1;
    }
  }, TICK_MS);
}

function look(engine: Engine): View {
  const { user, system } = process.cpuUsage();
  const taken = latenciesMs;
  latenciesMs = [];
  return {
    ...seen,
    addresses: engine.addresses(),
    reached: engine.reached(),
    cpuMicros: user + system,
    latenciesMs: taken,
  };
}

async function obey(engine: Engine, order: Order): Promise<void> {
  if (order.do === 'dial') await engine.dial(order.address);
  else if (order.do === 'burst') await burst(engine, order.blocks);
  else if (order.do === 'stream') sendEvenly(engine, order.perSecond);
  else if (order.do === 'stop') clearInterval(ticking);
}

const engine = await (process.argv[2] === 'bare' ? startBare() : startNetwork());
process.on('message', (order) => {
  void obey(engine, order as Order).then(() => process.send?.(look(engine)));
});
process.on('disconnect', () => process.exit());
process.send?.(look(engine));
