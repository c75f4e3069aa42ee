/**
 * What the ledger says about money, read from a node: balances of addresses, what spent a channel,
 * the sum of everything. Before: play.ts, the end-to-end tests; after: the node's API.
 */
import { decodeBlock } from '@tanglemail/tangle/core/codec/block.ts';
import type { Address, OutputId, TransactionId } from '@tanglemail/tangle/core/codec/ids.ts';
import type { NodeClient } from '@tanglemail/tangle/io/node-client/node-client.ts';
import { DevnetError } from './processes.ts';

/** Base units in the unspent basic outputs of an address. */
export async function balanceOf(node: NodeClient, address: Address): Promise<bigint> {
  let sum = 0n;
  for await (const outputId of node.outputs({ address, kind: 'basic' })) {
    sum += BigInt((await node.output(outputId)).output.amount);
  }
  return sum;
}

/** How the money of one channel was divided by the transaction that spent it. */
export interface Settlement {
  readonly transactionId: TransactionId;
  readonly milestoneIndex: number;
  /** Base units in all inputs of the transaction. */
  readonly consumed: bigint;
  /** Base units to the payee, to the payer's refund address, and to anybody else. */
  readonly paid: bigint;
  readonly refunded: bigint;
  readonly other: bigint;
}

/** Undefined while nothing has spent the channel. */
export async function settlementOf(
  node: NodeClient,
  channelId: OutputId,
): Promise<Settlement | undefined> {
  const { output, spent } = await node.output(channelId);
  if (output.kind !== 'channel') throw new DevnetError(`output ${channelId} is no channel`);
  if (spent === undefined) return undefined;
  const block = decodeBlock(await node.includedBlock(spent.transactionId));
  if (!block.ok || block.value.payload?.kind !== 'transaction') {
    throw new DevnetError(`the block of transaction ${spent.transactionId} holds none`);
  }
  const { inputs, outputs } = block.value.payload;
  let consumed = 0n;
  for (const input of inputs) consumed += BigInt((await node.output(input)).output.amount);
  const sums = { paid: 0n, refunded: 0n, other: 0n };
  for (const one of outputs) {
    const owner = one.kind === 'basic' ? one.address : undefined;
    if (owner === output.payee) sums.paid += one.amount;
    else if (owner === output.refundAddress) sums.refunded += one.amount;
    else sums.other += one.amount;
  }
  const { transactionId, milestoneIndex } = spent;
  return { transactionId, milestoneIndex, consumed, ...sums };
}
