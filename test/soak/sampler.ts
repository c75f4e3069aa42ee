/**
 * Looks at running nodes from outside, as an operator's monitoring would: memory, disk, stalls of
 * the event loop, milestones, queues; and asks their API what users ask, to see how long it takes.
 */
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { BlockId } from '@tanglemail/tangle/core/codec/ids.ts';
import { isNotFound } from '@tanglemail/tangle/io/node-client/errors.ts';
import type { PrivateNode } from '../e2e/testing/private-network.ts';

export interface NodeSample {
  readonly rssBytes: number;
  readonly heapBytes: number;
  readonly diskBytes: number;
  /** Longest stall of the event loop since the last look. */
  readonly stallSeconds: number;
  readonly cpuSeconds: number;
  readonly confirmedIndex: number;
  readonly prunedIndex: number;
  readonly unsolid: number;
  readonly unreferenced: number;
  /** Valid blocks without a payload since the start: of users, and merging blocks. */
  readonly emptyBlocks: number;
  readonly queued: number;
  readonly dropped: number;
}

const SERIES = {
  rssBytes: 'process_resident_memory_bytes',
  heapBytes: 'nodejs_heap_size_used_bytes',
  stallSeconds: 'nodejs_eventloop_lag_max_seconds',
  cpuSeconds: 'process_cpu_seconds_total',
  confirmedIndex: 'tangle_milestone_index{kind="confirmed"}',
  prunedIndex: 'tangle_milestone_index{kind="pruned"}',
  unsolid: 'tangle_unsolid_blocks',
  unreferenced: 'tangle_unreferenced_blocks',
  emptyBlocks: 'tangle_blocks_new_total{payload="none"}',
} as const;

/** Adds up all series of a metric, whatever their labels. */
function sumOf(lines: readonly string[], metric: string): number {
  return lines
    .filter((line) => line.startsWith(`${metric}{`) || line.startsWith(`${metric} `))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}

/** Bytes that the files of a folder have; those that vanish meanwhile count nothing. */
export async function folderBytes(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true });
  const sizes = names.map(async (name) => {
    const stat = await lstat(join(folder, name)).catch(() => undefined);
    return stat?.isFile() === true ? stat.blocks * 512 : 0;
  });
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

export async function sampleOf(node: PrivateNode): Promise<NodeSample> {
  const lines = (await (await fetch(node.metricsUrl)).text()).split('\n');
  const value = (series: string): number => {
    const line = lines.find((one) => one.startsWith(`${series} `));
    return Number(line?.slice(series.length + 1) ?? 0);
  };
  const values = Object.fromEntries(
    Object.entries(SERIES).map(([name, series]) => [name, value(series)]),
  ) as Record<keyof typeof SERIES, number>;
  const queued = sumOf(lines, 'tangle_queue_length');
  const dropped = sumOf(lines, 'tangle_queue_dropped_total');
  return { ...values, queued, dropped, diskBytes: await folderBytes(node.dataDir) };
}

/** Asks one thing after the other, on one node after the other, for ever. */
export class ApiProbe {
  failures = 0;
  #latencies: number[] = [];
  readonly #nodes: readonly PrivateNode[];
  #recent: BlockId | undefined;
  #turn = 0;
  readonly #timer: NodeJS.Timeout;

  constructor(nodes: readonly PrivateNode[], everyMs: number) {
    this.#nodes = nodes;
    this.#timer = setInterval(() => void this.#ask(), everyMs);
  }

  /** A block to ask about. */
  note(id: BlockId): void {
    this.#recent = id;
  }

  takeLatencies(): number[] {
    const taken = this.#latencies;
    this.#latencies = [];
    return taken;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #ask(): Promise<void> {
    const turn = this.#turn++;
    const client = this.#nodes[turn % this.#nodes.length]?.client;
    if (client === undefined) return;
    const recent = this.#recent;
    const questions = [
      () => client.info(),
      () => client.tips(),
      () => client.health(),
      () => client.milestone('latest'),
      () => client.peers(),
      () => client.outputsPage({ tag: Buffer.from('none') }),
      () => (recent === undefined ? client.tips() : client.block(recent)),
    ];
    const question = questions[Math.floor(turn / this.#nodes.length) % questions.length];
    const startedMs = performance.now();
    try {
      await question?.();
      this.#latencies.push(performance.now() - startedMs);
    } catch (error) {
      // A block may not have come to the other node yet: that is an answer too.
      if (isNotFound(error)) this.#latencies.push(performance.now() - startedMs);
      else this.failures += 1;
    }
  }
}
