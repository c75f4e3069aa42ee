/**
 * Goal 7: what gossip costs. One link: this project's network against gossipsub alone with packs of
 * the same size, two processes each, CPU of both ends. A mesh of five processes: CPU per block and
 * node, duplicates, and how long a block takes, at 2,500 blocks a second.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { atMost, valueAtMost, type Bench, type BenchContext, type Measurement } from './bench.ts';
import type { Order, View } from './gossip-peer.ts';
import { median } from './measure.ts';

const PEER = fileURLToPath(new URL('./gossip-peer.ts', import.meta.url));
const ROUND_BLOCKS = 40_000;
const QUICK_BLOCKS = 2_000;
const MESH_NODES = 5;
const MESH_PER_SECOND = 2_500;
const MESH_MS = 15_000;
const QUICK_MESH_MS = 500;
/** gossipsub builds its mesh in heartbeats of a second. */
const WARM_UP_MS = 4_000;
const QUICK_WARM_UP_MS = 1_500;
const POLL_MS = 20;

/** A process of the bench; one order at a time. */
class Peer {
  readonly #process: ChildProcess;

  private constructor(process: ChildProcess) {
    this.#process = process;
  }

  static async start(kind: 'network' | 'bare'): Promise<Peer> {
    const child = fork(PEER, [kind], { execArgv: ['--disable-warning=ExperimentalWarning'] });
    await once(child, 'message');
    return new Peer(child);
  }

  async order(order: Order): Promise<View> {
    const answer = once(this.#process, 'message');
    this.#process.send(order);
    const [view] = (await answer) as [View];
    return view;
  }

  async until(condition: (view: View) => boolean): Promise<View> {
    for (;;) {
      const view = await this.order({ do: 'look' });
      if (condition(view)) return view;
      await pause(POLL_MS);
    }
  }

  stop(): void {
    this.#process.disconnect();
  }
}

async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

/** A sender and a receiver that know each other. */
async function startLink(kind: 'network' | 'bare'): Promise<readonly [Peer, Peer]> {
  const [sender, receiver] = await Promise.all([Peer.start(kind), Peer.start(kind)]);
  const { addresses } = await receiver.order({ do: 'look' });
  await sender.order({ do: 'dial', address: addresses[0] ?? '' });
  await Promise.all([sender, receiver].map(async (peer) => await peer.until(isReady(1))));
  return [sender, receiver];
}

function isReady(peers: number): (view: View) => boolean {
  return ({ reached }) => reached === peers;
}

/** CPU microseconds of both ends per block of one round. */
async function linkRound([sender, receiver]: readonly [Peer, Peer], blocks: number) {
  const before = await Promise.all([sender.order({ do: 'look' }), receiver.order({ do: 'look' })]);
  const wanted = before[1].received + blocks;
  await sender.order({ do: 'burst', blocks });
  const received = await receiver.until((view) => view.received >= wanted);
  const sent = await sender.order({ do: 'look' });
  return (sent.cpuMicros - before[0].cpuMicros + received.cpuMicros - before[1].cpuMicros) / blocks;
}

async function measureLink({ quick, rounds }: BenchContext): Promise<Measurement[]> {
  const blocks = quick ? QUICK_BLOCKS : ROUND_BLOCKS;
  const links = { network: await startLink('network'), bare: await startLink('bare') };
  const costs = { network: [] as number[], bare: [] as number[] };
  try {
    for (let round = -1; round < rounds; round += 1) {
      for (const kind of ['network', 'bare'] as const) {
        const cost = await linkRound(links[kind], blocks);
        if (round >= 0) costs[kind].push(cost);
      }
    }
  } finally {
    for (const peer of [...links.network, ...links.bare]) peer.stop();
  }
  const value = median(costs.network);
  const limit = median(costs.bare);
  const ratio = median(costs.network.map((cost, at) => cost / (costs.bare[at] ?? Number.NaN)));
  const unit = 'CPU µs/block';
  return [
    {
      name: 'gossip, both ends of a link / bare packs',
      value,
      limit,
      unit,
      ratio,
      goal: atMost(1.3),
    },
    {
      name: 'gossip, both ends of a link',
      value,
      limit: null,
      unit,
      ratio: null,
      goal: valueAtMost(25),
    },
  ];
}

interface MeshResult {
  readonly microsPerBlock: number;
  readonly copiesPerMessage: number;
  readonly latenciesMs: readonly number[];
}

async function startMesh(): Promise<Peer[]> {
  const peers = await Promise.all(
    Array.from({ length: MESH_NODES }, async () => await Peer.start('network')),
  );
  for (const [at, peer] of peers.entries()) {
    const { addresses } = await peer.order({ do: 'look' });
    for (const other of peers.slice(at + 1)) {
      await other.order({ do: 'dial', address: addresses[0] ?? '' });
    }
  }
  await Promise.all(peers.map(async (peer) => await peer.until(isReady(MESH_NODES - 1))));
  return peers;
}

async function lookAtAll(peers: readonly Peer[]): Promise<View[]> {
  return await Promise.all(peers.map(async (peer) => await peer.order({ do: 'look' })));
}

async function runMesh(quick: boolean): Promise<MeshResult> {
  const peers = await startMesh();
  try {
    for (const peer of peers) {
      await peer.order({ do: 'stream', perSecond: MESH_PER_SECOND / MESH_NODES });
    }
    await pause(quick ? QUICK_WARM_UP_MS : WARM_UP_MS);
    const before = await lookAtAll(peers);
    await pause(quick ? QUICK_MESH_MS : MESH_MS);
    const after = await lookAtAll(peers);
    const grown = (of: 'sent' | 'cpuMicros' | 'copies' | 'firsts'): number =>
      after.reduce((sum, view, at) => sum + view[of] - (before[at]?.[of] ?? 0), 0);
    for (const peer of peers) await peer.order({ do: 'stop' });
    return {
      microsPerBlock: grown('cpuMicros') / grown('sent') / MESH_NODES,
      copiesPerMessage: grown('copies') / grown('firsts'),
      latenciesMs: after.flatMap(({ latenciesMs }) => latenciesMs).toSorted((a, b) => a - b),
    };
  } finally {
    for (const peer of peers) peer.stop();
  }
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN;
}

async function measureMesh({ quick }: BenchContext): Promise<Measurement[]> {
  const { microsPerBlock, copiesPerMessage, latenciesMs } = await runMesh(quick);
  const row = (name: string, value: number, unit: string): Measurement => ({
    name: `gossip, five nodes, ${name}`,
    value,
    limit: null,
    unit,
    ratio: null,
    goal: null,
  });
  return [
    { ...row('per block and node', microsPerBlock, 'CPU µs'), goal: valueAtMost(130) },
    row('copies of a pack', copiesPerMessage, 'copies'),
    row('latency, median', quantile(latenciesMs, 0.5), 'ms'),
    row('latency, 99 of 100', quantile(latenciesMs, 0.99), 'ms'),
  ];
}

export const gossip: Bench = {
  name: 'gossip',
  goal: 7,
  run: async (context) => [...(await measureLink(context)), ...(await measureMesh(context))],
};
