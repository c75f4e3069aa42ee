/**
 * A wallet's way to a signed transaction. It knows no keys but those it is given, selects nothing
 * by itself and checks what it makes against the limits that nodes apply, so that a user hears of
 * a mistake before the work is done. Path: client or provider → here → `codec/transaction.ts` →
 * block. Spec: docs/spec/08-ledger.md §6.
 */
import { minimumAmount } from '../block/deposit.ts';
import type { Address, OutputId, TransactionId } from '../codec/ids.ts';
import { bytesToHex, NULL_ADDRESS } from '../codec/ids.ts';
import type { Output } from '../codec/output.ts';
import type { TaggedData } from '../codec/tagged-data.ts';
import type { Transaction, TransactionEssence } from '../codec/transaction.ts';
import { encodeTransaction, signingMessage, transactionIdOf } from '../codec/transaction.ts';
import type { EvidenceUnlock, Unlock } from '../codec/unlock.ts';
import { isCanonicalPublicKey, publicKeyOf, signEd25519 } from '../crypto/ed25519-strict.ts';
import type { Outcome } from '../outcome.ts';
import { assert, fail, succeed } from '../outcome.ts';
import { MAX_INPUTS, MAX_OUTPUTS } from '../params/limits.ts';
import type { NetworkParams } from '../params/networks.ts';
import type { Hasher } from '../ports.ts';
import { burnDue } from './bond-rules.ts';
import { refundsDue, sumAmounts } from './transaction-rules.ts';

/** An unspent output as a wallet holds it. */
export interface SpendableOutput {
  readonly outputId: OutputId;
  readonly output: Output;
}

/** How to unlock an input. Secret keys are 32-byte Ed25519 seeds. */
export type Key =
  | { readonly kind: 'signature'; readonly secretKey: Uint8Array }
  | {
      readonly kind: 'channel-claim';
      /** The payee's key. */
      readonly secretKey: Uint8Array;
      /** Of the voucher that is claimed; `cumulative` above 0. */
      readonly cumulative: bigint;
      readonly voucherSignature: Uint8Array;
    }
  /** Two contradicting statements of a bond's key, as they are: nobody signs. */
  | EvidenceUnlock;

export interface TransactionInput extends SpendableOutput {
  readonly unlock: Key;
}

export interface TransactionPlan {
  readonly networkId: bigint;
  /** 1–128, each once. */
  readonly inputs: readonly TransactionInput[];
  /** 1–128 with the change; the caller adds `claimRefunds` and `burns`. */
  readonly outputs: readonly Output[];
  readonly payload?: TaggedData;
  /** Where what is left over goes; needed when something is. */
  readonly changeAddress?: Address;
  readonly params: NetworkParams;
  readonly hasher: Hasher;
}

export interface BuiltTransaction {
  readonly transaction: Transaction;
  readonly transactionId: TransactionId;
}

/**
 * Signs a transaction over exactly these inputs and outputs, plus one change output if needed.
 * Codes: `too-many-inputs`, `input-not-unique`, `deposit-too-small` (an output is below its storage
 * deposit), `output-key-invalid` (of a bond), `insufficient-funds`, `change-address-missing`,
 * `dust-change` (the rest is too small to be an output: spend it or add an input),
 * `too-many-outputs`.
 */
export function buildTransaction(plan: TransactionPlan): Outcome<BuiltTransaction> {
  const { inputs, hasher, params } = plan;
  assert(inputs.length > 0, 'a transaction has an input');
  if (inputs.length > MAX_INPUTS) return fail('too-many-inputs', `${inputs.length}`);
  const ids = new Set(inputs.map(({ outputId }) => outputId));
  if (ids.size !== inputs.length) return fail('input-not-unique');
  const small = plan.outputs.find((output) => output.amount < minimumAmount(output, params));
  if (small !== undefined) {
    return fail('deposit-too-small', `${small.amount} of ${minimumAmount(small, params)}`);
  }
  const noKey = plan.outputs.some(
    (output) => output.kind === 'validator-bond' && !isCanonicalPublicKey(output.publicKey),
  );
  if (noKey) return fail('output-key-invalid');
  const outputs = withChange(plan);
  if (!outputs.ok) return outputs;
  if (outputs.value.length > MAX_OUTPUTS)
    return fail('too-many-outputs', `${outputs.value.length}`);
  const essence: TransactionEssence = {
    networkId: plan.networkId,
    inputs: [...ids],
    outputs: outputs.value,
    payload: plan.payload ?? null,
  };
  const unlocks = signInputs(inputs, signingMessage(essence, hasher));
  const transaction: Transaction = { kind: 'transaction', ...essence, unlocks };
  const transactionId = transactionIdOf(encodeTransaction(transaction), hasher);
  return succeed({ transaction, transactionId });
}

/** The plain outputs that claims among these inputs must pay back, one per refund address. */
export function claimRefunds(inputs: readonly TransactionInput[]): Output[] {
  const claims = inputs.flatMap(({ output: channel, unlock }) =>
    channel.kind === 'channel' && unlock.kind === 'channel-claim'
      ? [{ channel, cumulative: unlock.cumulative }]
      : [],
  );
  return Array.from(refundsDue(claims), ([address, amount]) => ({
    kind: 'basic',
    amount,
    address,
  }));
}

/** The plain output that evidence among these inputs must burn; none without evidence. */
export function burns(inputs: readonly TransactionInput[]): Output[] {
  let amount = 0n;
  for (const { output, unlock } of inputs) {
    if (output.kind === 'validator-bond' && unlock.kind === 'evidence') amount += burnDue(output);
  }
  return amount === 0n ? [] : [{ kind: 'basic', amount, address: NULL_ADDRESS }];
}

/**
 * Chooses among `available` until `amount` is covered and what is left is nothing or enough for a
 * change output: largest first, so that few inputs suffice; equal amounts by id, so that the choice
 * does not depend on the order given. The caller leaves out what is locked or in use.
 * Codes: `insufficient-funds`, `too-many-inputs` (128 do not reach the amount: gather them first),
 * `dust-change`.
 */
export function selectInputs<T extends SpendableOutput>(
  available: readonly T[],
  amount: bigint,
  changeDeposit: bigint,
): Outcome<T[]> {
  const total = sumAmounts(available.map(({ output }) => output));
  if (total < amount) return fail('insufficient-funds', `${total} of ${amount}`);
  const chosen: T[] = [];
  let sum = 0n;
  for (const candidate of available.toSorted(compareCandidates)) {
    if (chosen.length === MAX_INPUTS) break;
    chosen.push(candidate);
    sum += candidate.output.amount;
    if (sum === amount || sum >= amount + changeDeposit) return succeed(chosen);
  }
  if (sum < amount) return fail('too-many-inputs', `${available.length} to reach ${amount}`);
  return fail('dust-change', `${sum - amount} of ${changeDeposit}`);
}

function compareCandidates(a: SpendableOutput, b: SpendableOutput): number {
  if (a.output.amount !== b.output.amount) return a.output.amount > b.output.amount ? -1 : 1;
  return a.outputId < b.outputId ? -1 : 1;
}

function withChange(plan: TransactionPlan): Outcome<Output[]> {
  const have = sumAmounts(plan.inputs.map(({ output }) => output));
  // What a user types may exceed u64, so this sum stands outside `sumAmounts` and its assertion.
  const needed = plan.outputs.reduce((sum, { amount }) => sum + amount, 0n);
  if (have < needed) return fail('insufficient-funds', `${have} of ${needed}`);
  if (have === needed) return succeed([...plan.outputs]);
  if (plan.changeAddress === undefined) return fail('change-address-missing', `${have - needed}`);
  const change: Output = { kind: 'basic', amount: have - needed, address: plan.changeAddress };
  const deposit = minimumAmount(change, plan.params);
  if (change.amount < deposit) return fail('dust-change', `${change.amount} of ${deposit}`);
  return succeed([...plan.outputs, change]);
}

/**
 * One signature per key; further inputs of the same key refer to it. Claims sign each, evidence is
 * signed already.
 */
function signInputs(inputs: readonly TransactionInput[], message: Uint8Array): Unlock[] {
  const signedAt = new Map<string, number>();
  return inputs.map(({ unlock }, index) => {
    if (unlock.kind === 'evidence') return unlock;
    const publicKey = publicKeyOf(unlock.secretKey);
    const known = signedAt.get(bytesToHex(publicKey));
    if (unlock.kind === 'signature' && known !== undefined) {
      return { kind: 'reference', index: known };
    }
    const signature = signEd25519(unlock.secretKey, message);
    if (unlock.kind === 'signature') {
      signedAt.set(bytesToHex(publicKey), index);
      return { kind: 'signature', publicKey, signature };
    }
    const { cumulative, voucherSignature } = unlock;
    return { kind: 'channel-claim', publicKey, signature, cumulative, voucherSignature };
  });
}
