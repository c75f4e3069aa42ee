/**
 * What the tests of ledger, milestones and light client share: keys, outputs, blocks without work,
 * a ledger in memory and a small network. Not part of production.
 */
import { BLOCK_VERSION, blockIdOf, encodeBlock } from '../codec/block.ts';
import type { Block } from '../codec/block.ts';
import { signedMessage, type StatementKind } from '../codec/certificate.ts';
import type { Genesis } from '../codec/genesis.ts';
import { addressFromBytes, GENESIS_BLOCK_ID } from '../codec/ids.ts';
import type { Address, BlockId, OutputId } from '../codec/ids.ts';
import type { BasicOutput, ChannelOutput, ValidatorBondOutput } from '../codec/output.ts';
import type { Payload } from '../codec/payload.ts';
import { encodeTransaction, transactionIdOf } from '../codec/transaction.ts';
import { compareStatements, type EvidenceUnlock, type SignedDigest } from '../codec/unlock.ts';
import { voucherMessage } from '../codec/voucher.ts';
import { nobleHasher } from '../crypto/blake2b.ts';
import { publicKeyOf, signEd25519 } from '../crypto/ed25519-strict.ts';
import type { LedgerBlock, OutputState } from '../ledger/apply-milestone.ts';
import type { InverseDiff, OutputRecord } from '../ledger/ledger-diff.ts';
import { NETWORK_PRESETS } from '../params/networks.ts';
import type { Verifier } from '../ports.ts';

export const PARAMS = NETWORK_PRESETS.test;
export const NETWORK_ID = 0x1122_3344_5566_7788n;

export interface KeyPair {
  readonly secretKey: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly address: Address;
}

/** A key pair that depends on `seed` (0–255) alone. */
export function keyPair(seed: number): KeyPair {
  const secretKey = new Uint8Array(32).fill(seed);
  const publicKey = publicKeyOf(secretKey);
  return { secretKey, publicKey, address: addressFromBytes(nobleHasher.blake2b256(publicKey)) };
}

export function basic(
  amount: bigint,
  address: Address,
  conditions: Partial<Pick<BasicOutput, 'tag' | 'timelock' | 'expiration'>> = {},
): BasicOutput {
  return { kind: 'basic', amount, address, ...conditions };
}

export function channel(
  amount: bigint,
  parties: { payer: KeyPair; payee: KeyPair; refund: KeyPair },
  expiry: number,
): ChannelOutput {
  return {
    kind: 'channel',
    amount,
    payerPublicKey: parties.payer.publicKey,
    payee: parties.payee.address,
    refundAddress: parties.refund.address,
    expiry,
  };
}

/** A bond of `key` that belongs to `owner`; active unless it says when it unbonds. */
export function bond(
  amount: bigint,
  { key, owner }: { key: KeyPair; owner: KeyPair },
  unbondAt = 0,
): ValidatorBondOutput {
  const { publicKey } = key;
  return { kind: 'validator-bond', amount, publicKey, owner: owner.address, unbondAt };
}

/** What a key says in a view: the kind and the byte of which the digest is made. */
export type Said = readonly [StatementKind, number];

/** Two statements of `key` in epoch 3, view 7, in the order of the wire. */
export function evidenceOf(
  key: KeyPair,
  [one, other]: readonly [Said, Said] = [
    ['notarize', 1],
    ['notarize', 2],
  ],
  networkId = NETWORK_ID,
): EvidenceUnlock {
  const [epoch, view] = [3, 7n];
  const signed = ([kind, byte]: Said): SignedDigest => {
    const digest = new Uint8Array(32).fill(byte);
    const message = signedMessage(networkId, kind, epoch, view, digest);
    return { kind, digest, signature: signEd25519(key.secretKey, message) };
  };
  const [a, b] = [signed(one), signed(other)];
  return {
    kind: 'evidence',
    epoch,
    view,
    statements: compareStatements(a, b) < 0 ? [a, b] : [b, a],
  };
}

export function signVoucher(payer: KeyPair, channelId: OutputId, cumulative: bigint): Uint8Array {
  return signEd25519(payer.secretKey, voucherMessage(NETWORK_ID, channelId, cumulative));
}

/** An id that nothing hashes to: for outputs that a test puts into a ledger by hand. */
export function outputId(number: number): OutputId {
  return `${number.toString(16).padStart(64, '0')}0000` as OutputId;
}

export function blockId(number: number): BlockId {
  return number.toString(16).padStart(64, '0') as BlockId;
}

/** For properties that are not about signatures: noble would take a millisecond for each. */
export const ACCEPT_ALL: Verifier = { verify: () => true };

/** A block without proof of work (ledger and milestone rules do not look at it), by its id. */
export interface TestBlock extends LedgerBlock {
  readonly id: BlockId;
  readonly bytes: Uint8Array;
}

export function testBlock(
  parents: readonly BlockId[],
  payload: Payload | null,
  nonce = 0n,
  networkId = NETWORK_ID,
): TestBlock {
  const sorted = [...new Set(parents)].toSorted();
  const block: Block = {
    version: BLOCK_VERSION,
    networkId,
    parents: sorted,
    payload,
    nonce,
  };
  const bytes = encodeBlock(block);
  const id = blockIdOf(bytes, nobleHasher);
  if (payload?.kind !== 'transaction') return { id, bytes, block };
  return {
    id,
    bytes,
    block,
    transactionId: transactionIdOf(encodeTransaction(payload), nobleHasher),
  };
}

/** Blocks by id, a `BlockSource`. */
export function sourceOf(blocks: Iterable<TestBlock>): Map<BlockId, TestBlock> {
  return new Map(Array.from(blocks, (block) => [block.id, block]));
}

/** The ledger as a node's store keeps it, in memory. */
export class MemoryLedger {
  readonly unspent = new Map<OutputId, OutputRecord>();
  readonly spent = new Set<OutputId>();

  constructor(records: Iterable<OutputRecord> = []) {
    for (const record of records) this.unspent.set(record.outputId, record);
  }

  readonly get = (id: OutputId): OutputState =>
    this.unspent.get(id) ?? (this.spent.has(id) ? 'spent' : 'unknown');

  apply(diff: Pick<InverseDiff, 'created' | 'consumed'>): void {
    for (const record of diff.created) {
      this.unspent.set(record.outputId, record);
      this.spent.delete(record.outputId);
    }
    for (const { outputId: id } of diff.consumed) {
      this.unspent.delete(id);
      this.spent.add(id);
    }
  }

  supply(): bigint {
    return [...this.unspent.values()].reduce((sum, { output }) => sum + output.amount, 0n);
  }
}

export function recordOf(id: OutputId, output: OutputRecord['output']): OutputRecord {
  return {
    outputId: id,
    output,
    blockId: GENESIS_BLOCK_ID,
    milestoneIndex: 0,
    milestoneTimestampMs: 0,
  };
}

/** A genesis with a committee of `size` seats (keys 100, 101, …) and one output for key 1. */
export function testGenesis(size: number): Genesis {
  return {
    name: 'test',
    timestampMs: 1_700_000_000_000,
    params: PARAMS,
    committee: committeeKeys(size).map(({ publicKey }) => publicKey),
    outputs: [{ address: keyPair(1).address, amount: 1_000_000_000n }],
  };
}

export function committeeKeys(size: number): KeyPair[] {
  return Array.from({ length: size }, (_, seat) => keyPair(100 + seat));
}
