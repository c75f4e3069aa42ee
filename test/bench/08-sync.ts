/**
 * Goal 8: what bulk sync costs at both ends, against a bare stream of the same library over the
 * same encrypted connection that carries the same frames. The node's own requester and responder
 * bring cones of 2 KiB blocks; a further row adds the proof of each cone, which a node does before
 * it keeps a block.
 */
import { randomBytes } from 'node:crypto';
import { multiaddr } from '@multiformats/multiaddr';
import { blockIdOf } from '../../libs/tangle/src/core/codec/block.ts';
import { encodeFrame, MAX_ANSWER_SIZE } from '../../libs/tangle/src/core/codec/frame.ts';
import { rootOfIds } from '../../libs/tangle/src/core/ledger/apply-milestone.ts';
import type { Hasher } from '../../libs/tangle/src/core/ports.ts';
import { bestHasher } from '../../libs/tangle/src/io/accel/hasher.ts';
import { sendAndDrain } from '../../libs/tangle/src/io/libp2p/drain.ts';
import {
  acquainted,
  startBareNode,
  startNode,
  stopAll,
  type TestNode,
} from '../../libs/tangle/src/io/libp2p/testing/network-nodes.ts';
import type { Stream } from '../../libs/tangle/src/io/libp2p/types.ts';
import { until } from '../../libs/tangle/src/io/testing/until.ts';
import { atMost, type Bench, type BenchContext, type Measurement } from './bench.ts';
import { compare, interleave, median, type Contender } from './measure.ts';

const MIB = 1 << 20;
const BLOCK_BYTES = 2_048;
/** One cone fills one frame of 64 KiB, with the lengths of its blocks. */
const BLOCKS_PER_CONE = 31;
const CONES_PER_ANSWER = 64;
/** Requests under way at once. */
const PARALLEL = 4;
const PROTOCOL = '/bench/frames/1';

/** The cones of one answer; all answers are alike. */
function makeCones(): Uint8Array[][] {
  return Array.from({ length: CONES_PER_ANSWER }, () =>
    Array.from({ length: BLOCKS_PER_CONE }, () => new Uint8Array(randomBytes(BLOCK_BYTES))),
  );
}

function bytesOf(cones: readonly (readonly Uint8Array[])[]): number {
  return cones.flat().reduce((sum, block) => sum + block.length, 0);
}

/** The frames in which a node sends these cones. */
function framesOf(cones: readonly (readonly Uint8Array[])[]): Uint8Array[] {
  return cones.map((cone, position) =>
    encodeFrame({
      type: 'cones',
      requestId: 1,
      end: position === cones.length - 1 ? 'complete' : 'more',
      items: [...cone, new Uint8Array()],
    }),
  );
}

/** Sends the frames over one stream and ends when all bytes are there; counts MiB of blocks. */
async function bareStream(frames: readonly Uint8Array[], answers: number, blockBytes: number) {
  const [receiver, sender] = [await startBareNode(), await startBareNode()];
  let received = 0;
  await receiver.handle(PROTOCOL, (stream) => {
    stream.addEventListener('message', ({ data }) => {
      received += data.byteLength;
    });
  });
  const connection = await sender.dial(multiaddr(receiver.getMultiaddrs()[0]?.toString()));
  const stream: Stream = await connection.newStream(PROTOCOL);
  const never = new AbortController().signal;
  const run = async (): Promise<number> => {
    const due = received + answers * frames.reduce((sum, frame) => sum + frame.length, 0);
    for (let answer = 0; answer < answers; answer++) {
      for (const frame of frames) await sendAndDrain(stream, frame, never);
    }
    await until(() => received >= due);
    return (answers * blockBytes) / MIB;
  };
  return { run } satisfies Contender;
}

/** Budgets that do not bind: what is measured is the cost, not the pace. */
const UNBOUND = {
  answerBytesPerSecond: 1e12,
  answerBytesBurst: 1e12,
  requestsPerSecond: 1e9,
  requestsBurst: 1e9,
  answerTimeoutMs: 600_000,
  requestTimeoutMs: 60_000,
};

async function startPair(cones: readonly Uint8Array[][]): Promise<TestNode> {
  const server = await startNode({ limits: UNBOUND });
  server.status = { solidIndex: 1e6, latestIndex: 1e6, prunedIndex: 0, peers: 1 };
  server.conesOf = () => ({ cones, isTooLarge: false });
  const asker = await startNode({ limits: UNBOUND, peers: server.network.addresses() });
  await until(acquainted(asker, server));
  return asker;
}

/** Has the cones brought by requests; `prove` is what the node does with each. */
function bySync(
  asker: TestNode,
  answers: number,
  blockBytes: number,
  prove: (cone: readonly Uint8Array[]) => unknown,
): Contender {
  const one = async (): Promise<void> => {
    const { cones } = await asker.network.requestCones(1, CONES_PER_ANSWER);
    if (cones.length !== CONES_PER_ANSWER) throw new Error('an answer is incomplete');
    for (const cone of cones) prove(cone);
  };
  return {
    run: async () => {
      for (let done = 0; done < answers; done += PARALLEL) {
        await Promise.all(Array.from({ length: Math.min(PARALLEL, answers - done) }, one));
      }
      return (answers * blockBytes) / MIB;
    },
  };
}

/** Notes how long a contender's rounds took. */
function timed(contender: Contender, seconds: number[]): Contender {
  return {
    ...contender,
    run: async () => {
      const startedMs = performance.now();
      const count = await contender.run();
      seconds.push((performance.now() - startedMs) / 1_000 / count);
      return count;
    },
  };
}

async function measureSync(context: BenchContext, hasher: Hasher): Promise<Measurement[]> {
  const cones = makeCones();
  const blockBytes = bytesOf(cones);
  if (blockBytes > MAX_ANSWER_SIZE) throw new Error('an answer holds 4 MiB');
  const answers = context.quick ? 4 : 24;
  const asker = await startPair(cones);
  const prove = (cone: readonly Uint8Array[]): unknown =>
    rootOfIds(
      cone.map((block) => blockIdOf(block, hasher)),
      hasher,
    );
  const pace: Record<'bare' | 'sync' | 'proven', number[]> = { bare: [], sync: [], proven: [] };
  const costs = await interleave(context.rounds, {
    bare: timed(await bareStream(framesOf(cones), answers, blockBytes), pace.bare),
    sync: timed(
      bySync(asker, answers, blockBytes, (cone) => cone.length),
      pace.sync,
    ),
    proven: timed(bySync(asker, answers, blockBytes, prove), pace.proven),
  });
  const row = (name: string, of: 'sync' | 'proven', goal: Measurement['goal']): Measurement => {
    const { value, limit, costRatio } = compare(costs[of], costs.bare, 'process');
    const unit = 'µs CPU per MiB, both ends';
    return { name: `bulk sync, ${name}`, value, unit, limit, ratio: costRatio, goal };
  };
  const perSecond = (of: keyof typeof pace): number => 1 / median(pace[of]);
  return [
    row('requests and answers', 'sync', atMost(2)),
    row('with the proof of every cone', 'proven', null),
    {
      name: '… both ends in one process',
      value: perSecond('sync'),
      unit: 'MiB per s',
      limit: perSecond('bare'),
      ratio: perSecond('sync') / perSecond('bare'),
      goal: null,
    },
  ];
}

export const sync: Bench = {
  name: 'sync',
  goal: 8,
  async run(context) {
    try {
      return await measureSync(context, await bestHasher());
    } finally {
      await stopAll();
    }
  },
};
