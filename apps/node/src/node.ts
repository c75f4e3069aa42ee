/**
 * One node of the tangle, wired by hand. `open` brings store and memory together, `start` connects
 * it, `stop` takes it down in the reverse order. The API stands in front of it (api/create-api.ts).
 *
 * Start: store (network, state root, supply) → DAG and tips from the store → missing parents →
 * network → rebroadcast → milestones → validator. Stop: the other way round, then processor, proof
 * of work, signature workers, store. Spec: docs/architecture.md.
 */
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import type { Genesis } from '@tanglemail/tangle/core/codec/genesis.ts';
import type { BlockId } from '@tanglemail/tangle/core/codec/ids.ts';
import { milestoneIdOf, type Milestone } from '@tanglemail/tangle/core/codec/milestone.ts';
import { checkBlock, signatureClaims } from '@tanglemail/tangle/core/block/rules.ts';
import { Dag } from '@tanglemail/tangle/core/dag/dag.ts';
import {
  genesisMilestone,
  type GenesisMilestone,
} from '@tanglemail/tangle/core/milestone/genesis.ts';
import { fail } from '@tanglemail/tangle/core/outcome.ts';
import { TIPS_PER_BLOCK } from '@tanglemail/tangle/core/params/limits.ts';
import type { Clock, Hasher, SignatureClaim, Verifier } from '@tanglemail/tangle/core/ports.ts';
import { TipPool } from '@tanglemail/tangle/core/tips/tip-pool.ts';
import { bestHasher } from '@tanglemail/tangle/io/accel/hasher.ts';
import { PowPool } from '@tanglemail/tangle/io/accel/pow-pool.ts';
import { bestVerifier } from '@tanglemail/tangle/io/accel/verifier.ts';
import { VerifyPool } from '@tanglemail/tangle/io/accel/verify-pool.ts';
import { TangleNetwork } from '@tanglemail/tangle/io/libp2p/network.ts';
import { networkIdText } from '@tanglemail/tangle/io/libp2p/message-id.ts';
import { loadPeerKey } from '@tanglemail/tangle/io/libp2p/peer-key.ts';
import type { PeerPrivateKey } from '@tanglemail/tangle/io/libp2p/types.ts';
import { packVerdict, type Verdict } from '@tanglemail/tangle/io/libp2p/verdicts.ts';
import { errorFields, type Logger } from '@tanglemail/tangle/io/logger.ts';
import type { HealthDto, MilestoneRefDto } from '@tanglemail/tangle/io/node-client/dto.ts';
import { ConfirmationEngine, type ConfirmedMilestone } from './confirmation/confirmation-engine.ts';
import { ConfigError } from '@tanglemail/tangle/io/shell/settings.ts';
import type { NodeConfig } from './config/schema.ts';
import { NodeEvents } from './events.ts';
import { judgeHealth } from './health.ts';
import { readKeyFile } from './keys/key-file.ts';
import { countConfirmed, createNodeMetrics, watchGauges, type MetricsOfNode } from './metrics.ts';
import { mineBlock } from './processor/mine-block.ts';
import { BlockProcessor, type ProcessOutcome } from './processor/block-processor.ts';
import { Intake } from './processor/intake.ts';
import type { QueueName } from './processor/queues.ts';
import { saltedHash, SeenFilter } from './processor/seen-filter.ts';
import { NodeQuery } from './query/node-query.ts';
import { NodeStore, type OpenedStore } from './store/node-store.ts';
import { rebuild } from './store/rebuild.ts';
import { MilestoneSync } from './sync/milestone-sync.ts';
import { MissingParents } from './sync/missing-parents.ts';
import { Rebroadcast } from './sync/rebroadcast.ts';
import { SYSTEM_CLOCK, SYSTEM_RANDOM } from '@tanglemail/tangle/io/system.ts';
import { seatOf, Validator } from './validator/validator.ts';
import { VoteFile } from './validator/vote-file.ts';

export interface NodeOptions {
  readonly config: NodeConfig;
  /** A document that `checkGenesis` accepts. */
  readonly genesis: Genesis;
  readonly logger: Logger;
}

/** What `open` has made before the parts are wired. */
interface Foundation extends NodeOptions, OpenedStore {
  readonly root: GenesisMilestone;
  readonly hasher: Hasher;
  readonly verifier: Verifier;
  readonly hash: (bytes: Uint8Array) => bigint;
  readonly privateKey: PeerPrivateKey;
}

/** Outcomes that the seen-filter remembers in one generation. */
const SEEN_SIZE = 32_768;

export class TangleNode {
  readonly config: NodeConfig;
  readonly logger: Logger;
  readonly clock: Clock = SYSTEM_CLOCK;
  readonly events: NodeEvents;
  readonly metrics: MetricsOfNode;
  readonly query: NodeQuery;
  /** Resolves when the node cannot go on: the process has to end. Never rejects. */
  readonly failure: Promise<Error>;
  readonly #foundation: Foundation;
  readonly #dag: Dag;
  readonly #tips: TipPool;
  readonly #engine: ConfirmationEngine;
  readonly #intake: Intake;
  readonly #processor: BlockProcessor;
  readonly #missing: MissingParents;
  readonly #sync: MilestoneSync;
  readonly #network: TangleNetwork;
  readonly #rebroadcast: Rebroadcast;
  readonly #verifyPool = new VerifyPool();
  #powPool: PowPool | undefined;
  #validator: Validator | undefined;
  #latest: MilestoneRefDto;
  #fail: (error: Error) => void;
  #stopping: Promise<void> | undefined;

  private constructor(foundation: Foundation) {
    const { config, genesis, logger, latest } = foundation;
    const { belowMaxDepth } = genesis.params;
    this.#foundation = foundation;
    this.config = config;
    this.logger = logger;
    this.events = new NodeEvents(logger);
    this.metrics = createNodeMetrics({ process: config.metrics.enabled });
    const failure = Promise.withResolvers<Error>();
    this.failure = failure.promise;
    this.#fail = failure.resolve;
    const { index, timestampMs } = latest.header;
    this.#latest = { index, timestampMs, milestoneId: latest.id };
    this.#dag = new Dag({ belowMaxDepth });
    this.#tips = new TipPool({ belowMaxDepth }, { random: SYSTEM_RANDOM });
    this.#network = this.#createNetwork();
    this.#engine = this.#createEngine();
    this.#missing = this.#createMissing();
    this.#intake = new Intake({
      dag: this.#dag,
      store: foundation.store,
      requester: this.#missing,
      onSolid: (ids) => this.#onSolid(ids),
    });
    this.#processor = this.#createProcessor();
    this.#sync = this.#createSync();
    this.#rebroadcast = new Rebroadcast({
      isPending: (id) => this.#dag.has(id) && !this.#dag.isReferenced(id),
      blockBytes: (id) => foundation.store.blocks.bytes(id),
      companions: (count) => this.selectTips().slice(0, count),
      publish: (bytes) => this.#network.publishBlock(bytes),
      peers: () => this.#network.peers(),
    });
    this.query = this.#createQuery();
    watchGauges(this.metrics.rows, {
      store: foundation.store,
      dag: this.#dag,
      tips: this.#tips,
      missing: this.#missing,
      processor: this.#processor,
      network: this.#network,
      latestIndex: () => this.#latest.index,
      confirmedIndex: () => this.#engine.latest.header.index,
      isHealthy: () => this.health().healthy,
    });
  }

  /**
   * Opens the data folder, checks it and rebuilds the memory. Throws StoreError (another network's
   * folder, locked, damaged), KeyFileError, ValidatorError, VoteError, PeerKeyError.
   */
  static async open(options: NodeOptions): Promise<TangleNode> {
    const { config, genesis, logger } = options;
    const key =
      config.validator.keyFile === undefined
        ? undefined
        : await readKeyFile(config.validator.keyFile);
    if (key !== undefined) seatOf(key, genesis.committee);
    const [hasher, verifier] = await Promise.all([bestHasher(), bestVerifier()]);
    const root = genesisMilestone(genesis, hasher);
    const hash = await saltedHash(randomBytes(8).readBigUInt64LE());
    const keyFile = config.gossip.keyFile ?? join(config.dataDir, 'peer.key');
    const opened = await NodeStore.open(join(config.dataDir, 'store'), root, hasher);
    try {
      const privateKey = await loadPeerKey(keyFile);
      const node = new TangleNode({
        ...options,
        ...opened,
        root,
        hasher,
        verifier,
        hash,
        privateKey,
      });
      await node.#rebuild();
      if (key !== undefined) {
        const votes = await VoteFile.open(config.dataDir, networkIdText(root.networkId));
        node.#validator = node.#createValidator(votes, key);
      }
      logger.info(
        { hasher: hasher.backend, verifier: verifier.backend, network: genesis.name },
        'node is open',
      );
      return node;
    } catch (error) {
      await opened.store.close();
      throw error;
    }
  }

  async start(): Promise<void> {
    this.#missing.start();
    const { listen } = this.config.gossip;
    await this.#network.start().catch((error: unknown) => {
      throw new ConfigError(
        `gossip.listen is ${JSON.stringify(listen)}: expected free addresses of this machine`,
        { cause: error },
      );
    });
    const nowMs = performance.now();
    for (const id of this.#dag.unreferenced()) this.#rebroadcast.add(id, nowMs);
    this.#rebroadcast.start();
    this.#sync.start();
    this.#validator?.start();
    const role = this.#validator === undefined ? 'follows' : 'validates';
    this.logger.info({ role, index: this.#engine.latest.header.index }, 'node is running');
  }

  /** Takes everything down; a second call waits for the first. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    await this.#validator?.stop();
    await this.#sync.stop();
    this.#rebroadcast.stop();
    await this.#missing.stop();
    await this.#network.stop();
    await this.#processor.stop();
    await this.#powPool?.close();
    await this.#verifyPool.close();
    await this.#foundation.store.close();
  }

  /** Addresses that other nodes can dial, with the peer id. */
  addresses(): string[] {
    return this.#network.addresses();
  }

  /** Processes an encoded block of a user and relays it when it is new. */
  async submitBlock(bytes: Uint8Array, remote: string): Promise<ProcessOutcome> {
    const outcome = await this.#process(bytes, 'api', remote);
    if (outcome.ok && outcome.value.isNew) {
      this.#network.publishBlock(bytes);
      this.#rebroadcast.add(outcome.value.blockId, performance.now());
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
      loadBits: this.#engine.latest.powLoadBits,
      hasher,
      powPool: this.#powPool,
      metrics: this.metrics.rows,
    });
    return made.ok ? await this.submitBlock(made.value, remote) : made;
  }

  /** Parents for a new block, 1–4, ascending. */
  selectTips(): BlockId[] {
    const { index } = this.#engine.latest.header;
    const rootsOf = (id: BlockId) => this.#dag.coneRoots(id);
    return this.#tips.select(TIPS_PER_BLOCK, index, rootsOf, this.clock.nowMs()).toSorted();
  }

  health(): HealthDto {
    const { header } = this.#engine.latest;
    const facts = {
      halted: this.#engine.halted,
      confirmedIndex: header.index,
      confirmedTimestampMs: header.timestampMs,
      latestIndex: this.#latest.index,
      peers: this.#network.peers().length,
      nowMs: this.clock.nowMs(),
    };
    return judgeHealth(facts, this.config);
  }

  async #rebuild(): Promise<void> {
    const { store, genesis } = this.#foundation;
    const parts = { store, dag: this.#dag, tips: this.#tips, intake: this.#intake };
    const { index } = this.#engine.latest.header;
    const rebuilt = await rebuild(parts, index, genesis.params.belowMaxDepth);
    this.logger.info({ index, ...rebuilt }, 'memory rebuilt from the store');
  }

  #createNetwork(): TangleNetwork {
    const { config, root, privateKey, store, hasher, logger } = this.#foundation;
    const { listen, peers } = config.gossip;
    return new TangleNetwork(
      { networkId: root.networkId, listen, peers, privateKey },
      {
        onPack: (blocks, from) => this.#onPack(blocks, from),
        onMilestone: (bytes) => this.#sync.onMilestone(bytes),
        getBlocks: (ids) => store.blocksFor(ids),
        getMilestones: (from, count) => store.milestones.range(from, count),
        getCone: (index, skip, maxBytes) => store.conePart(index, skip, maxBytes),
        status: () => {
          const solidIndex = this.#engine.latest.header.index;
          const peerCount = Math.min(this.#network.peers().length, 0xffff);
          return { solidIndex, latestIndex: solidIndex, prunedIndex: 0, peers: peerCount };
        },
      },
      {
        logger,
        hasher,
        metrics: this.metrics.network,
      },
    );
  }

  #createEngine(): ConfirmationEngine {
    const { genesis, hasher, verifier, store, latest } = this.#foundation;
    return new ConfirmationEngine(
      {
        params: genesis.params,
        committee: genesis.committee,
        hasher,
        verifier,
        clock: this.clock,
        store,
        dag: this.#dag,
        tips: this.#tips,
        onPruned: (ids) => this.#forget(ids),
        onConfirmed: (confirmed) => this.#onConfirmed(confirmed),
        onFatal: (error) => this.#onFatal(error),
      },
      latest,
    );
  }

  #createMissing(): MissingParents {
    return new MissingParents({
      network: this.#network,
      submit: (bytes, source) => this.#process(bytes, 'sync', source),
      clock: this.clock,
      logger: this.logger,
    });
  }

  #createProcessor(): BlockProcessor {
    const { genesis, root, hasher, hash, store, logger } = this.#foundation;
    const rules = { params: genesis.params, networkId: root.networkId, hasher };
    return new BlockProcessor({
      check: (bytes, trusted) => {
        const loadBits = trusted ? 0 : this.#engine.latest.powLoadBits;
        return checkBlock(bytes, { ...rules, loadBits });
      },
      claims: ({ block }) => signatureClaims(block, hasher),
      verifier: { verifyBatch: (claims) => this.#verify(claims) },
      store,
      intake: this.#intake,
      dag: this.#dag,
      seen: new SeenFilter(hash, SEEN_SIZE),
      logger,
      onFatal: (error) => this.#onFatal(error),
    });
  }

  #createSync(): MilestoneSync {
    const { genesis, root, hasher, verifier, store, logger, config } = this.#foundation;
    return new MilestoneSync({
      networkId: root.networkId,
      committee: genesis.committee,
      hasher,
      verifier,
      engine: this.#engine,
      dag: this.#dag,
      store,
      milestoneBytes: (index) => store.milestones.bytes(index),
      missing: this.#missing,
      submit: (bytes) => this.#process(bytes, 'sync', 'cone'),
      onProven: (milestone) => this.#noteLatest(milestone),
      expectsPeers: config.gossip.peers.length > 0,
      network: this.#network,
      logger,
      onFatal: (error) => this.#onFatal(error),
    });
  }

  #createQuery(): NodeQuery {
    const { genesis, root, hasher, store, config } = this.#foundation;
    return new NodeQuery({
      genesis,
      genesisId: root.id,
      networkId: root.networkId,
      hasher,
      store,
      dag: this.#dag,
      engine: this.#engine,
      network: this.#network,
      tips: this.#tips,
      latestProven: () => this.#latest,
      features: ['indexer', 'events', ...(config.pow.allowRemote ? ['pow'] : [])],
      isHealthy: () => this.health().healthy,
    });
  }

  #createValidator(votes: VoteFile, key: Awaited<ReturnType<typeof readKeyFile>>): Validator {
    const { genesis, root, hasher } = this.#foundation;
    const deps = {
      params: genesis.params,
      networkId: root.networkId,
      committee: genesis.committee,
      hasher,
      clock: this.clock,
      engine: this.#engine,
      dag: this.#dag,
      tips: this.#tips,
      votes,
      mayLead: () => this.#sync.hasCaughtUp(),
      publish: (bytes: Uint8Array) => this.#publishMilestone(bytes),
      logger: this.logger,
      onFatal: (error: unknown) => this.#onFatal(error),
    };
    return new Validator(deps, key);
  }

  #publishMilestone(bytes: Uint8Array): void {
    this.#network.publishMilestone(bytes).catch((error: unknown) => {
      this.logger.debug(errorFields(error), 'a milestone was not published');
    });
  }

  async #onPack(blocks: readonly Uint8Array[], from: string): Promise<Verdict> {
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
    rows.blocksReceived.inc({ source: queue });
    const outcome = await this.#processor.submit(bytes, queue, source);
    rows.blockProcessing.observe((performance.now() - startedMs) / 1_000);
    if (!outcome.ok) rows.blocksRefused.inc({ code: outcome.code });
    return outcome;
  }

  /** Solid blocks become tips, and may be what a milestone waits for. */
  #onSolid(ids: readonly BlockId[]): void {
    if (ids.length === 0) return;
    const nowMs = this.clock.nowMs();
    const { store } = this.#foundation;
    for (const id of ids) this.#tips.add(id, this.#dag.parentsOf(id) ?? [], nowMs);
    const blocks = ids.map((blockId) => ({ blockId, kind: store.payloadKind(blockId) }));
    for (const { kind } of blocks) this.metrics.rows.blocksNew.inc({ payload: kind ?? 'none' });
    this.events.emit('solid', blocks);
    this.#sync.wake();
  }

  #onConfirmed(confirmed: ConfirmedMilestone): void {
    const { milestone, result } = confirmed;
    this.#noteLatest(milestone);
    countConfirmed(this.metrics.rows, confirmed);
    const { index } = milestone.header;
    const facts = { index, blocks: result.included.length, applied: result.applied.length };
    this.logger.info({ ...facts, conflicting: result.conflicts.size }, 'milestone confirmed');
    this.events.emit('confirmed', confirmed);
    this.#network.announceStatus();
  }

  /** A certificate proved that a milestone exists. */
  #noteLatest({ header }: Milestone): void {
    const { index, timestampMs } = header;
    if (index <= this.#latest.index) return;
    const milestoneId = milestoneIdOf(header, this.#foundation.hasher);
    this.#latest = { index, timestampMs, milestoneId };
    this.events.emit('latest', this.#latest);
  }

  #forget(ids: readonly BlockId[]): void {
    this.#foundation.store.forget(ids).catch((error: unknown) => this.#onFatal(error));
  }

  #onFatal(error: unknown): void {
    this.#fail(error instanceof Error ? error : new Error('unknown failure', { cause: error }));
  }
}
