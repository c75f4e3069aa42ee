/**
 * Strangers who mean no good, against a real node and a real provider: requests that nobody should
 * make to every route, connections that are no HTTP, a peer that sends garbage. Both must answer in
 * their own words, stay healthy, and hold their memory.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { ERROR_CODES } from '@tanglemail/tangle/core/outcome.ts';
import { PROBLEMS } from '@tanglemail/mail/core/market/problems.ts';
import { NodeClient } from '@tanglemail/tangle/io/node-client/node-client.ts';
import { until } from '@tanglemail/tangle/io/testing/until.ts';
import { API_PROBLEMS } from '../../apps/node/src/api/problem.ts';
import { AttackPeer } from '../attack/peer.ts';
import { Chance } from './testing/chance.ts';
import { HttpFuzz, type FuzzTarget } from './testing/http-fuzz.ts';
import {
  errorLines,
  freePorts,
  healthy,
  metricOf,
  nodeArgs,
  providerArgs,
  SmallNetwork,
  startVictim,
  type Victim,
} from './testing/small-market.ts';

const SETUP_TIMEOUT_MS = 60_000;
const REQUESTS = 1_000;
/** Growth of resident memory that a flood of bad requests may cause, in bytes. */
const MAX_GROWTH = 256 << 20;

let network: SmallNetwork;
let node: Victim;
let provider: Victim;

beforeAll(async () => {
  network = await SmallNetwork.create();
  const [ofNode, ofProvider] = [await freePorts(), await freePorts()];
  node = await startVictim(
    network,
    'tangle-node',
    ofNode,
    nodeArgs(network, ofNode, network.at('node')),
  );
  const args = providerArgs(network, ofProvider, network.at('provider'), node.url);
  provider = await startVictim(network, 'tangle-provider', ofProvider, args);
  await healthy(node);
  await healthy(provider);
}, SETUP_TIMEOUT_MS);

afterAll(async () => {
  await provider?.process.stop();
  await node?.process.stop();
  await network?.remove();
}, SETUP_TIMEOUT_MS);

/** The victim and what its API may say. */
const TARGETS: Record<'node' | 'provider', () => [Victim, FuzzTarget]> = {
  node: () => [
    node,
    {
      url: node.url,
      document: '/docs-json',
      codes: new Set([...Object.keys(API_PROBLEMS), ...Object.keys(ERROR_CODES)]),
      busy: new Set(['queue-full', 'timed-out']),
    },
  ],
  provider: () => [
    provider,
    {
      url: provider.url,
      document: '/openapi.json',
      codes: new Set(Object.keys(PROBLEMS)),
      busy: new Set(['ledger-unsynced', 'shutting-down']),
    },
  ],
};

/** Sends bytes on a bare connection; resolves with the answer when the connection ends. */
async function say({ ports }: Victim, bytes: string | Uint8Array): Promise<string> {
  const socket = connect(ports.api, '127.0.0.1');
  let answer = '';
  socket.on('data', (data: Buffer) => (answer += data.toString()));
  socket.on('error', () => undefined);
  socket.end(bytes);
  await once(socket, 'close');
  return answer;
}

describe.each(['node', 'provider'] as const)('the API of the %s', (name) => {
  it.each([1, 2])(
    'answers every bad request with a problem of its tables, seed %i',
    async (seed) => {
      const [victim, target] = TARGETS[name]();
      const before = await metricOf(victim, 'process_resident_memory_bytes');
      expect(await new HttpFuzz(target, new Chance(seed)).run(REQUESTS)).toEqual([]);
      const after = await metricOf(victim, 'process_resident_memory_bytes');
      expect(before).toBeGreaterThan(0);
      expect(after - before).toBeLessThan(MAX_GROWTH);
      await healthy(victim);
      expect(await errorLines(victim)).toEqual([]);
    },
  );

  it('answers what is no HTTP, and is not held up by those who never end', async () => {
    const [victim] = TARGETS[name]();
    const slow: Socket[] = [];
    for (let index = 0; index < 200; index++) {
      const socket = connect(victim.ports.api, '127.0.0.1');
      socket.on('error', () => undefined);
      const head = 'POST /v1/sessions HTTP/1.1\r\nHost: a\r\nContent-Length: 500\r\n';
      socket.write(index % 2 === 0 ? head : `${head}Content-Type: application/json\r\n\r\n{"a":`);
      slow.push(socket);
    }
    const chance = new Chance(7);
    const noise = Uint8Array.from({ length: 2_000 }, () => chance.integer(0, 255));
    for (const bytes of [
      noise,
      'GET / HTTP/9.9\r\n\r\n',
      'FROB / HTTP/1.1\r\nHost: a\r\n\r\n',
      `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(40_000)}\r\n\r\n`,
      'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
      'GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
    ]) {
      const answer = await say(victim, bytes);
      expect(answer).toMatch(/^HTTP\/1\.1 4\d\d .*application\/problem\+json/s);
      expect(answer).toContain('"code":"request-malformed"');
    }
    await healthy(victim);
    for (const socket of slow) socket.destroy();
    expect(await errorLines(victim)).toEqual([]);
  });
});

describe('the event socket of the node', () => {
  it('survives whatever is sent to it', async () => {
    const url = `${node.url.replace('http', 'ws')}/api/events/v1`;
    const chance = new Chance(3);
    for (let round = 0; round < 20; round++) {
      const socket = new WebSocket(url);
      socket.on('error', () => undefined);
      await once(socket, 'open');
      for (let index = 0; index < 50; index++) {
        socket.send(chance.text(chance.integer(0, 200)));
        socket.send(JSON.stringify({ op: 'subscribe', topic: chance.text(20), since: -1 }));
        socket.send(JSON.stringify({ op: 'subscribe', topic: 'milestones/confirmed', since: 0 }));
      }
      socket.send(Buffer.alloc(100_000));
      await once(socket, 'close');
    }
    const upgrade = 'Connection: Upgrade\r\nUpgrade: websocket\r\n';
    await say(node, `GET /nowhere HTTP/1.1\r\nHost: a\r\n${upgrade}\r\n`);
    await say(node, `GET /api/events/v1 HTTP/1.1\r\nHost: a\r\n${upgrade}\r\n`);
    await healthy(node);
    expect(await errorLines(node)).toEqual([]);
  });
});

describe('a peer that sends garbage', () => {
  async function bans(): Promise<number> {
    return await metricOf(node, 'tangle_network_events_total{event="peer-banned"}');
  }

  /** Sends garbage of one kind until the victim hangs up. */
  async function annoy(peer: AttackPeer, kind: 'packs' | 'milestones' | 'frames'): Promise<void> {
    await until(async () => {
      const bytes = chance.bytes(chance.integer(1, 500));
      if (kind === 'frames') {
        await peer.openStream().then(
          (stream) => stream.send(bytes),
          () => undefined,
        );
      } else {
        const topic = kind === 'packs' ? 'blocks' : 'milestones';
        await peer.publish(topic, bytes).catch(() => undefined);
      }
      await sleep(20);
      return peer.isOut;
    });
  }

  const chance = new Chance(11);

  it.each(['packs', 'milestones', 'frames'] as const)('is banned for %s', async (kind) => {
    const { networkId } = await new NodeClient({ baseUrl: node.url }).info();
    const address = `/ip4/127.0.0.1/tcp/${node.ports.gossip}`;
    const before = await bans();
    const target = { networkId: BigInt(networkId) };
    const peer = await AttackPeer.connect(target, address, { onRequest: () => undefined });
    try {
      await annoy(peer, kind);
      await until(async () => (await bans()) > before);
      expect(await peer.canComeBack(address)).toBe(false);
    } finally {
      await peer.stop();
    }
    await healthy(node);
    expect(await errorLines(node)).toEqual([]);
  });
});

describe('after all that', () => {
  it('both stop in order when they are asked to', async () => {
    expect(await provider.process.stop()).toBe('stopped');
    expect(await node.process.stop()).toBe('stopped');
    expect([await provider.process.ended, await node.process.ended]).toEqual([
      'status 0',
      'status 0',
    ]);
  });
});
