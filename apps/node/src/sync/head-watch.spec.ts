// Where the network's head is, for a node that does not know the committees of later epochs yet.
// In these networks every election keeps the committee: what matters is when it is known.
// Spec: docs/spec/13-sync.md §2, §5.
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { TEST_PARAMS, testKey, until } from '../testing/test-network.ts';
import { chain, SyncWorld } from './testing/sync-world.ts';

/** Election milestones are 2, 6, 10, … */
const PARAMS = { ...TEST_PARAMS, epochLength: 4, validatorBondMin: 1n };

let world: SyncWorld;
afterEach(async () => {
  await world.sync.stop();
  jest.restoreAllMocks();
});

describe('an empty store, which a new network has and a lost disk', () => {
  const several = [1, 2, 3, 4].map((number) => testKey(number).publicKey);

  it.each([
    { committee: several, isAtHead: false },
    { committee: several.slice(0, 1), isAtHead: true },
  ])('is at the head by silence only where one decides: $isAtHead', ({ committee, isAtHead }) => {
    const started = performance.now();
    let passedMs = 0;
    jest.spyOn(performance, 'now').mockImplementation(() => started + passedMs);
    world = new SyncWorld(TEST_PARAMS, committee);
    world.sync.start();
    expect(world.sync.isFollowing).toBe(false);
    passedMs = 60_000;
    expect(world.sync.isFollowing).toBe(isAtHead);
    world.peer('a', []);
    expect(world.sync.isFollowing).toBe(true);
    world.peer('b', chain(40), { says: 40 });
    expect(world.sync.isFollowing).toBe(isAtHead);
  });
});

describe('the head of a network that elects', () => {
  it('is reached over epochs that were not known, one election after the other', async () => {
    world = new SyncWorld(PARAMS);
    world.peer('a', chain(30));
    world.sync.start();
    await until(() => world.latest.header.index === 30);
    expect([world.blamed, world.fatal, world.halted]).toEqual([[], [], undefined]);
    // A range may bring a later election before it is asked for; none is asked for too early.
    const [first, second] = world.asked;
    expect([first, second?.startsWith('a milestones')]).toEqual(['a milestones 2', true]);
    expect(world.proven.at(0)).toBe(2);
    expect(world.sync.hasCaughtUp()).toBe(true);
  });

  it('is not where gossip comes from an epoch that is not known: nobody is to blame', async () => {
    world = new SyncWorld(PARAMS);
    world.sync.start();
    const milestones = chain(9);
    const [last, next] = [milestones[8], milestones[4]];
    if (last === undefined || next === undefined) throw new Error('the chain has nine');
    const { checks } = world;
    expect(await world.gossip(last)).toBe('ignore');
    expect([world.checks, world.sync.latestProven]).toEqual([checks, 0]);
    for (const milestone of milestones.slice(0, 3)) await world.gossip(milestone);
    expect(await world.gossip(next)).toBe('accept');
    expect(await world.gossip(last)).toBe('ignore');
    // What was ignored comes when its epoch is known, from a peer that claims it.
    world.peer('a', milestones);
    await until(() => world.latest.header.index === 9);
    expect(world.blamed).toEqual([]);
  });

  it('is out of reach when all peers have pruned the elections before it', async () => {
    const started = performance.now();
    let passedMs = 0;
    jest.spyOn(performance, 'now').mockImplementation(() => started + passedMs);
    world = new SyncWorld(PARAMS);
    const pruned = world.peer('pruned', chain(30), { prunedIndex: 25 });
    world.sync.start();
    await until(() => world.sync.state.problem !== undefined);
    passedMs = 60_000;
    expect(world.sync.hasCaughtUp()).toBe(false);
    expect([world.asked, world.blamed]).toEqual([[], []]);
    // One that keeps all is enough.
    world.peer('full', pruned.has);
    await until(() => world.latest.header.index === 30 && world.sync.hasCaughtUp());
    expect(world.sync.state.problem).toBeUndefined();
  });

  it('is not believed of a liar that claims a later epoch, however often it says so', async () => {
    world = new SyncWorld(PARAMS);
    world.peer('liar', [], { says: 1_000_000 });
    world.sync.start();
    await until(() => world.blamed.length > 0);
    expect([world.asked, world.blamed]).toEqual([['liar milestones 2'], ['liar status-unproven']]);
    world.peer('good', chain(6));
    await until(() => world.latest.header.index === 6 && world.sync.hasCaughtUp());
    expect(world.asked.filter((one) => one.startsWith('liar'))).toHaveLength(1);
  });
});
