/**
 * What an owner does with the bonds of a validator: finds them, proven, and makes, tops up,
 * unbonds, takes back and moves them in one transaction each. Path: validator.ts → here →
 * wallet.ts. Spec: docs/spec/08-ledger.md §3.7.
 */
import {
  bytesToHex,
  outputIdOf,
  type Address,
  type OutputId,
} from '@tanglemail/tangle/core/codec/ids.ts';
import type { Output, ValidatorBondOutput } from '@tanglemail/tangle/core/codec/output.ts';
import type { TransactionInput } from '@tanglemail/tangle/core/ledger/transaction-builder.ts';
import { MAX_INPUTS, VALIDATOR_UNBOND_SECONDS } from '@tanglemail/tangle/core/params/limits.ts';
import { isNotFound } from '@tanglemail/tangle/io/node-client/errors.ts';
import type { SentTransaction } from '@tanglemail/tangle/io/node-client/wallet.ts';
import { UsageError } from '@tanglemail/tangle/io/shell/terminal.ts';
import { formatAmount } from '@tanglemail/tangle/core/codec/amount.ts';
import type { KeyPair } from '../keys/key-file.ts';
import type { NodeWallet } from '../node-wallet.ts';
import { secondText } from './options.ts';

/** An unspent bond, proven by a milestone of this time (seconds since 1970). */
export interface HeldBond {
  readonly outputId: OutputId;
  readonly bond: ValidatorBondOutput;
  readonly provenAt: number;
}

/** The transaction that a milestone applied, and the bond that it made, if it made one. */
export interface BondChange {
  readonly transactionId: string;
  readonly milestoneIndex: number;
  readonly bonds: readonly { readonly outputId: OutputId; readonly bond: ValidatorBondOutput }[];
}

/** Bonds that one command shows or changes: they fit into a transaction beside payments. */
const MAX_BONDS = MAX_INPUTS / 2;
/**
 * Bonds that are looked at to find the greatest: anybody can make small ones in the name of an
 * owner, and they must not hide those that matter.
 */
const MAX_LOOKED_AT = 4_096;
/**
 * Added to the 30 days: the time of the milestone that books it counts, which is later than now,
 * and clocks differ.
 */
const UNBOND_MARGIN_SECONDS = 3_600;

/** The unspent bonds of an owner, of a key, or of both; the greatest first, at most MAX_BONDS. */
export async function findBonds(
  { client, checker }: NodeWallet,
  by: { readonly owner?: Address | undefined; readonly publicKey?: Uint8Array | undefined },
): Promise<HeldBond[]> {
  const { owner, publicKey } = by;
  const bondKey = publicKey && (bytesToHex(publicKey) as Address);
  const filter = {
    kind: 'validator-bond' as const,
    ...(owner === undefined ? {} : { bondOwner: owner }),
    ...(bondKey === undefined ? {} : { bondKey }),
  };
  const found: HeldBond[] = [];
  let looked = 0;
  for await (const outputId of client.outputs(filter)) {
    looked += 1;
    if (looked > MAX_LOOKED_AT) break;
    const proof = await client.outputProof(outputId).catch((error: unknown) => {
      if (isNotFound(error)) return undefined;
      throw error;
    });
    if (proof === undefined) continue;
    const { output, milestone } = await checker.unspent(outputId, proof);
    if (output.kind !== 'validator-bond') continue;
    if (owner !== undefined && output.owner !== owner) continue;
    if (bondKey !== undefined && bytesToHex(output.publicKey) !== bondKey) continue;
    const provenAt = Math.floor(milestone.header.timestampMs / 1_000);
    found.push({ outputId, bond: output, provenAt });
  }
  const byAmount = found.toSorted((a, b) => (a.bond.amount > b.bond.amount ? -1 : 1));
  return byAmount.slice(0, MAX_BONDS);
}

/** Whether its owner may take it now. */
export function isFree({ bond, provenAt }: HeldBond): boolean {
  return bond.unbondAt !== 0 && provenAt >= bond.unbondAt;
}

export function sumOf(bonds: readonly HeldBond[]): bigint {
  return bonds.reduce((sum, { bond }) => sum + bond.amount, 0n);
}

/** A new bond. Throws UsageError where it is too small to count. */
export async function makeBond(
  access: NodeWallet,
  owner: KeyPair,
  publicKey: Uint8Array,
  amount: bigint,
): Promise<BondChange> {
  expectCounts(access, amount, 'a bond of');
  return await change(access, owner, [], [bondOutput(owner, publicKey, amount)]);
}

/** One bond out of all active ones of the key, and `amount` more. */
export async function topUp(
  access: NodeWallet,
  owner: KeyPair,
  publicKey: Uint8Array,
  amount: bigint,
): Promise<BondChange> {
  const active = await activeBonds(access, owner, publicKey);
  const joined = bondOutput(owner, publicKey, sumOf(active) + amount);
  return await change(access, owner, active, [joined]);
}

/** Gives up `amount` of the active bonds, or all. */
export async function unbond(
  access: NodeWallet,
  owner: KeyPair,
  publicKey: Uint8Array,
  amount: bigint | undefined,
): Promise<BondChange> {
  const active = await activeBonds(access, owner, publicKey);
  const total = sumOf(active);
  const taken = amount ?? total;
  const rest = total - taken;
  if (rest < 0n) {
    throw new UsageError(`only ${formatAmount(total)} are bonded, not ${formatAmount(taken)}`);
  }
  if (rest > 0n) expectCounts(access, rest, 'what would be left,');
  const outputs = [unbondingOutput(access, owner, publicKey, taken)];
  if (rest > 0n) outputs.push(bondOutput(owner, publicKey, rest));
  return await change(access, owner, active, outputs);
}

/** A bond of the new key, and the old key's given up, in one transaction. */
export async function rotateBond(
  access: NodeWallet,
  owner: KeyPair,
  keys: { readonly from: Uint8Array; readonly to: Uint8Array },
  amount: bigint | undefined,
): Promise<BondChange> {
  if (bytesToHex(keys.from) === bytesToHex(keys.to)) {
    throw new UsageError('--to is the key of --validator: nothing to rotate');
  }
  const active = await activeBonds(access, owner, keys.from);
  const fresh = amount ?? sumOf(active);
  expectCounts(access, fresh, 'a bond of');
  return await change(access, owner, active, [
    bondOutput(owner, keys.to, fresh),
    unbondingOutput(access, owner, keys.from, sumOf(active)),
  ]);
}

/** Takes back what has waited long enough, for all keys or one. Throws UsageError for nothing. */
export async function withdraw(
  access: NodeWallet,
  owner: KeyPair,
  publicKey: Uint8Array | undefined,
): Promise<BondChange & { readonly amount: bigint }> {
  const bonds = await findBonds(access, { owner: owner.address, publicKey });
  const free = bonds.filter(isFree);
  if (free.length === 0) throw new UsageError(`nothing can be taken: ${waitText(bonds)}`);
  const amount = sumOf(free);
  const output = { kind: 'basic', amount, address: owner.address } as const;
  return { ...(await change(access, owner, free, [output])), amount };
}

function waitText(bonds: readonly HeldBond[]): string {
  const waiting = bonds.filter(({ bond }) => bond.unbondAt !== 0);
  const first = Math.min(...waiting.map(({ bond }) => bond.unbondAt));
  if (waiting.length > 0) return `the next bond is free at ${secondText(first)}`;
  return bonds.length > 0 ? 'give the bond up first, with `validator unbond`' : 'there is no bond';
}

async function activeBonds(
  access: NodeWallet,
  { address }: KeyPair,
  publicKey: Uint8Array,
): Promise<HeldBond[]> {
  const bonds = await findBonds(access, { owner: address, publicKey });
  const active = bonds.filter(({ bond }) => bond.unbondAt === 0);
  if (active.length > 0) return active;
  throw new UsageError(`this owner has no active bond for the key ${bytesToHex(publicKey)}`);
}

function expectCounts({ genesis }: NodeWallet, amount: bigint, what: string): void {
  const { validatorBondMin } = genesis.params;
  if (amount >= validatorBondMin) return;
  throw new UsageError(
    `${what} ${formatAmount(amount)}, is below the least bond of this network, ` +
      `${formatAmount(validatorBondMin)}, and would not count in elections`,
  );
}

/** An active bond. */
export function bondOutput(
  { address }: KeyPair,
  publicKey: Uint8Array,
  amount: bigint,
): ValidatorBondOutput {
  return { kind: 'validator-bond', amount, publicKey, owner: address, unbondAt: 0 };
}

function unbondingOutput(
  { clock }: NodeWallet,
  owner: KeyPair,
  publicKey: Uint8Array,
  amount: bigint,
): ValidatorBondOutput {
  const now = Math.floor(clock.nowMs() / 1_000);
  const unbondAt = now + VALIDATOR_UNBOND_SECONDS + UNBOND_MARGIN_SECONDS;
  return { ...bondOutput(owner, publicKey, amount), unbondAt };
}

async function change(
  { wallet }: NodeWallet,
  owner: KeyPair,
  bonds: readonly HeldBond[],
  outputs: readonly Output[],
): Promise<BondChange> {
  const { secretKey } = owner;
  const inputs = bonds.map(({ outputId, bond }): TransactionInput => {
    return { outputId, output: bond, unlock: { kind: 'signature', secretKey } };
  });
  return changeOf(await wallet.sendTransaction({ from: [secretKey], outputs, inputs }));
}

function changeOf(sent: SentTransaction): BondChange {
  const { transaction, transactionId, milestoneIndex } = sent;
  const bonds = transaction.outputs.flatMap((output, at) => {
    if (output.kind !== 'validator-bond') return [];
    return [{ outputId: outputIdOf(transactionId, at), bond: output }];
  });
  return { transactionId, milestoneIndex, bonds };
}
