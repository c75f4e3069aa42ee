import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ApiProblem } from '../daemon/problem.ts';
import { LineLoader } from './line-loader.ts';
import {
  dueFor,
  type Line,
  PAGE_LINES,
  trimmed,
  withNewest,
  withOlder,
  withOne,
} from './loaded-lines.ts';

function line(number: number, text = ''): Line {
  return {
    conversation: 'a'.repeat(48),
    number,
    kind: 'text',
    isOwn: false,
    sender: { address: 'tmt1bob', name: 'Bob' },
    text,
    sentAtMs: number * 1_000,
    receivedAtMs: number * 1_000,
    isLeft: false,
    recipients: [],
  };
}

/** What the daemon holds, and how it is asked. */
class Held {
  lines: Line[];
  asked = 0;
  problem: ApiProblem | undefined;

  constructor(count: number) {
    this.lines = Array.from({ length: count }, (_, index) => line(index + 1));
  }

  readonly ask = async (limit: number, before = Infinity): Promise<readonly Line[]> => {
    this.asked += 1;
    if (this.problem !== undefined) throw this.problem;
    const below = this.lines.filter(({ number }) => number < before);
    return below.toReversed().slice(0, limit);
  };

  add(count: number): void {
    const last = this.lines.at(-1)?.number ?? 0;
    for (let index = 1; index <= count; index++) this.lines.push(line(last + index));
  }
}

const turn = async (): Promise<void> => {
  await new Promise((resolve) => setTimeout(resolve, 0));
};
const numbersOf = (lines: readonly Line[]): number[] => lines.map(({ number }) => number);

describe('loaded lines', () => {
  it('are whole when a page is not full', () => {
    const loaded = withNewest({ lines: [], isWhole: false }, [line(2), line(1)]);
    expect(numbersOf(loaded.lines)).toEqual([1, 2]);
    expect(loaded.isWhole).toBe(true);
  });

  it('keep older ones, and drop what was deleted within the page', () => {
    const all = Array.from({ length: PAGE_LINES + 3 }, (_, index) => line(index + 1));
    const left = all.filter(({ number }) => number !== 5);
    const page = left.slice(-PAGE_LINES).toReversed();
    const { lines, isWhole } = withNewest({ lines: all, isWhole: true }, page);
    expect([numbersOf(lines), isWhole]).toEqual([numbersOf(left), true]);
  });

  it('begin anew when there may be a gap', () => {
    const page = Array.from({ length: PAGE_LINES }, (_, index) => line(900 - index));
    const { lines, isWhole } = withNewest({ lines: [line(1)], isWhole: true }, page);
    expect([lines.length, isWhole]).toEqual([PAGE_LINES, false]);
  });

  it('take older ones once, and one line alone', () => {
    const older = withOlder({ lines: [line(3)], isWhole: false }, [line(3), line(2), line(1)]);
    expect([numbersOf(older.lines), older.isWhole]).toEqual([[1, 2, 3], true]);
    expect(withOne(older, 2, line(2, 'x')).lines[1]?.text).toBe('x');
    expect(numbersOf(withOne(older, 2, undefined).lines)).toEqual([1, 3]);
  });

  it('are let go far behind the end', () => {
    const many = Array.from({ length: 601 }, (_, index) => line(index + 1));
    const { lines, isWhole } = trimmed({ lines: many, isWhole: true });
    expect([lines.at(-1)?.number, lines.length, isWhole]).toEqual([601, 2 * PAGE_LINES, false]);
    const few = { lines: many.slice(1), isWhole: true };
    expect(trimmed(few)).toBe(few);
  });

  it('are asked for as far as they are held', () => {
    const held = Array.from({ length: 100 }, (_, index) => line(index + 11));
    expect(dueFor([], 5)).toBe('newest');
    expect(dueFor(held, undefined)).toBe('newest');
    expect(dueFor(held, 111)).toBe('newest');
    expect(dueFor(held, 12)).toBe('one');
    expect(dueFor(held, 5)).toBe('nothing');
  });
});

describe('the loader of lines', () => {
  it('holds a part of what the daemon has, without a gap, whatever happens', async () => {
    const steps = fc.array(
      fc.oneof(
        fc.record({ kind: fc.constant('add' as const), count: fc.integer({ min: 1, max: 90 }) }),
        fc.record({ kind: fc.constant('delete' as const), at: fc.integer({ min: 1, max: 300 }) }),
        fc.record({ kind: fc.constant('older' as const) }),
        fc.record({ kind: fc.constant('refresh' as const) }),
      ),
      { maxLength: 20 },
    );
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 200 }), steps, async (count, all) => {
        const held = new Held(count);
        const loader = new LineLoader(held.ask);
        loader.setAtEnd(false);
        loader.refresh();
        for (const step of all) {
          if (step.kind === 'add') held.add(step.count);
          if (step.kind === 'delete') {
            held.lines = held.lines.filter(({ number }) => number !== step.at);
            loader.touched(step.at);
          } else if (step.kind === 'older') loader.older();
          else loader.refresh();
          await turn();
        }
        loader.refresh();
        await turn();
        const { lines, isWhole, isLoading } = loader.state();
        const first = lines[0]?.number ?? 1;
        const expected = held.lines.filter(({ number }) => isWhole || number >= first);
        expect(numbersOf(lines)).toEqual(numbersOf(expected));
        expect(isLoading).toBe(false);
      }),
      { numRuns: 60 },
    );
  });

  it('asks once for what changes often, and goes on after a failure', async () => {
    const held = new Held(3);
    const loader = new LineLoader(held.ask);
    for (let times = 0; times < 50; times++) loader.refresh();
    await turn();
    expect(held.asked).toBeLessThanOrEqual(2);
    held.problem = new ApiProblem('unreachable', 0, 'the daemon does not answer');
    loader.refresh();
    await turn();
    const { problem, lines, isLoading } = loader.state();
    expect([problem?.code, lines.length, isLoading]).toEqual(['unreachable', 3, false]);
    held.problem = undefined;
    held.add(1);
    loader.refresh();
    await turn();
    expect(loader.state()).toMatchObject({ problem: undefined, isLoading: false });
    expect(loader.state().lines.length).toBe(4);
  });
});
