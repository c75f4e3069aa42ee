/** For specs: what the small node remembers of its ledger and of tagged data, for questions. */
import type { CheckedBlock } from '../../../core/block/rules.ts';
import { bytesToHex } from '../../../core/codec/ids.ts';
import type { BlockId, OutputId, TransactionId } from '../../../core/codec/ids.ts';
import type { MilestoneHeader } from '../../../core/codec/milestone.ts';
import type { Output } from '../../../core/codec/output.ts';
import type { ConsumedOutput, OutputRecord } from '../../../core/ledger/ledger-diff.ts';
import type { MilestoneResult } from '../../../core/milestone/rules.ts';

/** An output that a transaction has spent, and in which milestone. */
export interface SpentRecord {
  readonly record: ConsumedOutput;
  readonly header: MilestoneHeader;
}

export class SmallIndex {
  readonly outputs = new Map<OutputId, OutputRecord>();
  readonly spent = new Map<OutputId, SpentRecord>();
  /** The block whose transaction a milestone has applied. */
  readonly applied = new Map<TransactionId, BlockId>();
  /** Spent or not, oldest first. */
  readonly #byOwner = new Map<string, OutputId[]>();
  /** By tag as hex, oldest first. */
  readonly #tagged = new Map<string, { blockId: BlockId; milestoneIndex: number }[]>();

  constructor(records: Iterable<OutputRecord>) {
    for (const record of records) this.#add(record);
  }

  #add(record: OutputRecord): void {
    const { outputId, output } = record;
    this.outputs.set(outputId, record);
    const owner = ownerOf(output);
    if (owner === undefined) return;
    const known = this.#byOwner.get(owner);
    if (known === undefined) this.#byOwner.set(owner, [outputId]);
    else known.push(outputId);
  }

  /** Books a milestone. */
  book(
    header: MilestoneHeader,
    result: MilestoneResult,
    blocks: ReadonlyMap<BlockId, CheckedBlock>,
  ): void {
    for (const record of result.diff.created) this.#add(record);
    for (const record of result.diff.consumed) {
      this.spent.set(record.outputId, { record, header });
      this.outputs.delete(record.outputId);
    }
    for (const id of result.applied) {
      const transactionId = blocks.get(id)?.transactionId;
      if (transactionId !== undefined) this.applied.set(transactionId, id);
    }
    for (const blockId of result.included) {
      const payload = blocks.get(blockId)?.block.payload;
      if (payload?.kind !== 'tagged-data') continue;
      const tag = bytesToHex(payload.tag);
      const known = this.#tagged.get(tag);
      const item = { blockId, milestoneIndex: header.index };
      if (known === undefined) this.#tagged.set(tag, [item]);
      else known.push(item);
    }
  }

  /** As the rules of the ledger ask for an output. */
  state(id: OutputId): OutputRecord | 'spent' | 'unknown' {
    return this.outputs.get(id) ?? (this.spent.has(id) ? 'spent' : 'unknown');
  }

  /** Newest first, as the real index lists it. */
  taggedData(tag: string): { blockId: BlockId; milestoneIndex: number }[] {
    return this.#tagged.get(tag)?.toReversed() ?? [];
  }

  /** Ids of the outputs that fit the query: by address, or channels by where their rest goes. */
  find(query: URLSearchParams): OutputId[] {
    const refundAddress = query.get('refundAddress');
    const owner =
      refundAddress === null ? `basic ${query.get('address')}` : `channel ${refundAddress}`;
    const records: ReadonlyMap<OutputId, unknown> =
      query.get('unspent') === 'false' ? this.spent : this.outputs;
    return (this.#byOwner.get(owner) ?? []).filter((id) => records.has(id));
  }
}

/** Under what a question finds an output. */
function ownerOf(output: Output): string | undefined {
  if (output.kind === 'basic') return `basic ${output.address}`;
  return output.kind === 'channel' ? `channel ${output.refundAddress}` : undefined;
}
