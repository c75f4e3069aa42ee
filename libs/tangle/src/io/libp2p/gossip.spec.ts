/** Gossip between real networks on 127.0.0.1: packs, relaying, verdicts, bans. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { until } from '../testing/until.ts';
import {
  connected,
  eventCount,
  fakeBlock,
  reaching,
  startNode,
  stopAll,
} from './testing/network-nodes.ts';
import type { TestNode } from './testing/network-nodes.ts';
import { startGossiper, startNeighbour, TOPICS } from './testing/peers.ts';

afterEach(stopAll);

function blocksOf(node: TestNode): Uint8Array[] {
  return node.packs.flatMap((pack) => pack.blocks);
}

/** Two nodes that reach each other over the one between them only. */
async function startLine(): Promise<{ left: TestNode; middle: TestNode; right: TestNode }> {
  const middle = await startNode();
  const [left, right] = [await startNeighbour(middle), await startNeighbour(middle)];
  await until(reaching(middle, 2));
  return { left, middle, right };
}

describe('gossip', () => {
  it('carries a pack of blocks over a middle node that accepts it', async () => {
    const { left, middle, right } = await startLine();
    const blocks = [fakeBlock(), fakeBlock(), fakeBlock(5_000)];
    for (const block of blocks) left.network.publishBlock(block);
    await until(() => blocksOf(right).length === 3);
    expect(right.packs).toHaveLength(1);
    expect(blocksOf(right)).toEqual(blocks);
    expect(right.packs[0]?.from).toBe(middle.network.key);
    expect(eventCount(left, 'pack-sent')).toBe(1);
    expect(eventCount(left, 'block-sent')).toBe(3);
  });

  it('keeps blocks for the first peer that subscribes', async () => {
    const first = await startNode();
    const block = fakeBlock();
    first.network.publishBlock(block);
    const second = await startNode({ peers: first.network.addresses() });
    await until(() => blocksOf(second).length === 1);
    expect(blocksOf(second)).toEqual([block]);
  });

  it('paces a flood of its own: nothing is lost and nobody is disconnected', async () => {
    const limits = { packQueueBytes: 64 << 20, gossipBacklogBytes: 1 << 20 };
    const sender = await startNode({ limits: { ...limits, watchIntervalMs: 50 } });
    const reader = await startNode({ peers: sender.network.addresses() });
    await until(reaching(sender, 1));
    const block = fakeBlock(30_000);
    // Twelve times what may wait for a peer before the watch calls it lagging.
    const blocks = 400;
    for (let count = 0; count < blocks; count += 1) {
      sender.network.publishBlock(
        Uint8Array.from(block)
          .fill(count & 255, 0, 1)
          .fill(count >> 8, 1, 2),
      );
    }
    await until(() => eventCount(reader, 'block-received') === blocks);
    expect(eventCount(sender, 'peer-muted')).toBe(0);
    expect(eventCount(sender, 'block-dropped')).toBe(0);
  });

  it('looks at the same pack once, whoever sends it', async () => {
    const { left, middle, right } = await startLine();
    const [block, marker] = [fakeBlock(), fakeBlock()];
    left.network.publishBlock(block);
    right.network.publishBlock(block);
    await until(() => blocksOf(middle).length === 1);
    right.network.publishBlock(marker);
    await until(() => blocksOf(left).some((seen) => seen.length === marker.length));
    await until(() => blocksOf(middle).length === 2);
    expect(middle.packs).toHaveLength(2);
  });

  it('relays nothing that is ignored, and no penalty follows', async () => {
    const { left, middle, right } = await startLine();
    middle.verdict = 'ignore';
    left.network.publishBlock(fakeBlock(100));
    await until(() => middle.packs.length === 1);
    middle.verdict = 'accept';
    left.network.publishBlock(fakeBlock(101));
    await until(() => right.packs.length === 1);
    expect(blocksOf(right).map((block) => block.length)).toEqual([101]);
    expect(middle.network.peers().map((peer) => peer.points)).toEqual([0, 0]);
  });

  it('ignores a pack whose handler fails, and goes on', async () => {
    const victim = await startNode();
    const sender = await startNeighbour(victim);
    victim.verdict = new Error('disk on fire');
    sender.network.publishBlock(fakeBlock(100));
    await until(() => eventCount(victim, 'verdict-ignore') === 1);
    victim.verdict = 'accept';
    sender.network.publishBlock(fakeBlock(101));
    await until(() => eventCount(victim, 'verdict-accept') === 1);
    expect(victim.network.peers()[0]?.points).toBe(0);
  });

  it('rejects invalid packs, counts points and bans at the line, for a while', async () => {
    const limits = { banMs: 400 };
    const victim = await startNode({ limits });
    const sender = await startNeighbour(victim);
    victim.verdict = 'reject';
    for (let count = 1; count <= 5; count += 1) {
      sender.network.publishBlock(fakeBlock());
      await until(() => eventCount(victim, 'verdict-reject') === count);
    }
    await until(() => eventCount(victim, 'peer-banned') === 1);
    await until(connected(victim, 0));
    await until(connected(victim, 1));
    expect(victim.network.peers()[0]?.points).toBe(0);
  });

  it('points: one malformed pack costs the sender 25', async () => {
    const victim = await startNode();
    const attacker = await startGossiper(victim);
    await attacker.services.pubsub.publish(TOPICS.blocks, new Uint8Array([1, 0, 9]));
    await until(() => eventCount(victim, 'verdict-reject') === 1);
    expect(victim.packs).toHaveLength(0);
    expect(victim.network.peers()[0]?.points).toBe(25);
    expect(victim.network.peers()[0]?.counters.rejected).toBe(1);
  });

  it('carries milestones, and the bytes of one on the wrong topic do not block them', async () => {
    const victim = await startNode();
    const attacker = await startGossiper(victim);
    const honest = await startNeighbour(victim);
    const milestone = fakeBlock(700);
    await attacker.services.pubsub.publish(TOPICS.blocks, milestone);
    await until(() => eventCount(victim, 'verdict-reject') === 1);
    await honest.network.publishMilestone(milestone);
    await until(() => victim.milestones.length === 1);
    expect(victim.milestones).toEqual([milestone]);
  });

  it('refuses milestones beyond the greatest size', async () => {
    const victim = await startNode();
    const attacker = await startGossiper(victim);
    await attacker.services.pubsub.publish(TOPICS.milestones, fakeBlock(20_000));
    await until(() => eventCount(victim, 'verdict-reject') === 1);
    expect(victim.milestones).toHaveLength(0);
    await expect(victim.network.publishMilestone(fakeBlock(20_000))).rejects.toMatchObject({
      code: 'too-large',
    });
  });

  it('ignores what exceeds the validations under way', async () => {
    const victim = await startNode({ limits: { maxValidatingPerPeer: 0 } });
    const sender = await startNeighbour(victim);
    sender.network.publishBlock(fakeBlock());
    await until(() => eventCount(victim, 'verdict-ignore') === 1);
    expect(victim.packs).toHaveLength(0);
    expect(victim.network.peers()[0]?.points).toBe(0);
  });
});
