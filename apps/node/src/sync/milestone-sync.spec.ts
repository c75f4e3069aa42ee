import { afterEach, describe, expect, it } from '@jest/globals';
import { blockIdOf, decodeBlock, encodeBlock } from '@tanglemail/tangle/core/codec/block.ts';
import { GENESIS_BLOCK_ID, type BlockId } from '@tanglemail/tangle/core/codec/ids.ts';
import { encodeMilestone, type Milestone } from '@tanglemail/tangle/core/codec/milestone.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { nobleVerifier } from '@tanglemail/tangle/core/crypto/ed25519-strict.ts';
import { buildMilestone, signMilestone } from '@tanglemail/tangle/core/milestone/build.ts';
import { assembleCertificate } from '@tanglemail/tangle/core/milestone/certificate.ts';
import { genesisMilestone } from '@tanglemail/tangle/core/milestone/genesis.ts';
import { parentOf, type ParentMilestone } from '@tanglemail/tangle/core/milestone/rules.ts';
import { fail, succeed, type Outcome } from '@tanglemail/tangle/core/outcome.ts';
import type { RequestOptions } from '@tanglemail/tangle/io/libp2p/requester.ts';
import { NetworkError } from '@tanglemail/tangle/io/libp2p/types.ts';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import { genesisCommittees } from '../committees.ts';
import type {
  ConfirmationEngine,
  ConfirmedMilestone,
} from '../confirmation/confirmation-engine.ts';
import type { KeyPair } from '../keys/key-file.ts';
import type { ProcessOutcome } from '../processor/block-processor.ts';
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

/** A certified milestone on `parent`; with `block` it references that one, else nothing new. */
function certified(
  parent: ParentMilestone,
  { block, delayMs = 0, key = VALIDATOR_KEY }: CertifiedOptions = {},
): Milestone {
  const loaded = block === undefined ? undefined : checked(block);
  const built = buildMilestone(
    {
      parent,
      parents: [loaded?.id ?? GENESIS_BLOCK_ID],
      timestampMs: parent.header.timestampMs + TEST_PARAMS.heartbeatMs + delayMs,
      view: parent.header.view + 1n,
    },
    {
      params: TEST_PARAMS,
      hasher: nobleHasher,
      verifier: nobleVerifier,
      nextCommittee: GENESIS.committee,
      blocks: { get: (id) => (id === loaded?.id ? loaded : undefined) },
      outputs: () => 'unknown',
      rootIndexOf: (id) => (id === GENESIS_BLOCK_ID ? 0 : undefined),
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

interface CertifiedOptions {
  readonly block?: Uint8Array;
  readonly delayMs?: number;
  readonly key?: KeyPair;
}

/** Another `delayMs` makes another milestone of the same index. */
function heartbeat(parent: ParentMilestone, delayMs = 0, key = VALIDATOR_KEY): Milestone {
  return certified(parent, { delayMs, key });
}

function blockOf(text: string): Uint8Array {
  const data = Buffer.from(text);
  const payload = { kind: 'tagged-data', tag: Buffer.from('t'), data } as const;
  const { networkId } = ROOT;
  const parents = [GENESIS_BLOCK_ID];
  return encodeBlock({ version: 1, networkId, parents, payload, nonce: 0n });
}

function checked(bytes: Uint8Array) {
  const block = decodeBlock(bytes);
  if (!block.ok) throw new Error(block.code);
  return { id: blockIdOf(bytes, nobleHasher), block: block.value };
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

/** Milestones that reference one block each. */
function chainOf(blocks: readonly Uint8Array[]): Milestone[] {
  const milestones: Milestone[] = [];
  let parent = ROOT.parent;
  for (const block of blocks) {
    const milestone = certified(parent, { block });
    milestones.push(milestone);
    parent = parentOf(milestone, parent.stateTree, nobleHasher);
  }
  return milestones;
}

interface FakePeer {
  /** What its STATUS says. */
  says: number;
  prunedIndex: number;
  /** What it has. */
  has: Milestone[];
  /** The cones that it sends, by index. */
  cones: Map<number, Uint8Array[]>;
}

/** A sync over a chain that only remembers what it was given, and peers in this process. */
class World {
  latest = ROOT.parent;
  halted: string | undefined;
  refuse: Outcome<ConfirmedMilestone> | undefined;
  refuseBlocks: ProcessOutcome | undefined;
  readonly confirmed: Milestone[] = [];
  readonly evidence: number[] = [];
  readonly urgent: BlockId[] = [];
  readonly asked: string[] = [];
  readonly blamed: string[] = [];
  readonly proven: number[] = [];
  readonly released: string[] = [];
  readonly warnings: string[] = [];
  readonly solid = new Set<BlockId>([GENESIS_BLOCK_ID]);
  readonly peers = new Map<string, FakePeer>();
  isPaused = false;
  /** What happens while a milestone waits for its turn to be confirmed. */
  meanwhile: (() => Outcome<ConfirmedMilestone>) | undefined;
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
    const isSolid = (id: BlockId) => this.solid.has(id);
    this.sync = new MilestoneSync({
      networkId: ROOT.networkId,
      params: GENESIS.params,
      committees: genesisCommittees(GENESIS.committee),
      hasher: nobleHasher,
      verifier: nobleVerifier,
      engine: engine as unknown as ConfirmationEngine,
      dag: { isSolid, has: isSolid, missingParents: () => [] },
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
      missing: {
        want: () => undefined,
        wantUrgently: (ids) => this.urgent.push(...ids),
        pause: () => {
          this.isPaused = true;
        },
        resume: () => {
          const wasPaused = this.isPaused;
          this.isPaused = false;
          return wasPaused;
        },
      },
      submit: async (bytes) => await Promise.resolve(this.#submit(bytes)),
      submitHeld: async (bytes) => {
        this.released.push(Buffer.from(bytes).toString());
        await Promise.resolve();
      },
      onProven: ({ header }) => this.proven.push(header.index),
      expectsPeers: true,
      network: this.#network(),
      logger: { ...SILENT_LOGGER, warn: (_fields, text) => this.warnings.push(text ?? '') },
      onFatal: (error) => this.fatal.push(error),
    });
  }

  /** A peer that has milestones and says so. */
  peer(id: string, has: Milestone[], changes: Partial<FakePeer> = {}): FakePeer {
    const says = has.at(-1)?.header.index ?? 0;
    const peer = { says, prunedIndex: 0, has, cones: new Map<number, Uint8Array[]>(), ...changes };
    this.peers.set(id, peer);
    return peer;
  }

  #submit(bytes: Uint8Array): ProcessOutcome {
    if (this.refuseBlocks !== undefined) return this.refuseBlocks;
    const blockId = blockIdOf(bytes, nobleHasher);
    this.solid.add(blockId);
    return succeed({ blockId, isNew: true });
  }

  #network() {
    const pick = ({ peer, only, except }: RequestOptions, has: (one: FakePeer) => boolean) => {
      if (this.failure instanceof NetworkError) throw this.failure;
      const able = [...this.peers].filter(
        ([id]) => except?.has(id) !== true && (only !== true || id === peer),
      );
      const found = able.find(([, one]) => has(one)) ?? able[0];
      if (found === undefined) throw new NetworkError('no-peers', 'nobody');
      return found;
    };
    return {
      requestMilestones: async (from: number, count: number, options: RequestOptions) => {
        const isHere = ({ header }: Milestone) => header.index >= from;
        const [peer, { has }] = pick(options, (one) => one.has.some(isHere));
        this.asked.push(`${peer} milestones ${from}`);
        const items = has
          .filter((one) => isHere(one) && one.header.index < from + count)
          .map((milestone) => encodeMilestone(milestone));
        return await Promise.resolve({ items, complete: true, peer });
      },
      requestCones: async (from: number, count: number, options: RequestOptions) => {
        const [peer, { cones }] = pick(options, (one) => one.cones.has(from));
        this.asked.push(`${peer} cones ${from}+${count}`);
        const found: Uint8Array[][] = [];
        for (let index = from; index < from + count; index++) {
          const cone = cones.get(index);
          if (cone === undefined) break;
          found.push(cone);
        }
        return await Promise.resolve({ cones: found, peer });
      },
      requestCone: async (index: number, options: RequestOptions) => {
        const [peer, { cones }] = pick(options, (one) => one.cones.has(index));
        return await Promise.resolve({ items: cones.get(index) ?? [], complete: true, peer });
      },
      requestBlocks: async () => await Promise.resolve([]),
      blameAnswer: (peer: string, finding: string) => this.blamed.push(`${peer} ${finding}`),
      peers: () =>
        Array.from(this.peers, ([id, { says, prunedIndex }]) => ({
          id,
          status: { solidIndex: says, latestIndex: says, prunedIndex, peers: 0 },
        })),
    };
  }

  async #confirm(milestone: Milestone): Promise<Outcome<ConfirmedMilestone>> {
    await Promise.resolve();
    if (this.failure !== undefined) throw this.failure;
    if (this.meanwhile !== undefined) return this.meanwhile();
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
    world.peer('a', chain(70));
    expect(world.sync.hasCaughtUp()).toBe(false);
    world.sync.start();
    await until(() => world.latest.header.index === 70);
    expect(world.sync.hasCaughtUp()).toBe(true);
    expect(world.asked.filter((one) => one.includes('cones'))).toEqual([]);
  });

  it('asks for parents that do not come, then for the whole cone', async () => {
    world = new World();
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
    world = new World();
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
    world = new World();
    const block = blockOf('rule');
    world.peer('a', chainOf([block])).cones.set(1, [block]);
    world.refuseBlocks = fail('pow-insufficient');
    world.sync.start();
    await until(() => world.evidence.length === 1);
    expect(world.halted).toContain('pow-insufficient');
  });

  it('asks a liar once, believes it no more, and can lead in spite of it', async () => {
    world = new World();
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
    world = new World();
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
    world = new World();
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
    world = new World();
    const newest = chain(5).at(-1) as Milestone;
    await world.gossip(newest);
    expect(world.sync.shownBytes(5)).toEqual(encodeMilestone(newest));
    expect(world.sync.shownBytes(4)).toBeUndefined();
  });

  it('stops and keeps evidence when two certified milestones have one index', async () => {
    world = new World();
    const [first, second] = [heartbeat(ROOT.parent), heartbeat(ROOT.parent, 1)];
    await world.gossip(first);
    await world.gossip(second);
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
    expect(world.halted).toBe(
      'milestone 1 is certified but breaks a rule on this node: milestone-root',
    );
  });

  it('fetches and keeps nothing more once it has halted', async () => {
    world = new World();
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
    world = new World();
    const [first, second] = chain(2) as [Milestone, Milestone];
    world.meanwhile = () => {
      world.meanwhile = undefined;
      world.latest = parentOf(first, world.latest.stateTree, nobleHasher);
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
