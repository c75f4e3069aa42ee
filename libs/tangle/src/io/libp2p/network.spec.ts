/** Connections, heartbeat and the request protocol between real networks on 127.0.0.1. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { generateKeyPair } from '@libp2p/crypto/keys';
import { multiaddr } from '@multiformats/multiaddr';
import { encodeFrame } from '../../core/codec/frame.ts';
import type { Frame } from '../../core/codec/frame.ts';
import { until } from '../testing/until.ts';
import {
  acquainted,
  connected,
  eventCount,
  fakeBlock,
  startBareNode,
  startNode,
  stopAll,
  store,
} from './testing/network-nodes.ts';
import type { TestNode } from './testing/network-nodes.ts';
import {
  addressOf,
  isListening,
  meet,
  openStream,
  portOf,
  startIdler,
  SYNC_PROTOCOL,
} from './testing/peers.ts';
import type { Stream } from './types.ts';

afterEach(stopAll);

/**
 * A bare node that takes requests and answers with what `onRequest` sends; ready when this ends.
 */
async function startImpostor(
  victim: TestNode,
  onRequest: (stream: Stream, requestId: number) => void,
): Promise<void> {
  const bare = await startBareNode();
  const greeted = Promise.withResolvers<void>();
  await bare.handle(SYNC_PROTOCOL, (stream) => {
    stream.addEventListener('message', ({ data }) => {
      const bytes = data.subarray();
      // The first frame on a stream is STATUS: from then on the victim sends its requests.
      if (bytes[4] === 1) greeted.resolve();
      else onRequest(stream, new DataView(bytes.buffer, bytes.byteOffset).getUint32(5, true));
    });
  });
  await bare.dial(multiaddr(addressOf(victim)));
  await greeted.promise;
}

describe('connections', () => {
  it('tells its peers', async () => {
    const first = await startNode();
    const second = await startNode({ peers: first.network.addresses() });
    await until(acquainted(first, second));
    const [peer] = second.network.peers();
    expect(peer).toMatchObject({
      id: first.network.key,
      direction: 'outbound',
      static: true,
      points: 0,
      status: first.status,
    });
    expect(first.network.peers()[0]).toMatchObject({ direction: 'inbound', static: false });
  });

  it('announces a changed status', async () => {
    const first = await startNode({ limits: { statusIntervalMs: 60_000 } });
    const second = await startNode({ peers: first.network.addresses() });
    await until(acquainted(first, second));
    first.status = { ...first.status, latestIndex: 77 };
    first.network.announceStatus();
    await until(() => second.network.peers()[0]?.status?.latestIndex === 77);
    expect(second.network.peers()[0]?.status).toEqual(first.status);
  });

  it('dials a static peer again after its restart', async () => {
    const privateKey = await generateKeyPair('Ed25519');
    const before = await startNode({ privateKey });
    const faithful = await startNode({ peers: before.network.addresses() });
    await until(connected(faithful, 1));
    const listen = [`/ip4/127.0.0.1/tcp/${portOf(before)}`];
    await before.network.stop();
    await until(connected(faithful, 0));
    const after = await startNode({ privateKey, listen });
    await until(acquainted(faithful, after));
    after.network.publishBlock(fakeBlock());
    await until(() => faithful.packs.length === 1);
    expect(faithful.network.peers()[0]?.id).toBe(before.network.key);
  });

  it('ends with one connection when two nodes list each other', async () => {
    const keys = [await generateKeyPair('Ed25519'), await generateKeyPair('Ed25519')] as const;
    const first = await startNode({ privateKey: keys[0] });
    const second = await startNode({ privateKey: keys[1], peers: first.network.addresses() });
    const listen = [`/ip4/127.0.0.1/tcp/${portOf(first)}`];
    await first.network.stop();
    const again = await startNode({
      privateKey: keys[0],
      listen,
      peers: second.network.addresses(),
    });
    await until(acquainted(again, second));
    expect(again.network.peers()).toHaveLength(1);
    expect(second.network.peers()).toHaveLength(1);
  });

  it('leaves a peer of another network', async () => {
    const first = await startNode();
    const other = await startNode({ networkId: 1n, peers: first.network.addresses() });
    await until(() => eventCount(other, 'peer-foreign') + eventCount(first, 'peer-foreign') > 0);
    expect([...first.network.peers(), ...other.network.peers()]).toEqual([]);
    await expect(first.network.requestCone(1)).rejects.toMatchObject({ code: 'no-peers' });
  });

  it('disconnects a peer that is silent', async () => {
    const victim = await startNode({ limits: { peerSilenceMs: 300 } });
    await startImpostor(victim, () => {});
    await until(connected(victim, 0));
    expect(eventCount(victim, 'peer-silent')).toBe(1);
  });

  it('disconnects a peer whose gossip stream is gone', async () => {
    const victim = await startNode({ limits: { watchIntervalMs: 50 } });
    const peer = await startBareNode();
    await peer.unhandle([...peer.services.pubsub.protocols]);
    await meet(peer, victim);
    await until(connected(victim, 1));
    await until(() => eventCount(victim, 'peer-muted') === 1);
    await until(connected(victim, 0));
    expect(victim.network.peers()).toEqual([]);
  });

  it('refuses a static peer without a key, and runs without peers', async () => {
    await expect(startNode({ peers: ['/ip4/127.0.0.1/tcp/1'] })).rejects.toThrow('/p2p/');
    const lonely = await startNode();
    await expect(lonely.network.requestMilestones(1, 1)).rejects.toMatchObject({
      code: 'no-peers',
    });
  });

  it('closes its port and its sockets when it stops', async () => {
    const first = await startNode();
    const second = await startNode({ peers: first.network.addresses() });
    await until(acquainted(first, second));
    const [firstPort, secondPort] = [portOf(first), portOf(second)];
    const asked = second.network.requestMilestones(1, 1);
    await second.network.stop();
    await first.network.stop();
    await expect(asked.catch((error: unknown) => error)).resolves.toBeDefined();
    expect(await isListening(firstPort)).toBe(false);
    expect(await isListening(secondPort)).toBe(false);
    expect(first.network.peers()).toEqual([]);
    await expect(first.network.requestMilestones(1, 1)).rejects.toMatchObject({ code: 'stopped' });
    await until(() => !process.getActiveResourcesInfo().includes('TCPSocketWrap'));
  });
});

describe('requests', () => {
  it('brings the blocks that any peer has', async () => {
    const asker = await startNode();
    const left = await startNode({ peers: asker.network.addresses() });
    const right = await startNode({ peers: asker.network.addresses() });
    await until(connected(asker, 2));
    await until(acquainted(asker, left, right));
    const blocks = [fakeBlock(300), fakeBlock(301), fakeBlock(302)] as const;
    const ids = [...store(left, blocks[0], blocks[1]), ...store(right, blocks[2])];
    const unknown = store(asker, fakeBlock(303));
    const found = await asker.network.requestBlocks([...ids, ...unknown]);
    expect(found.map((block) => block.length).toSorted((a, b) => a - b)).toEqual([300, 301, 302]);
  });

  it('brings answers of many frames, cut at the limit and asked for again', async () => {
    const asker = await startNode({ limits: { requestTimeoutMs: 5_000 } });
    const peer = await startNode({ peers: asker.network.addresses() });
    await until(acquainted(asker, peer));
    const large = Array.from({ length: 256 }, (_, i) => fakeBlock(30_000 + i));
    const ids = store(peer, ...large);
    const found = await asker.network.requestBlocks(ids);
    expect(found.reduce((sum, block) => sum + block.length, 0)).toBe(
      large.reduce((sum, block) => sum + block.length, 0),
    );
    peer.milestonesOf = (from, count) =>
      Array.from({ length: count }, (_, i) => new Uint8Array(6_000).fill(from + i));
    const milestones = await asker.network.requestMilestones(10, 64);
    expect(milestones.items.map((bytes) => bytes[0])).toEqual(
      Array.from({ length: 64 }, (_, i) => 10 + i),
    );
    peer.coneOf = (_index, skip) => large.slice(skip);
    const cone = await asker.network.requestCone(3);
    const count = cone.items.length;
    expect(cone).toMatchObject({ complete: false, peer: peer.network.key });
    const rest = await asker.network.requestCone(3, { skip: count });
    expect(rest.complete).toBe(true);
    expect([...cone.items, ...rest.items].map((block) => block.length)).toEqual(
      large.map((block) => block.length),
    );
  });

  it('asks the next peer when one is silent', async () => {
    const asker = await startNode({ limits: { requestTimeoutMs: 1_000, hedgeMs: 60_000 } });
    await startImpostor(asker, () => {});
    const honest = await startNode({ peers: asker.network.addresses() });
    await until(connected(asker, 2));
    await until(acquainted(honest));
    honest.milestonesOf = () => [fakeBlock(400)];
    for (let round = 0; round < 2; round += 1) {
      expect((await asker.network.requestMilestones(5, 1)).items).toHaveLength(1);
    }
    expect(eventCount(asker, 'request-timed-out')).toBeGreaterThan(0);
    expect(asker.network.requestCounts()).toMatchObject({ queued: 0, pending: 0 });
  });

  it('timed-out, and a peer that never answers is left', async () => {
    const asker = await startNode({ limits: { requestTimeoutMs: 1_000 } });
    await startImpostor(asker, () => {});
    for (let round = 0; round < 3; round += 1) {
      await expect(asker.network.requestCone(1)).rejects.toMatchObject({ code: 'timed-out' });
    }
    await until(connected(asker, 0));
  });

  it('aborted', async () => {
    const asker = await startNode({ limits: { requestTimeoutMs: 60_000 } });
    const impostor = Promise.withResolvers<void>();
    await startImpostor(asker, () => impostor.resolve());
    const abort = new AbortController();
    const asked = asker.network.requestCone(1, { signal: abort.signal });
    await impostor.promise;
    abort.abort();
    await expect(asked).rejects.toMatchObject({ code: 'aborted' });
  });

  it('busy', async () => {
    const asker = await startNode({
      limits: { requestTimeoutMs: 60_000, maxInFlightPerPeer: 1, maxWaitingRequests: 0 },
    });
    const abort = new AbortController();
    await startImpostor(asker, () => {});
    const asked = asker.network.requestCone(1, { signal: abort.signal });
    await expect(asker.network.requestCone(1)).rejects.toMatchObject({ code: 'busy' });
    abort.abort();
    await expect(asked).rejects.toMatchObject({ code: 'aborted' });
  });

  it('too-large', async () => {
    const asker = await startNode();
    const ids = store(asker, ...Array.from({ length: 257 }, () => fakeBlock()));
    await expect(asker.network.requestBlocks(ids)).rejects.toMatchObject({ code: 'too-large' });
    await expect(asker.network.requestMilestones(1, 65)).rejects.toMatchObject({
      code: 'too-large',
    });
  });

  it('holds a peer to what was asked: a block that was not costs points', async () => {
    const asker = await startNode();
    await startImpostor(asker, (stream, requestId) => {
      stream.send(
        encodeFrame({ type: 'blocks', requestId, end: 'complete', items: [fakeBlock()] }),
      );
    });
    const ids = store(asker, fakeBlock());
    expect(await asker.network.requestBlocks(ids)).toEqual([]);
    expect(asker.network.peers()[0]?.points).toBe(30);
  });

  it('refuses more requests than the budget allows', async () => {
    const victim = await startNode({ limits: { requestsBurst: 5, requestsPerSecond: 0.001 } });
    const flooder = await startNode({ peers: victim.network.addresses() });
    await until(acquainted(flooder, victim));
    for (let round = 0; round < 8; round += 1) {
      await flooder.network.requestCone(1).catch(() => undefined);
    }
    expect(eventCount(victim, 'request-served')).toBe(5);
    expect(eventCount(victim, 'request-refused')).toBe(3);
    expect(victim.network.peers()[0]?.points).toBe(6);
  });
});

describe('hostile streams', () => {
  async function streamTo(victim: TestNode): Promise<Stream> {
    const bare = await startIdler(victim);
    await until(connected(victim, 1));
    return await openStream(bare);
  }

  it.each([
    ['an unknown type', Uint8Array.of(1, 0, 0, 0, 99)],
    ['a length of zero', Uint8Array.of(0, 0, 0, 0)],
    ['a length beyond the limit', Uint8Array.of(0xff, 0xff, 0xff, 0x7f)],
    ['text', new TextEncoder().encode('GET / HTTP/1.1\r\n\r\n')],
  ])('closes a stream that carries %s and counts points', async (_name, bytes) => {
    const victim = await startNode();
    const stream = await streamTo(victim);
    stream.send(bytes);
    await until(() => stream.status !== 'open');
    expect(eventCount(victim, 'frame-invalid')).toBe(1);
    expect(victim.network.peers()[0]?.points).toBe(30);
  });

  it('closes a stream that carries answers where requests belong', async () => {
    const victim = await startNode();
    const stream = await streamTo(victim);
    const frame: Frame = { type: 'blocks', requestId: 1, end: 'complete', items: [] };
    stream.send(encodeFrame(frame));
    await until(() => stream.status !== 'open');
    expect(eventCount(victim, 'frame-invalid')).toBe(1);
  });

  it('closes the stream of a peer that does not read its answers', async () => {
    const victim = await startNode({ limits: { answerTimeoutMs: 300 } });
    const block = fakeBlock(32_000);
    victim.coneOf = () => Array.from({ length: 128 }, () => block);
    const stream = await streamTo(victim);
    stream.pause();
    stream.send(encodeFrame({ type: 'get-cone', requestId: 1, index: 1, skip: 0 }));
    await until(() => victim.network.requestCounts().serving === 1);
    await until(() => victim.network.requestCounts().serving === 0);
    expect(eventCount(victim, 'request-served')).toBe(0);
    stream.resume();
    await until(() => stream.status !== 'open');
  });

  it('answers `failed` when its own store fails', async () => {
    const victim = await startNode();
    victim.coneOf = () => {
      throw new Error('disk on fire');
    };
    const asker = await startNode({ peers: victim.network.addresses() });
    await until(acquainted(asker, victim));
    await expect(asker.network.requestCone(1)).rejects.toMatchObject({ code: 'no-peers' });
    expect(victim.network.peers()).toHaveLength(1);
  });
});
