/**
 * The ledger's rules for validator bonds: an active one only becomes other bonds of the same key
 * and owner, one that unbonds waits, and evidence burns fifteen sixteenths whatever its state is.
 * Path: `ledger/transaction-rules.ts` → here. Spec: docs/spec/08-ledger.md §3.
 */
import { signedMessage } from '../codec/certificate.ts';
import { bytesToHex } from '../codec/ids.ts';
import type { Output, ValidatorBondOutput } from '../codec/output.ts';
import type { EvidenceUnlock, Unlock } from '../codec/unlock.ts';
import { SLASH_REWARD_PARTS, VALIDATOR_UNBOND_SECONDS } from '../params/limits.ts';
import type { Verifier } from '../ports.ts';
import type { ConflictCode } from './conflict.ts';
import { conflict } from './conflict.ts';

/** A bond that a transaction consumes, and why it may. */
export interface BondInput {
  readonly bond: ValidatorBondOutput;
  readonly unlock: Unlock;
}

/** One that is consumed by evidence against its key. */
export interface SlashedBond extends BondInput {
  readonly unlock: EvidenceUnlock;
}

const NONE = conflict('none');

/** The earliest `unbondAt` of a bond that a milestone of this time books. */
export function earliestUnbondAt(timeSeconds: number): number {
  return timeSeconds + VALIDATOR_UNBOND_SECONDS;
}

/** What must be burnt when this bond is slashed: all but the finder's sixteenth. */
export function burnDue({ amount }: Pick<ValidatorBondOutput, 'amount'>): bigint {
  return amount - amount / SLASH_REWARD_PARTS;
}

/** A new bond is active, or waits the whole time: else the owner would leave before evidence. */
export function checkCreatedBonds(outputs: readonly Output[], timeSeconds: number): ConflictCode {
  const earliest = earliestUnbondAt(timeSeconds);
  const early = outputs.some(
    (output) =>
      output.kind === 'validator-bond' && output.unbondAt !== 0 && output.unbondAt < earliest,
  );
  return early ? conflict('bond-unbonding-early') : NONE;
}

/**
 * What owners take of active bonds is bonded again, for the same key and owner, active or
 * unbonding. All inputs of one pair are summed up, so that two cannot point at one output.
 */
export function checkBondsKept(
  inputs: readonly BondInput[],
  outputs: readonly Output[],
): ConflictCode {
  const due = new Map<string, bigint>();
  for (const { bond, unlock } of inputs) {
    if (bond.unbondAt !== 0 || unlock.kind === 'evidence') continue;
    due.set(pairOf(bond), (due.get(pairOf(bond)) ?? 0n) + bond.amount);
  }
  if (due.size === 0) return NONE;
  for (const output of outputs) {
    if (output.kind !== 'validator-bond') continue;
    const left = due.get(pairOf(output));
    if (left !== undefined) due.set(pairOf(output), left - output.amount);
  }
  return [...due.values()].some((left) => left > 0n) ? conflict('bond-locked') : NONE;
}

function pairOf({ publicKey, owner }: ValidatorBondOutput): string {
  return `${bytesToHex(publicKey)}${owner}`;
}

/** The bonds that evidence consumes. */
export function slashedBonds(inputs: readonly BondInput[]): SlashedBond[] {
  return inputs.flatMap(({ bond, unlock }) =>
    unlock.kind === 'evidence' ? [{ bond, unlock }] : [],
  );
}

/** @param burnt base units that plain outputs pay to the null address, beyond what else is due. */
export function checkBurn(slashed: readonly SlashedBond[], burnt: bigint): ConflictCode {
  const due = slashed.reduce((sum, { bond }) => sum + burnDue(bond), 0n);
  return burnt < due ? conflict('burn-missing') : NONE;
}

/** Both statements of each evidence are the bond's key's, on this network. */
export function checkEvidence(
  slashed: readonly SlashedBond[],
  networkId: bigint,
  verifier: Verifier,
): ConflictCode {
  for (const { bond, unlock } of slashed) {
    const { epoch, view, statements } = unlock;
    for (const { kind, digest, signature } of statements) {
      const message = signedMessage(networkId, kind, epoch, view, digest);
      if (!verifier.verify(bond.publicKey, message, signature)) {
        return conflict('signature-invalid');
      }
    }
  }
  return NONE;
}
