import { describe, expect, it } from '@jest/globals';
import type { MilestoneId } from '@tanglemail/tangle/core/codec/ids.ts';
import type { MilestoneHeader } from '@tanglemail/tangle/core/codec/milestone.ts';
import type { Entry } from '@tanglemail/tangle/core/consensus/final-chain.ts';
import type { Simplex } from '@tanglemail/tangle/core/consensus/simplex.ts';
import type { BuiltMilestone } from '@tanglemail/tangle/core/milestone/build.ts';
import type { ParentMilestone } from '@tanglemail/tangle/core/milestone/rules.ts';
import { fail, succeed, type Outcome } from '@tanglemail/tangle/core/outcome.ts';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import { VirtualClock } from '../../../../test/sim/clock.ts';
import { Jobs, type Job } from './jobs.ts';

const idOf = (name: string): MilestoneId => name as MilestoneId;

/** A milestone of that name on another; only what jobs look at. */
function entry(index: number, previous: string): Entry {
  const header = { index, previousId: idOf(previous) } as MilestoneHeader;
  return { header, body: { parents: [], options: {} } };
}

const check = (name: string, view: bigint, on: string, index = 2): Job => ({
  do: 'check',
  view,
  id: idOf(name),
  ...entry(index, on),
});
const build = (view: bigint, on: string): Job => ({ do: 'build', view, parent: idOf(on) });

/** Jobs over an engine that is told what each check comes to. */
class Bench {
  readonly clock = new VirtualClock(1_000);
  readonly simplex = {
    view: 1n,
    entryOf: (id: MilestoneId) => this.entries.get(id),
  } as unknown as Simplex;
  readonly entries = new Map<MilestoneId, Entry>();
  /** What a check of the milestone of that name comes to; holds if nothing is said. */
  readonly outcomes = new Map<string, Outcome<void>>();
  readonly known = new Set<string>(['base']);
  readonly checks: string[] = [];
  readonly done: string[] = [];
  readonly wanted: string[] = [];
  readonly errors: unknown[] = [];
  readonly current: { latest: ParentMilestone; halted: string | undefined } = {
    latest: { id: idOf('base'), header: { index: 0 } } as ParentMilestone,
    halted: undefined,
  };
  isFollowing = true;
  built: Outcome<BuiltMilestone> = succeed({ ...entry(1, 'base') } as BuiltMilestone);
  /** Ends the check that is under way. */
  release: (() => void) | undefined;
  isSlow = false;
  /** What the store throws. */
  failure: Error | undefined;
  readonly jobs: Jobs;

  constructor() {
    const { current } = this;
    this.jobs = new Jobs({
      engine: {
        get latest() {
          return current.latest;
        },
        get halted() {
          return current.halted;
        },
        has: (id) => this.known.has(id),
        check: (id, _, nowMs) => this.#check(id, nowMs),
        build: async (parent, view) => {
          this.checks.push(`build ${view} on ${parent}`);
          await Promise.resolve();
          return this.built;
        },
      },
      leader: { choose: () => ({ parents: [], timestampMs: 0, options: {} }) },
      clock: { nowMs: () => this.clock.nowMs },
      timers: {
        after: (delayMs, run) => {
          let isWanted = true;
          this.clock.after(delayMs, () => isWanted && run());
          return () => {
            isWanted = false;
          };
        },
      },
      isFollowing: () => this.isFollowing,
      wantBlocks: (ids) => this.wanted.push(...ids),
      onChecked: (_, { id }, isValid) => this.done.push(`${id} ${isValid}`),
      onBuilt: (_, { view }) => this.done.push(`built ${view}`),
      logger: SILENT_LOGGER,
      onFatal: (error) => this.errors.push(error),
    });
  }

  async #check(id: MilestoneId, nowMs: number | undefined): Promise<Outcome<void>> {
    this.checks.push(nowMs === undefined ? `${id} untimed` : id);
    if (this.isSlow) await new Promise<void>((resolve) => (this.release = resolve));
    if (this.failure !== undefined) throw this.failure;
    const outcome = this.outcomes.get(id) ?? succeed(undefined);
    if (outcome.ok) this.known.add(id);
    return outcome;
  }

  take(job: Job): Promise<void> {
    this.jobs.take(job, this.simplex);
    return this.settle();
  }

  async wake(): Promise<void> {
    this.jobs.wake();
    await this.settle();
  }

  async pass(ms: number): Promise<void> {
    this.clock.runUntil(this.clock.nowMs + ms);
    await this.settle();
  }

  async settle(): Promise<void> {
    await new Promise(setImmediate);
  }
}

describe('jobs', () => {
  it('check what a milestone stands on first, each once and without judging its time', async () => {
    const bench = new Bench();
    bench.entries.set(idOf('a'), entry(1, 'base')).set(idOf('b'), entry(2, 'a'));
    await bench.take(check('c', 1n, 'b', 3));
    expect(bench.checks).toEqual(['a untimed', 'b untimed', 'c']);
    bench.entries.set(idOf('c'), entry(3, 'b'));
    await bench.take(check('d', 2n, 'c', 4));
    expect(bench.checks.slice(3)).toEqual(['d']);
    expect(bench.done).toEqual(['c true', 'd true']);
  });

  it('say that a milestone breaks a rule', async () => {
    const bench = new Bench();
    bench.outcomes.set('a', fail('milestone-root', 'stateRoot'));
    await bench.take(check('a', 1n, 'base'));
    await bench.pass(1_000);
    expect([bench.done, bench.checks]).toEqual([['a false'], ['a']]);
  });

  it('ask for the block that is missing, and go on when blocks came', async () => {
    const bench = new Bench();
    bench.outcomes.set('a', fail('milestone-cone-missing', 'block'));
    await bench.take(check('a', 1n, 'base'));
    expect([bench.wanted, bench.done]).toEqual([['block'], []]);
    // Hundreds of blocks become solid in the meantime: that is one attempt, after the pause.
    for (let at = 0; at < 300; at += 1) bench.jobs.wake();
    await bench.settle();
    expect(bench.checks).toEqual(['a']);
    bench.outcomes.delete('a');
    await bench.pass(50);
    expect([bench.checks, bench.done]).toEqual([['a', 'a'], ['a true']]);
  });

  it('are dropped when the view moves on', async () => {
    const bench = new Bench();
    bench.outcomes.set('a', fail('milestone-cone-missing', 'block'));
    await bench.take(check('a', 1n, 'base'));
    Object.assign(bench.simplex, { view: 2n });
    bench.outcomes.delete('a');
    await bench.wake();
    await bench.pass(1_000);
    expect([bench.checks, bench.done]).toEqual([['a'], []]);
  });

  it('give way to a newer one at once, and one runs at a time', async () => {
    const bench = new Bench();
    bench.isSlow = true;
    bench.entries.set(idOf('a'), entry(1, 'base')).set(idOf('b'), entry(2, 'a'));
    await bench.take(check('c', 1n, 'b', 3));
    await bench.take(build(2n, 'base'));
    expect(bench.checks).toEqual(['a untimed']);
    bench.release?.();
    await bench.settle();
    expect(bench.checks).toEqual(['a untimed', 'build 2 on base']);
    expect(bench.done).toEqual(['built 2']);
  });

  it('do not wait out the pause of the one before', async () => {
    const bench = new Bench();
    bench.outcomes.set('a', fail('milestone-cone-missing', 'block'));
    await bench.take(check('a', 1n, 'base'));
    await bench.take(check('b', 1n, 'base'));
    expect(bench.done).toEqual(['b true']);
  });

  it('wait for the commit of a final milestone that was not checked here', async () => {
    const bench = new Bench();
    await bench.take(check('c', 1n, 'final', 3));
    expect(bench.checks).toEqual([]);
    bench.known.add('final');
    bench.current.latest = { id: idOf('final'), header: { index: 2 } } as ParentMilestone;
    await bench.pass(50);
    await bench.wake();
    expect(bench.done).toEqual(['c true']);
  });

  it('check a predecessor that breaks a rule once, until another milestone is final', async () => {
    const bench = new Bench();
    bench.outcomes.set('a', fail('milestone-root', 'stateRoot'));
    bench.entries.set(idOf('a'), entry(1, 'base'));
    await bench.take(check('b', 1n, 'a'));
    for (let at = 0; at < 5; at += 1) {
      await bench.pass(50);
      await bench.wake();
    }
    expect(bench.checks).toEqual(['a untimed']);
    bench.current.latest = { ...bench.current.latest, header: { index: 0.5 } } as ParentMilestone;
    await bench.pass(50);
    await bench.wake();
    expect(bench.checks).toEqual(['a untimed', 'a untimed']);
  });

  it('build again what could not be built yet, and nothing while the node is behind', async () => {
    const bench = new Bench();
    bench.isFollowing = false;
    await bench.take(build(1n, 'base'));
    expect(bench.checks).toEqual([]);
    bench.isFollowing = true;
    const holds = bench.built;
    bench.built = fail('milestone-empty');
    await bench.pass(50);
    await bench.wake();
    expect([bench.checks, bench.done]).toEqual([['build 1 on base'], []]);
    bench.built = holds;
    await bench.pass(50);
    await bench.wake();
    expect(bench.done).toEqual(['built 1']);
  });

  it('say nothing of a milestone that the engine did not judge', async () => {
    const bench = new Bench();
    bench.outcomes.set('a', fail('milestone-previous'));
    await bench.take(check('a', 1n, 'base'));
    expect([bench.checks, bench.done]).toEqual([['a'], []]);
  });

  it('rest while the engine confirms nothing any more', async () => {
    const bench = new Bench();
    bench.current.halted = 'a broken rule';
    await bench.take(check('a', 1n, 'base'));
    expect([bench.checks, bench.done]).toEqual([[], []]);
  });

  it('end the process when the store fails, and stop when they are told to', async () => {
    const broken = new Bench();
    broken.failure = new Error('disk');
    await broken.take(check('a', 1n, 'base'));
    expect(broken.errors).toEqual([broken.failure]);
    const bench = new Bench();
    bench.isSlow = true;
    await bench.take(check('a', 1n, 'base'));
    let isStopped = false;
    const stopped = bench.jobs.stop().then(() => (isStopped = true));
    await bench.settle();
    expect(isStopped).toBe(false);
    bench.release?.();
    await stopped;
    await bench.take(check('b', 1n, 'base'));
    expect(bench.checks).toEqual(['a']);
  });
});
