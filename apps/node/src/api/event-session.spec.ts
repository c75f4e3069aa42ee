import { describe, expect, it } from '@jest/globals';
import { until } from '../testing/test-network.ts';
import { EventSession, MAX_BUFFERED, MAX_TOPICS, type EventSocket } from './event-session.ts';

class FakeSocket implements EventSocket {
  bufferedAmount = 0;
  readyState = 1;
  readonly sent: { topic: string; data: unknown }[] = [];
  closed: number | undefined;

  send(text: string): void {
    this.sent.push(JSON.parse(text) as { topic: string; data: unknown });
  }

  close(code: number): void {
    this.closed = code;
    this.readyState = 3;
  }
}

function world(latest: number, fail = false) {
  const socket = new FakeSocket();
  const state = { latest };
  const errors: unknown[] = [];
  const session = new EventSession(socket, {
    latestIndex: () => state.latest,
    onError: (error) => errors.push(error),
    summaryAt: async (index) => {
      if (fail) throw new Error('the store failed');
      await new Promise(setImmediate);
      const counts = { blocks: 0, applied: 0, conflicting: 0 };
      return { index, milestoneId: 'm', timestampMs: index, ...counts };
    },
  });
  const indexes = () => socket.sent.map(({ data }) => (data as { index: number }).index);
  return { socket, session, state, indexes, errors };
}

describe('event session', () => {
  it('resends confirmed milestones since an index, then the new ones, without gap', async () => {
    const { session, state, indexes } = world(5);
    session.subscribe('milestones/confirmed', 2);
    state.latest = 7;
    session.onConfirmed();
    await until(() => indexes().length === 5);
    expect(indexes()).toEqual([3, 4, 5, 6, 7]);
  });

  it('begins with the next milestone when no index is given', async () => {
    const { session, state, indexes } = world(5);
    session.subscribe('milestones/confirmed', undefined);
    state.latest = 6;
    session.onConfirmed();
    await until(() => indexes().length === 1);
    expect(indexes()).toEqual([6]);
  });

  it('holds confirmed milestones back while the reader is slow', async () => {
    const { session, socket, indexes } = world(3);
    socket.bufferedAmount = 100_000;
    session.subscribe('milestones/confirmed', 0);
    await new Promise(setImmediate);
    expect(indexes()).toEqual([]);
    socket.bufferedAmount = 0;
    await until(() => indexes().length === 3);
  });

  it('tells a reader that lags and closes it', () => {
    const { session, socket } = world(0);
    session.subscribe('blocks', undefined);
    socket.bufferedAmount = MAX_BUFFERED + 1;
    session.send('blocks', {});
    expect(socket.sent).toEqual([{ topic: '$lagging', data: {} }]);
    expect(socket.closed).toBe(1013);
    session.send('blocks', {});
    expect(socket.sent).toHaveLength(1);
  });

  it('bounds the topics of a socket', () => {
    const { session } = world(0);
    const names = Array.from({ length: MAX_TOPICS }, (_, n) => `t${n}`);
    expect(names.every((name) => session.subscribe(name, undefined))).toBe(true);
    expect(session.subscribe('one more', undefined)).toBe(false);
    session.unsubscribe('t0');
    expect(session.subscribe('one more', undefined)).toBe(true);
  });

  it('lets other work run between the milestones of a long past', async () => {
    const socket = new FakeSocket();
    const session = new EventSession(socket, {
      latestIndex: () => 1_000_000,
      summaryAt: async () => await Promise.resolve(undefined),
      onError: () => undefined,
    });
    let turns = 0;
    const turn = setInterval(() => (turns += 1), 0);
    session.subscribe('milestones/confirmed', 0);
    await until(() => turns >= 3);
    clearInterval(turn);
    socket.close(1000);
    expect(socket.sent).toEqual([]);
  });

  it('ends the socket, not the process, when the store fails', async () => {
    const { socket, session, errors } = world(5, true);
    session.subscribe('milestones/confirmed', 0);
    await until(() => socket.closed !== undefined);
    expect([socket.closed, errors]).toEqual([1013, [new Error('the store failed')]]);
  });
});
