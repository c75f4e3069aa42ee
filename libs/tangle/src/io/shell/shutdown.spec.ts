import { describe, expect, it } from '@jest/globals';
import { SILENT_LOGGER } from '../logger.ts';
import { closeAll, StopError } from './shutdown.ts';

function logging(): { logger: typeof SILENT_LOGGER; errors: string[] } {
  const errors: string[] = [];
  return { logger: { ...SILENT_LOGGER, error: (_, text) => errors.push(text) }, errors };
}

describe('stopping', () => {
  it('closes from the last to the first', async () => {
    const closed: number[] = [];
    const part = (number: number) => ({
      close: async () => {
        await new Promise(setImmediate);
        closed.push(number);
      },
    });
    await closeAll([part(1), part(2), part(3)], SILENT_LOGGER);
    expect(closed).toEqual([3, 2, 1]);
  });

  it('goes on when a part fails, and tells', async () => {
    let isClosed = false;
    const good = { close: () => void (isClosed = true) };
    const bad = { close: () => Promise.reject(new Error('stuck')) };
    const { logger, errors } = logging();
    await expect(closeAll([good, bad], logger)).rejects.toThrow(StopError);
    expect([isClosed, errors]).toEqual([true, ['a part could not be stopped in order']]);
  });

  it('waits for a bounded time', async () => {
    const hung = { close: () => new Promise<void>(() => undefined) };
    const { logger, errors } = logging();
    await expect(closeAll([hung], logger, 10)).rejects.toThrow(StopError);
    expect(errors).toEqual(['stopping took too long: the process ends now']);
  });
});
