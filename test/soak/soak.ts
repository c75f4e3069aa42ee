/**
 * The soak: a private network of two real nodes on embedded stores, pruned often, under a steady
 * load for as long as asked. One validates, the other follows and serves the users; the neighbour
 * of the validator sends its blocks by gossip. Every ten seconds it writes down how they are.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { AttackReport } from '../attack/attack.ts';
import { Spam } from '../attack/spam.ts';
import {
  confirmedIndex,
  milestonesOf,
  PrivateNetwork,
  reach,
  type PrivateNode,
} from '../e2e/testing/private-network.ts';
import { errorLines } from '../e2e/testing/small-market.ts';
import { HonestBlocks } from './honest-blocks.ts';
import { ApiProbe, sampleOf, type NodeSample } from './sampler.ts';
import { quantile } from './statistics.ts';

export interface SoakOptions {
  readonly minutes: number;
  readonly rate: number;
  readonly seed: number;
  /** Flags of both nodes, such as those of pruning. */
  readonly flags: Readonly<Record<string, string>>;
  readonly sampleMs: number;
  /** Gets one object each `sampleMs`. */
  readonly write: (line: SoakSample) => void;
}

export interface SoakSample {
  readonly seconds: number;
  readonly sent: number;
  readonly confirmed: number;
  readonly conflicting: number;
  readonly milestones: number;
  readonly apiMs: Quantiles;
  readonly confirmMs: Quantiles;
  readonly apiFailures: number;
  readonly validator: NodeSample;
  readonly follower: NodeSample;
}

export interface Quantiles {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export interface SoakResult {
  readonly samples: readonly SoakSample[];
  readonly report: AttackReport;
  /** All latencies of the run. */
  readonly apiMs: Quantiles;
  readonly confirmMs: Quantiles;
  readonly sent: number;
  readonly confirmed: number;
  readonly conflicting: number;
  /** Confirmed blocks that the validator made itself, to merge tips. */
  readonly merging: number;
  readonly isSameLedger: boolean;
  readonly lastIndex: number;
  /** Lines at error level in the logs of both nodes. */
  readonly errors: readonly string[];
}

/** A network with the pace of a real one, and work that the generator can do at the rate. */
const PARAMS = { powBaseBits: 6, milestoneIntervalMs: 1_000, heartbeatMs: 10_000 };
const PROBE_MS = 250;
const SAMPLES_PER_SECOND = 20;
const DRAIN_TIMEOUT_MS = 180_000;
const POLL_MS = 200;
/** So many tips are all parents of the next milestone. */
const FEW = 8;

function quantilesOf(values: readonly number[]): Quantiles {
  const round = (value: number): number => Math.round(value * 10) / 10;
  const [p50, p99] = [quantile(values, 0.5), quantile(values, 0.99)];
  return {
    count: values.length,
    p50: round(p50),
    p99: round(p99),
    max: round(quantile(values, 1)),
  };
}

/** Runs it to its end; `signal` ends the load early, and all checks still run. */
export async function soak(options: SoakOptions, signal: AbortSignal): Promise<SoakResult> {
  const network = await PrivateNetwork.create('test-soak', PARAMS);
  try {
    const { flags } = options;
    const validator = await network.start({ name: 'validator', isValidator: true, flags });
    const peers = [await network.addressOf('validator')];
    const follower = await network.start({ name: 'follower', peers, flags });
    return await run(network, { validator, follower }, options, signal);
  } finally {
    await network.close();
  }
}

interface Nodes {
  readonly validator: PrivateNode;
  readonly follower: PrivateNode;
}

async function run(
  network: PrivateNetwork,
  { validator, follower }: Nodes,
  options: SoakOptions,
  signal: AbortSignal,
): Promise<SoakResult> {
  const { rate, seed } = options;
  const target = await network.targetOf(follower);
  const { peers } = await network.targetOf(validator);
  const every = Math.max(1, Math.round(rate / SAMPLES_PER_SECOND));
  const honest = new HonestBlocks(follower.client, every);
  const probe = new ApiProbe([follower, validator], PROBE_MS);
  const spam = new Spam({
    target: { ...target, peers },
    rate,
    seed,
    routes: ['api', 'gossip'],
    funds: network.funds,
    onSent: ({ id }, route) => {
      honest.note(id);
      if (route === 'api') probe.note(id);
    },
  });
  const log = new SoakLog({ validator, follower }, honest, probe, options);
  try {
    await spam.start();
    await log.follow(options.minutes * 60_000, signal);
    const report = await spam.stop();
    await drained(honest, spam, follower);
    await log.sample();
    const { index, texts } = await milestonesOf([validator, follower]);
    const { sent, confirmed, conflicting } = honest;
    const errors = [...(await errorLines(validator)), ...(await errorLines(follower))];
    const isSameLedger = new Set(texts).size === 1;
    const merging = (log.samples.at(-1)?.validator.emptyBlocks ?? 0) - spam.empty;
    const found = { sent, confirmed, conflicting, merging, errors };
    const counts = { ...found, isSameLedger, lastIndex: index };
    return { samples: log.samples, report, ...log.totals(), ...counts };
  } finally {
    probe.close();
    honest.close();
  }
}

/** Lets the users tie up the last tips until every block is confirmed, or for a long time. */
async function drained(honest: HonestBlocks, spam: Spam, node: PrivateNode): Promise<void> {
  const deadline = performance.now() + DRAIN_TIMEOUT_MS;
  while ((await sampleOf(node)).unreferenced > 0 && performance.now() < deadline) {
    if (honest.sent - honest.confirmed > FEW) await spam.tieUp();
    await sleep(POLL_MS);
  }
  // One more milestone, so that the last events have come.
  const index = await confirmedIndex(node);
  await reach(node, index + 1);
}

/** The samples of a run and all its latencies. */
class SoakLog {
  readonly samples: SoakSample[] = [];
  readonly #nodes: Nodes;
  readonly #honest: HonestBlocks;
  readonly #probe: ApiProbe;
  readonly #options: SoakOptions;
  readonly #apiMs: number[] = [];
  readonly #confirmMs: number[] = [];
  readonly #startedMs = performance.now();

  constructor(nodes: Nodes, honest: HonestBlocks, probe: ApiProbe, options: SoakOptions) {
    this.#nodes = nodes;
    this.#honest = honest;
    this.#probe = probe;
    this.#options = options;
  }

  async follow(durationMs: number, signal: AbortSignal): Promise<void> {
    const end = performance.now() + durationMs;
    while (performance.now() < end && !signal.aborted) {
      const restMs = Math.min(this.#options.sampleMs, end - performance.now());
      await sleep(restMs, undefined, { signal }).catch(() => undefined);
      await this.sample();
    }
  }

  async sample(): Promise<void> {
    const { sent, confirmed, conflicting, milestones } = this.#honest;
    const apiMs = this.#probe.takeLatencies();
    const confirmMs = this.#honest.takeLatencies();
    this.#apiMs.push(...apiMs);
    this.#confirmMs.push(...confirmMs);
    const line = {
      seconds: Math.round((performance.now() - this.#startedMs) / 1_000),
      sent,
      confirmed,
      conflicting,
      milestones,
      apiMs: quantilesOf(apiMs),
      confirmMs: quantilesOf(confirmMs),
      apiFailures: this.#probe.failures,
      validator: await sampleOf(this.#nodes.validator),
      follower: await sampleOf(this.#nodes.follower),
    };
    this.samples.push(line);
    this.#options.write(line);
  }

  totals(): { apiMs: Quantiles; confirmMs: Quantiles } {
    return { apiMs: quantilesOf(this.#apiMs), confirmMs: quantilesOf(this.#confirmMs) };
  }
}
