import { afterEach, describe, expect, it } from '@jest/globals';
import { GENESIS_BLOCK_ID } from '@tanglemail/tangle/core/codec/ids.ts';
import { encodeMilestone, type Milestone } from '@tanglemail/tangle/core/codec/milestone.ts';
import { fail } from '@tanglemail/tangle/core/outcome.ts';
import { NetworkError } from '@tanglemail/tangle/io/libp2p/types.ts';
import { testKey, until } from '../testing/test-network.ts';
import {
  after,
  blockOf,
  certified,
  chain,
  chainOf,
  checked,
  heartbeat,
  ROOT,
  SyncWorld,
} from './testing/sync-world.ts';

let world: SyncWorld;
afterEach(() => world.sync.stop());

describe('milestone sync', () => {
  it('confirms what gossip brings, in order, and relays it once', async () => {
    world = new SyncWorld();
    world.sync.start();
    const [first, second] = chain(2) as [Milestone, Milestone];
    expect(await world.gossip(second)).toBe('accept');
    expect(await world.gossip(second)).toBe('ignore');
    expect(await world.gossip(first)).toBe('accept');
    await until(() => world.latest.header.index === 2);
    expect(world.proven).toEqual([2]);
    expect(await world.gossip(second)).toBe('ignore');
  });

  it('rejects bytes that are no milestone, and a certificate of somebody else', async () => {
    world = new SyncWorld();
    expect(await world.sync.onMilestone(Uint8Array.of(1, 2, 3))).toBe('reject');
    expect(await world.gossip(heartbeat(ROOT.parent, 0, testKey(99)))).toBe('reject');
  });

  it('rejects a certified milestone whose body was exchanged, and takes the true one', async () => {
    world = new SyncWorld();
    world.sync.start();
    const [milestone] = chain(1) as [Milestone];
    const { body } = milestone;
    const altered = { ...milestone, body: { ...body, options: { powLoadBits: 1 } } };
    expect(await world.gossip(altered)).toBe('reject');
    expect(await world.gossip(milestone)).toBe('accept');
    await until(() => world.latest.header.index === 1);
    expect(world.halted).toBeUndefined();
    expect(world.confirmed).toMatchObject([{ body }]);
  });

  it('fetches what it missed from peers, and only then has caught up', async () => {
    world = new SyncWorld();
    world.peer('a', chain(70));
    expect(world.sync.hasCaughtUp()).toBe(false);
    world.sync.start();
    await until(() => world.latest.header.index === 70);
    expect(world.sync.hasCaughtUp()).toBe(true);
    expect(world.asked.filter((one) => one.includes('cones'))).toEqual([]);
  });

  it('asks for parents that do not come, then for the whole cone', async () => {
    world = new SyncWorld();
    const block = blockOf('late');
    const { id } = checked(block);
    world.peer('a', []).cones.set(1, [block]);
    world.sync.start();
    await world.gossip(certified(ROOT.parent, { block }));
    await until(() => world.latest.header.index === 1);
    expect(world.urgent).toEqual([id]);
    expect(world.asked).toEqual(['a cones 1+1']);
  });

  it('takes no block of a cone that does not make its root, and asks elsewhere', async () => {
    world = new SyncWorld();
    const blocks = ['one', 'two', 'three'].map(blockOf);
    const milestones = chainOf(blocks);
    const cones = (changed: (cone: Uint8Array[], position: number) => Uint8Array[]) =>
      new Map(blocks.map((block, position) => [position + 1, changed([block], position)]));
    world.peer('cut', milestones, { cones: cones(() => []) });
    world.peer('extra', milestones, { cones: cones((cone) => [...cone, blockOf('extra')]) });
    world.peer('other', milestones, { cones: cones(() => [blockOf('other')]) });
    world.peer('good', milestones, { cones: cones((cone) => cone) });
    world.sync.start();
    await until(() => world.latest.header.index === 3);
    expect(new Set(world.blamed)).toEqual(
      new Set(['cut cone-invalid', 'extra cone-invalid', 'other cone-invalid']),
    );
    const ids = blocks.map((block) => checked(block).id);
    expect([...world.solid]).toEqual([GENESIS_BLOCK_ID, ...ids]);
  });

  it('stops when a proven cone has a block that breaks a rule here', async () => {
    world = new SyncWorld();
    const block = blockOf('rule');
    world.peer('a', chainOf([block])).cones.set(1, [block]);
    world.refuseBlocks = fail('pow-insufficient');
    world.sync.start();
    await until(() => world.evidence.length === 1);
    expect(world.halted).toContain('pow-insufficient');
  });

  it('asks a liar once, believes it no more, and can lead in spite of it', async () => {
    world = new SyncWorld();
    world.peer('liar', [], { says: 1_000_000 });
    world.peer('good', chain(2));
    world.sync.start();
    await until(() => world.latest.header.index === 2 && world.sync.hasCaughtUp());
    expect(world.blamed).toEqual(['liar status-unproven']);
    expect(world.asked.filter((one) => one.startsWith('liar'))).toEqual([
      'liar milestones 1000000',
    ]);
    expect(world.sync.latestProven).toBe(2);
    expect(world.sync.state).toMatchObject({ state: 'following', behind: 0 });
  });

  it('holds gossiped blocks far behind, and takes them in at the head', async () => {
    world = new SyncWorld();
    expect(world.sync.hold([Buffer.from('early')], 'p')).toBe(false);
    const milestones = chain(30);
    await world.gossip(milestones.at(-1) as Milestone);
    expect(world.sync.hold([Buffer.from('a'), Buffer.from('b')], 'p')).toBe(true);
    expect(world.sync.state).toMatchObject({ state: 'warping', behind: 30, held: 2 });
    world.sync.start();
    await until(() => world.isPaused);
    world.peer('good', milestones);
    await until(() => world.released.length === 2);
    expect(world.isPaused).toBe(false);
    await until(() => world.latest.header.index === 30);
  });

  it('says when all peers have pruned what it needs, and goes on when one comes', async () => {
    world = new SyncWorld();
    const milestones = chain(30);
    world.peer('a', [], { prunedIndex: 20, says: 0 });
    world.peer('b', [], { prunedIndex: 25, says: 0 });
    await world.gossip(milestones.at(-1) as Milestone);
    world.sync.start();
    await until(() => world.sync.state.problem !== undefined);
    expect(world.warnings).toEqual([
      'all 2 peers have pruned milestone 1, which is the next one here: ' +
        'start from a snapshot (snapshot.from) or add a peer that keeps more',
    ]);
    world.peer('c', milestones);
    await until(() => world.latest.header.index === 30);
    expect(world.sync.state.problem).toBeUndefined();
  });

  it('shows the milestone that it has told of, before it is confirmed', async () => {
    world = new SyncWorld();
    const newest = chain(5).at(-1) as Milestone;
    await world.gossip(newest);
    expect(world.sync.shownBytes(5)).toEqual(encodeMilestone(newest));
    expect(world.sync.shownBytes(4)).toBeUndefined();
  });

  it('stops and keeps evidence when two certified milestones have one index', async () => {
    world = new SyncWorld();
    const [first, second] = [heartbeat(ROOT.parent), heartbeat(ROOT.parent, 1)];
    await world.gossip(first);
    await world.gossip(second);
    expect(world.halted).toBe('two different final milestones have index 1');
    expect(world.evidence).toEqual([1]);
  });

  it('sees a fork against a milestone that is confirmed already', async () => {
    world = new SyncWorld();
    world.sync.start();
    await world.gossip(heartbeat(ROOT.parent));
    await until(() => world.latest.header.index === 1);
    expect(await world.gossip(heartbeat(ROOT.parent, 1))).toBe('accept');
    expect(world.evidence).toEqual([1]);
  });

  it('stops when a certified milestone breaks a rule here', async () => {
    world = new SyncWorld();
    world.refuse = fail('milestone-root', 'stateRoot');
    world.sync.start();
    await world.gossip(heartbeat(ROOT.parent));
    await until(() => world.evidence.length === 1);
    expect(world.halted).toBe(
      'milestone 1 is certified but breaks a rule on this node: milestone-root',
    );
  });

  it('fetches and keeps nothing more once it has halted', async () => {
    world = new SyncWorld();
    const blocks = Array.from({ length: 30 }, (_, position) => blockOf(`${position}`));
    const cones = new Map(blocks.map((block, position) => [position + 1, [block]]));
    world.refuse = fail('milestone-root', 'stateRoot');
    world.peer('a', chainOf(blocks), { cones });
    world.sync.start();
    await until(() => world.evidence.length === 1);
    await until(() => world.sync.state.state === 'halted' && world.sync.state.proven === 0);
    const asked = [...world.asked];
    world.peer('b', chainOf(blocks), { cones, says: 900 });
    world.sync.wake();
    await new Promise(setImmediate);
    expect(world.asked).toEqual(asked);
    expect(world.sync.state).toMatchObject({ behind: 30, requested: 0, bufferedBytes: 0 });
  });

  it('takes a milestone that its own seat made final first for what it is', async () => {
    world = new SyncWorld();
    const [first, second] = chain(2) as [Milestone, Milestone];
    world.meanwhile = () => {
      world.meanwhile = undefined;
      world.latest = after(first, world.latest);
      return fail('milestone-index');
    };
    world.sync.start();
    await world.gossip(first);
    await until(() => world.latest.header.index === 1);
    await world.gossip(second);
    await until(() => world.latest.header.index === 2);
    expect(world.halted).toBeUndefined();
  });

  it('tries again while the cone is missing', async () => {
    world = new SyncWorld();
    world.refuse = fail('milestone-cone-missing');
    world.sync.start();
    await world.gossip(heartbeat(ROOT.parent));
    await new Promise(setImmediate);
    expect(world.halted).toBeUndefined();
    world.refuse = undefined;
    await until(() => world.latest.header.index === 1);
  });

  it('ends the process when a milestone cannot be checked or written', async () => {
    world = new SyncWorld();
    world.failure = new Error('the disk refused a read');
    world.sync.start();
    await world.gossip(heartbeat(ROOT.parent));
    await until(() => world.fatal.length > 0);
    expect(world.fatal).toEqual([world.failure]);
  });

  it('tries again when no peer answers', async () => {
    world = new SyncWorld();
    world.failure = new NetworkError('timed-out', 'no peer answered in time');
    world.sync.start();
    await world.gossip(heartbeat(ROOT.parent));
    await new Promise(setImmediate);
    world.failure = undefined;
    await until(() => world.latest.header.index === 1);
    expect(world.fatal).toEqual([]);
  });
});
