/**
 * The ledger's rules for one transaction, given what its inputs are and what time it is. The form
 * was checked when the block arrived (`block/rules.ts`); here stands everything that depends on the
 * ledger. Path: `ledger/apply-milestone.ts` → here → back with a conflict code.
 * Spec: docs/spec/08-ledger.md §3.
 *
 * The order of the checks decides which code a transaction with several faults gets, so it is part
 * of the rule: inputs, sums, each unlock in input order, outputs, and signatures last, because a
 * signature costs a thousand times more than all the rest. Validator bonds: `bond-rules.ts`.
 */
import { refundDeposit } from '../block/deposit.ts';
import type { Address, OutputId } from '../codec/ids.ts';
import { addressFromBytes, NULL_ADDRESS } from '../codec/ids.ts';
import type { BasicOutput, ChannelOutput, Output, ValidatorBondOutput } from '../codec/output.ts';
import type { Transaction } from '../codec/transaction.ts';
import type { ChannelClaimUnlock, EvidenceUnlock, Unlock } from '../codec/unlock.ts';
import { voucherMessage } from '../codec/voucher.ts';
import { assert } from '../outcome.ts';
import type { NetworkParams } from '../params/networks.ts';
import type { Hasher, Verifier } from '../ports.ts';
import {
  checkBondsKept,
  checkBurn,
  checkCreatedBonds,
  checkEvidence,
  slashedBonds,
  type BondInput,
} from './bond-rules.ts';
import type { ConflictCode } from './conflict.ts';
import { conflict } from './conflict.ts';

/** Why an input cannot be spent. */
export type MissingInput = 'spent-earlier' | 'spent-in-milestone' | 'unknown';

/** What the ledger knows of an input: the unspent output, or why there is none. */
export type InputState = Output | MissingInput;

export interface TransactionContext {
  /** Time of the confirming milestone in whole unix seconds. */
  readonly timeSeconds: number;
  readonly params: NetworkParams;
  readonly hasher: Hasher;
  readonly verifier: Verifier;
  /**
   * True when the caller verified the unlock signatures of this block before it stored it
   * (`signatureClaims` in `block/rules.ts`). Voucher signatures are verified here in any case.
   */
  readonly signaturesChecked?: boolean;
}

const NONE = conflict('none');

const MISSING = {
  'spent-earlier': conflict('input-spent-earlier'),
  'spent-in-milestone': conflict('input-spent-in-milestone'),
  unknown: conflict('input-unknown'),
} as const;

/**
 * 0 when `transaction` may change the ledger at this time, else the first conflict.
 * @param signingMessage what the unlocks sign (`signingMessage` in `codec/transaction.ts`)
 * @param inputs the state of each input, in the order of `transaction.inputs`
 */
export function checkTransaction(
  transaction: Transaction,
  signingMessage: Uint8Array,
  inputs: readonly InputState[],
  context: TransactionContext,
): ConflictCode {
  assert(inputs.length === transaction.inputs.length, 'one state per input');
  const outputs: Output[] = [];
  for (const input of inputs) {
    if (typeof input === 'string') return MISSING[input];
    outputs.push(input);
  }
  if (sumAmounts(outputs) !== sumAmounts(transaction.outputs)) return conflict('sums-differ');
  return (
    checkUnlocks(transaction, outputs, context) ||
    checkCreatedChannels(transaction.outputs, context) ||
    checkCreatedBonds(transaction.outputs, context.timeSeconds) ||
    checkBondsKept(bondsOf(transaction, outputs), transaction.outputs) ||
    checkPayments(transaction, outputs) ||
    checkSignatures(transaction, signingMessage, outputs, context)
  );
}

/** The sum of the amounts; above u64 only if the supply invariant is broken. */
export function sumAmounts(outputs: Iterable<{ readonly amount: bigint }>): bigint {
  let sum = 0n;
  for (const { amount } of outputs) {
    sum += amount;
    assert(sum < 1n << 64n, 'amounts sum up to less than 2^64');
  }
  return sum;
}

/**
 * What a claim of these channels must pay back: per refund address Σ (amount − cumulative) over all
 * claims of one transaction, so that two claims cannot point at one and the same refund output.
 */
export function refundsDue(
  claims: Iterable<{ readonly channel: ChannelOutput; readonly cumulative: bigint }>,
): Map<Address, bigint> {
  const due = new Map<Address, bigint>();
  for (const { channel, cumulative } of claims) {
    const before = due.get(channel.refundAddress) ?? 0n;
    due.set(channel.refundAddress, before + channel.amount - cumulative);
  }
  return due;
}

/** A basic output with an address only: no tag, no timelock, no expiration. */
export function isPlain(output: Output): output is BasicOutput {
  return (
    output.kind === 'basic' &&
    output.tag === undefined &&
    output.timelock === undefined &&
    output.expiration === undefined
  );
}

/** Who may spend a basic output at this time: its owner, from the expiration on its returner. */
export function spenderOf(output: BasicOutput, timeSeconds: number): Address {
  const { expiration } = output;
  return expiration !== undefined && timeSeconds >= expiration.unixSeconds
    ? expiration.returnAddress
    : output.address;
}

function checkUnlocks(
  transaction: Transaction,
  inputs: readonly Output[],
  context: TransactionContext,
): ConflictCode {
  for (const [index, output] of inputs.entries()) {
    const unlock = unlockAt(transaction, index);
    const code = checkUnlock(output, transaction, unlock, context);
    if (code !== NONE) return code;
  }
  return NONE;
}

function checkUnlock(
  output: Output,
  transaction: Transaction,
  unlock: Unlock,
  context: TransactionContext,
): ConflictCode {
  if (unlock.kind === 'evidence') {
    return output.kind === 'validator-bond' ? NONE : conflict('unlock-mismatch');
  }
  switch (output.kind) {
    case 'basic':
      return checkBasicUnlock(output, transaction, unlock, context);
    case 'channel':
      return checkChannelUnlock(output, transaction, unlock, context);
    default:
      return checkBondUnlock(output, transaction, unlock, context);
  }
}

/** An active bond may be spent at any time: `checkBondsKept` asks for what must replace it. */
function checkBondUnlock(
  output: ValidatorBondOutput,
  transaction: Transaction,
  unlock: OwnersUnlock,
  { timeSeconds, hasher }: TransactionContext,
): ConflictCode {
  const isOwner = signerOf(transaction, unlock, hasher) === output.owner;
  if (unlock.kind === 'channel-claim' || !isOwner) return conflict('unlock-mismatch');
  return timeSeconds < output.unbondAt ? conflict('bond-locked') : NONE;
}

function checkBasicUnlock(
  output: BasicOutput,
  transaction: Transaction,
  unlock: OwnersUnlock,
  context: TransactionContext,
): ConflictCode {
  const signer = signerOf(transaction, unlock, context.hasher);
  if (unlock.kind === 'channel-claim' || signer !== spenderOf(output, context.timeSeconds)) {
    return conflict('unlock-mismatch');
  }
  const locked = output.timelock !== undefined && context.timeSeconds < output.timelock;
  return locked ? conflict('timelocked') : NONE;
}

/** Claim before the expiry, refund from it on: the two can never race inside one milestone. */
function checkChannelUnlock(
  output: ChannelOutput,
  transaction: Transaction,
  unlock: OwnersUnlock,
  { timeSeconds, params, hasher }: TransactionContext,
): ConflictCode {
  const signer = signerOf(transaction, unlock, hasher);
  if (unlock.kind !== 'channel-claim') {
    if (signer !== output.refundAddress) return conflict('unlock-mismatch');
    return timeSeconds < output.expiry ? conflict('channel-not-expired') : NONE;
  }
  if (signer !== output.payee) return conflict('unlock-mismatch');
  if (timeSeconds >= output.expiry) return conflict('channel-expired');
  const most = output.amount - refundDeposit(params);
  const inRange = unlock.cumulative > 0n && unlock.cumulative <= most;
  return inRange ? NONE : conflict('claim-out-of-range');
}

function checkCreatedChannels(
  outputs: readonly Output[],
  { timeSeconds }: TransactionContext,
): ConflictCode {
  const late = outputs.some((output) => output.kind === 'channel' && output.expiry <= timeSeconds);
  return late ? conflict('channel-expiry-past') : NONE;
}

/** What claims pay back and evidence burns: both look for plain outputs, and none counts twice. */
function checkPayments(transaction: Transaction, inputs: readonly Output[]): ConflictCode {
  const claims = [...claimsOf(transaction, inputs)];
  const slashed = slashedBonds(bondsOf(transaction, inputs));
  if (claims.length === 0 && slashed.length === 0) return NONE;
  const paid = new Map<Address, bigint>();
  for (const output of transaction.outputs.filter(isPlain)) {
    paid.set(output.address, (paid.get(output.address) ?? 0n) + output.amount);
  }
  const refunds = refundsDue(claims);
  for (const [address, due] of refunds) {
    if ((paid.get(address) ?? 0n) < due) return conflict('refund-missing');
  }
  // Else a channel whose refund goes nowhere would pay for the burn, and a validator could slash
  // itself to have its bond back early.
  const burnt = (paid.get(NULL_ADDRESS) ?? 0n) - (refunds.get(NULL_ADDRESS) ?? 0n);
  return checkBurn(slashed, burnt);
}

function checkSignatures(
  transaction: Transaction,
  message: Uint8Array,
  inputs: readonly Output[],
  { verifier, signaturesChecked }: TransactionContext,
): ConflictCode {
  for (const unlock of signaturesChecked === true ? [] : transaction.unlocks) {
    if (unlock.kind === 'reference' || unlock.kind === 'evidence') continue;
    if (!verifier.verify(unlock.publicKey, message, unlock.signature)) {
      return conflict('signature-invalid');
    }
  }
  for (const { channel, outputId, unlock } of claimsOf(transaction, inputs)) {
    const voucher = voucherMessage(transaction.networkId, outputId, unlock.cumulative);
    if (!verifier.verify(channel.payerPublicKey, voucher, unlock.voucherSignature)) {
      return conflict('signature-invalid');
    }
  }
  return checkEvidence(slashedBonds(bondsOf(transaction, inputs)), transaction.networkId, verifier);
}

interface Claim {
  readonly outputId: OutputId;
  readonly channel: ChannelOutput;
  readonly unlock: ChannelClaimUnlock;
  readonly cumulative: bigint;
}

function* claimsOf(transaction: Transaction, inputs: readonly Output[]): Generator<Claim> {
  for (const [index, channel] of inputs.entries()) {
    const unlock = unlockAt(transaction, index);
    if (channel.kind !== 'channel' || unlock.kind !== 'channel-claim') continue;
    const outputId = transaction.inputs[index] as OutputId;
    yield { outputId, channel, unlock, cumulative: unlock.cumulative };
  }
}

/** The bonds among the inputs, each with what unlocks it. */
function bondsOf(transaction: Transaction, inputs: readonly Output[]): BondInput[] {
  return inputs.flatMap((bond, index) =>
    bond.kind === 'validator-bond' ? [{ bond, unlock: unlockAt(transaction, index) }] : [],
  );
}

/** What somebody signs the transaction with. */
type OwnersUnlock = Exclude<Unlock, EvidenceUnlock>;

/** The address whose key signs for `unlock`; references point at a signature (checked as form). */
function signerOf(transaction: Transaction, unlock: OwnersUnlock, hasher: Hasher): Address {
  const signed = unlock.kind === 'reference' ? unlockAt(transaction, unlock.index) : unlock;
  const isSigned = signed.kind !== 'reference' && signed.kind !== 'evidence';
  assert(isSigned, 'a reference points at a signature unlock');
  return addressFromBytes(hasher.blake2b256(signed.publicKey));
}

function unlockAt(transaction: Transaction, index: number): Unlock {
  const unlock = transaction.unlocks[index];
  assert(unlock !== undefined, 'one unlock per input');
  return unlock;
}
