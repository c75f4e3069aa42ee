/**
 * The node's metrics: one registry per node (tests run several in a process), gauges that read the
 * parts when somebody looks. The table is tangle/io/metrics/node-metrics.ts.
 */
import type { BlockId } from '@tanglemail/tangle/core/codec/ids.ts';
import type { PayloadKind } from '@tanglemail/tangle/core/codec/payload.ts';
import type { Dag } from '@tanglemail/tangle/core/dag/dag.ts';
import { conflictName } from '@tanglemail/tangle/core/ledger/conflict.ts';
import {
  addProcessMetrics,
  createMetrics,
  type GaugeMetric,
} from '@tanglemail/tangle/io/metrics/create-metrics.ts';
import {
  NODE_METRICS,
  SEATS,
  type API_ROUTES,
  type API_STATUSES,
  type NodeMetrics,
} from '@tanglemail/tangle/io/metrics/node-metrics.ts';
import type { TangleNetwork } from '@tanglemail/tangle/io/libp2p/network.ts';
import {
  REQUEST_PRIORITIES,
  PEER_TRANSPORTS,
  type NetworkMetrics,
} from '@tanglemail/tangle/io/libp2p/types.ts';
import { Registry } from 'prom-client';
import type { AgreementMetrics, AgreementState } from './agreement/ports.ts';
import type { ConfirmedMilestone } from './confirmation/confirmation-engine.ts';
import { ConfirmationTimes } from './confirmation-times.ts';
import type { BlockProcessor } from './processor/block-processor.ts';
import { QUEUE_NAMES, type QueueName } from './processor/queues.ts';
import type { SnapshotKeeper } from './snapshot/snapshot-keeper.ts';
import type { NodeStore } from './store/node-store.ts';
import type { MilestoneSync } from './sync/milestone-sync.ts';

export interface MetricsOfNode {
  readonly registry: Registry;
  readonly rows: NodeMetrics;
  /** What the network counts, into the rows. */
  readonly network: NetworkMetrics;
  /** Blocks since the start, for the status line. */
  readonly blocks: { in: number; new: number; out: number };
  readonly confirmationTimes: ConfirmationTimes;
}

/** A registry with the node's table; with `process`, also what prom-client knows of the process. */
export function createNodeMetrics(options: { readonly process: boolean }): MetricsOfNode {
  const registry = new Registry();
  const rows = createMetrics(registry, NODE_METRICS);
  if (options.process) addProcessMetrics(registry);
  const blocks = { in: 0, new: 0, out: 0 };
  const network: NetworkMetrics = {
    count: (event, amount = 1) => {
      rows.networkEvents.inc({ event }, amount);
      if (event === 'block-sent') blocks.out += amount;
      if (event === 'block-dropped') rows.queueDropped.inc({ queue: 'packs' }, amount);
    },
    gossipBytes: (direction, bytes) => rows.gossipBytes.inc({ direction }, bytes),
    wireBytes: (bytes) => rows.gossipWireBytes.inc(bytes),
  };
  return { registry, rows, network, blocks, confirmationTimes: new ConfirmationTimes() };
}

/** Counts one block that goes to the processor. */
export function countReceived({ rows, blocks }: MetricsOfNode, source: QueueName): void {
  rows.blocksReceived.inc({ source });
  blocks.in += 1;
}

/** Counts one block that is new and solid. */
export function countSolid(metrics: MetricsOfNode, id: BlockId, kind: PayloadKind | null): void {
  const { rows, blocks, confirmationTimes } = metrics;
  rows.blocksNew.inc({ payload: kind ?? 'none' });
  blocks.new += 1;
  confirmationTimes.onSolid(id, performance.now());
}

/** Counts what one confirmed milestone did. */
export function countConfirmed(metrics: MetricsOfNode, confirmed: ConfirmedMilestone): void {
  const { rows, confirmationTimes } = metrics;
  const { milestone, result, elapsedMs } = confirmed;
  const waitedMs = confirmationTimes.onReferenced(result.included, performance.now());
  for (const ms of waitedMs) rows.blockConfirmation.observe(ms / 1_000);
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

/** What the agreement counts, into the rows. */
export function agreementMetrics(rows: NodeMetrics): AgreementMetrics {
  return {
    message: (direction, type) => rows.agreementMessages.inc({ direction, type }),
    viewEnded: (end) => rows.agreementViews.inc({ end }),
    final: (elapsedMs) => rows.agreementFinality.observe(elapsedMs / 1_000),
    votesWritten: (elapsedMs) => rows.agreementVotesWritten.observe(elapsedMs / 1_000),
    seatVote: (seat) => {
      const label = SEATS[seat];
      if (label !== undefined) rows.agreementSeatVotes.inc({ seat: label });
    },
    evidence: (kind) => rows.agreementEvidence.inc({ kind }),
  };
}

/** Counts one answer of the API. */
export function countAnswer(
  rows: NodeMetrics,
  route: (typeof API_ROUTES)[number],
  statusCode: number,
  seconds: number,
): void {
  const status = statusCode === 429 ? '429' : STATUS_CLASSES[Math.floor(statusCode / 100)];
  if (status !== undefined) rows.apiRequests.inc({ route, status });
  rows.apiSeconds.observe({ route }, seconds);
}

const STATUS_CLASSES: Readonly<Record<number, (typeof API_STATUSES)[number]>> = {
  2: '2xx',
  3: '3xx',
  4: '4xx',
  5: '5xx',
};

/** The parts whose sizes the gauges show; `TangleNode` has them. */
export interface MeasuredParts {
  readonly dag: Pick<Dag, 'size' | 'unsolidCount' | 'unreferencedCount'>;
  readonly tips: { readonly size: number };
  readonly missing: { readonly size: number };
  readonly processor: Pick<BlockProcessor, 'queueLengths'>;
  readonly network: Pick<TangleNetwork, 'peers' | 'requestCounts' | 'knownPeers' | 'bans'>;
  readonly store: Pick<NodeStore, 'onBatch' | 'sizeBytes' | 'prunedIndex' | 'filters'>;
  readonly sync: Pick<MilestoneSync, 'state'>;
  readonly agreement: { readonly state: AgreementState };
  readonly snapshots: Pick<SnapshotKeeper, 'files'>;
  /** Room left where the data folder is. */
  readonly freeBytes: () => Promise<number>;
  latestIndex(): number;
  confirmedIndex(): number;
  /** Leading zero bits asked of a small block. */
  difficultyBits(): number;
  isHalted(): boolean;
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
  rows.requestsServing.onCollect((gauge) => gauge.set(network.requestCounts().serving));
  watchSync(rows, parts);
  watchAgreement(rows, parts);
  watchDisk(rows, parts);
  rows.powDifficulty.onCollect((gauge) => gauge.set(parts.difficultyBits()));
  rows.halted.onCollect((gauge) => gauge.set(parts.isHalted() ? 1 : 0));
  rows.healthy.onCollect((gauge) => gauge.set(parts.isHealthy() ? 1 : 0));
  rows.milestoneIndex.onCollect((gauge) => {
    gauge.set({ kind: 'latest' }, parts.latestIndex());
    gauge.set({ kind: 'confirmed' }, parts.confirmedIndex());
    gauge.set({ kind: 'pruned' }, store.prunedIndex);
  });
  rows.filterIndex.onCollect((gauge) => {
    const { first = 0, next = 0 } = store.filters.span() ?? {};
    gauge.set({ kind: 'first' }, first);
    gauge.set({ kind: 'next' }, next);
  });
  rows.peers.onCollect((gauge) => {
    for (const direction of ['inbound', 'outbound'] as const) {
      const peers = network.peers().filter((peer) => peer.direction === direction);
      gauge.set({ direction }, peers.length);
    }
  });
  watchPeers(rows, network);
}

function watchSync(rows: NodeMetrics, { network, sync }: MeasuredParts): void {
  rows.requestsWaiting.onCollect((gauge) => {
    const { queuedBy } = network.requestCounts();
    for (const priority of REQUEST_PRIORITIES) gauge.set({ priority }, queuedBy[priority]);
  });
  rows.syncCones.onCollect((gauge) => {
    const { requested, proven, processing } = sync.state;
    gauge.set({ state: 'requested' }, requested);
    gauge.set({ state: 'proven' }, proven);
    gauge.set({ state: 'processing' }, processing);
  });
  rows.syncConesFailed.onCollect((gauge) => gauge.set(sync.state.failed));
  rows.syncBufferedBytes.onCollect((gauge) => gauge.set(sync.state.bufferedBytes));
  rows.syncHeldBlocks.onCollect((gauge) => gauge.set(sync.state.held));
}

function watchAgreement(rows: NodeMetrics, { agreement }: MeasuredParts): void {
  rows.agreementView.onCollect((gauge) => gauge.set(Number(agreement.state.view)));
  rows.agreementUndecided.onCollect((gauge) => gauge.set(agreement.state.undecidedViews));
  rows.agreementSilent.onCollect((gauge) => {
    gauge.set(agreement.state.silent === undefined ? 0 : 1);
  });
}

function watchDisk(rows: NodeMetrics, { store, snapshots, freeBytes }: MeasuredParts): void {
  rows.storeBytes.onCollect(async (gauge) => await setOrKeep(gauge, store.sizeBytes()));
  rows.diskFree.onCollect(async (gauge) => await setOrKeep(gauge, freeBytes()));
  rows.snapshotIndex.onCollect((gauge) => {
    for (const kind of ['full', 'delta'] as const) {
      const files = snapshots.files().filter((file) => file.kind === kind);
      gauge.set({ kind }, Math.max(0, ...files.map(({ targetIndex }) => targetIndex)));
    }
  });
}

/** A disk that does not answer costs its own figure, not all the others. */
async function setOrKeep(gauge: GaugeMetric<undefined>, reading: Promise<number>): Promise<void> {
  const value = await reading.catch(() => undefined);
  if (value !== undefined) gauge.set(value);
}

function watchPeers(rows: NodeMetrics, network: MeasuredParts['network']): void {
  rows.peersByTransport.onCollect((gauge) => {
    for (const transport of PEER_TRANSPORTS) {
      const peers = network.peers().filter((peer) => peer.transport === transport);
      gauge.set({ transport }, peers.length);
    }
  });
  rows.staticPeers.onCollect((gauge) => {
    gauge.set(network.peers().filter((peer) => peer.static).length);
  });
  rows.knownPeers.onCollect((gauge) => gauge.set(network.knownPeers().length));
  rows.bans.onCollect((gauge) => gauge.set(network.bans().length));
}
