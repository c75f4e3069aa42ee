/** The event socket: subscribing, resuming, surviving a node's restart and bad messages. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { SILENT_LOGGER } from '../logger.ts';
import { until } from '../testing/until.ts';
import type { ConfirmedMilestoneDto } from './event-dto.ts';
import { NodeClient } from './node-client.ts';
import type { NodeEvents } from './node-events.ts';
import { SmallNode } from './testing/small-node.ts';

let node: SmallNode;
let events: NodeEvents;

beforeEach(async () => {
  node = new SmallNode();
  await node.start();
  const client = new NodeClient({ baseUrl: node.baseUrl });
  events = client.events({ minBackoffMs: 10, maxBackoffMs: 50, pingIntervalMs: 40 });
});

afterEach(async () => {
  events.close();
  await node.stop();
});

function subscribed(topic: string): () => boolean {
  return () =>
    [...node.subscriptions.values()].some((all) => all.some((one) => one.topic === topic));
}

const TOPIC = 'milestones/confirmed';

function event(index: number): object {
  return { ...node.confirmedEvent(0), index };
}

describe('node events', () => {
  it('brings the events of a topic until it is left', async () => {
    const seen: number[] = [];
    const unsubscribe = events.subscribe(TOPIC, ({ index }) => seen.push(index));
    await until(subscribed(TOPIC));
    node.push(TOPIC, event(1));
    node.push(TOPIC, event(2));
    await until(() => seen.length === 2);
    unsubscribe();
    await until(() =>
      [...node.subscriptions.values()].some((all) => all.at(-1)?.op === 'unsubscribe'),
    );
    node.push(TOPIC, event(3));
    expect(seen).toEqual([1, 2]);
  });

  it('resumes after the last index when the connection breaks', async () => {
    const seen: ConfirmedMilestoneDto[] = [];
    events.subscribe(TOPIC, (data) => seen.push(data), 4);
    await until(subscribed(TOPIC));
    expect([...node.subscriptions.values()][0]).toEqual([
      { op: 'subscribe', topic: TOPIC, since: 4 },
    ]);
    node.push(TOPIC, event(7));
    await until(() => seen.length === 1);
    const [first] = node.subscriptions.keys();
    first?.terminate();
    const again = () => [...node.subscriptions].find(([socket]) => socket !== first)?.[1] ?? [];
    await until(() => again().length === 1);
    expect(again()).toEqual([{ op: 'subscribe', topic: TOPIC, since: 7 }]);
  });

  it('takes the events of a milestone twice rather than never', async () => {
    const address = `outputs/address/${'a'.repeat(64)}` as const;
    const seen: number[] = [];
    events.subscribe(address, ({ milestoneIndex }) => seen.push(milestoneIndex));
    await until(subscribed(address));
    const [first] = node.subscriptions.keys();
    first?.send(JSON.stringify({ topic: '$ready', data: { topic: address, index: 4 } }));
    const output = { outputId: 'b'.repeat(68), change: 'created' };
    node.push(address, { ...output, milestoneIndex: 9 });
    await until(() => seen.length === 1);
    first?.terminate();
    const again = () => [...node.subscriptions].find(([socket]) => socket !== first)?.[1] ?? [];
    await until(() => again().length === 1);
    expect(again()).toEqual([{ op: 'subscribe', topic: address, since: 8 }]);
  });

  it('resumes from where the node said that all was sent, before any event', async () => {
    events.subscribe(TOPIC, () => undefined);
    await until(subscribed(TOPIC));
    const [first] = node.subscriptions.keys();
    first?.send(JSON.stringify({ topic: '$ready', data: { topic: TOPIC, index: 4 } }));
    // The answer to a ping comes after what was sent before it.
    await new Promise((resolve) => {
      first?.once('pong', resolve);
      first?.ping();
    });
    first?.terminate();
    const again = () => [...node.subscriptions].find(([socket]) => socket !== first)?.[1] ?? [];
    await until(() => again().length === 1);
    expect(again()).toEqual([{ op: 'subscribe', topic: TOPIC, since: 4 }]);
  });

  it('says in the log which milestones the node no longer has, and goes on', async () => {
    const warned: object[] = [];
    const logger = { ...SILENT_LOGGER, warn: (facts: object) => warned.push(facts) };
    const told = new NodeClient({ baseUrl: node.baseUrl }).events({ logger });
    const seen: number[] = [];
    told.subscribe(TOPIC, ({ index }) => seen.push(index));
    await until(subscribed(TOPIC));
    for (const socket of node.subscriptions.keys()) {
      socket.send(JSON.stringify({ topic: '$pruned', data: { topic: TOPIC, from: 2, to: 8 } }));
    }
    node.push(TOPIC, event(9));
    await until(() => seen.length === 1);
    told.close();
    expect([seen, warned]).toEqual([[9], [{ topic: TOPIC, from: 2, to: 8 }]]);
  });

  it('survives messages that make no sense and handlers that throw', async () => {
    const seen: number[] = [];
    events.subscribe(TOPIC, () => {
      throw new Error('handler');
    });
    events.subscribe(TOPIC, ({ index }) => seen.push(index));
    await until(subscribed(TOPIC));
    for (const socket of node.subscriptions.keys()) {
      socket.send('no json');
      socket.send('{"topic":5}');
      socket.send(new Uint8Array(10));
      socket.send(JSON.stringify({ topic: TOPIC, data: { index: -1 } }));
      socket.send(JSON.stringify({ topic: 'blocks', data: 1 }));
      socket.send(JSON.stringify({ topic: '$lagging' }));
    }
    node.push(TOPIC, event(9));
    await until(() => seen.length === 1);
    expect(seen).toEqual([9]);
  });

  it('leaves a connection on which nothing answers', async () => {
    events.subscribe('blocks', () => undefined);
    await until(subscribed('blocks'));
    const [first] = node.subscriptions.keys();
    first?.pause();
    await until(() => [...node.subscriptions.keys()].some((socket) => socket !== first));
    first?.resume();
    expect(first).toBeDefined();
  });

  it('waits for the next event, or for the signal', async () => {
    const abort = new AbortController();
    const first = events.next(TOPIC, abort.signal);
    await until(subscribed(TOPIC));
    node.push(TOPIC, event(5));
    expect((await first).index).toBe(5);
    const second = events.next(TOPIC, abort.signal);
    abort.abort(new Error('enough'));
    await expect(second).rejects.toThrow('enough');
  });

  it('refuses a topic that does not exist', () => {
    expect(() => events.subscribe('block-metadata/xyz', () => undefined)).toThrow('no such topic');
  });
});
