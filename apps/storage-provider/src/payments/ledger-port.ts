/**
 * What payments need of the tangle: outputs as the provider's own node reports them, and a way to
 * get a transaction confirmed. `feed/node-ledger.ts` satisfies it over the node's API.
 */
import type { BlockId, OutputId, TransactionId } from '@tanglemail/tangle/core/codec/ids.ts';
import type { Output } from '@tanglemail/tangle/core/codec/output.ts';

/** A confirmed output. */
export interface LedgerOutput {
  readonly output: Output;
  /** The applied transaction that consumed it. */
  readonly spentBy?: TransactionId;
}

/** Where a block with a transaction stands. */
export type BlockState = 'pending' | 'applied' | 'conflicting' | 'lost';

export interface LedgerPort {
  /** Undefined when no final milestone has created such an output. Throws when the node is away. */
  output(id: OutputId): Promise<LedgerOutput | undefined>;
  /** Puts a transaction payload into a new block and hands it to the node. */
  attach(payload: Uint8Array): Promise<BlockId>;
  blockState(id: BlockId): Promise<BlockState>;
}
