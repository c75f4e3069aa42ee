/**
 * The node's metrics: one registry per node (tests run several in a process), gauges that read the
 * parts when somebody looks. The table is tangle/io/metrics/node-metrics.ts.
 */
import type { Dag } from '@tanglemail/tangle/core/dag/dag.ts';
import { conflictName } from '@tanglemail/tangle/core/ledger/conflict.ts';
import { addProcessMetrics, createMetrics } from '@tanglemail/tangle/io/metrics/create-metrics.ts';
import { NODE_METRICS, type NodeMetrics } from '@tanglemail/tangle/io/metrics/node-metrics.ts';
import type { TangleNetwork } from '@tanglemail/tangle/io/libp2p/network.ts';
import type { NetworkMetrics } from '@tanglemail/tangle/io/libp2p/types.ts';
import { Registry } from 'prom-client';
import type { ConfirmedMilestone } from './confirmation/confirmation-engine.ts';
import type { BlockProcessor } from './processor/block-processor.ts';
import { QUEUE_NAMES } from './processor/queues.ts';
import type { NodeStore } from './store/node-store.ts';

export interface MetricsOfNode {
  readonly registry: Registry;
  readonly rows: NodeMetrics;
  /** What the network counts, into the rows. */
  readonly network: NetworkMetrics;
}

/** A registry with the node's table; with `process`, also what prom-client knows of the process. */
export function createNodeMetrics(options: { readonly process: boolean }): MetricsOfNode {
  const registry = new Registry();
  const rows = createMetrics(registry, NODE_METRICS);
  if (options.process) addProcessMetrics(registry);
  const network: NetworkMetrics = {
    count: (event, amount) => rows.networkEvents.inc({ event }, amount),
    gossipBytes: (direction, bytes) => rows.gossipBytes.inc({ direction }, bytes),
  };
  return { registry, rows, network };
}

/** Counts what one confirmed milestone did. */
export function countConfirmed(rows: NodeMetrics, confirmed: ConfirmedMilestone): void {
  const { milestone, result, elapsedMs } = confirmed;
  rows.confirmation.observe(elapsedMs / 1_000);
  rows.milestoneTimestamp.set(milestone.header.timestampMs / 1_000);
  rows.milestoneBlocks.observe(result.included.length);
  rows.transactionsApplied.inc(result.applied.length);
  for (const code of result.conflicts.values()) {
    const reason = conflictName(code);
    if (reason !== undefined && reason !== 'none') rows.transactionConflicts.inc({ reason });
  }
  rows.unspentOutputs.set(result.stateTree.size);
}

/** The parts whose sizes the gauges show; `TangleNode` has them. */
export interface MeasuredParts {
  readonly dag: Pick<Dag, 'size' | 'unsolidCount' | 'unreferencedCount'>;
  readonly tips: { readonly size: number };
  readonly missing: { readonly size: number };
  readonly processor: Pick<BlockProcessor, 'queueLengths'>;
  readonly network: Pick<TangleNetwork, 'peers' | 'requestCounts'>;
  readonly store: Pick<NodeStore, 'onBatch'>;
  latestIndex(): number;
  confirmedIndex(): number;
  isHealthy(): boolean;
}

/** Lets the gauges read the parts whenever somebody looks, and the store tell of its writes. */
export function watchGauges(rows: NodeMetrics, parts: MeasuredParts): void {
  const { dag, tips, missing, processor, network, store } = parts;
  store.onBatch = (batch, seconds) => rows.storeBatch.observe({ batch }, seconds);
  rows.queueLength.onCollect((gauge) => {
    const lengths = processor.queueLengths();
    for (const queue of QUEUE_NAMES) gauge.set({ queue }, lengths[queue]);
  });
  rows.dagBlocks.onCollect((gauge) => gauge.set(dag.size));
  rows.unsolidBlocks.onCollect((gauge) => gauge.set(dag.unsolidCount));
  rows.unreferencedBlocks.onCollect((gauge) => gauge.set(dag.unreferencedCount));
  rows.tips.onCollect((gauge) => gauge.set(tips.size));
  rows.requestsQueued.onCollect((gauge) => gauge.set(missing.size));
  rows.requestsPending.onCollect((gauge) => gauge.set(network.requestCounts().pending));
  rows.healthy.onCollect((gauge) => gauge.set(parts.isHealthy() ? 1 : 0));
  rows.milestoneIndex.onCollect((gauge) => {
    gauge.set({ kind: 'latest' }, parts.latestIndex());
    gauge.set({ kind: 'confirmed' }, parts.confirmedIndex());
    gauge.set({ kind: 'pruned' }, 0);
  });
  rows.peers.onCollect((gauge) => {
    for (const direction of ['inbound', 'outbound'] as const) {
      const peers = network.peers().filter((peer) => peer.direction === direction);
      gauge.set({ direction }, peers.length);
    }
  });
}
