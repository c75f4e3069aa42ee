/**
 * The agreement between real networks on 127.0.0.1: what is said again, what is judged and how,
 * what is asked, and how a node gets on with an older one that knows nothing of it.
 */
import { afterEach, describe, expect, it } from '@jest/globals';
import { multiaddr } from '@multiformats/multiaddr';
import { addAttempt, encodeConsensusMessage } from '../../core/codec/consensus.ts';
import {
  encodeFrame,
  FRAME_LENGTH_BYTES,
  MAX_CONSENSUS_ANSWER,
  MAX_CONSENSUS_ANSWER_ITEMS,
} from '../../core/codec/frame.ts';
import type { AnswerEnd } from '../../core/codec/frame.ts';
import type { BlockId, MilestoneId } from '../../core/codec/ids.ts';
import { until } from '../testing/until.ts';
import type { TangleLibp2p } from './create-node.ts';
import {
  connected,
  eventCount,
  fakeBlock,
  reaching,
  startBareNode,
  startNode,
  stopAll,
} from './testing/network-nodes.ts';
import type { TestNode } from './testing/network-nodes.ts';
import { addressOf, openStream, startGossiper, SYNC_PROTOCOL, TOPICS } from './testing/peers.ts';
import type { Stream } from './types.ts';

afterEach(stopAll);

/** The type bytes of frames, as they stand on the wire. */
const GET_CONSENSUS = 10;
const STATUS = 1;

function vote(view: bigint, seat = 0): Uint8Array {
  return encodeConsensusMessage({
    type: 'vote',
    vote: {
      kind: 'nullify',
      epoch: 1,
      view,
      digest: new Uint8Array(32),
      seat,
      signature: new Uint8Array(64).fill(seat),
    },
  });
}

/** Some 8.5 KB: as many parents as there may be. */
function proposal(view: bigint): Uint8Array {
  const root = new Uint8Array(32);
  const parents = Array.from(
    { length: 255 },
    (_, at) => at.toString(16).padStart(64, '0') as BlockId,
  );
  const header = {
    version: 1,
    epoch: 1,
    index: 1,
    view,
    timestampMs: 1_700_000_000_000,
    previousId: '99'.repeat(32) as MilestoneId,
    parentsRoot: root,
    inclusionRoot: root,
    appliedRoot: root,
    stateRoot: root,
    committeeRoot: root,
    optionsRoot: root,
  } as const;
  const body = { parents, options: {} };
  const signature = new Uint8Array(64);
  return encodeConsensusMessage({
    type: 'proposal',
    proposal: { epoch: 1, view, signature, header, body },
  });
}

/** A node whose gossip reaches `node`, both ways, and that `node` may ask about the agreement. */
async function startVoter(node: TestNode): Promise<TestNode> {
  const before = node.network.peers().length;
  const voter = await startNode({ peers: node.network.addresses() });
  await until(reaching(voter, 1));
  await until(reaching(node, before + 1));
  for (const [asker, peer] of [
    [node, voter],
    [voter, node],
  ] as const) {
    const only = { peer: peer.network.key, only: true };
    await until(
      async () =>
        await asker.network.requestConsensus(1, [1n], [], only).then(
          () => true,
          () => false,
        ),
    );
  }
  return voter;
}

interface Frames {
  /** Type bytes of the frames that came, in order. */
  readonly types: number[];
  readonly onRequest?: (stream: Stream, requestId: number) => void;
}

/** Has a bare node read frames, subscribe to `topics` and dial `node`. */
async function join(
  bare: TangleLibp2p,
  node: TestNode,
  topics: readonly string[],
  { types, onRequest }: Frames,
): Promise<void> {
  const { pubsub } = bare.services;
  const greeted = Promise.withResolvers<void>();
  await bare.handle(SYNC_PROTOCOL, (stream) => {
    let received = Buffer.alloc(0);
    stream.addEventListener('message', ({ data }) => {
      received = Buffer.concat([received, data.subarray()]);
      while (received.length >= FRAME_LENGTH_BYTES) {
        const end = FRAME_LENGTH_BYTES + received.readUInt32LE(0);
        if (received.length < end) return;
        const type = received.readUInt8(FRAME_LENGTH_BYTES);
        types.push(type);
        if (type === STATUS) greeted.resolve();
        else onRequest?.(stream, received.readUInt32LE(FRAME_LENGTH_BYTES + 1));
        received = received.subarray(end);
      }
    });
  });
  for (const topic of topics) pubsub.subscribe(topic);
  await bare.dial(multiaddr(addressOf(node)));
  await greeted.promise;
  await until(reaching(node, 1));
  await until(() => pubsub.getSubscribers(TOPICS.blocks).length === 1);
}

describe('messages of the agreement', () => {
  it('reach a peer again with another attempt, and with the same one do not', async () => {
    const reader = await startNode();
    const sender = await startVoter(reader);
    const [first, second] = [vote(1n), vote(2n)];
    for (const attempt of [0, 0, 1, 1, 2]) await sender.network.publishConsensus(first, attempt);
    await sender.network.publishConsensus(second, 0);
    await until(() => reader.consensus.length >= 4);
    expect(reader.consensus).toEqual([first, first, first, second]);
    expect(eventCount(reader, 'consensus-received')).toBe(4);
    expect(reader.network.peers()[0]?.points).toBe(0);
  });

  it('go no further than to who knows them, and on when they are new to it', async () => {
    const middle = await startNode();
    const [left, right] = [await startVoter(middle), await startVoter(middle)];
    const message = vote(7n);
    middle.verdict = 'ignore';
    await left.network.publishConsensus(message, 0);
    await until(() => eventCount(middle, 'verdict-ignore') === 1);
    middle.verdict = 'accept';
    await left.network.publishConsensus(message, 1);
    await until(() => right.consensus.length > 0);
    expect(right.consensus).toEqual([message]);
    expect(middle.consensus).toHaveLength(2);
    expect(middle.network.peers().map(({ points }) => points)).toEqual([0, 0]);
  });

  it.each<[string, Uint8Array]>([
    ['without a byte', new Uint8Array()],
    ['with an attempt and nothing else', Uint8Array.of(0)],
    ['of an unknown type', Uint8Array.of(0, 4, 1, 2, 3)],
    ['that is cut', addAttempt(vote(1n), 0).subarray(0, 100)],
    ['that is a milestone', fakeBlock(700).fill(1, 0, 2)],
    ['that is too large', new Uint8Array(1 + 14_786).fill(1)],
  ])('are refused %s', async (_name, bytes) => {
    const victim = await startNode();
    const attacker = await startGossiper(victim);
    await attacker.services.pubsub.publish(TOPICS.consensus, bytes);
    await until(() => eventCount(victim, 'verdict-reject') === 1);
    expect(victim.consensus).toHaveLength(0);
    expect(victim.network.peers()[0]?.points).toBe(25);
  });

  it('cost points when a rule refuses them, and none when it was our fault', async () => {
    const victim = await startNode();
    const sender = await startVoter(victim);
    victim.verdict = new Error('our own fault');
    await sender.network.publishConsensus(vote(1n), 0);
    await until(() => eventCount(victim, 'verdict-ignore') === 1);
    expect(victim.network.peers()[0]?.points).toBe(0);
    victim.verdict = 'reject';
    await sender.network.publishConsensus(vote(2n), 0);
    await until(() => eventCount(victim, 'verdict-reject') === 1);
    expect(victim.network.peers()[0]?.points).toBe(25);
  });

  it('have their own places: packs do not hold them up, nor they packs', async () => {
    const full = await startNode({ limits: { maxValidatingPerPeer: 0 } });
    const one = await startVoter(full);
    one.network.publishBlock(fakeBlock());
    await until(() => eventCount(full, 'verdict-ignore') === 1);
    await one.network.publishConsensus(vote(1n), 0);
    await until(() => full.consensus.length === 1);
    expect(full.packs).toHaveLength(0);

    const busy = await startNode({ limits: { maxValidatingConsensusPerPeer: 0 } });
    const other = await startVoter(busy);
    await other.network.publishConsensus(vote(1n), 0);
    await until(() => eventCount(busy, 'verdict-ignore') === 1);
    other.network.publishBlock(fakeBlock());
    await until(() => busy.packs.length === 1);
    expect(busy.consensus).toHaveLength(0);
    expect(busy.network.peers()[0]?.points).toBe(0);
  });

  it('have their own budget: ignored beyond it, and points for a flood', async () => {
    const limits = { consensusMessagesPerSecond: 0, gossipMessagesPerSecond: 2 };
    const victim = await startNode({ limits });
    const sender = await startVoter(victim);
    await sender.network.publishConsensus(vote(1n), 0);
    await until(() => eventCount(victim, 'verdict-ignore') === 1);
    sender.network.publishBlock(fakeBlock());
    await until(() => victim.packs.length === 1);
    expect(victim.network.peers()[0]?.points).toBe(0);
    for (let view = 2n; view < 40n; view += 1n) {
      await sender.network.publishConsensus(vote(view), 0);
    }
    await until(() => eventCount(victim, 'verdict-reject') > 0);
    expect(victim.network.peers()[0]?.points).toBeGreaterThan(0);
    expect(victim.consensus).toHaveLength(0);
  });

  it('too-large: of our own', async () => {
    const node = await startNode();
    const sent = node.network.publishConsensus(new Uint8Array(14_786), 0);
    await expect(sent).rejects.toMatchObject({ code: 'too-large' });
  });
});

/** Answers of half a megabyte on a machine that is busy with other tests. */
const PATIENT = { limits: { requestTimeoutMs: 5_000 } };

describe('questions about the agreement', () => {
  it('bring what one peer knows of views and proposals, in many frames', async () => {
    const asker = await startNode(PATIENT);
    const peer = await startVoter(asker);
    const ids = ['11'.repeat(32), '22'.repeat(32)] as MilestoneId[];
    const known = [vote(5n), ...Array.from({ length: 12 }, (_, view) => proposal(BigInt(view)))];
    const asked: unknown[] = [];
    peer.consensusOf = (...question) => {
      asked.push(question);
      return known;
    };
    const answered = await asker.network.requestConsensus(3, [5n, 2n ** 64n - 1n], ids);
    expect(asked).toEqual([[3, [5n, 2n ** 64n - 1n], ids]]);
    expect(answered).toEqual({ items: known, complete: true, peer: peer.network.key });
  });

  it('have an answer when there is nothing, and go to the next peer when one fails', async () => {
    const asker = await startNode(PATIENT);
    const failing = await startVoter(asker);
    const knowing = await startVoter(asker);
    expect(await asker.network.requestConsensus(1, [1n], [])).toMatchObject({ items: [] });
    failing.consensusOf = () => {
      throw new Error('disk on fire');
    };
    knowing.consensusOf = () => [vote(1n)];
    const first = { peer: failing.network.key };
    const answered = await asker.network.requestConsensus(1, [1n], [], first);
    expect(answered).toMatchObject({ items: [vote(1n)], peer: knowing.network.key });
    expect(asker.network.peers().map(({ points }) => points)).toEqual([0, 0]);
  });

  it('are answered within the bounds, whatever the owner hands out', async () => {
    const asker = await startNode(PATIENT);
    const peer = await startVoter(asker);
    peer.consensusOf = () => Array.from({ length: 3_000 }, (_, view) => vote(BigInt(view)));
    const many = await asker.network.requestConsensus(1, [1n], []);
    expect(many.items).toHaveLength(MAX_CONSENSUS_ANSWER_ITEMS);
    peer.consensusOf = () => Array.from({ length: 100 }, (_, view) => proposal(BigInt(view)));
    const { items, complete } = await asker.network.requestConsensus(1, [1n], []);
    const bytes = items.reduce((sum, item) => sum + item.length, 0);
    expect(bytes).toBeLessThanOrEqual(MAX_CONSENSUS_ANSWER);
    expect(bytes).toBeGreaterThan(MAX_CONSENSUS_ANSWER - proposal(1n).length);
    expect(complete).toBe(true);
    expect(asker.network.peers()[0]?.points).toBe(0);
  });

  const LARGE = Array.from({ length: 7 }, (_, view) => proposal(BigInt(view)));
  it.each<[string, readonly [AnswerEnd, readonly Uint8Array[]][]]>([
    ['is longer than allowed', Array.from({ length: 12 }, () => ['more', LARGE] as const)],
    ['is cut', [['cut', [vote(1n)]]]],
    ['holds what is no message', [['complete', [vote(1n), fakeBlock()]]]],
    ['holds an attempt', [['complete', [addAttempt(vote(1n), 0)]]]],
  ])('cost a peer points whose answer %s', async (_name, answer) => {
    const asker = await startNode(PATIENT);
    const bare = await startBareNode();
    const onRequest = (stream: Stream, requestId: number): void => {
      for (const [end, items] of answer) {
        if (stream.writeStatus === 'closed') return;
        stream.send(encodeFrame({ type: 'consensus', requestId, end, items }));
      }
    };
    await join(bare, asker, Object.values(TOPICS), { types: [], onRequest });
    const asked = asker.network.requestConsensus(1, [1n], []);
    await expect(asked).rejects.toMatchObject({ code: 'no-peers' });
    await until(() => asker.network.peers()[0]?.points === 30);
  });

  it('close the stream of a peer that asks for nothing, or for too much', async () => {
    for (const body of [
      [0, 0],
      [17, ...new Uint8Array(17 * 8 + 1)],
    ]) {
      const victim = await startNode();
      const bare = await startGossiper(victim);
      await until(connected(victim, 1));
      const stream = await openStream(bare);
      const frame = [GET_CONSENSUS, 1, 0, 0, 0, 1, 0, 0, 0, ...body];
      stream.send(Uint8Array.of(frame.length, 0, 0, 0, ...frame));
      await until(() => stream.status !== 'open');
      expect(victim.network.peers()[0]?.points).toBe(30);
    }
  });
});

describe('an older node, which does not know the topic', () => {
  it('is neither asked nor told about the agreement nor banned, and has all the rest', async () => {
    const node = await startNode();
    const types: number[] = [];
    const heard: string[] = [];
    // Its gossip takes two topics only, and drops the subscription to the third.
    const older = await startBareNode(undefined, { ...TOPICS, consensus: TOPICS.milestones });
    older.services.pubsub.addEventListener('gossipsub:message', ({ detail }) => {
      heard.push(detail.msg.topic);
    });
    await join(older, node, [TOPICS.blocks, TOPICS.milestones], { types });
    const olderKey = older.peerId.toString();
    const refused = { code: 'no-peers' };
    await expect(node.network.requestConsensus(1, [1n], [])).rejects.toMatchObject(refused);
    const only = { peer: olderKey, only: true };
    await expect(node.network.requestConsensus(1, [1n], [], only)).rejects.toMatchObject(refused);
    // Beside one that knows the topic the older one is passed by.
    const voter = await startNode({ peers: node.network.addresses() });
    await until(reaching(node, 2));
    await until(async () => {
      await node.network.publishConsensus(vote(1n), voter.consensus.length);
      return voter.consensus.length > 0;
    });
    for (let round = 0; round < 4; round += 1) {
      const { peer } = await node.network.requestConsensus(1, [1n], [], { peer: olderKey });
      expect(peer).toBe(voter.network.key);
    }
    // Whatever was on its way stands before what comes now.
    await node.network.publishMilestone(fakeBlock(700));
    await until(() => heard.includes(TOPICS.milestones));
    await node.network.requestMilestones(1, 1, { ...only, signal: AbortSignal.timeout(50) }).then(
      () => undefined,
      () => undefined,
    );
    await until(() => types.includes(4));
    expect(types).not.toContain(GET_CONSENSUS);
    expect(heard).not.toContain(TOPICS.consensus);
    expect(node.network.peers().map(({ id, points }) => [id, points])).toEqual([
      [olderKey, 0],
      [voter.network.key, 0],
    ]);
    expect(node.network.bans()).toEqual([]);
  });
});
