/** Gossip between real networks on 127.0.0.1: packs, relaying, verdicts, bans. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { multiaddr } from '@multiformats/multiaddr';
import { gossipFault } from './gossip.ts';
import { gossipTopics, syncProtocol } from './message-id.ts';
import {
  connected,
  eventCount,
  eventually,
  fakeBlock,
  NETWORK_ID,
  reaching,
  startBareNode,
  startNode,
  stopAll,
} from './testing/network-nodes.ts';
import type { TestNode } from './testing/network-nodes.ts';
import type { TangleLibp2p } from './create-node.ts';

afterEach(stopAll);

const topics = gossipTopics(NETWORK_ID);

function blocksOf(node: TestNode): Uint8Array[] {
  return node.packs.flatMap((pack) => pack.blocks);
}

/** A bare node that is subscribed and in `victim`'s reach. */
async function startAttacker(victim: TestNode): Promise<TangleLibp2p> {
  const bare = await startBareNode();
  bare.services.pubsub.subscribe(topics.blocks);
  bare.services.pubsub.subscribe(topics.milestones);
  await bare.handle(syncProtocol(NETWORK_ID), () => {});
  await bare.dial(multiaddr(victim.network.addresses()[0]));
  await eventually(() => gossipFault(bare.getConnections(), 1) === undefined);
  await eventually(() => bare.services.pubsub.getSubscribers(topics.blocks).length === 1);
  return bare;
}

describe('gossip', () => {
  it('carries a pack of blocks over a middle node that accepts it', async () => {
    const middle = await startNode();
    const left = await startNode({ peers: middle.network.addresses() });
    const right = await startNode({ peers: middle.network.addresses() });
    await eventually(reaching(middle, 2));
    await eventually(() => [left, right].every((node) => reaching(node, 1)()));
    const blocks = [fakeBlock(), fakeBlock(), fakeBlock(5_000)];
    for (const block of blocks) left.network.publishBlock(block);
    await eventually(() => blocksOf(right).length === 3);
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
    await eventually(() => blocksOf(second).length === 1);
    expect(blocksOf(second)).toEqual([block]);
  });

  it('paces a flood of its own: nothing is lost and nobody is disconnected', async () => {
    const limits = { packQueueBytes: 64 << 20, gossipBacklogBytes: 1 << 20 };
    const sender = await startNode({ limits: { ...limits, watchIntervalMs: 50 } });
    const reader = await startNode({ peers: sender.network.addresses() });
    await eventually(reaching(sender, 1));
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
    await eventually(() => eventCount(reader, 'block-received') === blocks);
    expect(eventCount(sender, 'peer-muted')).toBe(0);
    expect(eventCount(sender, 'block-dropped')).toBe(0);
  });

  it('looks at the same pack once, whoever sends it', async () => {
    const middle = await startNode();
    const left = await startNode({ peers: middle.network.addresses() });
    const right = await startNode({ peers: middle.network.addresses() });
    await eventually(reaching(middle, 2));
    await eventually(() => [left, right].every((node) => reaching(node, 1)()));
    const [block, marker] = [fakeBlock(), fakeBlock()];
    left.network.publishBlock(block);
    right.network.publishBlock(block);
    await eventually(() => blocksOf(middle).length === 1);
    right.network.publishBlock(marker);
    await eventually(() => blocksOf(left).some((seen) => seen.length === marker.length));
    await eventually(() => blocksOf(middle).length === 2);
    expect(middle.packs).toHaveLength(2);
  });

  it('relays nothing that is ignored, and no penalty follows', async () => {
    const middle = await startNode();
    const left = await startNode({ peers: middle.network.addresses() });
    const right = await startNode({ peers: middle.network.addresses() });
    await eventually(reaching(middle, 2));
    await eventually(() => [left, right].every((node) => reaching(node, 1)()));
    middle.verdict = 'ignore';
    left.network.publishBlock(fakeBlock(100));
    await eventually(() => middle.packs.length === 1);
    middle.verdict = 'accept';
    left.network.publishBlock(fakeBlock(101));
    await eventually(() => right.packs.length === 1);
    expect(blocksOf(right).map((block) => block.length)).toEqual([101]);
    expect(middle.network.peers().map((peer) => peer.points)).toEqual([0, 0]);
  });

  it('ignores a pack whose handler fails, and goes on', async () => {
    const victim = await startNode();
    const sender = await startNode({ peers: victim.network.addresses() });
    await eventually(reaching(sender, 1));
    victim.verdict = new Error('disk on fire');
    sender.network.publishBlock(fakeBlock(100));
    await eventually(() => eventCount(victim, 'verdict-ignore') === 1);
    victim.verdict = 'accept';
    sender.network.publishBlock(fakeBlock(101));
    await eventually(() => eventCount(victim, 'verdict-accept') === 1);
    expect(victim.network.peers()[0]?.points).toBe(0);
  });

  it('rejects invalid packs, counts points and bans at the line, for a while', async () => {
    const limits = { banMs: 400 };
    const victim = await startNode({ limits });
    const sender = await startNode({ peers: victim.network.addresses() });
    await eventually(reaching(sender, 1));
    victim.verdict = 'reject';
    for (let count = 1; count <= 5; count += 1) {
      sender.network.publishBlock(fakeBlock());
      await eventually(() => eventCount(victim, 'verdict-reject') === count);
    }
    await eventually(() => eventCount(victim, 'peer-banned') === 1);
    await eventually(connected(victim, 0));
    await eventually(connected(victim, 1));
    expect(victim.network.peers()[0]?.points).toBe(0);
  });

  it('points: one malformed pack costs the sender 25', async () => {
    const victim = await startNode();
    const attacker = await startAttacker(victim);
    await attacker.services.pubsub.publish(topics.blocks, new Uint8Array([1, 0, 9]));
    await eventually(() => eventCount(victim, 'verdict-reject') === 1);
    expect(victim.packs).toHaveLength(0);
    expect(victim.network.peers()[0]?.points).toBe(25);
    expect(victim.network.peers()[0]?.counters.rejected).toBe(1);
  });

  it('carries milestones, and the bytes of one on the wrong topic do not block them', async () => {
    const victim = await startNode();
    const attacker = await startAttacker(victim);
    const honest = await startNode({ peers: victim.network.addresses() });
    await eventually(reaching(honest, 1));
    const milestone = fakeBlock(700);
    await attacker.services.pubsub.publish(topics.blocks, milestone);
    await eventually(() => eventCount(victim, 'verdict-reject') === 1);
    await honest.network.publishMilestone(milestone);
    await eventually(() => victim.milestones.length === 1);
    expect(victim.milestones).toEqual([milestone]);
  });

  it('refuses milestones beyond the greatest size', async () => {
    const victim = await startNode();
    const attacker = await startAttacker(victim);
    await attacker.services.pubsub.publish(topics.milestones, fakeBlock(20_000));
    await eventually(() => eventCount(victim, 'verdict-reject') === 1);
    expect(victim.milestones).toHaveLength(0);
    await expect(victim.network.publishMilestone(fakeBlock(20_000))).rejects.toMatchObject({
      code: 'too-large',
    });
  });

  it('ignores what exceeds the validations under way', async () => {
    const victim = await startNode({ limits: { maxValidatingPerPeer: 0 } });
    const sender = await startNode({ peers: victim.network.addresses() });
    await eventually(reaching(sender, 1));
    sender.network.publishBlock(fakeBlock());
    await eventually(() => eventCount(victim, 'verdict-ignore') === 1);
    expect(victim.packs).toHaveLength(0);
    expect(victim.network.peers()[0]?.points).toBe(0);
  });
});
