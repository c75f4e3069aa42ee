/**
 * Validators in processes of their own on the loopback, all connected, and what they say of the
 * same milestones put together. Before: 18-finality.ts; after: validator.ts.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { BenchContext } from '../bench.ts';
import type { Counts, IssuedBlock, Order, Setup, View } from './validator.ts';

const VALIDATOR = fileURLToPath(new URL('./validator.ts', import.meta.url));
const POLL_MS = 200;
/** Milestones before anything is measured: connections, meshes and caches are there then. */
const WARM_UP = 4;
/** Transfers are made ready for so long, beside the time that is measured. */
const WARM_UP_SECONDS = 15;
/** A second, meanwhile. */
const WARM_UP_BLOCKS = 8;
const GIVE_UP_MS = 120_000;

export interface Load {
  readonly seats: number;
  /** Of all nodes together. */
  readonly blocksPerSecond: number;
  readonly transfersPerSecond: number;
  readonly seconds: number;
}

/** Times in milliseconds; everything else per milestone. */
export interface Finality {
  readonly milestones: number;
  readonly blocks: number;
  /** From the leader's choice until the last node has committed. */
  readonly proposals: readonly number[];
  /** From issuing at one node until the last node has committed. */
  readonly transfers: readonly number[];
  readonly others: readonly number[];
  /** Messages that all nodes said together. */
  readonly said: number;
  readonly saidBytes: number;
  /** Bytes that reached one node for the first time. */
  readonly heardBytes: number;
  /** CPU of one node. */
  readonly mainThreadMs: number;
  readonly processMs: number;
  /** Over the whole run. */
  readonly nullified: number;
  readonly refused: number;
}

class Validator {
  readonly #process: ChildProcess;
  readonly #failed: Promise<never>;
  readonly views: View[] = [];

  private constructor(child: ChildProcess) {
    this.#process = child;
    this.#failed = once(child, 'exit').then(([code]) => {
      throw new Error(`a validator ended with ${code}`);
    });
    // Nobody waits for it at the end.
    this.#failed.catch(() => undefined);
  }

  static async start(setup: Setup): Promise<Validator> {
    const execArgv = ['--disable-warning=ExperimentalWarning', ...process.execArgv];
    const validator = new Validator(fork(VALIDATOR, [JSON.stringify(setup)], { execArgv }));
    await validator.#next();
    return validator;
  }

  async order(order: Order): Promise<View> {
    this.#process.send(order);
    return await this.#next();
  }

  async stop(): Promise<void> {
    const exited = once(this.#process, 'exit');
    this.#process.disconnect();
    await exited;
  }

  async #next(): Promise<View> {
    const answer = once(this.#process, 'message');
    const [view] = (await Promise.race([answer, this.#failed])) as [View];
    this.views.push(view);
    return view;
  }
}

async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

/** Looks until it holds for all. */
async function until(all: readonly Validator[], holds: (one: Validator) => boolean): Promise<void> {
  const endMs = performance.now() + GIVE_UP_MS;
  while (!all.every(holds)) {
    if (performance.now() > endMs) throw new Error('the validators do not come to an agreement');
    await pause(POLL_MS);
    for (const one of all) await one.order({ do: 'look' });
  }
}

const newest = ({ views }: Validator): number =>
  Math.max(0, ...views.flatMap(({ milestones }) => milestones.map(({ index }) => index)));

/** Runs a committee under load and measures it once it runs evenly. */
export async function measureFinality(context: BenchContext, load: Load): Promise<Finality> {
  const { seats, seconds, transfersPerSecond } = load;
  const transfers = Math.ceil(((seconds + WARM_UP_SECONDS) * transfersPerSecond) / seats);
  const all: Validator[] = [];
  try {
    for (let seat = 0; seat < seats; seat += 1) {
      const peers = all.flatMap(({ views }) => views[0]?.addresses.slice(0, 1) ?? []);
      const dataDir = await context.folder();
      all.push(await Validator.start({ seat, seats, dataDir, peers, transfers }));
    }
    await until(all, ({ views }) => (views.at(-1)?.peers ?? 0) >= seats - 1);
    const issue = async (blocks: number, value: number): Promise<void> => {
      const of = { blocksPerSecond: blocks / seats, transfersPerSecond: value / seats };
      for (const one of all) await one.order({ do: 'issue', ...of });
    };
    await issue(WARM_UP_BLOCKS, 0);
    await until(all, (one) => newest(one) >= WARM_UP);
    await issue(load.blocksPerSecond, transfersPerSecond);
    await until(all, (one) => newest(one) >= 2 * WARM_UP);
    const before = await Promise.all(all.map((one) => one.order({ do: 'look' })));
    await pause(seconds * 1_000);
    const after = await Promise.all(all.map((one) => one.order({ do: 'look' })));
    return joined(before, after);
  } finally {
    await Promise.all(all.map((one) => one.stop()));
  }
}

/** When the last of the nodes had a milestone; only of those that all have. */
function lastSeen(views: readonly View[]): Map<number, number> {
  const times = new Map<number, number[]>();
  for (const { index, atMs } of views.flatMap(({ milestones }) => milestones)) {
    times.set(index, [...(times.get(index) ?? []), atMs]);
  }
  const whole = [...times].filter(([, seen]) => seen.length === views.length);
  return new Map(whole.map(([index, seen]) => [index, Math.max(...seen)]));
}

function joined(before: readonly View[], after: readonly View[]): Finality {
  const [first] = after;
  if (first === undefined) throw new Error('a committee has a seat');
  const seen = lastSeen(after);
  const milestones = first.milestones.filter(({ index }) => seen.has(index));
  const count = milestones.length;
  const waited = (isTransfer: boolean): number[] =>
    after
      .flatMap(({ issued }) => issued)
      .filter((one) => one.isTransfer === isTransfer)
      .flatMap(({ index, sentMs }: IssuedBlock) => (seen.get(index) ?? Number.NaN) - sentMs)
      .filter((ms) => !Number.isNaN(ms));
  const grown = (of: (view: View) => number): number =>
    after.reduce((sum, view, at) => sum + of(view) - of(before[at] ?? view), 0);
  const counted = (key: keyof Counts): number => grown(({ counts }) => counts[key]);
  const nodes = after.length;
  return {
    milestones: count,
    blocks: milestones.reduce((sum, { blocks }) => sum + blocks, 0) / count,
    proposals: milestones.map(({ index, stampMs }) => (seen.get(index) ?? Number.NaN) - stampMs),
    transfers: waited(true),
    others: waited(false),
    said: counted('said') / count,
    saidBytes: counted('saidBytes') / count,
    heardBytes: counted('heardBytes') / count / nodes,
    mainThreadMs: grown(({ mainThreadMs }) => mainThreadMs) / count / nodes,
    processMs: grown(({ processMs }) => processMs) / count / nodes,
    nullified: counted('nullified') / nodes,
    refused: grown(({ refused }) => refused),
  };
}
