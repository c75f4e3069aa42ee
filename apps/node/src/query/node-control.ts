/**
 * What an operator may see and do while the node runs: peers, bans, snapshots, pruning, log level.
 * Path: api/control.controller.ts → here → network, snapshot keeper, pruner.
 * Spec: docs/spec/11-node-api.md, "Control".
 */
import type {
  BansDto,
  KnownPeersDto,
  LogLevelDto,
  PruningDto,
  StatusDto,
} from '@tanglemail/tangle/io/node-client/control-dto.ts';
import type { TangleNetwork } from '@tanglemail/tangle/io/libp2p/network.ts';
import { errorFields, type Logger } from '@tanglemail/tangle/io/logger.ts';
import type { NodeQuery } from './node-query.ts';
import { snapshotToJson, type SnapshotEntry } from './snapshot-source.ts';
import type { HealthDto } from '@tanglemail/tangle/io/node-client/dto.ts';

/** The part of the snapshot keeper that operators and the public API use. */
export interface SnapshotSource {
  files(): readonly SnapshotEntry[];
  /** Rejects while another is being made. */
  makeNow(kind: 'full' | 'delta'): Promise<SnapshotEntry>;
}

/** The part of the pruner that operators use. */
export interface PruningSource {
  status(): PruningDto;
  /** Resolves with the index that pruning came to. */
  pruneTo(index: number): Promise<number>;
}

export interface NodeControlDeps {
  readonly query: NodeQuery;
  readonly network: Pick<
    TangleNetwork,
    | 'addPeer'
    | 'removePeer'
    | 'ban'
    | 'unban'
    | 'bans'
    | 'knownPeers'
    | 'addresses'
    | 'requestCounts'
  >;
  /** Absent in a node that makes no snapshots. */
  readonly snapshots?: SnapshotSource | undefined;
  /** Absent in a node that keeps everything. */
  readonly pruner?: PruningSource | undefined;
  readonly processor: { queueLengths(): Readonly<Record<string, number>> };
  readonly dag: { readonly size: number; readonly unreferencedCount: number };
  readonly missing: { readonly size: number };
  readonly logger: Logger;
  memoryBytes(): number;
  storeBytes(): Promise<number>;
  freeBytes(): Promise<number>;
  health(): HealthDto;
}

/** A logger whose level can be read and set while the process runs: pino is one. */
interface LevelledLogger extends Logger {
  level: LogLevelDto['level'];
}

/** The operator asked for something that cannot be done; `message` is for them. */
export class ControlError extends Error {
  override readonly name = 'ControlError';
}

export class NodeControl {
  readonly snapshots: SnapshotSource;
  readonly #deps: NodeControlDeps;

  constructor(deps: NodeControlDeps) {
    this.#deps = deps;
    this.snapshots = deps.snapshots ?? NO_SNAPSHOTS;
  }

  async status(): Promise<StatusDto> {
    const { query, network, processor, dag, missing } = this.#deps;
    const { name, version, networkName, networkId, status, validators } = query.info();
    const { queued, pending, serving } = network.requestCounts();
    const level = this.logLevel();
    return {
      name,
      version,
      networkName,
      networkId,
      addresses: network.addresses().slice(0, 64),
      uptimeMs: query.uptimeMs,
      health: this.#deps.health(),
      latestMilestone: status.latestMilestone,
      confirmedMilestone: status.confirmedMilestone,
      queues: { ...processor.queueLengths() },
      requests: { missing: missing.size, queued, pending, serving },
      blocks: {
        inMemory: dag.size,
        unsolid: status.unsolid,
        unreferenced: dag.unreferencedCount,
        tips: status.tips,
      },
      memoryBytes: this.#deps.memoryBytes(),
      store: {
        sizeBytes: await this.#deps.storeBytes(),
        freeBytes: await this.#deps.freeBytes(),
      },
      pruning: this.pruning(),
      snapshots: this.snapshots.files().map(snapshotToJson),
      validators,
      peers: status.peers,
      bans: network.bans().length,
      ...(level === undefined ? {} : { logLevel: level }),
    };
  }

  peers(): KnownPeersDto {
    const known = this.#deps.network.knownPeers().map(({ id, addresses, lastSeenMs }) => {
      return { id, addresses: addresses.slice(0, 64), lastSeenMs };
    });
    return { connected: this.#deps.query.connectedPeers(), known };
  }

  /** Throws NetworkError. */
  async addPeer(address: string): Promise<void> {
    await this.#deps.network.addPeer(address);
    this.#deps.logger.info({}, 'the operator added a peer');
  }

  /** False when nothing is known of it. */
  async removePeer(id: string): Promise<boolean> {
    return await this.#deps.network.removePeer(id);
  }

  bans(): BansDto {
    const bans = this.#deps.network.bans().slice(0, 10_000);
    return { bans: bans.map(({ id, untilMs, finding }) => ({ id, untilMs, finding })) };
  }

  async ban(id: string, minutes: number): Promise<void> {
    await this.#deps.network.ban(id, minutes * 60_000);
    this.#deps.logger.info({ minutes }, 'the operator banned a peer');
  }

  async unban(id: string): Promise<boolean> {
    return await this.#deps.network.unban(id);
  }

  pruning(): PruningDto {
    const { pruner, query } = this.#deps;
    const { prunedIndex } = query;
    return pruner ? { ...pruner.status() } : { prunedIndex, targetIndex: 0, running: false };
  }

  /** Begins to prune, and tells how far it has come; it goes on after the answer. */
  async pruneTo(index: number): Promise<PruningDto> {
    const { pruner, query, logger } = this.#deps;
    if (index >= query.confirmedIndex) {
      throw new ControlError(`milestone ${query.confirmedIndex} and later ones are still needed`);
    }
    if (pruner === undefined) throw new ControlError('this node keeps everything');
    logger.info({ index }, 'the operator asked to prune');
    pruner.pruneTo(index).catch((error: unknown) => {
      logger.warn(errorFields(error), 'pruning on request ended early');
    });
    return this.pruning();
  }

  /** Undefined when the logger has no level that could be set. */
  logLevel(): LogLevelDto['level'] | undefined {
    const { logger } = this.#deps;
    return isLevelled(logger) ? logger.level : undefined;
  }

  /** Throws ControlError when it cannot be set. */
  async setLogLevel(level: LogLevelDto['level']): Promise<void> {
    const { logger } = this.#deps;
    if (!isLevelled(logger)) throw new ControlError('the log of this process has no level');
    logger.level = level;
  }
}

const NO_SNAPSHOTS: SnapshotSource = {
  files: () => [],
  makeNow: () => Promise.reject(new ControlError('this node makes no snapshots')),
};

function isLevelled(logger: Logger): logger is LevelledLogger {
  return 'level' in logger && typeof logger.level === 'string';
}
