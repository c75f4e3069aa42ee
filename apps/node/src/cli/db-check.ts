/**
 * Looks at everything in a node's store that milestones prove: certificates, the chain, the
 * elections, every cone with its blocks, what became of each, ledger diffs, unspent outputs and the
 * indexes that point at them; lists of children and of tags for one block in thirty-two. Reads
 * only, and finds as much as it can: one damaged milestone does not hide the next.
 * Path: db.ts → here → store/node-store.ts.
 * Spec: docs/operating.md, "When the store is in doubt".
 */
import {
  blockIdOf,
  decodeBlock,
  payloadBytesOf,
  type Block,
} from '@tanglemail/tangle/core/codec/block.ts';
import type { BlockId, MilestoneId, OutputId } from '@tanglemail/tangle/core/codec/ids.ts';
import {
  decodeMilestone,
  milestoneIdOf,
  type Milestone,
  type MilestoneHeader,
} from '@tanglemail/tangle/core/codec/milestone.ts';
import { transactionIdOf } from '@tanglemail/tangle/core/codec/transaction.ts';
import { rootOfIds } from '@tanglemail/tangle/core/ledger/apply-milestone.ts';
import type { OutputRecord } from '@tanglemail/tangle/core/ledger/ledger-diff.ts';
import { checkMilestoneBody } from '@tanglemail/tangle/core/milestone/body.ts';
import { checkFinality } from '@tanglemail/tangle/core/milestone/certificate.ts';
import { electionIndex } from '@tanglemail/tangle/core/milestone/election.ts';
import type { NetworkParams } from '@tanglemail/tangle/core/params/networks.ts';
import type { Hasher, Verifier } from '@tanglemail/tangle/core/ports.ts';
import { committeeAt, type Committees } from '../committees.ts';
import type { NodeStore } from '../store/node-store.ts';

/** What the check counted, and what it found wrong. */
export interface StoreReport {
  /** First and last milestone that were looked at. */
  readonly from: number;
  readonly to: number;
  readonly milestones: number;
  readonly blocks: number;
  readonly blockBytes: number;
  readonly transactionsApplied: number;
  readonly unspentOutputs: number;
  readonly unreferencedBlocks: number;
  /** All that was wrong; the first of them in words. */
  readonly problemCount: number;
  readonly problems: readonly string[];
}

export interface StoreCheckDeps {
  readonly store: NodeStore;
  readonly networkId: bigint;
  readonly params: NetworkParams;
  readonly committees: Committees;
  readonly hasher: Hasher;
  readonly verifier: Verifier;
  /** Told of each step that is done. */
  readonly onProgress: (what: string, done: number, all: number) => void;
}

type BlockMeta = NonNullable<ReturnType<NodeStore['blocks']['meta']>>;

/** Problems told in words; a store that lost a file has one per block. */
const MAX_TOLD = 50;
const CHUNK = 512;
const EVERY_OUTPUTS = 10_000;
/** Of so many blocks one is looked for in the lists of children and tags, which are long. */
const EVERY_BLOCKS = 32;
/** Entries of a list that are read; a longer one says nothing about what is missing. */
const MAX_LISTED = 1_024;

export class StoreCheck {
  readonly #deps: StoreCheckDeps;
  readonly #problems: string[] = [];
  readonly #counts = {
    milestones: 0,
    blocks: 0,
    blockBytes: 0,
    transactionsApplied: 0,
    unspentOutputs: 0,
    unreferencedBlocks: 0,
  };
  #problemCount = 0;

  constructor(deps: StoreCheckDeps) {
    this.#deps = deps;
  }

  /** Checks everything up to milestone `to`. Rejects only when the store cannot be read at all. */
  async run(to: number): Promise<StoreReport> {
    const { store, onProgress } = this.#deps;
    const from = store.prunedIndex + 1;
    let previousId = from === 1 ? await store.milestoneIdAt(0) : undefined;
    for (let index = from; index <= to; index++) {
      previousId = await this.#attempt(`milestone ${index}`, () =>
        this.#milestone(index, previousId),
      );
      onProgress('milestones', index - from + 1, to - from + 1);
    }
    await this.#attempt('the elections', async () => this.#elections());
    await this.#attempt('the unspent outputs', () => this.#unspent());
    await this.#attempt('the blocks without a milestone', async () => this.#unreferenced());
    const { problems, problemCount } = {
      problems: this.#problems,
      problemCount: this.#problemCount,
    };
    return { from, to, ...this.#counts, problemCount, problems };
  }

  /** What cannot be read is a problem like any other. */
  async #attempt<T>(what: string, step: () => Promise<T>): Promise<T | undefined> {
    try {
      return await step();
    } catch (error) {
      this.#tell(`${what} cannot be read: ${error instanceof Error ? error.message : 'unknown'}`);
      return undefined;
    }
  }

  #tell(problem: string): void {
    this.#problemCount += 1;
    if (this.#problems.length < MAX_TOLD) this.#problems.push(problem);
  }

  /** @returns the milestone's id, for the one that stands on it. */
  async #milestone(
    index: number,
    previousId: MilestoneId | undefined,
  ): Promise<MilestoneId | undefined> {
    const { store, hasher } = this.#deps;
    const bytes = store.milestones.bytes(index);
    const decoded = bytes === undefined ? undefined : decodeMilestone(bytes);
    if (decoded?.ok !== true) {
      this.#tell(`milestone ${index} is ${decoded === undefined ? 'missing' : 'damaged'}`);
      return undefined;
    }
    this.#counts.milestones += 1;
    const { header } = decoded.value;
    const id = milestoneIdOf(header, hasher);
    this.#certificate(index, decoded.value);
    this.#election(decoded.value, bytes);
    if (header.index !== index) this.#tell(`milestone ${index} says that it is ${header.index}`);
    if (previousId !== undefined && header.previousId !== previousId) {
      this.#tell(`milestone ${index} does not stand on milestone ${index - 1}`);
    }
    if (store.milestones.indexOf(id) !== index) {
      this.#tell(`milestone ${index} is not found by its id`);
    }
    await this.#cone(header);
    await this.#diff(index);
    return id;
  }

  #certificate(index: number, { header, certificate }: Milestone): void {
    const { committees, params, networkId, hasher, verifier } = this.#deps;
    const committee = committeeAt(index, committees, params);
    const final = checkFinality(header, certificate, committee, networkId, { hasher, verifier });
    if (!final.ok) this.#tell(`the certificate of milestone ${index} does not hold: ${final.code}`);
  }

  /** A milestone that names a committee is there twice: once for ever. */
  #election({ header, body }: Milestone, bytes: Uint8Array | undefined): void {
    const { epoch } = header;
    const [kept] = this.#deps.store.elections(epoch, 1);
    const isNamed = body.options.nextCommittee !== undefined;
    const isKept = kept?.epoch === epoch + 1 && sameBytes(kept.bytes, bytes ?? new Uint8Array());
    if (isNamed && !isKept) this.#tell(`the election of milestone ${header.index} is not kept`);
  }

  /** From the committee of genesis on, each is certified by the one before it. */
  #elections(): void {
    const { store, params, hasher } = this.#deps;
    for (const { epoch, bytes } of store.elections(0, Number.POSITIVE_INFINITY)) {
      const decoded = decodeMilestone(bytes);
      const isSound = decoded.ok && checkMilestoneBody(decoded.value, hasher).ok;
      if (!isSound || decoded.value.header.index !== electionIndex(epoch - 1, params)) {
        this.#tell(`the election for epoch ${epoch} is damaged`);
      } else {
        this.#certificate(decoded.value.header.index, decoded.value);
      }
    }
  }

  async #cone({ index, inclusionRoot, appliedRoot }: MilestoneHeader): Promise<void> {
    const { store, hasher } = this.#deps;
    const cone = store.milestones.cone(index);
    if (cone === undefined) {
      this.#tell(`the cone of milestone ${index} is missing`);
      return;
    }
    if (!sameBytes(rootOfIds(cone, hasher), inclusionRoot)) {
      this.#tell(`the cone of milestone ${index} is not the one that its header names`);
    }
    const applied: BlockId[] = [];
    for (let at = 0; at < cone.length; at += CHUNK) {
      applied.push(...(await this.#blocks(index, cone.slice(at, at + CHUNK), at)));
    }
    if (!sameBytes(rootOfIds(applied, hasher), appliedRoot)) {
      this.#tell(`milestone ${index} applied other transactions than its header names`);
    }
    const summary = store.milestones.summary(index);
    if (summary?.blocks !== cone.length || summary.applied !== applied.length) {
      this.#tell(`the summary of milestone ${index} counts other blocks than its cone`);
    }
  }

  /** @returns those of the blocks whose transaction was applied. */
  async #blocks(index: number, ids: readonly BlockId[], first: number): Promise<BlockId[]> {
    const { store } = this.#deps;
    const [bytes, metas] = await Promise.all([store.blocks.bytesOf(ids), store.blocks.metaOf(ids)]);
    const applied: BlockId[] = [];
    for (const [at, id] of ids.entries()) {
      const block = this.#block(id, bytes.get(id), `of milestone ${index}`);
      const meta = metas.get(id);
      if (meta?.milestoneIndex !== index || meta.position !== first + at) {
        this.#tell(`block ${id} of milestone ${index} is not marked as referenced by it`);
      }
      if (meta?.state === 'applied') applied.push(id);
      if (block !== undefined && meta !== undefined) this.#transaction(id, block, meta);
      if (block !== undefined && at % EVERY_BLOCKS === 0) {
        await this.#lists(id, block.block, meta?.state === 'applied');
      }
    }
    return applied;
  }

  /** That the children of its parents and the blocks of its tag name a block. */
  async #lists(id: BlockId, { parents, payload }: Block, isApplied: boolean): Promise<void> {
    const { blocks, taggedData, prunedIndex } = this.#deps.store;
    for (const parent of parents) {
      // The list of a parent goes with it.
      if (prunedIndex > 0 && blocks.entry(parent) === undefined) continue;
      const children = await blocks.children(parent, MAX_LISTED);
      if (children.length < MAX_LISTED && !children.includes(id)) {
        this.#tell(`block ${id} is missing among the children of ${parent}`);
      }
    }
    const carried = payload?.kind === 'transaction' && isApplied ? payload.payload : payload;
    if (carried?.kind !== 'tagged-data') return;
    const tagged = await taggedData.newest(carried.tag, MAX_LISTED);
    if (tagged.length < MAX_LISTED && !tagged.some(({ blockId }) => blockId === id)) {
      this.#tell(`block ${id} is not found by its tag`);
    }
  }

  /** Reads one block and counts it; undefined, and told, when it is not what its id says. */
  #block(id: BlockId, bytes: Uint8Array | undefined, where: string): Readable | undefined {
    if (bytes === undefined) {
      this.#tell(`block ${id} ${where} is missing`);
      return undefined;
    }
    const decoded = decodeBlock(bytes);
    if (!decoded.ok || blockIdOf(bytes, this.#deps.hasher) !== id) {
      this.#tell(`block ${id} ${where} is damaged`);
      return undefined;
    }
    this.#counts.blocks += 1;
    this.#counts.blockBytes += bytes.length;
    return { bytes, block: decoded.value };
  }

  #transaction(id: BlockId, { bytes, block }: Readable, meta: BlockMeta): void {
    if (meta.state !== 'applied' || block.payload?.kind !== 'transaction') return;
    this.#counts.transactionsApplied += 1;
    const { store, hasher } = this.#deps;
    const entry = store.blocks.transaction(transactionIdOf(payloadBytesOf(bytes), hasher));
    if (entry?.applied !== true || entry.blockId !== id) {
      this.#tell(`the transaction in block ${id} is not found by its id`);
    }
  }

  async #diff(index: number): Promise<void> {
    const { ledger } = this.#deps.store;
    const diff = ledger.diff(index);
    if (diff === undefined) {
      this.#tell(`the ledger changes of milestone ${index} are missing`);
      return;
    }
    const created = await ledger.outputs(diff.created.map(({ outputId }) => outputId));
    for (const { outputId } of diff.created) {
      const stored = created.get(outputId);
      if (stored === undefined) this.#tell(`output ${outputId} is missing`);
      else if (ledger.isUnspent(outputId) === (stored.spent !== undefined)) {
        this.#tell(`output ${outputId} is listed as spent and as unspent`);
      }
    }
    const consumed = await ledger.outputs(diff.consumed.map(({ outputId }) => outputId));
    for (const { outputId } of diff.consumed) {
      if (consumed.get(outputId)?.spent?.milestoneIndex !== index) {
        this.#tell(`output ${outputId} is not marked as spent by milestone ${index}`);
      }
    }
  }

  /** The state root was checked when the store was opened; here, that wallets find each output. */
  async #unspent(): Promise<void> {
    for await (const record of this.#deps.store.ledger.unspent()) {
      this.#counts.unspentOutputs += 1;
      if (!(await this.#isFound(record)))
        this.#tell(`output ${record.outputId} is not found by its address`);
      const done = this.#counts.unspentOutputs;
      if (done % EVERY_OUTPUTS === 0) this.#deps.onProgress('unspent outputs', done, 0);
    }
  }

  async #isFound(record: OutputRecord): Promise<boolean> {
    const { output } = record;
    switch (output.kind) {
      case 'basic':
        return await this.#isListed(record, 'owner', output.address);
      case 'channel':
        return (
          (await this.#isListed(record, 'payee', output.payee)) &&
          (await this.#isListed(record, 'refundAddress', output.refundAddress))
        );
      default:
        return await this.#isListed(record, 'bondOwner', output.owner);
    }
  }

  async #isListed(
    { outputId, milestoneIndex }: OutputRecord,
    role: 'owner' | 'payee' | 'refundAddress' | 'bondOwner',
    address: Parameters<NodeStore['outputIndex']['byAddress']>[0],
  ): Promise<boolean> {
    const cursor = { milestoneIndex, outputId: justBefore(outputId) };
    const options = { spent: false, limit: 1, cursor };
    const { items } = await this.#deps.store.outputIndex.byAddress(address, role, options);
    return items[0]?.outputId === outputId;
  }

  #unreferenced(): Promise<void> {
    const { store } = this.#deps;
    for (const { id } of store.blocks.unreferenced()) {
      this.#counts.unreferencedBlocks += 1;
      this.#block(id, store.blocks.bytes(id), 'without a milestone');
    }
    return Promise.resolve();
  }
}

interface Readable {
  readonly bytes: Uint8Array;
  readonly block: Block;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

/** The place in a list from which the next item is `id`, if it is listed; all zeroes has none. */
function justBefore(id: OutputId): OutputId {
  const value = BigInt(`0x${id}`);
  return (value === 0n ? 0n : value - 1n).toString(16).padStart(id.length, '0') as OutputId;
}
