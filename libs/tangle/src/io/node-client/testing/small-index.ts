/** For specs: what the small node remembers of its ledger and of tagged data, for questions. */
import type { CheckedBlock } from '../../../core/block/rules.ts';
import { bytesToHex } from '../../../core/codec/ids.ts';
import type { BlockId, OutputId, TransactionId } from '../../../core/codec/ids.ts';
import type { MilestoneHeader } from '../../../core/codec/milestone.ts';
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
  /** By tag as hex, oldest first. */
  readonly #tagged = new Map<string, { blockId: BlockId; milestoneIndex: number }[]>();

  constructor(records: Iterable<OutputRecord>) {
    for (const record of records) this.outputs.set(record.outputId, record);
  }

  /** Books a milestone. */
  book(
    header: MilestoneHeader,
    result: MilestoneResult,
    blocks: ReadonlyMap<BlockId, CheckedBlock>,
  ): void {
    for (const record of result.diff.created) this.outputs.set(record.outputId, record);
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
    const address = query.get('address');
    const refundAddress = query.get('refundAddress');
    const records =
      query.get('unspent') === 'false'
        ? [...this.spent.values()].map(({ record }) => record)
        : [...this.outputs.values()];
    return records
      .filter(({ output }) =>
        refundAddress === null
          ? output.kind === 'basic' && output.address === address
          : output.kind === 'channel' && output.refundAddress === refundAddress,
      )
      .map(({ outputId }) => outputId);
  }
}
