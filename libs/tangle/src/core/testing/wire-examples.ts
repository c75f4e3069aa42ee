/**
 * One example of every wire object that this library's codecs write, made from fixed keys:
 * test/vectors/wire.json holds their bytes and docs/spec/01-block.md, 02-transaction.md and
 * 04-milestone.md show some of them. A change of any byte is a change of the protocol.
 */
import { powDifficulty, powDigest, searchNonce } from '../block/pow.ts';
import { blockIdOf, encodeBlock, encodeBlockWithoutNonce } from '../codec/block.ts';
import { encodeCertificate, signedMessage, type Certificate } from '../codec/certificate.ts';
import { encodeConsensusMessage } from '../codec/consensus.ts';
import {
  addressFromBytes,
  bytesToHex,
  GENESIS_BLOCK_ID,
  idToBytes,
  outputIdOf,
  type Address,
  type MilestoneId,
  type TransactionId,
} from '../codec/ids.ts';
import { encodeMilestoneBody, milestoneIdOf, type MilestoneHeader } from '../codec/milestone.ts';
import { encodeOutput, type Output, type ValidatorBondOutput } from '../codec/output.ts';
import { encodePack } from '../codec/pack.ts';
import { encodePayload, type Payload } from '../codec/payload.ts';
import {
  encodeEssence,
  encodeTransaction,
  signingMessage,
  transactionIdOf,
  type Transaction,
} from '../codec/transaction.ts';
import type { SignedDigest } from '../codec/unlock.ts';
import { encodeVoucher, voucherMessage } from '../codec/voucher.ts';
import { nobleHasher } from '../crypto/blake2b.ts';
import { publicKeyOf, signEd25519 } from '../crypto/ed25519-strict.ts';
import { auditPath, encodeAuditPath } from '../crypto/merkle.ts';
import { buildTransaction, burns } from '../ledger/transaction-builder.ts';
import { assembleCertificate, signVote } from '../milestone/certificate.ts';
import { assert } from '../outcome.ts';
import { NETWORK_PRESETS } from '../params/networks.ts';

/** The network of the examples; its difficulty is that of the `test` preset. */
const NETWORK_ID = 0x1122334455667788n;
const ALICE = new Uint8Array(32).fill(1);
const BOB = new Uint8Array(32).fill(2);
const SPENT = outputIdOf('5'.repeat(64) as TransactionId, 3);
const CHANNEL = outputIdOf('6'.repeat(64) as TransactionId, 0);
const BOND = outputIdOf('7'.repeat(64) as TransactionId, 0);

function addressOf(secretKey: Uint8Array): Address {
  return addressFromBytes(nobleHasher.blake2b256(publicKeyOf(secretKey)));
}

function mine(payload: Payload): Uint8Array {
  const unmined = {
    version: 1,
    networkId: NETWORK_ID,
    parents: [GENESIS_BLOCK_ID],
    payload,
  } as const;
  const digest = powDigest(encodeBlockWithoutNonce(unmined), nobleHasher);
  const size = encodeBlock({ ...unmined, nonce: 0n }).length;
  const bits = powDifficulty(size, NETWORK_PRESETS.test, 0);
  const nonce = searchNonce(digest, bits, 0n, 1_000_000, nobleHasher);
  if (nonce === undefined) throw new Error('a million tries are enough');
  return encodeBlock({ ...unmined, nonce });
}

/** Alice spends one output and claims from a channel of Bob's; every kind of unlock and output. */
function exampleTransaction(outputs: readonly Output[]): Transaction {
  const essence = {
    networkId: NETWORK_ID,
    inputs: [SPENT, outputIdOf('5'.repeat(64) as TransactionId, 4), CHANNEL],
    outputs,
    payload: { kind: 'tagged-data', tag: Uint8Array.of(0x68, 0x69), data: Uint8Array.of(1, 2, 3) },
  } as const;
  const publicKey = publicKeyOf(ALICE);
  const signature = signEd25519(ALICE, signingMessage(essence, nobleHasher));
  const voucherSignature = signEd25519(BOB, voucherMessage(NETWORK_ID, CHANNEL, 500n));
  return {
    kind: 'transaction',
    ...essence,
    unlocks: [
      { kind: 'signature', publicKey, signature },
      { kind: 'reference', index: 0 },
      { kind: 'channel-claim', publicKey, signature, cumulative: 500n, voucherSignature },
    ],
  };
}

/** Bob's bond of 16,000 T, which belongs to Alice. */
function exampleBond(): ValidatorBondOutput {
  return {
    kind: 'validator-bond',
    amount: 16_000_000_000n,
    publicKey: publicKeyOf(BOB),
    owner: addressOf(ALICE),
    unbondAt: 0,
  };
}

/** Somebody burns fifteen sixteenths of the bond because Bob voted for two milestones. */
function slashingTransaction(bond: ValidatorBondOutput): Transaction {
  const [epoch, view] = [2, 9n];
  const signed = (byte: number): SignedDigest => {
    const digest = new Uint8Array(32).fill(byte);
    const message = signedMessage(NETWORK_ID, 'notarize', epoch, view, digest);
    return { kind: 'notarize', digest, signature: signEd25519(BOB, message) };
  };
  const unlock = { kind: 'evidence', epoch, view, statements: [signed(7), signed(8)] } as const;
  const inputs = [{ outputId: BOND, output: bond, unlock }];
  const made = buildTransaction({
    networkId: NETWORK_ID,
    inputs,
    outputs: burns(inputs),
    changeAddress: addressOf(ALICE),
    params: NETWORK_PRESETS.test,
    hasher: nobleHasher,
  });
  if (!made.ok) throw new Error(made.code);
  return made.value.transaction;
}

/** A body that names four keys: those of the secret keys 01…01 to 04…04, in ascending order. */
function electionBody(): Uint8Array {
  const keys = [1, 2, 3, 4].map((byte) => publicKeyOf(new Uint8Array(32).fill(byte)));
  const nextCommittee = keys.toSorted((a, b) => (bytesToHex(a) < bytesToHex(b) ? -1 : 1));
  return encodeMilestoneBody({ parents: [GENESIS_BLOCK_ID], options: { nextCommittee } });
}

function exampleCertificate(): Certificate {
  const digest = new Uint8Array(32).fill(7);
  const message = signedMessage(NETWORK_ID, 'finalize', 0, 9n, digest);
  return {
    kind: 'finalize',
    epoch: 0,
    view: 9n,
    digest,
    bitmapLength: 1,
    signers: [0, 2, 3],
    signatures: [ALICE, BOB, ALICE].map((key) => signEd25519(key, message)),
  };
}

/** A leader's milestone, a vote to nullify, and a ratification. */
function consensusMessages() {
  const [epoch, view, root] = [0, 9n, new Uint8Array(32).fill(7)];
  const header: MilestoneHeader = {
    version: 1,
    epoch,
    index: 5,
    view,
    timestampMs: 1_700_000_000_000,
    previousId: '8'.repeat(64) as MilestoneId,
    parentsRoot: root,
    inclusionRoot: root,
    appliedRoot: root,
    stateRoot: root,
    committeeRoot: root,
    optionsRoot: root,
  };
  const body = { parents: [GENESIS_BLOCK_ID], options: {} };
  const id = idToBytes(milestoneIdOf(header, nobleHasher));
  const signature = signEd25519(BOB, signedMessage(NETWORK_ID, 'propose', epoch, view, id));
  const vote = signVote(
    { kind: 'nullify', epoch, view, digest: new Uint8Array(32) },
    NETWORK_ID,
    1,
    BOB,
  );
  const statement = { kind: 'ratify', epoch, view, digest: id } as const;
  const ratified = [0, 1, 2].map((seat) => signVote(statement, NETWORK_ID, seat, ALICE));
  const certificate = assembleCertificate(ratified, 4);
  assert(certificate !== undefined, 'three of four are a quorum');
  return {
    consensusProposal: encodeConsensusMessage({
      type: 'proposal',
      proposal: { epoch, view, signature, header, body },
    }),
    consensusVote: encodeConsensusMessage({ type: 'vote', vote }),
    consensusCertificate: encodeConsensusMessage({ type: 'certificate', certificate }),
  };
}

/** All examples by name, as hex. */
export function makeWireExamples(): Record<string, string> {
  const basic: Output = { kind: 'basic', amount: 1_000_000n, address: addressOf(BOB) };
  const rich: Output = {
    ...basic,
    tag: Uint8Array.of(0x68, 0x69),
    timelock: 1_700_000_000,
    expiration: { unixSeconds: 1_800_000_000, returnAddress: addressOf(ALICE) },
  };
  const channel: Output = {
    kind: 'channel',
    amount: 2_000_000n,
    payerPublicKey: publicKeyOf(BOB),
    payee: addressOf(ALICE),
    refundAddress: addressOf(BOB),
    expiry: 1_800_000_000,
  };
  const transaction = exampleTransaction([basic, rich, channel]);
  const taggedData: Payload = {
    kind: 'tagged-data',
    tag: Uint8Array.of(0x68, 0x69),
    data: Uint8Array.of(1, 2, 3),
  };
  const envelopeBlock = mine({
    kind: 'envelope',
    bytes: Uint8Array.from({ length: 24 }, (_, i) => i),
  });
  const transactionBlock = mine(transaction);
  const voucherSignature = signEd25519(BOB, voucherMessage(NETWORK_ID, CHANNEL, 500n));
  const voucher = { channelId: CHANNEL, cumulative: 500n, signature: voucherSignature };
  const leaves = [1, 2, 3, 4, 5].map((byte) => new Uint8Array(32).fill(byte));
  const bytes = {
    basicOutput: encodeOutput(basic),
    richOutput: encodeOutput(rich),
    channelOutput: encodeOutput(channel),
    bondOutput: encodeOutput(exampleBond()),
    taggedData: encodePayload(taggedData),
    essence: encodeEssence(transaction),
    signingMessage: signingMessage(transaction, nobleHasher),
    transaction: encodeTransaction(transaction),
    slashingTransaction: encodeTransaction(slashingTransaction(exampleBond())),
    envelopeBlock,
    transactionBlock,
    voucherMessage: voucherMessage(NETWORK_ID, CHANNEL, 500n),
    voucher: encodeVoucher(voucher),
    certificate: encodeCertificate(exampleCertificate()),
    milestoneBody: encodeMilestoneBody({
      parents: [GENESIS_BLOCK_ID],
      options: { powLoadBits: 2 },
    }),
    electionBody: electionBody(),
    ...consensusMessages(),
    pack: encodePack([envelopeBlock, transactionBlock.subarray(0, 1)]),
    auditPath: encodeAuditPath(auditPath(leaves, 2, nobleHasher)),
  };
  const hex = Object.entries(bytes).map(([name, value]) => [name, bytesToHex(value)] as const);
  return {
    ...Object.fromEntries(hex),
    alicePublicKey: bytesToHex(publicKeyOf(ALICE)),
    aliceAddress: addressOf(ALICE),
    bobPublicKey: bytesToHex(publicKeyOf(BOB)),
    bobAddress: addressOf(BOB),
    envelopeBlockId: blockIdOf(envelopeBlock, nobleHasher),
    transactionBlockId: blockIdOf(transactionBlock, nobleHasher),
    transactionId: transactionIdOf(encodeTransaction(transaction), nobleHasher),
  };
}
