/**
 * One node of the tangle, wired by hand. `open` brings store and memory together, `start` connects
 * it, `stop` takes it down in the reverse order. The API stands in front of it (api/create-api.ts).
 *
 * Start: store (network, state root, supply) → DAG and tips from the store → missing parents →
 * network → rebroadcast → milestones → pruner → filters → agreement. Stop: the other way round, a
 * snapshot that is being written included, then processor, proof of work, signature workers, store.
 * Spec: docs/architecture.md.
 */
import type { BlockId } from '@tanglemail/tangle/core/codec/ids.ts';
import { milestoneIdOf, type Milestone } from '@tanglemail/tangle/core/codec/milestone.ts';
import { fail } from '@tanglemail/tangle/core/outcome.ts';
import type { Clock, SignatureClaim } from '@tanglemail/tangle/core/ports.ts';
import { PowPool } from '@tanglemail/tangle/io/accel/pow-pool.ts';
import { VerifyPool } from '@tanglemail/tangle/io/accel/verify-pool.ts';
import { NetworkError } from '@tanglemail/tangle/io/libp2p/types.ts';
import { packVerdict, type Verdict } from '@tanglemail/tangle/io/libp2p/verdicts.ts';
import { errorFields, type Logger } from '@tanglemail/tangle/io/logger.ts';
import type { HealthDto, MilestoneRefDto } from '@tanglemail/tangle/io/node-client/dto.ts';
import { closeInOrder, StopError, type Closable } from '@tanglemail/tangle/io/shell/shutdown.ts';
import { ConfigError } from '@tanglemail/tangle/io/shell/settings.ts';
import { ClockWatch } from './confirmation/clock-watch.ts';
import type { ConfirmedMilestone } from './confirmation/confirmation-engine.ts';
import type { NodeConfig } from './config/schema.ts';
import { NodeEvents } from './events.ts';
import { openFoundation, type Foundation, type NodeOptions } from './foundation.ts';
import { judgeHealth } from './health.ts';
import {
  countConfirmed,
  countReceived,
  countSolid,
  createNodeMetrics,
  type MetricsOfNode,
} from './metrics.ts';
import {
  createMerger,
  createParts,
  createStatusReporter,
  type Context,
  type NodeHooks,
  type NodeParts,
} from './parts.ts';
import { mineBlock } from './processor/mine-block.ts';
import type { ProcessOutcome } from './processor/block-processor.ts';
import type { QueueName } from './processor/queues.ts';
import { BlockRates } from './query/block-rates.ts';
import type { ConfirmedFeed } from './query/confirmed-feed.ts';
import type { NodeControl } from './query/node-control.ts';
import type { Pruner } from './pruning/pruner.ts';
import type { NodeQuery } from './query/node-query.ts';
import type { SnapshotKeeper } from './snapshot/snapshot-keeper.ts';
import { rebuild } from './store/rebuild.ts';
import type { StatusReporter } from './status-line.ts';
import { haltOnEvidence } from './sync/fork-guard.ts';
import type { SyncState } from './sync/milestone-sync.ts';
import type { Merger } from './validator/merger.ts';

/** A part of the node as `closeInOrder` takes it; one that is not there has nothing to do. */
function closable(part: { stop(): Promise<void> | void } | undefined): Closable {
  return { close: () => part?.stop() };
}

/** Milestones that the node may be behind the newest when it writes a snapshot by itself. */
const MAX_BEHIND_FOR_SNAPSHOT = 10;

export class TangleNode {
  readonly config: NodeConfig;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly #clockWatch: ClockWatch;
  readonly events: NodeEvents;
  readonly metrics: MetricsOfNode;
  /** Resolves when the node cannot go on: the process has to end. Never rejects. */
  readonly failure: Promise<Error>;
  readonly #foundation: Foundation;
  readonly #context: Context;
  readonly #status: StatusReporter;
  readonly #verifyPool = new VerifyPool();
  readonly #rates = new BlockRates(() => performance.now());
  #powPool: PowPool | undefined;
  #merger: Merger | undefined;
  #latest: MilestoneRefDto;
  #fail: (error: Error) => void;
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;

  private constructor(foundation: Foundation) {
    const { clock, config, logger, latest, genesis } = foundation;
    this.#foundation = foundation;
    this.clock = clock;
    this.#clockWatch = new ClockWatch(genesis.params.maxDriftMs);
    this.config = config;
    this.logger = logger;
    this.events = new NodeEvents(logger);
    this.#rates.follow(this.events);
    this.metrics = createNodeMetrics({ process: config.metrics.enabled });
    const failure = Promise.withResolvers<Error>();
    this.failure = failure.promise;
    this.#fail = failure.resolve;
    const { index, timestampMs } = latest.header;
    this.#latest = { index, timestampMs, milestoneId: latest.id };
    this.#context = createParts(foundation, this.#hooks(), this.metrics);
    this.#status = createStatusReporter(this.#context);
  }

  /**
   * Opens the data folder, checks it and rebuilds the memory. Throws what `openFoundation` throws.
   */
  static async open(options: NodeOptions): Promise<TangleNode> {
    const foundation = await openFoundation(options);
    const { hasher, verifier, memory, genesis, logger } = foundation;
    try {
      const node = new TangleNode(foundation);
      await node.#rebuild();
      await node.#parts.snapshots.open();
      haltOnEvidence(await foundation.store.milestones.evidence(), node.#parts.engine, logger);
      if (memory !== undefined) node.#merger = createMerger(node.#context);
      logger.info(
        { hasher: hasher.backend, verifier: verifier.backend, network: genesis.name },
        'node is open',
      );
      return node;
    } catch (error) {
      await Promise.all([foundation.store.close(), memory?.close()]);
      throw error;
    }
  }

  /** Answers questions about blocks, ledger, milestones and peers. */
  get query(): NodeQuery {
    return this.#parts.query;
  }

  /** What the event socket tells of confirmed milestones. */
  get feed(): ConfirmedFeed {
    return this.#parts.feed;
  }

  /** What an operator may see and do. */
  get control(): NodeControl {
    return this.#parts.control;
  }

  /** Writes snapshots and knows those on the disk. */
  get snapshots(): SnapshotKeeper {
    return this.#parts.snapshots;
  }

  /** Removes old milestones. */
  get pruner(): Pruner {
    return this.#parts.pruner;
  }

  /** Connects the node. ConfigError when an address cannot be listened on: `stop` it then. */
  start(): Promise<void> {
    this.#starting ??= this.#start();
    return this.#starting;
  }

  async #start(): Promise<void> {
    this.#parts.missing.start();
    const { listen } = this.config.gossip;
    await this.#parts.network.start().catch((error: unknown) => {
      if (error instanceof NetworkError) throw error;
      throw new ConfigError(
        `gossip.listen is ${JSON.stringify(listen)}: expected free addresses of this machine`,
        { cause: error },
      );
    });
    const nowMs = performance.now();
    for (const id of this.#parts.dag.unreferenced()) this.#parts.rebroadcast.add(id, nowMs);
    this.#parts.rebroadcast.start();
    this.#parts.sync.start();
    this.#parts.pruner.start();
    this.#parts.filters.start();
    this.#parts.agreement.start();
    await this.#parts.slasher.start(this.#parts.engine.latest.header.index);
    this.#merger?.start();
    this.#status.start();
    const role = this.#foundation.memory === undefined ? 'follows' : 'validates';
    this.logger.info({ role, index: this.#parts.engine.latest.header.index }, 'node is running');
  }

  /**
   * Takes everything down, also when the start failed or is still under way; a second call waits
   * for the first. A part that fails keeps none of the others open: StopError comes at the end.
   */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    await this.#starting?.catch(() => undefined);
    const { network, processor, missing, rebroadcast, sync, pruner } = this.#parts;
    const { snapshots, filters, agreement, slasher } = this.#parts;
    // In the order of the start; they are closed from the last to the first.
    const parts: Closable[] = [
      this.#foundation.store,
      this.#verifyPool,
      { close: () => this.#powPool?.close() },
      ...[processor, network, missing, rebroadcast, sync, pruner, filters, snapshots].map(closable),
      ...[agreement, slasher, this.#merger, this.#status].map(closable),
    ];
    const isClean = await closeInOrder(parts, this.logger);
    if (!isClean) throw new StopError('not all parts of the node stopped in order');
  }

  /** Addresses that other nodes can dial, with the peer id. */
  addresses(): string[] {
    return this.#parts.network.addresses();
  }

  /** Processes an encoded block of a user and relays it when it is new. */
  async submitBlock(bytes: Uint8Array, remote: string): Promise<ProcessOutcome> {
    const outcome = await this.#process(bytes, 'api', remote);
    if (outcome.ok && outcome.value.isNew) {
      this.#parts.network.publishBlock(bytes);
      this.#parts.rebroadcast.add(outcome.value.blockId, performance.now());
    }
    return outcome;
  }

  /**
   * Makes a block of a payload (bytes with its type), with tips and proof of work, and submits it.
   */
  async submitPayload(
    payloadBytes: Uint8Array | undefined,
    parents: readonly BlockId[] | undefined,
    remote: string,
  ): Promise<ProcessOutcome> {
    const { hasher, root, genesis } = this.#foundation;
    this.#powPool ??= new PowPool({ threads: this.config.pow.threads });
    const made = await mineBlock(payloadBytes, [...(parents ?? this.selectTips())], {
      networkId: root.networkId,
      params: genesis.params,
      loadBits: this.#parts.engine.latest.powLoadBits,
      hasher,
      powPool: this.#powPool,
      metrics: this.metrics.rows,
    });
    return made.ok ? await this.submitBlock(made.value, remote) : made;
  }

  /** Parents for a new block, 1–4, in a wide tangle up to 8, ascending. */
  selectTips(): BlockId[] {
    const { index } = this.#parts.engine.latest.header;
    const rootsOf = (id: BlockId) => this.#parts.dag.coneRoots(id);
    return this.#parts.tips.parentsForBlock(index, rootsOf, performance.now()).toSorted();
  }

  /** How the node stands to its network: far behind, following, or halted. */
  get syncState(): SyncState {
    return this.#parts.sync.state;
  }

  health(): HealthDto {
    const { header } = this.#parts.engine.latest;
    const facts = {
      halted: this.#parts.engine.halted,
      confirmedIndex: header.index,
      confirmedTimestampMs: header.timestampMs,
      latestIndex: this.#latest.index,
      problem: this.#parts.sync.state.problem,
      peers: this.#parts.network.peers().length,
      nowMs: this.clock.nowMs(),
      clockLeadMs: this.#clockWatch.leadMs(this.#now()),
      isWaiting: this.#parts.engine.isWaiting(this.#parts.engine.latest.id),
      seatSilent: this.#seatSilent(),
    };
    return judgeHealth(facts, this.config);
  }

  /** A seat that only catches up is as the node is; a key without a seat has nothing to say. */
  #seatSilent(): string | undefined {
    if (this.#parts.agreement.state.seat === undefined) return undefined;
    if (this.#foundation.memory?.signer.isAway === true) return 'its signer does not answer';
    return this.#foundation.memory?.silence.reason;
  }

  #now(): { wallMs: number; steadyMs: number } {
    return { wallMs: this.clock.nowMs(), steadyMs: performance.now() };
  }

  get #parts(): NodeParts {
    return this.#context.parts;
  }

  #hooks(): NodeHooks {
    return {
      process: (bytes, queue, source) => this.#process(bytes, queue, source),
      onPack: (blocks, from) => this.#onPack(blocks, from),
      verify: (claims) => this.#verify(claims),
      onSolid: (ids) => this.#onSolid(ids),
      onConfirmed: (confirmed) => this.#onConfirmed(confirmed),
      noteLatest: (milestone) => this.#noteLatest(milestone),
      forget: (ids) => this.#forget(ids),
      publishMilestone: (bytes) => this.#publishMilestone(bytes),
      selectTips: () => this.selectTips(),
      health: () => this.health(),
      rates: () => this.#rates.rates(),
      merge: async (parents) => (await this.submitPayload(undefined, parents, 'validator')).ok,
      attach: (payloadBytes) => this.submitPayload(payloadBytes, undefined, 'slashing'),
      latest: () => this.#latest,
      onFatal: (error) => this.#onFatal(error),
    };
  }

  async #rebuild(): Promise<void> {
    const { store, genesis } = this.#foundation;
    const parts = {
      store,
      dag: this.#parts.dag,
      tips: this.#parts.tips,
      intake: this.#parts.intake,
    };
    const { index } = this.#parts.engine.latest.header;
    const rebuilt = await rebuild(parts, index, genesis.params.belowMaxDepth);
    this.logger.info({ index, ...rebuilt }, 'memory rebuilt from the store');
  }

  #publishMilestone(bytes: Uint8Array): void {
    this.#parts.network.publishMilestone(bytes).catch((error: unknown) => {
      this.logger.debug(errorFields(error), 'a milestone was not published');
    });
  }

  async #onPack(blocks: readonly Uint8Array[], from: string): Promise<Verdict> {
    if (this.#parts.sync.hold(blocks, from)) return 'ignore';
    if (this.#parts.processor.isBusy(from)) {
      this.metrics.rows.queueDropped.inc({ queue: 'gossip' }, blocks.length);
      return 'ignore';
    }
    const outcomes = await Promise.all(
      blocks.map(async (bytes) => {
        const outcome = await this.#process(bytes, 'gossip', from);
        return outcome.ok && !outcome.value.isNew ? fail('block-known') : outcome;
      }),
    );
    return packVerdict(outcomes);
  }

  async #verify(claims: readonly SignatureClaim[]): Promise<boolean[]> {
    const verdicts = await this.#verifyPool.verifyBatch(claims);
    const valid = verdicts.filter(Boolean).length;
    this.metrics.rows.signaturesChecked.inc({ verdict: 'true' }, valid);
    this.metrics.rows.signaturesChecked.inc({ verdict: 'false' }, verdicts.length - valid);
    return verdicts;
  }

  /** Hands a block to the processor and counts what becomes of it. */
  async #process(bytes: Uint8Array, queue: QueueName, source: string): Promise<ProcessOutcome> {
    const { rows } = this.metrics;
    const startedMs = performance.now();
    countReceived(this.metrics, queue);
    const outcome = await this.#parts.processor.submit(bytes, queue, source);
    rows.blockProcessing.observe((performance.now() - startedMs) / 1_000);
    if (outcome.ok) return outcome;
    rows.blocksRefused.inc({ code: outcome.code });
    if (outcome.code === 'queue-full') rows.queueDropped.inc({ queue });
    return outcome;
  }

  /** Solid blocks become tips, and may be what a milestone waits for. */
  #onSolid(ids: readonly BlockId[]): void {
    if (ids.length === 0) return;
    const nowMs = performance.now();
    const { store } = this.#foundation;
    const blocks = ids.map((blockId) => ({
      blockId,
      kind: store.payloadKind(blockId),
      parents: this.#parts.dag.parentsOf(blockId) ?? [],
    }));
    for (const { blockId, parents } of blocks) this.#parts.tips.add(blockId, parents, nowMs);
    for (const { blockId, kind } of blocks) countSolid(this.metrics, blockId, kind);
    this.events.emit('solid', blocks);
    this.#parts.sync.wake();
    this.#parts.agreement.onSolid();
  }

  #onConfirmed(confirmed: ConfirmedMilestone): void {
    const { milestone, result } = confirmed;
    this.#noteLatest(milestone);
    this.#parts.agreement.onConfirmed(confirmed);
    this.#parts.slasher.onConfirmed(confirmed);
    countConfirmed(this.metrics, confirmed);
    const { timestampMs } = milestone.header;
    this.#clockWatch.note({ timestampMs, ...this.#now() });
    const { index } = milestone.header;
    const facts = { index, blocks: result.included.length, applied: result.applied.length };
    this.logger.info({ ...facts, conflicting: result.conflicts.size }, 'milestone confirmed');
    this.events.emit('confirmed', confirmed);
    this.#keepSnapshots(index);
    this.#parts.processor.wake();
    this.#parts.network.announceStatus();
  }

  /** Not while it catches up: the states on the way are of no use to anybody. */
  #keepSnapshots(index: number): void {
    const isNear = this.#latest.index - index <= MAX_BEHIND_FOR_SNAPSHOT;
    if (isNear) this.#parts.snapshots.onConfirmed(index);
  }

  /** A certificate proved that a milestone exists. */
  #noteLatest({ header }: Milestone): void {
    const { index, timestampMs } = header;
    if (index <= this.#latest.index) return;
    const milestoneId = milestoneIdOf(header, this.#foundation.hasher);
    this.#latest = { index, timestampMs, milestoneId };
    this.#parts.network.announceStatus();
    this.events.emit('latest', this.#latest);
  }

  #forget(ids: readonly BlockId[]): void {
    this.#foundation.store.forget(ids).catch((error: unknown) => this.#onFatal(error));
  }

  #onFatal(error: unknown): void {
    this.#fail(error instanceof Error ? error : new Error('unknown failure', { cause: error }));
  }
}
