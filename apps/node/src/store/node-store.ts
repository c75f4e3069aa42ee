/**
 * The node's view of its store: what processor, confirmation, sync and the network ask of the
 * repositories of tangle/io/level, in their words. Spec: docs/spec/10-storage.md.
 */
import { join } from 'node:path';
import { decodeBlock, payloadBytesOf } from '@tanglemail/tangle/core/codec/block.ts';
import {
  bytesToHex,
  type Address,
  type BlockId,
  type MilestoneId,
  type OutputId,
} from '@tanglemail/tangle/core/codec/ids.ts';
import {
  decodeMilestone,
  milestoneIdOf,
  type MilestoneHeader,
} from '@tanglemail/tangle/core/codec/milestone.ts';
import type { PayloadKind } from '@tanglemail/tangle/core/codec/payload.ts';
import { transactionIdOf } from '@tanglemail/tangle/core/codec/transaction.ts';
import type { LedgerBlock, OutputState } from '@tanglemail/tangle/core/ledger/apply-milestone.ts';
import type {
  ConsumedOutput,
  LedgerDiff,
  OutputRecord,
} from '@tanglemail/tangle/core/ledger/ledger-diff.ts';
import type { Evidence } from '@tanglemail/tangle/core/consensus/round.ts';
import { committeeRoot } from '@tanglemail/tangle/core/milestone/committee.ts';
import type { GenesisMilestone } from '@tanglemail/tangle/core/milestone/genesis.ts';
import { parentWith, type ParentMilestone } from '@tanglemail/tangle/core/milestone/rules.ts';
import { assert } from '@tanglemail/tangle/core/outcome.ts';
import type { Hasher } from '@tanglemail/tangle/core/ports.ts';
import {
  BlockRepository,
  type StorableBlock,
} from '@tanglemail/tangle/io/level/block-repository.ts';
import {
  readContradictions,
  saveContradiction,
} from '@tanglemail/tangle/io/level/contradiction-repository.ts';
import {
  committeeIn,
  readElections,
  type StoredElection,
} from '@tanglemail/tangle/io/level/election-repository.ts';
import { buildFilters } from '@tanglemail/tangle/io/level/build-filters.ts';
import { FilterRepository } from '@tanglemail/tangle/io/level/filter-repository.ts';
import { folderSize } from '@tanglemail/tangle/io/level/folder-size.ts';
import { openKvStore, type KvReader, type KvStore } from '@tanglemail/tangle/io/level/kv-store.ts';
import { LedgerImporter } from '@tanglemail/tangle/io/level/ledger-import.ts';
import { LedgerRepository } from '@tanglemail/tangle/io/level/ledger-repository.ts';
import {
  commitGenesis,
  commitMilestone,
  NODE_SCHEMA,
  verifyLedger,
  type LoadedLedger,
  type MilestoneParts,
} from '@tanglemail/tangle/io/level/milestone-batch.ts';
import {
  MilestoneRepository,
  saveEvidence,
} from '@tanglemail/tangle/io/level/milestone-repository.ts';
import {
  readNodeState,
  readPruned,
  type NodeState,
} from '@tanglemail/tangle/io/level/node-state-repository.ts';
import { pruneMilestone, type PruneStep } from '@tanglemail/tangle/io/level/prune.ts';
import { OutputIndexRepository } from '@tanglemail/tangle/io/level/output-index-repository.ts';
import { StoreError } from '@tanglemail/tangle/io/level/store-error.ts';
import { TaggedDataRepository } from '@tanglemail/tangle/io/level/tagged-data-repository.ts';
import type { ChainStore, CommitRecord } from '../confirmation/chain-store.ts';
import type { StoredBlock } from '../processor/intake.ts';
import { Serial } from '../signal.ts';
import type { UnspentBond } from '../slashing/slasher.ts';

/** An opened store and the last milestone in it. */
export interface OpenedStore {
  readonly store: NodeStore;
  readonly latest: ParentMilestone;
}

/** The ledger and the milestones as they were at one moment. */
export interface StoreView {
  /** The last milestone: index, id, time, state root, number of unspent outputs. */
  readonly state: NodeState;
  /** Milestones up to here are gone. */
  readonly prunedIndex: number;
  /** An encoded milestone with its certificate; undefined when unknown or pruned. */
  milestoneBytes(index: number): Uint8Array | undefined;
  /** Ids of the blocks that it newly referenced, in white-flag order. */
  cone(index: number): BlockId[] | undefined;
  /** What it did to the ledger. */
  diff(index: number): LedgerDiff | undefined;
  /** All unspent outputs, by id. */
  unspent(): AsyncIterable<OutputRecord>;
  /** Every milestone that named another committee, by the epoch for which it did. */
  elections(): Promise<StoredElection[]>;
  /** It holds files of the store back: close it soon. */
  close(): Promise<void>;
}

/** Folder of the blocks' segments inside the store's. */
const BLOCKS_FOLDER = 'blocks';
/** Unspent bonds of one key that are compared. */
const BONDS_LOOKED_AT = 1_024;
/** Blocks of a cone that are read at a time. */
const PART_CHUNK = 32;

export class NodeStore implements ChainStore {
  readonly blocks: BlockRepository;
  readonly milestones: MilestoneRepository;
  readonly ledger: LedgerRepository;
  readonly outputIndex: OutputIndexRepository;
  readonly taggedData: TaggedDataRepository;
  readonly filters: FilterRepository;
  readonly #path: string;
  readonly #kv: KvStore;
  readonly #hasher: Hasher;
  /** What is kept of a seat is counted before each one. */
  readonly #contradictions = new Serial();
  /** A milestone's batch and the building of older filters go on from the same place. */
  readonly #filterTurns = new Serial();
  #prunedIndex: number;
  /** Ascending, one for each change of the committee: a kilobyte for an epoch at most. */
  readonly #elections: StoredElection[];
  /** Told of each write and the seconds that it took. */
  onBatch: (batch: 'blocks' | 'milestone', seconds: number) => void = () => undefined;

  private constructor(
    path: string,
    kv: KvStore,
    {
      blocks,
      elections,
      filters,
    }: Pick<NodeStore, 'blocks' | 'filters'> & {
      elections: StoredElection[];
    },
    hasher: Hasher,
  ) {
    this.#path = path;
    this.#kv = kv;
    this.blocks = blocks;
    this.filters = filters;
    this.#elections = elections;
    this.#hasher = hasher;
    this.#prunedIndex = prunedIndexOf(kv);
    this.milestones = new MilestoneRepository(kv);
    this.ledger = new LedgerRepository(kv);
    this.outputIndex = new OutputIndexRepository(kv, hasher);
    this.taggedData = new TaggedDataRepository(kv, hasher);
  }

  /**
   * Opens the folder, writes milestone 0 into an empty one, and checks state root and supply of the
   * last batch. Throws StoreError: `wrong-network`, `locked`, `corrupt`, ….
   * @param fill fills an empty store with something else than genesis, such as a snapshot; what it
   *   throws leaves the store empty, and without a call of `finish` genesis is written after it.
   */
  static async open(
    path: string,
    genesis: GenesisMilestone,
    hasher: Hasher,
    fill?: (importer: LedgerImporter) => Promise<void>,
  ): Promise<OpenedStore> {
    const { networkId } = genesis;
    const kv = await openKvStore(path, { kind: 'node', networkId, schema: NODE_SCHEMA });
    try {
      const supply = genesis.outputs.reduce((sum, { output }) => sum + output.amount, 0n);
      let loaded = await verifyLedger(kv, supply, hasher);
      if (loaded === undefined) {
        const importer = await LedgerImporter.begin(kv, hasher);
        await fill?.(importer);
        if (readNodeState(kv) === undefined) await commitGenesis(kv, genesis, hasher);
        loaded = await verifyLedger(kv, supply, hasher);
      }
      assert(loaded !== undefined, 'a store has its genesis');
      const blocks = await BlockRepository.open(kv, join(path, BLOCKS_FOLDER), hasher);
      const elections = await readElections(kv);
      const filters = new FilterRepository(kv, genesis.id, hasher);
      await filters.begin(kv, prunedIndexOf(kv));
      const store = new NodeStore(path, kv, { blocks, elections, filters }, hasher);
      return { store, latest: store.#parentFrom(loaded, genesis.parent) };
    } catch (error) {
      await kv.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.blocks.close();
    await this.#kv.close();
  }

  /** Milestones up to here and their blocks cannot be had any more; 0 when all can. */
  get prunedIndex(): number {
    return this.#prunedIndex;
  }

  /**
   * The milestones that named the committees of epochs above `afterEpoch`, ascending, at most
   * `limit`. They stay when the milestones around them are pruned.
   */
  elections(afterEpoch: number, limit: number): StoredElection[] {
    return this.#elections.filter(({ epoch }) => epoch > afterEpoch).slice(0, limit);
  }

  /**
   * Removes the first milestone that is left, with its blocks, edges, cone, diff, spent outputs and
   * index entries, in one atomic synced batch. The last milestone must not be pruned.
   */
  async pruneNext(): Promise<PruneStep> {
    const step = await pruneMilestone(this.#parts, (bytes) => this.#idOf(bytes), this.#hasher);
    this.#prunedIndex = prunedIndexOf(this.#kv);
    return step;
  }

  /** What the store takes on the disk, in bytes. */
  async sizeBytes(): Promise<number> {
    return await folderSize(this.#path);
  }

  /** The store as it is after the last milestone, unchanged by later writes. */
  view(): Promise<StoreView> {
    const view = this.#kv.snapshot();
    const state = readNodeState(view);
    assert(state !== undefined, 'an open store has its genesis');
    const milestones = new MilestoneRepository(view);
    const ledger = new LedgerRepository(view);
    return Promise.resolve({
      state,
      prunedIndex: prunedIndexOf(view),
      milestoneBytes: (index) => milestones.bytes(index),
      cone: (index) => milestones.cone(index),
      diff: (index) => ledger.diff(index),
      unspent: () => ledger.unspent(),
      elections: () => readElections(view),
      close: () => view.close(),
    });
  }

  /** Parents and milestone of stored blocks; what the store does not have is left out. */
  async lookup(ids: readonly BlockId[]): Promise<Map<BlockId, StoredBlock>> {
    const found = new Map<BlockId, StoredBlock>();
    for (const [id, { parents, meta }] of await this.blocks.heads(ids)) {
      found.set(id, meta ? { parents, referencedIndex: meta.milestoneIndex } : { parents });
    }
    return found;
  }

  /** Which of these blocks a milestone in the store references. */
  async referenced(
    blocks: readonly StorableBlock[],
    isDoubtful: (block: StorableBlock) => boolean,
  ): Promise<ReadonlySet<BlockId>> {
    return await this.blocks.referenced(blocks, isDoubtful);
  }

  /** What a stored block carries: null for nothing, and for a block that is not stored. */
  payloadKind(id: BlockId): PayloadKind | null {
    return this.blocks.kind(id);
  }

  async save(blocks: readonly StorableBlock[]): Promise<void> {
    if (blocks.length === 0) return;
    await this.#timed('blocks', () => this.blocks.save(blocks));
  }

  async syncBlocks(): Promise<void> {
    await this.blocks.sync();
  }

  /** Forgets blocks that can no longer be confirmed. */
  async forget(ids: readonly BlockId[]): Promise<void> {
    await Promise.resolve(this.blocks.forget(ids));
  }

  async loadBlocks(ids: readonly BlockId[]): Promise<Map<BlockId, LedgerBlock>> {
    const bytes = await this.blocks.bytesOf(ids);
    const found = new Map<BlockId, LedgerBlock>();
    for (const [id, value] of bytes) {
      const block = decodeStoredBlock(value);
      if (block.payload?.kind !== 'transaction') found.set(id, { block });
      else {
        const transactionId = transactionIdOf(payloadBytesOf(value), this.#hasher);
        found.set(id, { block, transactionId });
      }
    }
    return found;
  }

  async loadOutputs(ids: readonly OutputId[]): Promise<Map<OutputId, OutputState>> {
    return await this.ledger.outputStates(ids);
  }

  async commit(record: CommitRecord): Promise<void> {
    await this.#timed('milestone', () =>
      this.#filterTurns.run(() => commitMilestone(this.#parts, record, this.#hasher)),
    );
    const { header, body, bytes } = record;
    if (body.options.nextCommittee === undefined) return;
    this.#elections.push({ epoch: header.epoch + 1, bytes });
  }

  /**
   * Builds the filters of the next milestones that lack theirs, as many as one batch should hold:
   * those of a store that was written before there were filters. False when none lacks it.
   */
  async buildFilters(): Promise<boolean> {
    return await this.#filterTurns.run(() => buildFilters(this.#parts));
  }

  async milestoneIdAt(index: number): Promise<MilestoneId | undefined> {
    const bytes = this.milestones.bytes(index);
    return bytes === undefined ? undefined : this.#idOf(bytes);
  }

  async saveEvidence(index: number, milestones: readonly Uint8Array[]): Promise<void> {
    const evidence = milestones.map((bytes) => ({ id: this.#idOf(bytes), bytes }));
    await saveEvidence(this.#kv, index, evidence);
  }

  /** Proof against single seats, by epoch and view. */
  contradictions(): Promise<Evidence[]> {
    return readContradictions(this.#kv);
  }

  /** Keeps such proof, synced; false when there is enough of this seat and epoch. */
  async saveContradiction(evidence: Evidence): Promise<boolean> {
    return await this.#contradictions.run(() => saveContradiction(this.#kv, evidence));
  }

  /**
   * The greatest unspent bonds that stand behind a validator's key, of the first BONDS_LOOKED_AT:
   * small ones in front must not hide it.
   */
  async bondsOf(publicKey: Uint8Array, limit: number): Promise<UnspentBond[]> {
    const key = bytesToHex(publicKey) as Address;
    const options = { spent: false, limit: BONDS_LOOKED_AT };
    const { items } = await this.outputIndex.byAddress(key, 'bondKey', options);
    const bonds = items.flatMap(({ outputId }) => {
      const output = this.ledger.output(outputId)?.output;
      return output?.kind === 'validator-bond' ? [{ outputId, bond: output }] : [];
    });
    return bonds.toSorted((a, b) => (a.bond.amount > b.bond.amount ? -1 : 1)).slice(0, limit);
  }

  /** Whether a consumed output was taken by evidence against a validator. */
  async isSlashed({ outputId, transactionId }: ConsumedOutput): Promise<boolean> {
    const blockId = this.blocks.transaction(transactionId)?.blockId;
    if (blockId === undefined) return false;
    const payload = (await this.loadBlocks([blockId])).get(blockId)?.block.payload;
    if (payload?.kind !== 'transaction') return false;
    return payload.unlocks[payload.inputs.indexOf(outputId)]?.kind === 'evidence';
  }

  /** Blocks for a peer that asks for them by id. */
  async blocksFor(ids: readonly BlockId[]): Promise<Uint8Array[]> {
    return [...(await this.blocks.bytesOf(ids)).values()];
  }

  /**
   * A part of a milestone's cone for a peer: from position `skip` until `maxBytes` is passed;
   * empty when not all of it is here any more.
   */
  async conePart(index: number, skip: number, maxBytes: number): Promise<Uint8Array[]> {
    const ids = this.milestones.cone(index)?.slice(skip) ?? [];
    const part: Uint8Array[] = [];
    let size = 0;
    for (let at = 0; at < ids.length && size <= maxBytes; at += PART_CHUNK) {
      const some = ids.slice(at, at + PART_CHUNK);
      const found = await this.blocks.bytesOf(some);
      for (const id of some) {
        const bytes = found.get(id);
        // It is being pruned at this moment: half a cone would look like a lie.
        if (bytes === undefined) return [];
        if (size > maxBytes) return part;
        part.push(bytes);
        size += bytes.length;
      }
    }
    return part;
  }

  get #parts(): Required<MilestoneParts> {
    return { store: this.#kv, blocks: this.blocks, filters: this.filters };
  }

  async #timed(batch: 'blocks' | 'milestone', write: () => Promise<void>): Promise<void> {
    const startedMs = performance.now();
    await write();
    this.onBatch(batch, (performance.now() - startedMs) / 1_000);
  }

  #parentFrom(
    { state, stateTree, bonds }: LoadedLedger,
    genesis: ParentMilestone,
  ): ParentMilestone {
    const bytes = this.milestones.bytes(state.index);
    const decoded = bytes === undefined ? undefined : decodeMilestone(bytes);
    if (!decoded?.ok) throw new StoreError('corrupt', `milestone ${state.index}`);
    const after = {
      stateTree,
      ...this.#committeesAfter(decoded.value.header, genesis.committee),
      bonds: genesis.bonds.apply({ created: bonds, consumed: [] }),
    };
    return parentWith(decoded.value, after, this.#hasher);
  }

  /** Who certifies the milestone after this one, and whom an election of its epoch has named. */
  #committeesAfter(
    { epoch, index, committeeRoot: root }: MilestoneHeader,
    genesisCommittee: readonly Uint8Array[],
  ): Pick<ParentMilestone, 'committee' | 'elected'> {
    const latest = this.#elections.findLast((one) => one.epoch <= epoch);
    const present = latest === undefined ? genesisCommittee : committeeIn(latest);
    const following = this.#elections.find((one) => one.epoch === epoch + 1);
    const elected = following && committeeIn(following);
    const isNamed = (keys: readonly Uint8Array[] | undefined): keys is readonly Uint8Array[] =>
      keys !== undefined && Buffer.compare(committeeRoot(keys, this.#hasher), root) === 0;
    // The last milestone of an epoch names those that were elected in it.
    if (isNamed(elected)) return { committee: elected, elected: undefined };
    if (isNamed(present)) return { committee: present, elected };
    throw new StoreError('corrupt', `the committee after milestone ${index}`);
  }

  #idOf(bytes: Uint8Array): MilestoneId {
    const decoded = decodeMilestone(bytes);
    if (!decoded.ok) throw new StoreError('corrupt', 'a milestone');
    return milestoneIdOf(decoded.value.header, this.#hasher);
  }
}

/** Blocks up to a snapshot's milestone were never here, whatever else of it was removed. */
function prunedIndexOf(kv: KvReader): number {
  const { removedIndex, entryIndex } = readPruned(kv);
  return Math.max(removedIndex, entryIndex);
}

/** A block that this node wrote; one that does not decode means a damaged file. */
function decodeStoredBlock(bytes: Uint8Array) {
  const decoded = decodeBlock(bytes);
  if (!decoded.ok) throw new StoreError('corrupt', `a block: ${decoded.code}`);
  return decoded.value;
}
