import { describe, expect, it } from '@jest/globals';
import { Bell, Serial } from './signal.ts';

/** An abort signal that counts who listens to it. */
function countingSignal(): { signal: AbortSignal; listeners: () => number; abort(): void } {
  const controller = new AbortController();
  const { signal } = controller;
  const listening = new Set<unknown>();
  const [add, remove] = [signal.addEventListener, signal.removeEventListener];
  signal.addEventListener = (name: string, listener: never, options: never): void => {
    listening.add(listener);
    add.call(signal, name, listener, options);
  };
  signal.removeEventListener = (name: string, listener: never): void => {
    listening.delete(listener);
    remove.call(signal, name, listener);
  };
  return { signal, listeners: () => listening.size, abort: () => controller.abort() };
}

describe('bell', () => {
  it('wakes everybody who waits when it is rung', async () => {
    const bell = new Bell();
    const { signal } = new AbortController();
    const waiting = Promise.all([bell.wait(1_000_000, signal), bell.wait(1_000_000, signal)]);
    bell.ring();
    await waiting;
  });

  it('wakes after its time, and at an abort', async () => {
    const bell = new Bell();
    const { signal, abort } = countingSignal();
    await bell.wait(1, signal);
    const waiting = bell.wait(1_000_000, signal);
    abort();
    await waiting;
    await bell.wait(1_000_000, signal);
  });

  it('leaves nothing behind after a wait, however it ended: loops wait for ever', async () => {
    const bell = new Bell();
    const { signal, listeners } = countingSignal();
    for (let turn = 0; turn < 100; turn++) await bell.wait(0, signal);
    const waiting = bell.wait(1_000_000, signal);
    bell.ring();
    await waiting;
    expect([listeners(), bell.waiting]).toEqual([0, 0]);
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
