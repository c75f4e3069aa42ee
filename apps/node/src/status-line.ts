/**
 * One log line every few seconds with what an operator wants to know at a glance: fields for
 * machines, a sentence for people. The text is made by a pure function of two looks at the node;
 * a thin timer takes the looks. Spec: docs/operating.md, "The status line".
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { errorFields, type LogFields, type Logger } from '@tanglemail/tangle/io/logger.ts';

/** Blocks since the node was opened. */
export interface BlockCounts {
  /** Handed to the processor, known ones included. */
  readonly in: number;
  /** Valid and new. */
  readonly new: number;
  /** Published in packs of our own. */
  readonly out: number;
}

/** What one look at the node finds. */
export interface StatusFacts {
  readonly healthy: boolean;
  /** Last milestone that is final here. */
  readonly solidIndex: number;
  /** Newest milestone that a certificate proved to exist. */
  readonly latestIndex: number;
  readonly milestoneAgeMs: number;
  readonly blocks: BlockCounts;
  /** Missing blocks: not asked for yet, asked for, come and waiting to be processed. */
  readonly requests: {
    readonly queued: number;
    readonly pending: number;
    readonly processing: number;
  };
  /** Where the agreement stands; absent for a committee of one. */
  readonly agreement?: {
    readonly view: number;
    /** Views since the last final milestone. */
    readonly undecidedViews: number;
    readonly seat?: number | undefined;
    /** Why the seat does not speak. */
    readonly silent?: string | undefined;
  };
  readonly peers: number;
  readonly tips: number;
  readonly unsolid: number;
  /** Blocks that wait, by the processor's queues. */
  readonly queues: Readonly<Record<string, number>>;
  readonly difficultyBits: number;
  readonly storeBytes: number;
  readonly prunedIndex: number;
  readonly rssBytes: number;
}

/** A log line: fields first, then a message of numbers only. */
export interface StatusLine {
  readonly fields: LogFields;
  readonly message: string;
}

/**
 * The line for an interval of `seconds` between two looks.
 * @param loopDelayMs the longest that the event loop was held up in the interval.
 */
export function statusLine(
  before: BlockCounts,
  now: StatusFacts,
  seconds: number,
  loopDelayMs: number,
): StatusLine {
  const perSecond = (kind: keyof BlockCounts): number =>
    seconds > 0 ? Math.round(((now.blocks[kind] - before[kind]) / seconds) * 10) / 10 : 0;
  const blocksPerSecond = { in: perSecond('in'), new: perSecond('new'), out: perSecond('out') };
  const loopMs = Math.round(loopDelayMs);
  const { blocks: _, ...facts } = now;
  return {
    fields: { ...facts, blocksPerSecond, loopDelayMs: loopMs },
    message: sentence(now, blocksPerSecond, loopMs),
  };
}

function sentence(now: StatusFacts, perSecond: BlockCounts, loopMs: number): string {
  const { requests, queues } = now;
  const pruned = now.prunedIndex > 0 ? ` from milestone ${now.prunedIndex + 1} on` : '';
  const lengths = Object.entries(queues).map(([name, length]) => `${name} ${length}`);
  const parts = [
    `milestone ${now.solidIndex} of ${now.latestIndex}, ${ageText(now.milestoneAgeMs)} old`,
    ...(now.agreement === undefined ? [] : [agreementText(now.agreement)]),
    `blocks/s ${perSecond.in} in, ${perSecond.new} new, ${perSecond.out} out`,
    `requests ${requests.queued} queued, ${requests.pending} pending, ` +
      `${requests.processing} processing`,
    `${now.peers} peers, ${now.tips} tips, ${now.unsolid} unsolid`,
    `queues ${lengths.join(', ')}`,
    `difficulty ${now.difficultyBits}`,
    `store ${bytesText(now.storeBytes)}${pruned}`,
    `memory ${bytesText(now.rssBytes)}, loop delay ${loopMs} ms`,
  ];
  return `status: ${now.healthy ? '' : 'NOT HEALTHY; '}${parts.join('; ')}`;
}

function agreementText(now: NonNullable<StatusFacts['agreement']>): string {
  const undecided = now.undecidedViews > 0 ? ` (${now.undecidedViews} undecided)` : '';
  const silent = now.silent === undefined ? '' : ` SILENT (${now.silent})`;
  const seat = now.seat === undefined ? '' : `, seat ${now.seat}${silent}`;
  return `view ${now.view}${undecided}${seat}`;
}

function ageText(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 600) return `${seconds} s`;
  return seconds < 172_800
    ? `${Math.round(seconds / 60)} min`
    : `${Math.round(seconds / 86_400)} d`;
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'] as const;

/** A number of bytes for people: `1.4 GB`. */
export function bytesText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1_000;
    unit += 1;
  }
  return `${unit === 0 || value >= 99.95 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}

export interface StatusReporterOptions {
  /** 0 switches the line off. */
  readonly intervalMs: number;
}

export interface StatusReporterDeps {
  look(): Promise<StatusFacts>;
  readonly logger: Logger;
}

/** How finely the event loop is watched; its own pause is part of what the watch measures. */
const LOOP_RESOLUTION_MS = 20;
const NS_PER_MS = 1e6;

/** Writes the line every interval until it is stopped. */
export class StatusReporter {
  readonly #options: StatusReporterOptions;
  readonly #deps: StatusReporterDeps;
  readonly #loop: ReturnType<typeof monitorEventLoopDelay>;
  #before: BlockCounts = { in: 0, new: 0, out: 0 };
  #lookedMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;

  constructor(options: StatusReporterOptions, deps: StatusReporterDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#loop = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
  }

  start(): void {
    if (this.#options.intervalMs === 0 || this.#timer !== undefined) return;
    this.#lookedMs = performance.now();
    this.#loop.enable();
    this.#timer = setInterval(() => {
      // A slow disk may hold up a look; the next one then covers both intervals.
      this.#looking ??= this.report().finally(() => {
        this.#looking = undefined;
      });
    }, this.#options.intervalMs);
  }

  /** Resolves when no look is under way. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#loop.disable();
    await this.#looking;
  }

  /** Looks and writes one line now. A look that fails costs its line, not the node. */
  async report(): Promise<void> {
    try {
      const facts = await this.#deps.look();
      const nowMs = performance.now();
      const delayMs = Math.max(0, this.#loop.max / NS_PER_MS - LOOP_RESOLUTION_MS);
      this.#loop.reset();
      const seconds = (nowMs - this.#lookedMs) / 1_000;
      const { fields, message } = statusLine(this.#before, facts, seconds, delayMs);
      this.#deps.logger.info(fields, message);
      this.#before = facts.blocks;
      this.#lookedMs = nowMs;
    } catch (error) {
      this.#deps.logger.warn(errorFields(error), 'the status could not be read');
    }
  }
}
