/**
 * Everything that a node proves: that a milestone contains or applied a block, that outputs are
 * unspent, that an address has at least a balance. Path: api/ → here → proof-trees.ts, state tree.
 * Spec: docs/spec/11-node-api.md, docs/spec/05-light-client.md.
 */
import {
  bytesToHex,
  type Address,
  type BlockId,
  type OutputId,
  type TransactionId,
} from '@tanglemail/tangle/core/codec/ids.ts';
import { encodeOutput } from '@tanglemail/tangle/core/codec/output.ts';
import { encodeStateProof } from '@tanglemail/tangle/core/ledger/state-proof.ts';
import { assert, fail, succeed, type Outcome } from '@tanglemail/tangle/core/outcome.ts';
import type { Hasher } from '@tanglemail/tangle/core/ports.ts';
import type {
  BalanceDto,
  BlockProofDto,
  OutputProofDto,
} from '@tanglemail/tangle/io/node-client/dto.ts';
import type { ConfirmationEngine } from '../confirmation/confirmation-engine.ts';
import type { NodeStore } from '../store/node-store.ts';
import { decodeCursor, encodeCursor } from './output-filter.ts';
import { appliedPathAt, inclusionPathAt, ProofTrees } from './proof-trees.ts';

export interface ProofQueryDeps {
  readonly hasher: Hasher;
  readonly store: Pick<NodeStore, 'blocks' | 'milestones' | 'ledger' | 'outputIndex'>;
  readonly engine: Pick<ConfirmationEngine, 'latest'>;
}

export class ProofQuery {
  readonly trees: ProofTrees;
  readonly #deps: ProofQueryDeps;

  constructor(deps: ProofQueryDeps) {
    this.#deps = deps;
    const { blocks, milestones } = deps.store;
    const source = {
      cone: (index: number) => milestones.cone(index),
      statesOf: (ids: readonly BlockId[]) => blocks.metaOf(ids),
    };
    this.trees = new ProofTrees(source, deps.hasher);
  }

  /** Undefined until a milestone references the block. Throws BusyError. */
  async block(id: BlockId): Promise<BlockProofDto | undefined> {
    const { store } = this.#deps;
    const block = store.blocks.bytes(id);
    const meta = store.blocks.meta(id);
    const milestone = meta && store.milestones.bytes(meta.milestoneIndex);
    if (!block || !meta || !milestone) return undefined;
    const trees = await this.trees.of(meta.milestoneIndex);
    if (trees === undefined) return undefined;
    const proof: BlockProofDto = {
      milestone: bytesToHex(milestone),
      block: bytesToHex(block),
      inclusionPath: bytesToHex(inclusionPathAt(trees, meta.position)),
    };
    const applied = appliedPathAt(trees, meta.position);
    assert((applied !== undefined) === (meta.state === 'applied'), 'the tree knows what applied');
    if (applied !== undefined) proof.appliedPath = bytesToHex(applied);
    return proof;
  }

  /** Proof of the block in which a transaction was applied. Throws BusyError. */
  async transaction(id: TransactionId): Promise<BlockProofDto | undefined> {
    const entry = this.#deps.store.blocks.transaction(id);
    return entry?.applied === true ? await this.block(entry.blockId) : undefined;
  }

  /** Undefined when the output is spent or was never booked. */
  output(id: OutputId): OutputProofDto | undefined {
    const milestone = this.#latestMilestone();
    const proven = this.#unspent(id);
    if (proven === undefined || milestone === undefined) return undefined;
    return { milestone, output: proven.output, path: proven.path };
  }

  /** One page of what an address owns, all against one milestone. */
  async balance(
    address: Address,
    cursorText: string | undefined,
    limit: number,
  ): Promise<Outcome<BalanceDto>> {
    const cursor = cursorText === undefined ? undefined : decodeCursor(cursorText);
    if (cursorText !== undefined && cursor === undefined) {
      return fail('not-canonical', 'the cursor is none of an earlier page');
    }
    const options = { spent: false, limit, ...(cursor && { cursor }) };
    const page = await this.#deps.store.outputIndex.byAddress(address, 'owner', options);
    // Nothing awaits from here on: all proofs belong to the same milestone.
    const milestone = this.#latestMilestone();
    assert(milestone !== undefined, 'the last milestone is never pruned');
    const outputs: BalanceDto['outputs'] = [];
    let amount = 0n;
    for (const { outputId } of page.items) {
      const proven = this.#unspent(outputId);
      if (proven === undefined) continue;
      amount += proven.amount;
      outputs.push({ outputId, output: proven.output, path: proven.path });
    }
    const balance: BalanceDto = {
      address,
      amount: `${amount}`,
      milestone,
      ledgerIndex: this.#deps.engine.latest.header.index,
      outputs,
    };
    if (page.cursor !== undefined) balance.cursor = encodeCursor(page.cursor);
    return succeed(balance);
  }

  #latestMilestone(): string | undefined {
    const { engine, store } = this.#deps;
    const bytes = store.milestones.bytes(engine.latest.header.index);
    return bytes && bytesToHex(bytes);
  }

  #unspent(id: OutputId): { amount: bigint; output: string; path: string } | undefined {
    const { engine, store } = this.#deps;
    const proof = engine.latest.stateTree.proof(id);
    const stored = store.ledger.output(id);
    if (proof === undefined || stored === undefined) return undefined;
    const output = bytesToHex(encodeOutput(stored.output));
    return { amount: stored.output.amount, output, path: bytesToHex(encodeStateProof(proof)) };
  }
}
