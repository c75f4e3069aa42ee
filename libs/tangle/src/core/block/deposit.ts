/**
 * Storage deposits: every output holds tokens in proportion to the bytes that it occupies in every
 * node's ledger, so that filling ledgers costs what it takes.
 * Spec: docs/spec/02-transaction.md, section "Storage deposit".
 */
import { OUTPUT_ID_LENGTH } from '../codec/ids.ts';
import { BASIC_OUTPUT_SIZE_MIN, outputSize, type Output } from '../codec/output.ts';
import type { NetworkParams } from '../params/networks.ts';

/** Bytes beside the output itself: its id, the block's id, the index of its milestone. */
const RECORD_OVERHEAD = OUTPUT_ID_LENGTH + 32 + 4;

/** Base units that `output` must hold at least. */
export function storageDeposit(output: Output, params: NetworkParams): bigint {
  return params.depositPerByte * BigInt(RECORD_OVERHEAD + outputSize(output));
}

/**
 * D: the deposit of a basic output with an address only. A channel holds it beside its own deposit
 * and no claim can take it, so that the rest can always go back to the payer.
 */
export function refundDeposit(params: NetworkParams): bigint {
  return params.depositPerByte * BigInt(RECORD_OVERHEAD + BASIC_OUTPUT_SIZE_MIN);
}

/** Base units that an output needs to be created: its deposit, and D for a channel. */
export function minimumAmount(output: Output, params: NetworkParams): bigint {
  const own = storageDeposit(output, params);
  return output.kind === 'channel' ? own + refundDeposit(params) : own;
}
