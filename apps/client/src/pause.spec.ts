/** Rests that others end: none of these waits for its hour. */
import { describe, expect, it } from '@jest/globals';
import { Bell, pause } from './pause.ts';

const HOUR_MS = 3_600_000;

describe('a bell', () => {
  it('ends the rest of whoever waits', async () => {
    const bell = new Bell();
    const resting = bell.rest(HOUR_MS, new AbortController().signal);
    bell.ring();
    await expect(resting).resolves.toBeUndefined();
  });

  it('that rang before ends the next rest, and no other one', async () => {
    const bell = new Bell();
    const abort = new AbortController();
    bell.ring();
    bell.ring();
    await bell.rest(HOUR_MS, abort.signal);
    const ended: string[] = [];
    const rest = async (): Promise<void> => {
      await bell.rest(HOUR_MS, abort.signal);
      ended.push('the rest');
    };
    const resting = rest();
    await new Promise(setImmediate);
    ended.push('the wait');
    abort.abort();
    await resting;
    expect(ended).toEqual(['the wait', 'the rest']);
  });

  it('lets whoever rests go on when the time is over', async () => {
    const bell = new Bell();
    await expect(bell.rest(1, new AbortController().signal)).resolves.toBeUndefined();
  });
});

describe('a pause', () => {
  it('ends with its signal, also with one that has ended', async () => {
    const abort = new AbortController();
    const resting = pause(HOUR_MS, abort.signal);
    abort.abort();
    await resting;
    await expect(pause(HOUR_MS, abort.signal)).resolves.toBeUndefined();
  });
});
