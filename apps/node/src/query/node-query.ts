/**
 * What the API asks of a running node, in the JSON shapes that both sides share
 * (tangle/io/node-client/dto.ts). Reads only. Path: api/ → here → store, DAG and state tree.
 * Spec: docs/spec/11-node-api.md.
 */
import { decodeBlock, type Block } from '@tanglemail/tangle/core/codec/block.ts';
import { genesisToJson, type Genesis } from '@tanglemail/tangle/core/codec/genesis.ts';
import {
  bytesToHex,
  GENESIS_BLOCK_ID,
  idToBytes,
  type Address,
  type BlockId,
  type MilestoneId,
  type OutputId,
  type TransactionId,
} from '@tanglemail/tangle/core/codec/ids.ts';
import { decodeMilestone, milestoneIdOf } from '@tanglemail/tangle/core/codec/milestone.ts';
import { encodeOutput, type Output } from '@tanglemail/tangle/core/codec/output.ts';
import { auditPath, encodeAuditPath } from '@tanglemail/tangle/core/crypto/merkle.ts';
import type { Dag } from '@tanglemail/tangle/core/dag/dag.ts';
import { encodeStateProof } from '@tanglemail/tangle/core/ledger/state-proof.ts';
import { assert, fail, succeed, type Outcome } from '@tanglemail/tangle/core/outcome.ts';
import type { Hasher } from '@tanglemail/tangle/core/ports.ts';
import type { BlockMeta } from '@tanglemail/tangle/io/level/block-repository.ts';
import {
  MAX_BLOCK_PAGE_BYTES,
  MAX_PAGE_ITEMS,
  type BlockMetadataDto,
  type BlockProofDto,
  type ChildrenDto,
  type ConfirmedMilestoneDto,
  type InfoDto,
  type MilestoneBlocksDto,
  type MilestoneDto,
  type MilestoneRefDto,
  type OutputInfoDto,
  type OutputProofDto,
  type OutputsPageDto,
  type PayloadKindDto,
  type PeerDto,
  type TaggedDataPageDto,
  type UtxoChangesDto,
} from '@tanglemail/tangle/io/node-client/dto.ts';
import {
  blockToJson,
  outputToJson,
  type BlockDto,
} from '@tanglemail/tangle/io/node-client/json.ts';
import type { TangleNetwork } from '@tanglemail/tangle/io/libp2p/network.ts';
import type { ConfirmationEngine } from '../confirmation/confirmation-engine.ts';
import type { NodeStore } from '../store/node-store.ts';
import { NODE_NAME, NODE_VERSION } from '../version.ts';
import {
  decodeCursor,
  encodeCursor,
  fits,
  leadingPage,
  type OutputFilter,
} from './output-filter.ts';

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
}

const INCLUSION = {
  'no-transaction': 'noTransaction',
  applied: 'included',
  conflicting: 'conflicting',
} as const;

export class NodeQuery {
  readonly #deps: NodeQueryDeps;

  constructor(deps: NodeQueryDeps) {
    this.#deps = deps;
  }

  get confirmedIndex(): number {
    return this.#deps.engine.latest.header.index;
  }

  info(): InfoDto {
    const { engine, genesis, network, dag, tips } = this.#deps;
    const { header, id, powLoadBits } = engine.latest;
    const confirmed = { index: header.index, timestampMs: header.timestampMs, milestoneId: id };
    const { params } = genesis;
    return {
      name: NODE_NAME,
      version: NODE_VERSION,
      networkId: `${this.#deps.networkId}`,
      networkName: genesis.name,
      genesisId: this.#deps.genesisId,
      status: {
        healthy: this.#deps.isHealthy(),
        latestMilestone: this.#deps.latestProven(),
        confirmedMilestone: confirmed,
        solidIndex: header.index,
        tips: tips.size,
        peers: network.peers().length,
        unsolid: dag.unsolidCount,
      },
      params: { ...params, depositPerByte: `${params.depositPerByte}`, powLoadBits },
      committee: genesis.committee.map((key) => bytesToHex(key)),
      features: [...this.#deps.features],
    };
  }

  genesisJson(): string {
    return genesisToJson(this.#deps.genesis);
  }

  peers(): PeerDto[] {
    const nowMs = performance.now();
    return this.#deps.network.peers().map((peer) => {
      const dto: PeerDto = {
        id: peer.id,
        address: peer.address,
        connected: true,
        direction: peer.direction,
        connectedMs: Math.max(0, Math.round(nowMs - peer.connectedMs)),
        static: peer.static,
        points: peer.points,
        counters: Object.fromEntries(Object.entries(peer.counters)),
      };
      if (peer.status !== undefined) dto.status = peer.status;
      return dto;
    });
  }

  blockBytes(id: BlockId): Uint8Array | undefined {
    return this.#deps.store.blocks.bytes(id);
  }

  blockJson(id: BlockId, bytes: Uint8Array): BlockDto {
    return { blockId: id, bytes: bytesToHex(bytes), block: blockToJson(blockOf(bytes)) };
  }

  async blockMetadata(id: BlockId): Promise<BlockMetadataDto | undefined> {
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

  includedBlock(id: TransactionId): BlockId | undefined {
    const entry = this.#deps.store.blocks.transaction(id);
    return entry?.applied === true ? entry.blockId : undefined;
  }

  /** Undefined until a milestone references the block. */
  async blockProof(id: BlockId): Promise<BlockProofDto | undefined> {
    const { store, hasher } = this.#deps;
    const block = store.blocks.bytes(id);
    const meta = store.blocks.meta(id);
    const milestone = meta && store.milestones.bytes(meta.milestoneIndex);
    const cone = meta && store.milestones.cone(meta.milestoneIndex);
    if (!block || !meta || !milestone || !cone) return undefined;
    const path = (ids: readonly BlockId[]): string => {
      const leaves = ids.map((leaf) => idToBytes(leaf));
      return bytesToHex(encodeAuditPath(auditPath(leaves, ids.indexOf(id), hasher)));
    };
    const proof: BlockProofDto = {
      milestone: bytesToHex(milestone),
      block: bytesToHex(block),
      inclusionPath: path(cone),
    };
    if (meta.state === 'applied') proof.appliedPath = path(await this.#appliedOf(cone));
    return proof;
  }

  async #appliedOf(cone: readonly BlockId[]): Promise<BlockId[]> {
    const metas: ReadonlyMap<BlockId, BlockMeta> = await this.#deps.store.blocks.metaOf(cone);
    return cone.filter((id) => metas.get(id)?.state === 'applied');
  }

  async output(id: OutputId): Promise<OutputInfoDto | undefined> {
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

  /** Undefined when the output is spent or was never booked. */
  async outputProof(id: OutputId): Promise<OutputProofDto | undefined> {
    const { engine, store } = this.#deps;
    const { header, stateTree } = engine.latest;
    const proof = stateTree.proof(id);
    const stored = store.ledger.output(id);
    const milestone = store.milestones.bytes(header.index);
    if (proof === undefined || stored === undefined || milestone === undefined) return undefined;
    return {
      milestone: bytesToHex(milestone),
      output: bytesToHex(encodeOutput(stored.output)),
      path: bytesToHex(encodeStateProof(proof)),
    };
  }

  async milestone(index: number): Promise<StoredMilestone | undefined> {
    const { store, hasher } = this.#deps;
    const bytes = store.milestones.bytes(index);
    const decoded = bytes === undefined ? undefined : decodeMilestone(bytes);
    if (bytes === undefined || !decoded?.ok) return undefined;
    const { header } = decoded.value;
    const milestoneId = milestoneIdOf(header, hasher);
    const { timestampMs } = header;
    return { bytes, json: { index, milestoneId, timestampMs, bytes: bytesToHex(bytes) } };
  }

  async milestoneById(id: MilestoneId): Promise<StoredMilestone | undefined> {
    const index = this.#deps.store.milestones.indexOf(id);
    return index === undefined ? undefined : await this.milestone(index);
  }

  async milestoneSummary(index: number): Promise<ConfirmedMilestoneDto | undefined> {
    const { store } = this.#deps;
    const summary = store.milestones.summary(index);
    const milestoneId = await store.milestoneIdAt(index);
    if (summary === undefined || milestoneId === undefined) return undefined;
    return { index, milestoneId, ...summary };
  }

  /** A page of a milestone's cone, from position `skip` on. */
  async milestoneBlocks(
    index: number,
    kind: PayloadKindDto | undefined,
    skip: number,
  ): Promise<MilestoneBlocksDto | undefined> {
    const { store } = this.#deps;
    const cone = store.milestones.cone(index);
    if (cone === undefined) return undefined;
    const blocks: MilestoneBlocksDto['blocks'] = [];
    let size = 0;
    for (let position = skip; position < cone.length; position++) {
      const blockId = cone[position] as BlockId;
      const bytes = store.blocks.bytes(blockId);
      if (bytes === undefined) continue;
      if (size + bytes.length > MAX_BLOCK_PAGE_BYTES) return { index, blocks, next: position };
      if (kind !== undefined && blockOf(bytes).payload?.kind !== kind) continue;
      blocks.push({ blockId, bytes: bytesToHex(bytes) });
      size += bytes.length;
    }
    return { index, blocks };
  }

  async utxoChanges(index: number): Promise<UtxoChangesDto | undefined> {
    const diff = this.#deps.store.ledger.diff(index);
    if (diff === undefined) return undefined;
    return {
      index,
      consumed: diff.consumed.map(({ outputId }) => outputId),
      created: diff.created.map(({ outputId }) => outputId),
    };
  }

  /** A page of outputs; `request-malformed` facts stand in the failure's detail. */
  async outputs(filter: OutputFilter): Promise<Outcome<OutputsPageDto>> {
    const { outputIndex, ledger } = this.#deps.store;
    const cursor = filter.cursor === undefined ? undefined : decodeCursor(filter.cursor);
    if (filter.cursor !== undefined && cursor === undefined) {
      return fail('not-canonical', 'the cursor is none of an earlier page');
    }
    const ledgerIndex = this.confirmedIndex;
    const page = await leadingPage(outputIndex, filter, cursor);
    if (page === undefined) {
      return fail('not-canonical', 'expected address, payee, refundAddress or tag');
    }
    const found = await ledger.outputs(page.items.map(({ outputId }) => outputId));
    const items = page.items
      .map(({ outputId }) => outputId)
      .filter((id) => {
        const stored = found.get(id);
        return stored !== undefined && fits(stored.output, filter);
      });
    if (page.cursor === undefined) return succeed({ ledgerIndex, items });
    return succeed({ ledgerIndex, items, cursor: encodeCursor(page.cursor) });
  }

  async taggedData(tag: Uint8Array, limit: number): Promise<TaggedDataPageDto> {
    const items = await this.#deps.store.taggedData.newest(tag, limit);
    return { items: items.map(({ blockId, milestoneIndex }) => ({ blockId, milestoneIndex })) };
  }

  /** Addresses whose owners care about an output. */
  addressesOf(output: Output): Address[] {
    if (output.kind === 'channel') return [output.payee, output.refundAddress];
    const { address, expiration } = output;
    return expiration === undefined ? [address] : [address, expiration.returnAddress];
  }
}

function blockOf(bytes: Uint8Array): Block {
  const decoded = decodeBlock(bytes);
  assert(decoded.ok, 'a stored block decodes');
  return decoded.value;
}
