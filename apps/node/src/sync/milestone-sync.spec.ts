import { afterEach, describe, expect, it } from '@jest/globals';
import { GENESIS_BLOCK_ID, type BlockId } from '@tanglemail/tangle/core/codec/ids.ts';
import { encodeMilestone, type Milestone } from '@tanglemail/tangle/core/codec/milestone.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { nobleVerifier } from '@tanglemail/tangle/core/crypto/ed25519-strict.ts';
import { buildMilestone, signMilestone } from '@tanglemail/tangle/core/milestone/build.ts';
import { assembleCertificate } from '@tanglemail/tangle/core/milestone/certificate.ts';
import { genesisMilestone } from '@tanglemail/tangle/core/milestone/genesis.ts';
import { parentOf, type ParentMilestone } from '@tanglemail/tangle/core/milestone/rules.ts';
import { fail, succeed, type Outcome } from '@tanglemail/tangle/core/outcome.ts';
import { NetworkError } from '@tanglemail/tangle/io/libp2p/types.ts';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import type {
  ConfirmationEngine,
  ConfirmedMilestone,
} from '../confirmation/confirmation-engine.ts';
import {
  TEST_PARAMS,
  testGenesis,
  testKey,
  until,
  VALIDATOR_KEY,
} from '../testing/test-network.ts';
import { MilestoneSync } from './milestone-sync.ts';

const GENESIS = testGenesis();
const ROOT = genesisMilestone(GENESIS, nobleHasher);

/**
 * A certified heartbeat on `parent`; another `delayMs` makes another milestone of the same index.
 */
function heartbeat(parent: ParentMilestone, delayMs = 0, key = VALIDATOR_KEY): Milestone {
  const built = buildMilestone(
    {
      parent,
      parents: [GENESIS_BLOCK_ID],
      timestampMs: parent.header.timestampMs + TEST_PARAMS.heartbeatMs + delayMs,
      view: parent.header.view + 1n,
    },
    {
      params: TEST_PARAMS,
      hasher: nobleHasher,
      verifier: nobleVerifier,
      nextCommittee: GENESIS.committee,
      blocks: { get: () => undefined },
      outputs: () => 'unknown',
      rootIndexOf: () => 0,
    },
  );
  if (!built.ok) throw new Error(built.code);
  const { header, body } = built.value;
  const signer = { networkId: ROOT.networkId, seat: 0, secretKey: key.secretKey };
  const certificate = assembleCertificate(
    [signMilestone(header, 'finalize', signer, nobleHasher)],
    1,
  );
  if (certificate === undefined) throw new Error('one of one is a quorum');
  return { header, body, certificate };
}

/** Milestones 1 … count. */
function chain(count: number): Milestone[] {
  const milestones: Milestone[] = [];
  let parent = ROOT.parent;
  for (let index = 0; index < count; index++) {
    const milestone = heartbeat(parent);
    milestones.push(milestone);
    parent = parentOf(milestone, parent.stateTree, nobleHasher);
  }
  return milestones;
}

/** A sync over a chain that only remembers what it was given. */
class World {
  latest = ROOT.parent;
  halted: string | undefined;
  refuse: Outcome<ConfirmedMilestone> | undefined;
  readonly confirmed: Milestone[] = [];
  readonly evidence: number[] = [];
  readonly urgent: BlockId[] = [];
  readonly cones: number[] = [];
  readonly proven: number[] = [];
  isSolid = true;
  peerHas: Milestone[] = [];
  peerSays = 0;
  failure: Error | undefined;
  readonly fatal: unknown[] = [];
  readonly sync: MilestoneSync;

  constructor() {
    const engine = {
      confirm: (milestone: Milestone) => this.#confirm(milestone),
      halt: (reason: string) => {
        this.halted ??= reason;
      },
    };
    Object.defineProperty(engine, 'latest', { get: () => this.latest });
    Object.defineProperty(engine, 'halted', { get: () => this.halted });
    this.sync = new MilestoneSync({
      networkId: ROOT.networkId,
      committee: GENESIS.committee,
      hasher: nobleHasher,
      verifier: nobleVerifier,
      engine: engine as unknown as ConfirmationEngine,
      dag: { isSolid: () => this.isSolid, has: () => this.isSolid },
      store: {
        milestoneIdAt: async () => await Promise.resolve(this.latest.id),
        saveEvidence: async (index) => {
          this.evidence.push(index);
          await Promise.resolve();
        },
      },
      milestoneBytes: (index) => {
        const milestone = this.confirmed.find(({ header }) => header.index === index);
        return milestone && encodeMilestone(milestone);
      },
      missing: { wantUrgently: (ids) => this.urgent.push(...ids) },
      submit: async () => await Promise.resolve(),
      onProven: ({ header }) => this.proven.push(header.index),
      expectsPeers: true,
      network: {
        requestMilestones: async (from, count) =>
          await Promise.resolve(
            this.peerHas
              .filter(({ header }) => header.index >= from && header.index < from + count)
              .map((milestone) => encodeMilestone(milestone)),
          ),
        requestCone: async (index) => {
          this.cones.push(index);
          this.isSolid = true;
          return await Promise.resolve([Uint8Array.of(1)]);
        },
        peers: () => [{ status: { latestIndex: this.peerSays } }],
      },
      logger: SILENT_LOGGER,
      onFatal: (error) => this.fatal.push(error),
    });
  }

  async #confirm(milestone: Milestone): Promise<Outcome<ConfirmedMilestone>> {
    await Promise.resolve();
    if (this.failure !== undefined) throw this.failure;
    if (this.refuse !== undefined) return this.refuse;
    this.confirmed.push(milestone);
    this.latest = parentOf(milestone, this.latest.stateTree, nobleHasher);
    return succeed({ milestone } as ConfirmedMilestone);
  }

  gossip(milestone: Milestone) {
    return this.sync.onMilestone(encodeMilestone(milestone));
  }
}

let world: World;
afterEach(() => world.sync.stop());

describe('milestone sync', () => {
  it('confirms what gossip brings, in order, and relays it once', async () => {
    world = new World();
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
    world = new World();
    expect(await world.sync.onMilestone(Uint8Array.of(1, 2, 3))).toBe('reject');
    expect(await world.gossip(heartbeat(ROOT.parent, 0, testKey(99)))).toBe('reject');
  });

  it('fetches what it missed from peers, and only then has caught up', async () => {
    world = new World();
    world.peerHas = chain(70);
    world.peerSays = 70;
    expect(world.sync.hasCaughtUp()).toBe(false);
    world.sync.start();
    await until(() => world.latest.header.index === 70);
    expect(world.sync.hasCaughtUp()).toBe(true);
    expect(world.cones).toEqual([]);
  });

  it('asks for parents that do not come, then for the whole cone', async () => {
    world = new World();
    world.isSolid = false;
    world.sync.start();
    await world.gossip(heartbeat(ROOT.parent));
    await until(() => world.latest.header.index === 1);
    expect(world.urgent).toEqual([GENESIS_BLOCK_ID]);
    expect(world.cones).toEqual([1]);
  });

  it('stops and keeps evidence when two certified milestones have one index', async () => {
    world = new World();
    const [first, second] = [heartbeat(ROOT.parent), heartbeat(ROOT.parent, 1)];
    await world.gossip(first);
    expect(await world.gossip(second)).toBe('accept');
    expect(world.halted).toBe('two different final milestones have index 1');
    expect(world.evidence).toEqual([1]);
  });

  it('sees a fork against a milestone that is confirmed already', async () => {
    world = new World();
    world.sync.start();
    await world.gossip(heartbeat(ROOT.parent));
    await until(() => world.latest.header.index === 1);
    expect(await world.gossip(heartbeat(ROOT.parent, 1))).toBe('accept');
    expect(world.evidence).toEqual([1]);
  });

  it('stops when a certified milestone breaks a rule here', async () => {
    world = new World();
    world.refuse = fail('milestone-root', 'stateRoot');
    world.sync.start();
    await world.gossip(heartbeat(ROOT.parent));
    await until(() => world.evidence.length === 1);
    expect(world.halted).toBe('milestone 1 is certified but breaks the rule milestone-root');
  });

  it('tries again while the cone is missing', async () => {
    world = new World();
    world.refuse = fail('milestone-cone-missing');
    world.sync.start();
    await world.gossip(heartbeat(ROOT.parent));
    await new Promise(setImmediate);
    expect(world.halted).toBeUndefined();
    world.refuse = undefined;
    await until(() => world.latest.header.index === 1);
  });

  it('ends the process when a milestone cannot be checked or written', async () => {
    world = new World();
    world.failure = new Error('the disk refused a read');
    world.sync.start();
    await world.gossip(heartbeat(ROOT.parent));
    await until(() => world.fatal.length > 0);
    expect(world.fatal).toEqual([world.failure]);
  });

  it('tries again when no peer answers', async () => {
    world = new World();
    world.failure = new NetworkError('timed-out', 'no peer answered in time');
    world.sync.start();
    await world.gossip(heartbeat(ROOT.parent));
    await new Promise(setImmediate);
    world.failure = undefined;
    await until(() => world.latest.header.index === 1);
    expect(world.fatal).toEqual([]);
  });
});
