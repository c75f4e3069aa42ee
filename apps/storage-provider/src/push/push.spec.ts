/** The push socket of a real provider: who is told what, what it costs, and what bounds it. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { RunningApi } from '@tanglemail/tangle/io/shell/http.ts';
import { until } from '@tanglemail/tangle/io/testing/until.ts';
import { PUSH_CLOSE, PUSH_PATH } from '@tanglemail/mail/io/provider/push-dto.ts';
import type {
  ProviderClient,
  ProviderSession,
} from '@tanglemail/mail/io/provider/provider-client.ts';
import { WebSocket } from 'ws';
import {
  OWNER as OWNER_KEYS,
  type ServedProvider,
  serveProvider,
} from '../testing/served-provider.ts';
import type { Provider } from '../provider.ts';
import { FakeNode } from '../testing/fake-node.ts';
import { envelope, POLICY, signingKey, tagOf } from '../testing/world.ts';
import { MAX_READERS } from './push-desk.ts';

const OWNER = signingKey(OWNER_KEYS);
const TAG = tagOf(4, 4);
const PRICE = 10;
const DAY = 86_400;

let served: ServedProvider;
let node: FakeNode;
let provider: Provider;
let api: RunningApi;
let client: ProviderClient;
let session: ProviderSession;
let sockets: WebSocket[];

interface Reader {
  readonly socket: WebSocket;
  readonly topics: string[];
  closed: number | undefined;
}

beforeEach(async () => {
  sockets = [];
  const settings = {
    api: {
      port: 0,
      rateLimit: { perSecond: 100_000, burst: 100_000 },
      push: { maxSockets: 12, maxSocketsPerAddress: 11 },
    },
    prices: { perPushDay: PRICE },
  };
  served = await serveProvider({ settings });
  ({ node, provider, api, client, session } = served);
  await client.setFilters(session, { addTags: [TAG] });
});

afterEach(async () => {
  for (const socket of sockets) socket.terminate();
  await served.close();
});

function open(first?: string): Reader {
  const socket = new WebSocket(`${api.url.replace('http', 'ws')}${PUSH_PATH}`);
  sockets.push(socket);
  const reader: Reader = { socket, topics: [], closed: undefined };
  socket.on('error', () => undefined);
  socket.on('message', (data) => {
    const { topic } = JSON.parse((data as Buffer).toString('utf8')) as { topic: string };
    reader.topics.push(topic);
  });
  socket.on('close', (code) => (reader.closed = code));
  if (first !== undefined) socket.on('open', () => socket.send(first));
  return reader;
}

async function ready(): Promise<Reader> {
  const reader = open(JSON.stringify({ token: session.token }));
  await until(() => reader.topics.includes('ready') || reader.closed !== undefined);
  return reader;
}

async function arrive(...payloads: ReturnType<typeof envelope>[]): Promise<void> {
  node.confirm(1, payloads);
  await provider.feed.round();
}

const balance = (): bigint => provider.credits.mailbox(session.mailboxId)?.balance ?? -1n;

describe('a reader', () => {
  it('hears of its log and of its buckets, and of nobody else’s', async () => {
    const stranger = { bits: 8, prefix: Uint8Array.of(0xab), stampBits: 0 };
    await client.setFilters(session, { addBuckets: [stranger] });
    const reader = await ready();
    await arrive(envelope(tagOf(7), 900), envelope(tagOf(0xac), 900));
    await arrive(envelope(TAG, 900));
    await until(() => reader.topics.length === 2);
    await arrive(envelope(tagOf(0xab, 1), 900));
    await until(() => reader.topics.length === 3);
    expect(reader.topics).toEqual(['ready', 'log', 'held']);
  });

  it('pays once a day, however many sockets it opens', async () => {
    const before = balance();
    await ready();
    await ready();
    expect(before - balance()).toBe(BigInt(PRICE));
    node.confirm(DAY);
    await provider.feed.round();
    expect(before - balance()).toBe(BigInt(2 * PRICE));
    await ready();
    await arrive();
    expect(before - balance()).toBe(BigInt(2 * PRICE));
  });

  it('is closed when the balance does not cover the day, and not told any more', async () => {
    const reader = await ready();
    await client.setPolicy(session, { ...POLICY, maxDebitPerDay: 0n });
    while (balance() >= BigInt(PRICE)) await client.mailbox(session);
    node.confirm(DAY);
    await provider.feed.round();
    await until(() => reader.closed !== undefined);
    expect(reader.closed).toBe(PUSH_CLOSE.payment);
    // A session is over by then too.
    session = await client.login(OWNER);
    const again = await ready();
    expect([again.closed, again.topics]).toEqual([PUSH_CLOSE.payment, []]);
    expect(provider.push.readers).toBe(0);
  });

  it('has to show a session', async () => {
    const wrong = ['', '{}', '{"token":"x"}', 'x'.repeat(900)].map((text) => open(text));
    await until(() => wrong.every((one) => one.closed !== undefined));
    expect(wrong.map((one) => one.closed)).toEqual(wrong.map(() => PUSH_CLOSE.unauthorized));
    const huge = open('x'.repeat(2_000));
    await until(() => huge.closed !== undefined);
    const silent = open();
    await until(() => silent.closed !== undefined);
    expect(silent.closed).toBe(PUSH_CLOSE.unauthorized);
  });

  it('is one of a bounded number', async () => {
    const readers = [];
    for (let count = 0; count < MAX_READERS; count += 1) readers.push(await ready());
    expect(readers.every((one) => one.closed === undefined)).toBe(true);
    const tooMany = await ready();
    expect([tooMany.closed, tooMany.topics]).toEqual([PUSH_CLOSE.later, []]);
    await until(() => provider.push.readers === MAX_READERS);
    const others = Array.from({ length: 8 }, () => open());
    await until(() => others.filter((one) => one.closed === PUSH_CLOSE.later).length >= 4);
    for (const { socket } of readers) socket.close();
    await until(() => provider.push.readers === 0);
    const metrics = await provider.metrics.registry.metrics();
    expect(metrics).toMatch(/provider_push_ends_total\{reason="mailbox"\} 1/);
    expect(metrics).toMatch(/provider_push_ends_total\{reason="address"\} [1-9]/);
  });
});
