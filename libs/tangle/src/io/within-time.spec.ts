/** A limit of time that nothing but its own end can undo. */
import { getEventListeners } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import { isTimeOver, withinTime } from './within-time.ts';

/** Ends only with its signal, which it does not hold: a request that is never answered. */
async function hang(signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const { promise, reject } = Promise.withResolvers<void>();
  signal.addEventListener('abort', ({ target }) => reject((target as AbortSignal).reason));
  return await promise;
}

async function collectGarbage(): Promise<void> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (let round = 0; round < 3; round += 1) {
    collect();
    await new Promise(setImmediate);
  }
}

describe('a limit of time', () => {
  it('ends what hangs, also when nobody but the task knows the signal', async () => {
    const { signal } = new AbortController();
    const ended = Array.from({ length: 10 }, () => withinTime(300, [signal], hang));
    const results = Promise.allSettled(ended);
    await collectGarbage();
    for (const result of await results) {
      expect(result).toMatchObject({ status: 'rejected', reason: { name: 'TimeoutError' } });
    }
  });

  it('ends what runs within another limit', async () => {
    const nested = withinTime(300, [], (outer) => withinTime(3_600_000, [outer], hang));
    const ended = Promise.allSettled([nested]);
    await collectGarbage();
    expect(await ended).toMatchObject([{ reason: { name: 'TimeoutError' } }]);
  });

  it('takes many tasks for one lifetime without a warning', async () => {
    const { signal } = new AbortController();
    const warnings: Error[] = [];
    const onWarning = (warning: Error): unknown => warnings.push(warning);
    process.on('warning', onWarning);
    const all = Array.from({ length: 50 }, () => withinTime(1, [signal], hang));
    await Promise.allSettled(all);
    process.off('warning', onWarning);
    expect(warnings).toEqual([]);
  });

  it('ends with the first of the other signals, and its reason', async () => {
    const others = [new AbortController(), new AbortController()];
    const over: boolean[] = [];
    const ended = withinTime(3_600_000, [undefined, ...others.map((one) => one.signal)], (signal) =>
      hang(signal).finally(() => over.push(isTimeOver(signal))),
    );
    others[1]?.abort(new Error('closed'));
    others[0]?.abort(new Error('too late'));
    await expect(ended).rejects.toThrow('closed');
    expect(over).toEqual([false]);
  });

  it('begins ended when another signal has', async () => {
    const ended = withinTime(3_600_000, [AbortSignal.abort(new Error('closed'))], hang);
    await expect(ended).rejects.toThrow('closed');
  });

  it('tells that the time was over', async () => {
    const told = withinTime(1, [], async (signal) => {
      await hang(signal).catch(() => undefined);
      return isTimeOver(signal);
    });
    expect(await told).toBe(true);
  });

  it('leaves nothing behind at a signal that lives on', async () => {
    const { signal } = new AbortController();
    expect(await withinTime(3_600_000, [signal], async () => 5)).toBe(5);
    const failed = withinTime(3_600_000, [signal], () => Promise.reject(new Error('no')));
    await expect(failed).rejects.toThrow('no');
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });
});
