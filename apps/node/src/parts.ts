/**
 * Builds every part of a node by hand and joins them. Parts that need each other find one another
 * in `context.parts` when they are called, never while they are made. Next: node.ts, which starts
 * and stops them. Spec: docs/architecture.md.
 */
import { join } from 'node:path';
import { blockIdOf } from '@tanglemail/tangle/core/codec/block.ts';
import type { SyncStatus } from '@tanglemail/tangle/core/codec/frame.ts';
import type { BlockId } from '@tanglemail/tangle/core/codec/ids.ts';
import type { Milestone } from '@tanglemail/tangle/core/codec/milestone.ts';
import { checkBlock, signatureClaims } from '@tanglemail/tangle/core/block/rules.ts';
import { Dag } from '@tanglemail/tangle/core/dag/dag.ts';
import type { SignatureClaim } from '@tanglemail/tangle/core/ports.ts';
import { TipPool } from '@tanglemail/tangle/core/tips/tip-pool.ts';
import { TangleNetwork } from '@tanglemail/tangle/io/libp2p/network.ts';
import type { Verdict } from '@tanglemail/tangle/io/libp2p/verdicts.ts';
import type { HealthDto, MilestoneRefDto } from '@tanglemail/tangle/io/node-client/dto.ts';
import { STEADY_CLOCK, SYSTEM_RANDOM } from '@tanglemail/tangle/io/system.ts';
import type { Agreement } from './agreement/agreement.ts';
import { expectsPeers, networkOptions } from './config/network-options.ts';
import { ConfirmationEngine, type ConfirmedMilestone } from './confirmation/confirmation-engine.ts';
import { freeBytes } from './disk-usage.ts';
import { FilterBuilder } from './filters/filter-builder.ts';
import type { Foundation } from './foundation.ts';
import { createAgreement, createSlasher, onConsensus } from './join-agreement.ts';
import { watchGauges, type MetricsOfNode } from './metrics.ts';
import { BlockProcessor, type ProcessOutcome } from './processor/block-processor.ts';
import { Intake } from './processor/intake.ts';
import type { QueueName } from './processor/queues.ts';
import { SeenFilter } from './processor/seen-filter.ts';
import type { Rates } from './query/block-rates.ts';
import { ConfirmedFeed } from './query/confirmed-feed.ts';
import { NodeControl } from './query/node-control.ts';
import { Pruner } from './pruning/pruner.ts';
import { NodeQuery } from './query/node-query.ts';
import type { Slasher } from './slashing/slasher.ts';
import { SnapshotKeeper } from './snapshot/snapshot-keeper.ts';
import { StatusReporter, type StatusFacts } from './status-line.ts';
import { MilestoneSync } from './sync/milestone-sync.ts';
import { MissingParents } from './sync/missing-parents.ts';
import { Rebroadcast } from './sync/rebroadcast.ts';
import { conesFrom } from './sync/serve-cones.ts';
import { Merger } from './validator/merger.ts';

/** What the parts ask of the node that they belong to. */
export interface NodeHooks {
  /** Hands a block to the processor and counts what becomes of it. */
  process(bytes: Uint8Array, queue: QueueName, source: string): Promise<ProcessOutcome>;
  onPack(blocks: readonly Uint8Array[], from: string): Promise<Verdict>;
  verify(claims: readonly SignatureClaim[]): Promise<boolean[]>;
  onSolid(ids: readonly BlockId[]): void;
  onConfirmed(confirmed: ConfirmedMilestone): void;
  /** A certificate proved that a milestone exists. */
  noteLatest(milestone: Milestone): void;
  forget(ids: readonly BlockId[]): void;
  publishMilestone(bytes: Uint8Array): void;
  selectTips(): BlockId[];
  health(): HealthDto;
  /** How fast blocks come lately. */
  rates(): Rates;
  /** Mines a block without payload on these parents and attaches it; false when refused. */
  merge(parents: readonly BlockId[]): Promise<boolean>;
  /** Mines a block of a payload, with its type, and attaches it. */
  attach(payloadBytes: Uint8Array): Promise<ProcessOutcome>;
  /** The newest milestone that a certificate proved to exist. */
  latest(): MilestoneRefDto;
  /** The process has to end. */
  onFatal(error: unknown): void;
}

/** The parts of a running node. */
export interface NodeParts {
  readonly dag: Dag;
  readonly tips: TipPool;
  readonly network: TangleNetwork;
  readonly engine: ConfirmationEngine;
  readonly agreement: Agreement;
  readonly slasher: Slasher;
  readonly missing: MissingParents;
  readonly intake: Intake;
  readonly processor: BlockProcessor;
  readonly sync: MilestoneSync;
  readonly rebroadcast: Rebroadcast;
  readonly query: NodeQuery;
  readonly snapshots: SnapshotKeeper;
  readonly pruner: Pruner;
  readonly filters: FilterBuilder;
  readonly feed: ConfirmedFeed;
  readonly control: NodeControl;
}

/** What every part is made from. */
export interface Context {
  readonly foundation: Foundation;
  readonly hooks: NodeHooks;
  readonly metrics: MetricsOfNode;
  readonly parts: NodeParts;
}

/** Outcomes that the seen-filter remembers in one generation: 4.7 MB in both. */
const SEEN_SIZE = 131_072;

/** Makes all parts, none of which runs yet, and lets the gauges look at them. */
export function createParts(
  foundation: Foundation,
  hooks: NodeHooks,
  metrics: MetricsOfNode,
): Context {
  const { belowMaxDepth } = foundation.genesis.params;
  const parts = {
    dag: new Dag({ belowMaxDepth }),
    tips: new TipPool({ belowMaxDepth }, { random: SYSTEM_RANDOM }),
  } as { -readonly [Name in keyof NodeParts]: NodeParts[Name] };
  const context: Context = { foundation, hooks, metrics, parts };
  parts.network = createNetwork(context);
  parts.engine = createEngine(context);
  parts.missing = createMissing(context);
  parts.intake = createIntake(context);
  parts.processor = createProcessor(context);
  parts.sync = createSync(context);
  parts.agreement = createAgreement(context);
  parts.slasher = createSlasher(context);
  parts.rebroadcast = createRebroadcast(context);
  parts.query = createQuery(context);
  parts.snapshots = createSnapshots(context);
  parts.pruner = createPruner(context);
  parts.filters = new FilterBuilder({
    store: foundation.store,
    logger: foundation.logger,
    onFatal: (error) => hooks.onFatal(error),
  });
  parts.feed = new ConfirmedFeed({ query: parts.query, store: foundation.store });
  parts.control = createControl(context);
  watchGauges(metrics.rows, {
    ...parts,
    store: foundation.store,
    freeBytes: () => freeBytes(foundation.config.dataDir),
    latestIndex: () => hooks.latest().index,
    confirmedIndex: () => parts.engine.latest.header.index,
    difficultyBits: () => difficultyBits(context),
    isHalted: () => parts.engine.halted !== undefined,
    isHealthy: () => hooks.health().healthy,
  });
  return context;
}

/** Leading zero bits that a small block needs now. */
function difficultyBits({ foundation, parts }: Context): number {
  return foundation.genesis.params.powBaseBits + parts.engine.latest.powLoadBits;
}

/** What writes the status line; `start` it when everything else runs. */
export function createStatusReporter(context: Context): StatusReporter {
  const { config, logger, store } = context.foundation;
  const look = async (): Promise<StatusFacts> => lookAt(context, await store.sizeBytes());
  return new StatusReporter({ intervalMs: config.log.statusIntervalMs }, { look, logger });
}

function lookAt(context: Context, storeBytes: number): StatusFacts {
  const { foundation, hooks, metrics, parts } = context;
  const { header } = parts.engine.latest;
  const queues = parts.processor.queueLengths();
  const { pending } = parts.network.requestCounts();
  return {
    healthy: hooks.health().healthy,
    solidIndex: header.index,
    latestIndex: hooks.latest().index,
    milestoneAgeMs: Math.max(0, foundation.clock.nowMs() - header.timestampMs),
    blocks: { ...metrics.blocks },
    requests: { queued: parts.missing.size, pending, processing: queues.sync },
    ...agreementFacts(context),
    peers: parts.network.peers().length,
    tips: parts.tips.size,
    unsolid: parts.dag.unsolidCount,
    queues,
    difficultyBits: difficultyBits(context),
    storeBytes,
    prunedIndex: foundation.store.prunedIndex,
    rssBytes: process.memoryUsage.rss(),
  };
}

/** Of a committee of one there is nothing to say. */
function agreementFacts({ foundation, parts }: Context): Pick<StatusFacts, 'agreement'> {
  const { epoch, view, seat, silent, undecidedViews } = parts.agreement.state;
  if (foundation.committees.of(epoch).length === 1) return {};
  return { agreement: { view: Number(view), undecidedViews, seat, silent } };
}

function createIntake({ foundation, hooks, parts }: Context): Intake {
  return new Intake({
    dag: parts.dag,
    store: foundation.store,
    requester: parts.missing,
    onSolid: (ids) => hooks.onSolid(ids),
  });
}

function createRebroadcast({ foundation, hooks, parts }: Context): Rebroadcast {
  return new Rebroadcast({
    isPending: (id) => parts.dag.has(id) && !parts.dag.isReferenced(id),
    blockBytes: (id) => foundation.store.blocks.bytes(id),
    companions: (count) => hooks.selectTips().slice(0, count),
    waitingTips: (which, count) => waitingTips(parts.dag, which, count),
    referenced: (turn) => referencedLately({ foundation, parts }, turn),
    publish: (bytes) => parts.network.publishBlock(bytes),
    peers: () => parts.network.peers(),
  });
}

/** Blocks without a milestone and without children, the newest or the oldest. */
function waitingTips(dag: Dag, which: 'newest' | 'oldest', count: number): BlockId[] {
  const tips = [...dag.unreferenced()].filter((id) => dag.get(id)?.children.size === 0);
  return which === 'newest' ? tips.slice(-count) : tips.slice(0, count);
}

/** Milestones that are looked through for a block that is not the newest. */
const LATELY = 60;

function referencedLately(
  { foundation, parts }: Pick<Context, 'foundation' | 'parts'>,
  turn: number,
) {
  const { index } = parts.engine.latest.header;
  for (let age = turn % LATELY; age < 2 * LATELY && age <= index; age++) {
    const cone = foundation.store.milestones.cone(index - age) ?? [];
    if (cone.length > 0) return cone.slice(0, 1);
  }
  return [];
}

function createNetwork(context: Context): TangleNetwork {
  const { config, root, privateKey, store, hasher, logger } = context.foundation;
  return new TangleNetwork(
    { ...networkOptions(config), networkId: root.networkId, privateKey },
    {
      onPack: (blocks, from) => context.hooks.onPack(blocks, from),
      onMilestone: (bytes) => context.parts.sync.onMilestone(bytes),
      onConsensus: (bytes) => onConsensus(context, bytes),
      getBlocks: (ids) => store.blocksFor(ids),
      getMilestones: (from, count) => milestonesFrom(context, from, count),
      getCone: (index, skip, maxBytes) => store.conePart(index, skip, maxBytes),
      getCones: (from, count, maxBytes) => conesFrom(store, from, count, maxBytes),
      getConsensus: (epoch, views, ids) =>
        Promise.resolve(context.parts.agreement.messagesFor(epoch, views, ids)),
      status: () => statusOf(context),
    },
    {
      logger,
      hasher,
      metrics: context.metrics.network,
    },
  );
}

function statusOf({ foundation, parts }: Context): SyncStatus {
  return {
    solidIndex: parts.engine.latest.header.index,
    latestIndex: parts.sync.latestProven,
    prunedIndex: foundation.store.prunedIndex,
    peers: Math.min(parts.network.peers().length, 0xffff),
  };
}

/** Milestones of the store; or the one that our STATUS names and that is not confirmed yet. */
async function milestonesFrom(
  { foundation, parts }: Context,
  from: number,
  count: number,
): Promise<Uint8Array[]> {
  // First, because it may be confirmed, and no more shown, while the store is read.
  const shown = parts.sync.shownBytes(from);
  const stored = await foundation.store.milestones.range(from, count);
  if (stored.length > 0) return stored;
  return shown === undefined ? [] : [shown];
}

function createEngine(context: Context): ConfirmationEngine {
  const { genesis, hasher, verifier, store, latest } = context.foundation;
  return new ConfirmationEngine(
    {
      params: genesis.params,
      hasher,
      verifier,
      store,
      dag: context.parts.dag,
      tips: context.parts.tips,
      onPruned: (ids) => context.hooks.forget(ids),
      onConfirmed: (confirmed) => {
        // First: the agreement goes on with the committee of the next epoch.
        context.foundation.committees.learn(confirmed.milestone);
        context.hooks.onConfirmed(confirmed);
      },
      onFatal: (error) => context.hooks.onFatal(error),
    },
    latest,
  );
}

function createMissing(context: Context): MissingParents {
  return new MissingParents({
    network: context.parts.network,
    submit: (bytes, source) => context.hooks.process(bytes, 'sync', source),
    clock: STEADY_CLOCK,
    logger: context.foundation.logger,
  });
}

function createProcessor(context: Context): BlockProcessor {
  const { genesis, root, hasher, hash, store, logger } = context.foundation;
  const rules = { params: genesis.params, networkId: root.networkId, hasher };
  return new BlockProcessor({
    check: (bytes, trusted) => {
      const loadBits = trusted ? 0 : context.parts.engine.loadBitsAsked;
      return checkBlock(bytes, { ...rules, loadBits });
    },
    idOf: (bytes) => blockIdOf(bytes, hasher),
    claims: ({ block }) => signatureClaims(block, hasher),
    verifier: { verifyBatch: (claims) => context.hooks.verify(claims) },
    store,
    intake: context.parts.intake,
    dag: context.parts.dag,
    seen: new SeenFilter(hash, SEEN_SIZE),
    logger,
    onFatal: (error) => context.hooks.onFatal(error),
  });
}

function createSync(context: Context): MilestoneSync {
  const { genesis, root, hasher, verifier, store, logger, config } = context.foundation;
  return new MilestoneSync({
    networkId: root.networkId,
    params: genesis.params,
    committees: context.foundation.committees,
    hasher,
    verifier,
    engine: context.parts.engine,
    dag: context.parts.dag,
    store,
    milestoneBytes: (index) => store.milestones.bytes(index),
    missing: context.parts.missing,
    submit: (bytes) => context.hooks.process(bytes, 'milestone', 'cone'),
    submitHeld: (bytes, from) => context.hooks.process(bytes, 'gossip', from),
    onProven: (milestone) => context.hooks.noteLatest(milestone),
    onHeard: (id) => context.parts.agreement.onMilestoneHeard(id),
    expectsPeers: expectsPeers(config),
    network: context.parts.network,
    logger,
    onFatal: (error) => context.hooks.onFatal(error),
  });
}

function createQuery(context: Context): NodeQuery {
  const { genesis, root, hasher, store, config } = context.foundation;
  return new NodeQuery({
    genesis,
    genesisId: root.id,
    networkId: root.networkId,
    hasher,
    store,
    dag: context.parts.dag,
    engine: context.parts.engine,
    network: context.parts.network,
    tips: context.parts.tips,
    latestProven: () => context.hooks.latest(),
    features: [
      'indexer',
      'events',
      'proofs',
      'filters',
      ...(config.api.snapshots ? ['snapshots'] : []),
      ...(config.pow.allowRemote ? ['pow'] : []),
    ],
    isHealthy: () => context.hooks.health().healthy,
    syncState: () => context.parts.sync.state,
    rates: () => context.hooks.rates(),
    confirmationTimes: () => context.metrics.confirmationTimes.lately(),
    seats: () => context.parts.agreement.seats,
  });
}

function createControl({ foundation, parts, hooks }: Context): NodeControl {
  const { store, config, logger } = foundation;
  return new NodeControl({
    ...parts,
    logger,
    memoryBytes: () => process.memoryUsage.rss(),
    storeBytes: () => store.sizeBytes(),
    freeBytes: () => freeBytes(config.dataDir),
    health: () => hooks.health(),
  });
}

function createSnapshots({ foundation, metrics }: Context): SnapshotKeeper {
  const { config, genesis, root, store, hasher, logger } = foundation;
  const { directory = join(config.dataDir, 'snapshots'), ...options } = config.snapshot;
  const { params } = genesis;
  return new SnapshotKeeper(
    { ...options, directory },
    {
      store,
      genesis: root,
      params,
      hasher,
      logger,
      onWritten: ({ kind }, seconds) => metrics.rows.snapshotSeconds.observe({ kind }, seconds),
    },
  );
}

function createPruner({ foundation, hooks, metrics, parts }: Context): Pruner {
  const { clock, config, genesis, store, logger } = foundation;
  const { maxAgeHours, ...options } = config.pruning;
  const maxAgeMs = maxAgeHours === undefined ? undefined : maxAgeHours * 3_600_000;
  return new Pruner(
    { ...options, maxAgeMs },
    {
      store,
      confirmedIndex: () => parts.engine.latest.header.index,
      milestoneTimeMs: (index) => store.milestones.summary(index)?.timestampMs,
      belowMaxDepth: genesis.params.belowMaxDepth,
      nowMs: () => clock.nowMs(),
      logger,
      onStep: ({ blocks }) => {
        metrics.rows.milestonesPruned.inc();
        metrics.rows.blocksPruned.inc(blocks);
      },
      onFatal: (error) => hooks.onFatal(error),
    },
  );
}

/** Takes up what milestones leave behind, in its turn; runs beside the agreement. */
export function createMerger({ foundation, hooks, parts }: Context): Merger {
  return new Merger({
    milestoneIntervalMs: foundation.genesis.params.milestoneIntervalMs,
    clock: STEADY_CLOCK,
    dag: parts.dag,
    latestIndex: () => parts.engine.latest.header.index,
    seat: () => {
      const { epoch, seat } = parts.agreement.state;
      const seats = foundation.committees.of(epoch).length;
      return seat === undefined ? undefined : { seat, seats };
    },
    tips: parts.tips,
    merge: (parents) => hooks.merge(parents),
    logger: foundation.logger,
  });
}
