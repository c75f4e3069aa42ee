import { describe, expect, it } from '@jest/globals';
import { parseTopic } from '@tanglemail/tangle/io/node-client/event-dto.ts';
import { until } from '../testing/test-network.ts';
import { EventSession, MAX_TOPICS, RESUME_BELOW, type EventSocket } from './event-session.ts';

const MAX_BUFFERED = 1 << 20;

class FakeSocket implements EventSocket {
  bufferedAmount = 0;
  readyState = 1;
  readonly sent: { topic: string; data: { index?: number; n?: number } }[] = [];
  closed: [number, string] | undefined;
  /** What one message leaves in the buffer. */
  fillsTo = 0;

  send(text: string): void {
    this.sent.push(JSON.parse(text) as FakeSocket['sent'][number]);
    this.bufferedAmount = Math.max(this.bufferedAmount, this.fillsTo);
  }

  close(code: number, reason: string): void {
    this.closed = [code, reason];
    this.readyState = 3;
  }
}

interface Past {
  latest: number;
  pruned?: number;
  fail?: boolean;
  /** Events of one milestone. */
  perMilestone?: number;
}

function world(past: Past) {
  const socket = new FakeSocket();
  const state = { latest: past.latest };
  const errors: unknown[] = [];
  const ends: string[] = [];
  let stretches = 0;
  const session = new EventSession(socket, {
    feed: {
      get latestIndex() {
        return state.latest;
      },
      prunedIndex: past.pruned ?? 0,
      *eventsAt(index) {
        if (past.fail === true) throw new Error('the store failed');
        for (let n = 0; n < (past.perMilestone ?? 1); n++) yield { index, n };
      },
      *eventsSince(_topic, since, until_) {
        for (let index = since + 1; index <= until_; index++) yield { index };
      },
    },
    replay: async (stretch) => {
      stretch();
      stretches += 1;
      await new Promise(setImmediate);
    },
    maxBuffered: () => MAX_BUFFERED,
    onError: (error) => errors.push(error),
    onEnd: (reason) => ends.push(reason),
  });
  const subscribe = (name: string, since?: number): boolean => {
    const topic = parseTopic(name);
    if (topic === undefined) throw new Error(`no topic ${name}`);
    return session.subscribe(name, topic, since);
  };
  /** Topic and index of what was sent, in short. */
  const said = (): string[] => socket.sent.map(({ topic, data }) => `${topic} ${data.index}`);
  return { socket, session, state, errors, ends, subscribe, said, stretches: () => stretches };
}

const CONFIRMED = 'milestones/confirmed';
const ADDRESS = `outputs/address/${'a'.repeat(64)}`;

describe('event session', () => {
  it('resends milestones since an index, says when that is done, then the new ones', async () => {
    const { session, state, said, subscribe } = world({ latest: 5 });
    subscribe(CONFIRMED, 2);
    await until(() => said().length === 4);
    state.latest = 7;
    session.onConfirmed();
    await until(() => said().length === 6);
    const resent = [3, 4, 5].map((index) => `${CONFIRMED} ${index}`);
    expect(said()).toEqual([...resent, '$ready 5', `${CONFIRMED} 6`, `${CONFIRMED} 7`]);
  });

  it('is ready at once when no index is given, and begins with the next milestone', async () => {
    const { session, state, said, subscribe } = world({ latest: 5 });
    subscribe(CONFIRMED);
    subscribe('blocks');
    expect(said()).toEqual(['$ready 5', '$ready 5']);
    state.latest = 6;
    session.onConfirmed();
    await until(() => said().length === 3);
    expect(said().at(-1)).toBe(`${CONFIRMED} 6`);
  });

  it('sends all of a milestone before the next one, its confirmation last', async () => {
    const { said, subscribe } = world({ latest: 2 });
    subscribe(CONFIRMED, 0);
    subscribe(ADDRESS, 0);
    await until(() => said().length === 6);
    expect(said()).toEqual([
      `${ADDRESS} 1`,
      `${CONFIRMED} 1`,
      `${ADDRESS} 2`,
      '$ready 2',
      `${CONFIRMED} 2`,
      '$ready 2',
    ]);
  });

  it('answers for a single thing from its past, not milestone by milestone', () => {
    const { said, subscribe, stretches } = world({ latest: 1_000_000 });
    subscribe(`outputs/${'a'.repeat(68)}`, 999_998);
    expect(said().map((line) => line.replace(/a{68}/, 'x'))).toEqual([
      'outputs/x 999999',
      'outputs/x 1000000',
      '$ready 1000000',
    ]);
    expect(stretches()).toBe(0);
  });

  it('passes over pruned milestones and says so', async () => {
    const { socket, said, subscribe } = world({ latest: 12, pruned: 10 });
    subscribe(CONFIRMED, 3);
    await until(() => said().length === 4);
    expect(socket.sent[0]).toEqual({
      topic: '$pruned',
      data: { topic: CONFIRMED, from: 4, to: 10 },
    });
    expect(said().slice(1)).toEqual([`${CONFIRMED} 11`, `${CONFIRMED} 12`, '$ready 12']);
  });

  it('holds confirmed things back while the reader is slow, within a milestone too', async () => {
    const { socket, said, subscribe } = world({ latest: 2, perMilestone: 3 });
    socket.fillsTo = RESUME_BELOW + 1;
    subscribe(ADDRESS, 0);
    for (let seen = 1; seen <= 6; seen++) {
      await until(() => said().length >= seen);
      await new Promise(setImmediate);
      expect(said()).toHaveLength(seen);
      socket.bufferedAmount = 0;
    }
    await until(() => said().length === 7);
    expect(socket.sent.map(({ data }) => data.n)).toEqual([0, 1, 2, 0, 1, 2, undefined]);
    expect(socket.closed).toBeUndefined();
  });

  it('tells a reader of live topics that lags and closes it', () => {
    const { session, socket, subscribe, ends } = world({ latest: 0 });
    subscribe('blocks');
    socket.bufferedAmount = MAX_BUFFERED + 1;
    session.send('blocks', {});
    expect(socket.sent.at(-1)).toEqual({ topic: '$lagging', data: {} });
    expect([socket.closed, ends]).toEqual([[1013, 'lagging'], ['lagging']]);
    session.send('blocks', {});
    expect(socket.sent).toHaveLength(2);
  });

  it('bounds the topics of a socket', () => {
    const { session, subscribe } = world({ latest: 0 });
    const names = Array.from(
      { length: MAX_TOPICS },
      (_, n) => `block-metadata/${`${n}`.padStart(64, '0')}`,
    );
    expect(names.every((name) => subscribe(name))).toBe(true);
    expect([subscribe('blocks'), subscribe(names[7] ?? '')]).toEqual([false, true]);
    session.unsubscribe(names[0] ?? '');
    expect(subscribe('blocks')).toBe(true);
    expect(session.topics).toBe(MAX_TOPICS);
  });

  it('stops a replay when it is left, and begins anew when it is subscribed again', async () => {
    const { session, said, subscribe } = world({ latest: 1_000_000 });
    subscribe(CONFIRMED, 0);
    await until(() => said().length >= 64);
    session.unsubscribe(CONFIRMED);
    await new Promise(setImmediate);
    const count = said().length;
    await new Promise(setImmediate);
    expect(said()).toHaveLength(count);
    subscribe(CONFIRMED, 999_998);
    await until(() => said().at(-1) === '$ready 1000000');
    expect(said().slice(count)).toEqual([
      `${CONFIRMED} 999999`,
      `${CONFIRMED} 1000000`,
      '$ready 1000000',
    ]);
  });

  it('takes a long past in stretches, so that other work runs in between', async () => {
    const { socket, said, subscribe, stretches } = world({ latest: 1_000 });
    subscribe(CONFIRMED, 0);
    await until(() => said().at(-1) === '$ready 1000');
    expect(stretches()).toBeGreaterThanOrEqual(15);
    expect(said()).toHaveLength(1_001);
    socket.close(1000, '');
  });

  it('ends the socket, not the process, when the store fails', async () => {
    const { socket, subscribe, errors } = world({ latest: 5, fail: true });
    subscribe(CONFIRMED, 0);
    await until(() => socket.closed !== undefined);
    expect([socket.closed?.[0], errors]).toEqual([1013, [new Error('the store failed')]]);
  });
});
