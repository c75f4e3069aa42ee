/**
 * A small deterministic chain for tests of the store: each milestone references three blocks, one
 * with a transaction that applies, one that spends the same output and conflicts, one with tagged
 * data. Made by the core's own rules. Spec: docs/spec/10-storage.md.
 */
import type { Block } from '../../../core/codec/block.ts';
import { blockIdOf, encodeBlock } from '../../../core/codec/block.ts';
import type { Genesis } from '../../../core/codec/genesis.ts';
import type { BlockId, OutputId, TransactionId } from '../../../core/codec/ids.ts';
import { addressFromBytes, milestoneIdFromBytes, outputIdOf } from '../../../core/codec/ids.ts';
import type { BasicOutput, ChannelOutput, Output } from '../../../core/codec/output.ts';
import type { Transaction } from '../../../core/codec/transaction.ts';
import { encodeTransaction, transactionIdOf } from '../../../core/codec/transaction.ts';
import { publicKeyOf } from '../../../core/crypto/ed25519-strict.ts';
import type { LedgerBlock } from '../../../core/ledger/apply-milestone.ts';
import { applyMilestone } from '../../../core/ledger/apply-milestone.ts';
import type { OutputRecord } from '../../../core/ledger/ledger-diff.ts';
import { applyToStateTree } from '../../../core/ledger/ledger-diff.ts';
import { genesisMilestone } from '../../../core/milestone/genesis.ts';
import { NETWORK_PRESETS } from '../../../core/params/networks.ts';
import type { Hasher, Verifier } from '../../../core/ports.ts';
import type { StorableBlock } from '../block-repository.ts';
import type { MilestoneCommit } from '../milestone-batch.ts';

/** One milestone of the chain: what gossip brought first, then the commit. */
export interface SampleMilestone {
  readonly blocks: readonly (StorableBlock & LedgerBlock)[];
  readonly commit: MilestoneCommit;
}

export const SUPPLY = 10_000_000_000n;
const publicKey = publicKeyOf(new Uint8Array(32).fill(1));
const noSignature = new Uint8Array(64);
const trusting: Verifier = { verify: () => true };

/** The one owner of everything, and the parties of its channels. */
export const addressesOf = (hasher: Hasher): Record<'owner' | 'payee' | 'refund', string> => ({
  owner: addressFromBytes(hasher.blake2b256(publicKey)),
  payee: 'aa'.repeat(32),
  refund: 'bb'.repeat(32),
});

/** Genesis with all tokens in one output. */
export function sampleGenesis(hasher: Hasher): ReturnType<typeof genesisMilestone> {
  const genesis: Genesis = {
    name: 'store-test',
    timestampMs: 1_700_000_000_000,
    params: NETWORK_PRESETS.test,
    committee: [publicKey],
    outputs: [{ address: addressFromBytes(hasher.blake2b256(publicKey)), amount: SUPPLY }],
  };
  return genesisMilestone(genesis, hasher);
}

/** The milestones 1, 2, … without end. */
export function* sampleChain(hasher: Hasher): Generator<SampleMilestone> {
  const genesis = sampleGenesis(hasher);
  const records = new Map(genesis.outputs.map((record) => [record.outputId, record]));
  let { stateTree } = genesis;
  let parent = '00'.repeat(32) as BlockId;
  let purse = outputIdOf(genesis.transactionId, 0);
  for (let index = 1; ; index++) {
    const blocks = sampleBlocks(index, parent, records.get(purse) as OutputRecord, hasher);
    const byId = new Map(blocks.map((block) => [block.id, block]));
    const order = blocks.map(({ id }) => id);
    const timestampMs = 1_700_000_000_000 + index * 1_000;
    const applied = applyMilestone(
      { index, timestampMs, order },
      {
        blocks: byId,
        outputs: (id: OutputId) => records.get(id) ?? 'unknown',
        params: NETWORK_PRESETS.test,
        verifier: trusting,
        hasher,
        signaturesChecked: true,
      },
    );
    stateTree = applyToStateTree(stateTree, applied.diff, hasher);
    for (const record of applied.diff.created) records.set(record.outputId, record);
    for (const { outputId } of applied.diff.consumed) records.delete(outputId);
    const bytes = Uint8Array.from(Buffer.from(`milestone ${index}`, 'ascii'));
    const header = { epoch: 0, index, timestampMs, stateRoot: stateTree.root() };
    const body = { options: {} };
    const id = milestoneIdFromBytes(hasher.blake2b256(bytes));
    yield {
      blocks,
      commit: { id, header, body, bytes, result: { ...applied, stateTree }, blocks: byId },
    };
    parent = order[0] as BlockId;
    purse = outputIdOf(blocks[0]?.transactionId as TransactionId, 0);
  }
}

function sampleBlocks(
  index: number,
  parent: BlockId,
  purse: OutputRecord,
  hasher: Hasher,
): (StorableBlock & LedgerBlock)[] {
  const { owner, payee, refund } = addressesOf(hasher);
  const tag = Uint8Array.of(index % 3);
  const tagged = { kind: 'tagged-data', tag, data: Uint8Array.of(1, 2, 3) } as const;
  const tokens = { kind: 'basic', amount: 1_000n, address: owner, tag } as BasicOutput;
  const channel = {
    kind: 'channel',
    amount: 2_000n,
    payerPublicKey: publicKey,
    payee,
    refundAddress: refund,
    expiry: 1_900_000_000,
  } as ChannelOutput;
  const paid = index % 2 === 0 ? tokens : channel;
  const applies = transactionOf(purse, paid, index === 2 ? tagged : null);
  const conflicts = transactionOf(purse, { ...tokens, amount: 3_000n }, null);
  return [applies, conflicts, tagged].map((payload, i) => {
    const block: Block = {
      version: 1,
      networkId: 7n,
      parents: [parent],
      payload,
      nonce: BigInt(index * 4 + i),
    };
    const bytes = encodeBlock(block);
    const id = blockIdOf(bytes, hasher);
    if (payload.kind !== 'transaction') return { id, bytes, block };
    const transactionId = transactionIdOf(encodeTransaction(payload), hasher);
    return { id, bytes, block, transactionId };
  });
}

function transactionOf(
  purse: OutputRecord,
  paid: Output,
  payload: Transaction['payload'],
): Transaction {
  const rest = { ...purse.output, amount: purse.output.amount - paid.amount };
  return {
    kind: 'transaction',
    networkId: 7n,
    inputs: [purse.outputId],
    outputs: [rest, paid],
    payload,
    unlocks: [{ kind: 'signature', publicKey, signature: noSignature }],
  };
}
