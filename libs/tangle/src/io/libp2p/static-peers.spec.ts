/** When static peers are dialled: on a clock that the test moves. */
import { describe, expect, it } from '@jest/globals';
import { SILENT_LOGGER } from '../logger.ts';
import { parseStaticPeer, StaticPeers } from './static-peers.ts';
import { DEFAULT_LIMITS, NO_METRICS } from './types.ts';

const KEY = '12D3KooWGjb3dcsHZKCgrv8gvEkmqFrEW3pT2JR5gK1AZzmsBXhK';
const HERE = `/ip4/192.0.2.1/tcp/1/p2p/${KEY}`;
const THERE = `/ip4/192.0.2.2/tcp/1/p2p/${KEY}`;

interface Task {
  readonly atMs: number;
  readonly run: () => void;
}

/** Static peers of a node whose dials end when the test says so. */
function startPeers(chance = 0) {
  let nowMs = 0;
  let isUp = false;
  let holds = false;
  let signal: AbortSignal | undefined;
  const waiting = new Set<Task>();
  const dialled: { address: string; atMs: number }[] = [];
  const held: (() => void)[] = [];
  const peers = new StaticPeers([parseStaticPeer(HERE)], DEFAULT_LIMITS, {
    dial: async (address, itsSignal) => {
      dialled.push({ address: address.toString(), atMs: nowMs });
      signal = itsSignal;
      if (holds) await new Promise<void>((resolve) => held.push(resolve));
      if (!isUp) throw new Error('nobody there');
      peers.onConnected(KEY);
    },
    isConnected: () => isUp && dialled.length > 0,
    ownKey: '1',
    random: () => chance,
    nowMs: () => nowMs,
    later: (pauseMs, run) => {
      const task = { atMs: nowMs + pauseMs, run };
      waiting.add(task);
      return () => void waiting.delete(task);
    },
    logger: SILENT_LOGGER,
    metrics: NO_METRICS,
  });
  peers.start();
  /** Lets all that is due until `untilMs` happen, but nothing for ever at the same moment. */
  const pass = async (untilMs: number): Promise<void> => {
    for (let steps = 0; steps < 10_000; steps += 1) {
      const next = [...waiting].toSorted((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined || next.atMs > untilMs) break;
      waiting.delete(next);
      nowMs = next.atMs;
      next.run();
      await settled();
    }
    nowMs = untilMs;
  };
  return {
    peers,
    pass,
    dialled,
    waiting,
    signal: () => signal,
    setUp: (up: boolean) => {
      isUp = up;
      if (!up) peers.onDisconnected(KEY);
    },
    hold: () => {
      holds = true;
    },
    release: async () => {
      holds = false;
      for (const go of held.splice(0)) go();
      await settled();
    },
  };
}

async function settled(): Promise<void> {
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
}

describe('static peers', () => {
  it('are dialled within 15 s however long they were away', async () => {
    const { pass, dialled } = startPeers();
    await pass(3_600_000);
    const pauses = dialled.slice(1).map(({ atMs }, i) => atMs - (dialled[i]?.atMs ?? 0));
    expect(pauses.slice(0, 5)).toEqual([2_000, 4_000, 8_000, 15_000, 15_000]);
    expect(Math.max(...pauses)).toBe(15_000);
  });

  it('are not dialled by many nodes at the same moments', async () => {
    const { pass, dialled } = startPeers(0.8);
    await pass(3_600_000);
    const pauses = dialled.slice(1).map(({ atMs }, i) => atMs - (dialled[i]?.atMs ?? 0));
    expect(pauses.at(-1)).toBeCloseTo(12_000);
  });

  it('are dialled soon after a long connection, whatever failed before it', async () => {
    const { pass, dialled, setUp } = startPeers();
    await pass(600_000);
    setUp(true);
    await pass(1_200_000);
    const before = dialled.length;
    setUp(false);
    await pass(1_201_000);
    expect(dialled.length).toBe(before + 1);
  });

  it('are not hammered when they answer and hang up', async () => {
    const { pass, dialled, setUp } = startPeers();
    for (let time = 0; time < 100_000; time += 100) {
      setUp(true);
      await pass(time);
      setUp(false);
    }
    expect(dialled.length).toBeLessThan(12);
  });

  it('are dialled at their new address when it is told during a dial', async () => {
    const { peers, pass, dialled, hold, release } = startPeers();
    hold();
    await pass(0);
    peers.add(parseStaticPeer(THERE));
    await pass(10);
    expect(dialled.map(({ address }) => address)).toEqual([HERE]);
    await release();
    await pass(20);
    expect(dialled.map(({ address }) => address)).toEqual([HERE, THERE]);
  });

  it('are not dialled any more once they are removed, nor is a dial under way kept', async () => {
    const { peers, pass, dialled, waiting, signal, hold, release } = startPeers();
    hold();
    await pass(0);
    expect(peers.remove(KEY)).toBe(true);
    expect(signal()?.aborted).toBe(true);
    await release();
    await pass(600_000);
    expect(dialled).toHaveLength(1);
    expect(waiting.size).toBe(0);
  });
});
