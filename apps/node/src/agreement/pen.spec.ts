import { describe, expect, it } from '@jest/globals';
import type { SignedStatement } from '@tanglemail/tangle/core/consensus/actions.ts';
import type { Simplex } from '@tanglemail/tangle/core/consensus/simplex.ts';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import { VirtualClock } from '../../../../test/sim/clock.ts';
import { Pen } from './pen.ts';
import type { SeatMemory } from './seat-memory.ts';

const SIMPLEX = {} as Simplex;

const say = (kind: SignedStatement['kind'], view: bigint, fill = 1): SignedStatement => ({
  kind,
  epoch: 0,
  view,
  digest: new Uint8Array(32).fill(fill),
});

function bench(record?: SeatMemory['record']) {
  const events: string[] = [];
  const errors: unknown[] = [];
  const current = { simplex: SIMPLEX };
  const clock = new VirtualClock(0);
  const pen = new Pen(
    { deltaMs: 500 },
    {
      memory: {
        publicKey: new Uint8Array(32),
        statementsOf: () => [],
        record:
          record ??
          (async (statements, syncCone) => {
            const names = statements.map(({ kind, view }) => `${kind} ${view}`);
            if (statements.some(({ kind }) => kind === 'notarize')) await syncCone();
            await new Promise(setImmediate);
            events.push(`wrote ${names.join(', ')}`);
            return statements.map(() => new Uint8Array(64));
          }),
        forget: async (epoch, view) => {
          events.push(`forgot ${epoch} ${view}`);
          await Promise.resolve();
        },
        silence: {
          silentBelow: () => 0n,
          reason: undefined,
          onConfirmed: () => undefined,
          onForeignOwn: () => undefined,
          onCaughtUp: () => undefined,
        },
        close: async () => {
          events.push('closed');
          await Promise.resolve();
        },
      },
      engine: {
        syncBlocks: async () => {
          events.push('synced blocks');
          await Promise.resolve();
        },
      },
      timers: {
        after: (delayMs, run) => {
          let isWanted = true;
          clock.after(delayMs, () => isWanted && run());
          return () => {
            isWanted = false;
          };
        },
      },
      isCurrent: (simplex) => simplex === current.simplex,
      onSigned: (_, { kind, view }) => events.push(`signed ${kind} ${view}`),
      metrics: { votesWritten: () => undefined },
      logger: SILENT_LOGGER,
      onFatal: (error) => errors.push(error),
    },
  );
  return { pen, clock, events, errors, current };
}

const SIGNATURE = new Uint8Array(64);

/** What a signer rejects with; of two statements it signed the second. */
const refusal = (code: string, signatures = [undefined, SIGNATURE]): Error =>
  Object.assign(new Error('refused'), { code, signatures });

const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 10; turn += 1) await new Promise(setImmediate);
};

describe('statements', () => {
  it('of one turn are one group, written before any of them is handed back', async () => {
    const { pen, events } = bench();
    pen.write(SIMPLEX, say('notarize', 1n));
    pen.write(SIMPLEX, say('finalize', 1n));
    expect(pen.isBusy).toBe(true);
    await settle();
    expect(pen.isBusy).toBe(false);
    expect(events).toEqual([
      'synced blocks',
      'wrote notarize 1, finalize 1',
      'signed notarize 1',
      'signed finalize 1',
    ]);
  });

  it('that come while a group is written make the next', async () => {
    const { pen, events } = bench();
    pen.write(SIMPLEX, say('nullify', 1n));
    await Promise.resolve();
    await Promise.resolve();
    pen.write(SIMPLEX, say('nullify', 2n));
    pen.write(SIMPLEX, say('nullify', 3n));
    await settle();
    expect(events.filter((event) => event.startsWith('wrote'))).toEqual([
      'wrote nullify 1',
      'wrote nullify 2, nullify 3',
    ]);
  });

  it('of an object that is gone are neither written nor signed', async () => {
    const { pen, events, current } = bench();
    pen.write({} as Simplex, say('nullify', 1n));
    pen.write(current.simplex, say('nullify', 2n));
    await settle();
    expect(events).toEqual(['wrote nullify 2', 'signed nullify 2']);
  });

  it('that the signer refuses are not said, the others are', async () => {
    const { pen, clock, events, errors } = bench(() => Promise.reject(refusal('contradicts')));
    pen.write(SIMPLEX, say('nullify', 1n));
    pen.write(SIMPLEX, say('nullify', 2n));
    await settle();
    clock.runUntil(10_000);
    await settle();
    expect([events, errors]).toEqual([['signed nullify 2'], []]);
  });

  it('are put to a signer that was away again, as long as they matter', async () => {
    const asked: bigint[][] = [];
    const { pen, clock, events, errors } = bench((statements) => {
      asked.push(statements.map(({ view }) => view));
      if (asked.length < 3) return Promise.reject(refusal('away', []));
      return Promise.resolve(statements.map(() => SIGNATURE));
    });
    pen.write(SIMPLEX, say('nullify', 1n));
    pen.write(SIMPLEX, say('nullify', 2n));
    await settle();
    clock.runUntil(499);
    await settle();
    expect(asked).toEqual([[1n, 2n]]);
    clock.runUntil(500);
    await settle();
    pen.open([say('nullify', 2n)]);
    clock.runUntil(2_000);
    await settle();
    expect(asked).toEqual([[1n, 2n], [1n, 2n], [2n]]);
    expect([events, errors]).toEqual([['signed nullify 2'], []]);
  });

  it('that cannot be written end the process, and nothing is signed any more', async () => {
    const error = new Error('disk full');
    let calls = 0;
    const { pen, events, errors } = bench(() => {
      calls += 1;
      return Promise.reject(error);
    });
    pen.write(SIMPLEX, say('nullify', 1n));
    await settle();
    pen.write(SIMPLEX, say('nullify', 2n));
    pen.forget(0, 3n);
    await settle();
    expect([events, errors, calls]).toEqual([[], [error], 1]);
  });

  it('are known as said from the moment they are asked for, until they are forgotten', async () => {
    const { pen, events } = bench();
    pen.open([say('notarize', 4n)]);
    pen.write(SIMPLEX, say('propose', 5n));
    expect(pen.hasSaid('notarize', 4n, new Uint8Array(32).fill(1))).toBe(true);
    expect(pen.hasSaid('notarize', 4n, new Uint8Array(32).fill(2))).toBe(false);
    expect(pen.hasSaid('finalize', 4n, new Uint8Array(32).fill(1))).toBe(false);
    expect(pen.hasSaid('propose', 5n)).toBe(true);
    pen.forget(0, 5n);
    expect([pen.hasSaid('notarize', 4n), pen.hasSaid('propose', 5n)]).toEqual([false, true]);
    await settle();
    expect(events.slice(-1)).toEqual(['forgot 0 5']);
  });

  it('under way are written before the log is closed', async () => {
    const { pen, events } = bench();
    pen.write(SIMPLEX, say('nullify', 1n));
    await Promise.resolve();
    await Promise.resolve();
    await pen.stop();
    expect(events).toEqual(['wrote nullify 1', 'signed nullify 1', 'closed']);
  });
});
