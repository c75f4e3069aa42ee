/**
 * The node's metrics: one registry per node (tests run several in a process), gauges that read the
 * parts when somebody looks. The table is tangle/io/metrics/node-metrics.ts.
 */
import { conflictName } from '@tanglemail/tangle/core/ledger/conflict.ts';
import { addProcessMetrics, createMetrics } from '@tanglemail/tangle/io/metrics/create-metrics.ts';
import { NODE_METRICS, type NodeMetrics } from '@tanglemail/tangle/io/metrics/node-metrics.ts';
import { Registry } from 'prom-client';
import type { ConfirmedMilestone } from './confirmation/confirmation-engine.ts';

export interface MetricsOfNode {
  readonly registry: Registry;
  readonly rows: NodeMetrics;
}

/** A registry with the node's table; with `process`, also what prom-client knows of the process. */
export function createNodeMetrics(options: { readonly process: boolean }): MetricsOfNode {
  const registry = new Registry();
  const rows = createMetrics(registry, NODE_METRICS);
  if (options.process) addProcessMetrics(registry);
  return { registry, rows };
}

/** Counts what one confirmed milestone did. */
export function countConfirmed(rows: NodeMetrics, { milestone, result }: ConfirmedMilestone): void {
  rows.milestoneTimestamp.set(milestone.header.timestampMs / 1_000);
  rows.milestoneBlocks.observe(result.included.length);
  rows.transactionsApplied.inc(result.applied.length);
  for (const code of result.conflicts.values()) {
    const reason = conflictName(code);
    if (reason !== undefined && reason !== 'none') rows.transactionConflicts.inc({ reason });
  }
  rows.unspentOutputs.set(result.stateTree.size);
}
