// Milestones that this node's own agreement made final: the same door, without a second check.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { milestoneIdOf, type Milestone } from '@tanglemail/tangle/core/codec/milestone.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { testKey, until } from '../testing/test-network.ts';
import {
  blockOf,
  certified,
  chain,
  checked,
  heartbeat,
  ROOT,
  SyncWorld,
} from './testing/sync-world.ts';

let world: SyncWorld;
beforeEach(() => {
  world = new SyncWorld();
});
afterEach(() => world.sync.stop());

describe('what the agreement made final', () => {
  it('is confirmed and told of, and no signature is checked again', async () => {
    world.sync.start();
    const [first, second] = chain(2) as [Milestone, Milestone];
    await world.sync.addFinal(second);
    expect(world.sync.latestProven).toBe(2);
    await world.sync.addFinal(first);
    await until(() => world.latest.header.index === 2);
    expect(world.confirmed).toEqual([first, second]);
    expect(world.proven).toEqual([2]);
    expect(world.checks).toBe(0);
  });

  it('goes on to peers once when gossip brings it with a certificate that holds', async () => {
    const first = heartbeat(ROOT.parent);
    await world.sync.addFinal(first);
    const other = { ...first.certificate, signatures: [new Uint8Array(64)] };
    expect(await world.gossip({ ...first, certificate: other })).toBe('reject');
    expect(world.heard).toEqual([]);
    world.sync.start();
    await until(() => world.latest.header.index === 1);
    expect(await world.gossip(first)).toBe('accept');
    expect(world.heard).toEqual([milestoneIdOf(first.header, nobleHasher)]);
    expect(await world.gossip({ ...first, certificate: other })).toBe('ignore');
    await world.sync.addFinal(first);
    expect([world.checks, world.heard.length]).toEqual([2, 1]);
    expect(world.halted).toBeUndefined();
  });

  it('changes nothing when gossip was quicker', async () => {
    const first = heartbeat(ROOT.parent);
    expect(await world.gossip(first)).toBe('accept');
    await world.sync.addFinal(first);
    world.sync.start();
    await until(() => world.latest.header.index === 1);
    expect(world.confirmed).toEqual([first]);
    expect(world.evidence).toEqual([]);
  });

  it('has its cone fetched when it did not come', async () => {
    const block = blockOf('late');
    world.peer('a', []).cones.set(1, [block]);
    world.sync.start();
    await world.sync.addFinal(certified(ROOT.parent, { block }));
    await until(() => world.latest.header.index === 1);
    expect(world.urgent).toEqual([checked(block).id]);
  });

  it('is a fork against one that waits, and against a confirmed one', async () => {
    await world.gossip(heartbeat(ROOT.parent));
    await world.sync.addFinal(heartbeat(ROOT.parent, 1));
    expect(world.halted).toBe('two different final milestones have index 1');
    expect(world.evidence).toEqual([1]);
    await world.sync.stop();
    world = new SyncWorld();
    world.sync.start();
    await world.gossip(heartbeat(ROOT.parent));
    await until(() => world.latest.header.index === 1);
    await world.sync.addFinal(heartbeat(ROOT.parent, 1));
    expect(world.evidence).toEqual([1]);
  });

  it('is the only way in without a check: gossip still has its certificates checked', async () => {
    expect(await world.gossip(heartbeat(ROOT.parent, 0, testKey(99)))).toBe('reject');
    expect(world.checks).toBe(1);
  });
});
