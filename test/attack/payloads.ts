/**
 * What a busy network carries: short tagged data, envelopes of mail size, empty blocks, and
 * transactions that all have to be applied, because each lane spends its own output again and again
 * and names the block before as a parent.
 */
import { randomBytes } from 'node:crypto';
import {
  addressFromBytes,
  hexToBytes,
  outputIdOf,
  type Address,
  type BlockId,
  type OutputId,
} from '@tanglemail/tangle/core/codec/ids.ts';
import type { Payload } from '@tanglemail/tangle/core/codec/payload.ts';
import type { Transaction } from '@tanglemail/tangle/core/codec/transaction.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { publicKeyOf } from '@tanglemail/tangle/core/crypto/ed25519-strict.ts';
import { buildTransaction } from '@tanglemail/tangle/core/ledger/transaction-builder.ts';
import type { NodeClient } from '@tanglemail/tangle/io/node-client/node-client.ts';
import { NotYet, until } from '../../tools/devnet/poll.ts';
import type { Chance } from '../e2e/testing/chance.ts';
import type { BlockMaker, MadeBlock } from './blocks.ts';

/** Owner of the tokens that a load moves. */
export interface Funds {
  readonly secretKey: Uint8Array;
  readonly address: Address;
}

export function fundsOf(secretKeyHex: string): Funds {
  const secretKey = hexToBytes(secretKeyHex);
  const address = addressFromBytes(nobleHasher.blake2b256(publicKeyOf(secretKey)));
  return { secretKey, address };
}

/** Anything but a transaction: 70 % tagged data, 25 % envelopes, 5 % nothing. */
export function plainPayload(chance: Chance): Payload | null {
  const dice = chance.next();
  if (dice < 0.05) return null;
  // The content need not repeat with the seed, and drawing each byte would cost more than the work.
  if (dice < 0.3) return { kind: 'envelope', bytes: randomBytes(chance.integer(1_000, 6_000)) };
  const tag = Buffer.from(`spam-${chance.integer(0, 99)}`);
  return { kind: 'tagged-data', tag, data: randomBytes(chance.integer(20, 600)) };
}

/** One output that is spent into the next, one transaction after the other. */
export interface Lane {
  outputId: OutputId;
  readonly amount: bigint;
  /** The block that created the output, while it may still be unconfirmed. */
  block: BlockId | undefined;
  usedMs: number;
}

export interface LaneStep {
  readonly payload: Transaction;
  /** To be among the parents. */
  readonly parents: readonly BlockId[];
  /** Call it when the block is on its way. */
  done(block: BlockId): void;
}

/** A block this old is confirmed or lost; as a parent it would be a lazy one. */
const PARENT_AGE_MS = 20_000;
const CONFIRM_TIMEOUT_MS = 60_000;

/** The next transaction of the lane. */
export function nextStep(lane: Lane, funds: Funds, maker: BlockMaker, nowMs: number): LaneStep {
  const { address, secretKey } = funds;
  const { networkId, params, hasher } = maker;
  const output = { kind: 'basic', amount: lane.amount, address } as const;
  const unlock = { kind: 'signature', secretKey } as const;
  const inputs = [{ outputId: lane.outputId, output, unlock }];
  // The tag makes each transaction its own, though the amounts never change.
  const outputs = [{ ...output, tag: randomBytes(8) }];
  const built = buildTransaction({ networkId, inputs, outputs, params, hasher });
  if (!built.ok) throw new Error(`a lane cannot go on: ${built.code}`);
  const isYoung = lane.block !== undefined && nowMs - lane.usedMs < PARENT_AGE_MS;
  return {
    payload: built.value.transaction,
    parents: isYoung && lane.block !== undefined ? [lane.block] : [],
    done: (block) => {
      lane.outputId = outputIdOf(built.value.transactionId, 0);
      lane.block = block;
      lane.usedMs = performance.now();
    },
  };
}

/** Splits what `funds` owns into `count` lanes, and waits until `block`, which does it, counts. */
export async function openLanes(
  client: NodeClient,
  funds: Funds,
  maker: BlockMaker,
  count: number,
): Promise<{ lanes: Lane[]; block: MadeBlock }> {
  const { networkId, params, hasher } = maker;
  const spendable: { outputId: OutputId; amount: bigint }[] = [];
  for await (const outputId of client.outputs({ address: funds.address })) {
    const { output } = await client.output(outputId);
    if (output.kind === 'basic') spendable.push({ outputId, amount: BigInt(output.amount) });
  }
  const [largest] = spendable.toSorted((a, b) => (a.amount > b.amount ? -1 : 1));
  if (largest === undefined) throw new Error('the funds are empty');
  const { outputId, amount } = largest;
  const share = amount / BigInt(count + 1);
  const { address, secretKey } = funds;
  const built = buildTransaction({
    networkId,
    inputs: [
      {
        outputId,
        output: { kind: 'basic', amount, address },
        unlock: { kind: 'signature', secretKey },
      },
    ],
    outputs: Array.from({ length: count }, () => ({ kind: 'basic', amount: share, address })),
    changeAddress: address,
    params,
    hasher,
  });
  if (!built.ok) throw new Error(`the funds cannot be split: ${built.code}`);
  await maker.follow(client);
  const block = maker.make(await client.tips(), built.value.transaction);
  await client.submitBlock(block.bytes);
  await until('the funds are split', CONFIRM_TIMEOUT_MS, async () => {
    const { ledgerInclusionState: state } = await client.blockMetadata(block.id);
    return state === 'included' ? true : new NotYet(state ?? 'unconfirmed');
  });
  const lanes = Array.from({ length: count }, (_, index) => ({
    outputId: outputIdOf(built.value.transactionId, index),
    amount: share,
    block: undefined,
    usedMs: 0,
  }));
  return { lanes, block };
}
