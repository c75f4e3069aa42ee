import { describe, expect, it } from '@jest/globals';
import { getEventListeners } from 'node:events';
import { Bell, Serial } from './signal.ts';

describe('bell', () => {
  it('wakes everybody who waits when it is rung', async () => {
    const bell = new Bell();
    const { signal } = new AbortController();
    const waiting = Promise.all([bell.wait(1_000_000, signal), bell.wait(1_000_000, signal)]);
    bell.ring();
    expect(await waiting).toHaveLength(2);
  });

  it('wakes after its time, and at an abort', async () => {
    const bell = new Bell();
    const abort = new AbortController();
    const { signal } = abort;
    await bell.wait(1, signal);
    const waiting = bell.wait(1_000_000, signal);
    abort.abort();
    await waiting;
    await bell.wait(1_000_000, signal);
    expect(bell.waiting).toBe(0);
  });

  it('leaves nothing behind after a wait, however it ended: loops wait for ever', async () => {
    const bell = new Bell();
    const { signal } = new AbortController();
    for (let turn = 0; turn < 100; turn++) await bell.wait(0, signal);
    const waiting = bell.wait(1_000_000, signal);
    bell.ring();
    await waiting;
    expect([getEventListeners(signal, 'abort').length, bell.waiting]).toEqual([0, 0]);
  });
});

describe('serial', () => {
  it('runs one task after the other, also after one that failed', async () => {
    const serial = new Serial();
    const order: number[] = [];
    const first = serial.run(async () => {
      await new Promise(setImmediate);
      order.push(1);
      throw new Error('first');
    });
    const second = serial.run(async () => {
      order.push(2);
      return await Promise.resolve('second');
    });
    await expect(first).rejects.toThrow('first');
    expect(await second).toBe('second');
    expect(order).toEqual([1, 2]);
  });
});
