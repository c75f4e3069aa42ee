/**
 * What the API asks of a running node, in the JSON shapes that both sides share
 * (tangle/io/node-client/dto.ts). Reads only. Path: api/ → here → store, DAG and state tree.
 * Spec: docs/spec/11-node-api.md.
 */
import { BLOCK_VERSION, decodeBlock, type Block } from '@tanglemail/tangle/core/codec/block.ts';
import { genesisToJson, type Genesis } from '@tanglemail/tangle/core/codec/genesis.ts';
import {
  bytesToHex,
  GENESIS_BLOCK_ID,
  splitOutputId,
  type BlockId,
  type MilestoneId,
  type OutputId,
  type TransactionId,
} from '@tanglemail/tangle/core/codec/ids.ts';
import { decodeMilestone, milestoneIdOf } from '@tanglemail/tangle/core/codec/milestone.ts';
import { encodeOutput } from '@tanglemail/tangle/core/codec/output.ts';
import { epochOf, quorum } from '@tanglemail/tangle/core/milestone/committee.ts';
import { electionIndex } from '@tanglemail/tangle/core/milestone/election.ts';
import type { Dag } from '@tanglemail/tangle/core/dag/dag.ts';
import { assert } from '@tanglemail/tangle/core/outcome.ts';
import type { NetworkParams } from '@tanglemail/tangle/core/params/networks.ts';
import type { Hasher } from '@tanglemail/tangle/core/ports.ts';
import type { BlockDto } from '@tanglemail/tangle/io/node-client/block-dto.ts';
import type { ConnectedPeerDto } from '@tanglemail/tangle/io/node-client/control-dto.ts';
import {
  MAX_BLOCK_PAGE_BYTES,
  MAX_PAGE_ELECTIONS,
  MAX_PAGE_ITEMS,
  type BlockMetadataDto,
  type ChildrenDto,
  type ElectionsDto,
  type InfoDto,
  type MilestoneBlocksDto,
  type MilestoneDto,
  type MilestoneRefDto,
  type OutputInfoDto,
  type OutputMetadataDto,
  type PayloadKindDto,
  type PeerDto,
  type RoutesDto,
  type UtxoChangesDto,
  type ValidatorDto,
} from '@tanglemail/tangle/io/node-client/dto.ts';
import { blockToJson, outputToJson } from '@tanglemail/tangle/io/node-client/json.ts';
import type { TangleNetwork } from '@tanglemail/tangle/io/libp2p/network.ts';
import type { PeerInfo } from '@tanglemail/tangle/io/libp2p/types.ts';
import type { SeatSighting } from '../agreement/attendance.ts';
import type { ConfirmationSummary } from '../confirmation-times.ts';
import type { ConfirmationEngine } from '../confirmation/confirmation-engine.ts';
import type { NodeStore } from '../store/node-store.ts';
import { NODE_NAME, NODE_VERSION } from '../version.ts';
import type { SyncState } from '../sync/milestone-sync.ts';
import type { Rates } from './block-rates.ts';
import { FilterQuery } from './filter-query.ts';
import { IndexerQuery } from './indexer-query.ts';
import { ProofQuery } from './proof-query.ts';

export interface StoredMilestone {
  readonly bytes: Uint8Array;
  readonly json: MilestoneDto;
}

export interface NodeQueryDeps {
  readonly genesis: Genesis;
  readonly genesisId: MilestoneId;
  readonly networkId: bigint;
  readonly hasher: Hasher;
  readonly store: NodeStore;
  readonly dag: Dag;
  readonly engine: ConfirmationEngine;
  readonly network: Pick<TangleNetwork, 'peers'>;
  readonly tips: { readonly size: number };
  /** The newest milestone whose certificate this node has checked. */
  latestProven(): MilestoneRefDto;
  /** Optional parts of the API that are switched on. */
  readonly features: readonly string[];
  isHealthy(): boolean;
  /** How the node stands to its network. */
  syncState(): SyncState;
  /** How fast blocks come lately. */
  rates(): Rates;
  /** How long blocks waited lately for their milestone. */
  confirmationTimes(): ConfirmationSummary | undefined;
  /** Who of the present committee votes. */
  seats(): readonly SeatSighting[];
}

/** Blocks of a cone that one page looks at: nothing else runs meanwhile. */
const MAX_LOOKS = 4_096;

const INCLUSION = {
  'no-transaction': 'noTransaction',
  applied: 'included',
  conflicting: 'conflicting',
} as const;

export class NodeQuery {
  readonly proofs: ProofQuery;
  readonly indexer: IndexerQuery;
  readonly filters: FilterQuery;
  readonly #deps: NodeQueryDeps;
  readonly #startedMs = performance.now();

  constructor(deps: NodeQueryDeps) {
    this.#deps = deps;
    this.proofs = new ProofQuery(deps);
    this.filters = new FilterQuery(deps.store.filters);
    this.indexer = new IndexerQuery({
      store: deps.store,
      confirmedIndex: () => this.confirmedIndex,
    });
  }

  get confirmedIndex(): number {
    return this.#deps.engine.latest.header.index;
  }

  /** Milestones up to this index are gone here; 0 when none is. */
  get prunedIndex(): number {
    return this.#deps.store.prunedIndex;
  }

  get uptimeMs(): number {
    return Math.round(performance.now() - this.#startedMs);
  }

  info(): InfoDto {
    const { engine, genesis, network, dag, tips } = this.#deps;
    const { header, id, powLoadBits, committee } = engine.latest;
    const confirmed = { index: header.index, timestampMs: header.timestampMs, milestoneId: id };
    const { params } = genesis;
    const confirmationMs = this.#deps.confirmationTimes();
    return {
      name: NODE_NAME,
      version: NODE_VERSION,
      networkId: `${this.#deps.networkId}`,
      networkName: genesis.name,
      genesisId: this.#deps.genesisId,
      protocolVersion: BLOCK_VERSION,
      tokenSupply: `${genesis.outputs.reduce((sum, { amount }) => sum + amount, 0n)}`,
      status: {
        healthy: this.#deps.isHealthy(),
        latestMilestone: this.#deps.latestProven(),
        confirmedMilestone: confirmed,
        solidIndex: header.index,
        prunedIndex: this.prunedIndex,
        tips: tips.size,
        peers: network.peers().length,
        unsolid: dag.unsolidCount,
        sync: syncDtoOf(this.#deps.syncState()),
      },
      metrics: {
        ...this.#deps.rates(),
        ...(confirmationMs === undefined ? {} : { confirmationMs }),
      },
      uptimeMs: this.uptimeMs,
      params: {
        ...params,
        depositPerByte: `${params.depositPerByte}`,
        validatorBondMin: `${params.validatorBondMin}`,
        powLoadBits,
      },
      committee: {
        epoch: epochOf(header.index + 1, params),
        size: committee.length,
        quorum: quorum(committee.length),
      },
      ...nextElection(header.index, params),
      validators: this.#deps.seats().map(validatorDtoOf),
      features: [...this.#deps.features],
    };
  }

  genesisJson(): string {
    return genesisToJson(this.#deps.genesis);
  }

  /** The groups of routes that the API serves. */
  routes(): RoutesDto {
    return { routes: ['core/v1', 'indexer/v1', 'events/v1'] };
  }

  peer(id: string): PeerDto | undefined {
    return this.peers().find((peer) => peer.id === id);
  }

  /** The connected peers without their addresses. */
  peers(): PeerDto[] {
    return this.#deps.network.peers().map(peerDtoOf);
  }

  /** The connected peers for the operator. */
  connectedPeers(): ConnectedPeerDto[] {
    const peers = this.#deps.network.peers();
    return peers.map((peer) => Object.assign(peerDtoOf(peer), { address: peer.address }));
  }

  blockBytes(id: BlockId): Uint8Array | undefined {
    return this.#deps.store.blocks.bytes(id);
  }

  blockJson(id: BlockId, bytes: Uint8Array): BlockDto {
    return { blockId: id, bytes: bytesToHex(bytes), block: blockToJson(blockOf(bytes)) };
  }

  blockMetadata(id: BlockId): BlockMetadataDto | undefined {
    const { store, dag } = this.#deps;
    const bytes = store.blocks.bytes(id);
    if (bytes === undefined) return undefined;
    const { parents } = blockOf(bytes);
    const meta = store.blocks.meta(id);
    const metadata: BlockMetadataDto = {
      blockId: id,
      parents: [...parents],
      solid: meta !== undefined || dag.isSolid(id),
    };
    if (meta === undefined) return { ...metadata, ...this.#advice(id) };
    metadata.referencedByMilestoneIndex = meta.milestoneIndex;
    metadata.whiteFlagIndex = meta.position;
    metadata.ledgerInclusionState = INCLUSION[meta.state];
    if (meta.state === 'conflicting') metadata.conflictCode = meta.conflict;
    return metadata;
  }

  /** A block that falls behind: half way to max depth it wants a child, near it a new block. */
  #advice(id: BlockId): Pick<BlockMetadataDto, 'shouldReattach' | 'shouldPromote'> {
    const { dag, genesis } = this.#deps;
    if (!dag.has(id)) return { shouldReattach: true, shouldPromote: false };
    const roots = dag.coneRoots(id);
    if (roots === undefined) return {};
    const { belowMaxDepth } = genesis.params;
    const age = this.confirmedIndex - roots.oldest;
    const shouldReattach = age * 8 > belowMaxDepth * 7;
    return { shouldReattach, shouldPromote: !shouldReattach && age * 2 > belowMaxDepth };
  }

  async children(id: BlockId): Promise<ChildrenDto> {
    return { blockId: id, children: await this.#deps.store.blocks.children(id, MAX_PAGE_ITEMS) };
  }

  /** The tag of a stored block's tagged data, as hex. */
  tagOf(id: BlockId): string | undefined {
    const bytes = this.blockBytes(id);
    const payload = bytes === undefined ? undefined : blockOf(bytes).payload;
    return payload?.kind === 'tagged-data' ? bytesToHex(payload.tag) : undefined;
  }

  includedBlock(id: TransactionId): BlockId | undefined {
    const entry = this.#deps.store.blocks.transaction(id);
    return entry?.applied === true ? entry.blockId : undefined;
  }

  output(id: OutputId): OutputInfoDto | undefined {
    const stored = this.#deps.store.ledger.output(id);
    if (stored === undefined) return undefined;
    const dto: OutputInfoDto = {
      outputId: id,
      output: outputToJson(stored.output),
      outputBytes: bytesToHex(encodeOutput(stored.output)),
      milestoneIndexBooked: stored.milestoneIndex,
      milestoneTimestampBooked: stored.milestoneTimestampMs,
      ledgerIndex: this.confirmedIndex,
    };
    if (stored.blockId !== GENESIS_BLOCK_ID) dto.blockId = stored.blockId;
    if (stored.spent !== undefined) {
      const { transactionId, milestoneIndex, milestoneTimestampMs } = stored.spent;
      dto.spent = { transactionId, milestoneIndex, milestoneTimestamp: milestoneTimestampMs };
    }
    return dto;
  }

  /** The same without the output itself. */
  outputMetadata(id: OutputId): OutputMetadataDto | undefined {
    const info = this.output(id);
    if (info === undefined) return undefined;
    const { output: _, outputBytes: __, ...metadata } = info;
    const { transactionId, index: outputIndex } = splitOutputId(id);
    return { ...metadata, transactionId, outputIndex, isSpent: info.spent !== undefined };
  }

  milestone(index: number): StoredMilestone | undefined {
    const { store, hasher } = this.#deps;
    const bytes = store.milestones.bytes(index);
    const decoded = bytes === undefined ? undefined : decodeMilestone(bytes);
    if (bytes === undefined || !decoded?.ok) return undefined;
    const { header } = decoded.value;
    const milestoneId = milestoneIdOf(header, hasher);
    const { timestampMs } = header;
    return { bytes, json: { index, milestoneId, timestampMs, bytes: bytesToHex(bytes) } };
  }

  milestoneById(id: MilestoneId): StoredMilestone | undefined {
    const index = this.indexOfMilestone(id);
    return index === undefined ? undefined : this.milestone(index);
  }

  indexOfMilestone(id: MilestoneId): number | undefined {
    return this.#deps.store.milestones.indexOf(id);
  }

  /**
   * A page of a milestone's cone, from position `skip` on: it ends after so many bytes, or so many
   * blocks that were looked at. Undefined when the milestone or its blocks are not here.
   */
  milestoneBlocks(
    index: number,
    kind: PayloadKindDto | undefined,
    skip: number,
  ): MilestoneBlocksDto | undefined {
    const { store } = this.#deps;
    const cone = store.milestones.cone(index);
    // A start from a snapshot brings milestones without their blocks.
    const isGone = index <= this.prunedIndex && this.prunedIndex > 0;
    if (cone === undefined || isGone) return undefined;
    const end = Math.min(cone.length, skip + MAX_LOOKS);
    const blocks: MilestoneBlocksDto['blocks'] = [];
    let size = 0;
    for (let position = skip; position < end; position++) {
      const blockId = cone[position] as BlockId;
      if (kind !== undefined && store.payloadKind(blockId) !== kind) continue;
      const bytes = store.blocks.bytes(blockId);
      if (bytes === undefined) continue;
      if (size + bytes.length > MAX_BLOCK_PAGE_BYTES) return { index, blocks, next: position };
      blocks.push({ blockId, bytes: bytesToHex(bytes) });
      size += bytes.length;
    }
    return end < cone.length ? { index, blocks, next: end } : { index, blocks };
  }

  /** A page of the milestones that named the committees of epochs above `after`. */
  elections(after: number): ElectionsDto {
    const found = this.#deps.store.elections(after, MAX_PAGE_ELECTIONS + 1);
    const elections = found.slice(0, MAX_PAGE_ELECTIONS).map(({ epoch, bytes }) => {
      return { epoch, milestone: bytesToHex(bytes) };
    });
    return { elections, more: found.length > MAX_PAGE_ELECTIONS };
  }

  utxoChanges(index: number): UtxoChangesDto | undefined {
    const diff = this.#deps.store.ledger.diff(index);
    if (diff === undefined) return undefined;
    return {
      index,
      consumed: diff.consumed.map(({ outputId }) => outputId),
      created: diff.created.map(({ outputId }) => outputId),
    };
  }
}

function blockOf(bytes: Uint8Array): Block {
  const decoded = decodeBlock(bytes);
  assert(decoded.ok, 'a stored block decodes');
  return decoded.value;
}

function nextElection(index: number, params: NetworkParams): Pick<InfoDto, 'election'> {
  if (params.validatorBondMin === 0n) return {};
  const epoch = epochOf(index, params);
  const present = electionIndex(epoch, params);
  return { election: { index: present > index ? present : electionIndex(epoch + 1, params) } };
}

function syncDtoOf({ problem, failed: _failed, ...state }: SyncState): InfoDto['status']['sync'] {
  return problem === undefined ? state : { ...state, problem };
}

function validatorDtoOf(sighting: SeatSighting): ValidatorDto {
  const { seat, publicKey, isOwn: own, isSilent: silent, lastIndex, lastVoteMs } = sighting;
  return {
    seat,
    publicKey: bytesToHex(publicKey),
    own,
    silent,
    ...(lastIndex === undefined ? {} : { lastMilestoneIndex: lastIndex }),
    ...(lastVoteMs === undefined ? {} : { lastVoteMs }),
  };
}

function peerDtoOf(peer: PeerInfo): PeerDto {
  const dto: PeerDto = {
    id: peer.id,
    connected: true,
    direction: peer.direction,
    connectedMs: peer.connectedMs,
    static: peer.static,
    points: peer.points,
    counters: { ...peer.counters },
  };
  if (peer.status !== undefined) dto.status = peer.status;
  return dto;
}
