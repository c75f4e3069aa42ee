/**
 * The transaction that takes a bond by evidence against its key: nobody signs it, and with the same
 * evidence and nobody to reward all nodes make the same one. Path: `consensus/round.ts` (a
 * node that keeps evidence), or the command line → here → block. Spec: docs/spec/08-ledger.md §3.7.
 */
import { minimumAmount } from '../block/deposit.ts';
import { NULL_ADDRESS, type Address, type OutputId } from '../codec/ids.ts';
import type { BasicOutput, ValidatorBondOutput } from '../codec/output.ts';
import type { Transaction } from '../codec/transaction.ts';
import type { EvidenceUnlock } from '../codec/unlock.ts';
import type { NetworkParams } from '../params/networks.ts';
import { burnDue } from './bond-rules.ts';

export interface SlashPlan {
  readonly networkId: bigint;
  readonly params: NetworkParams;
  readonly outputId: OutputId;
  readonly bond: ValidatorBondOutput;
  readonly evidence: EvidenceUnlock;
  /** Who gets the finder's sixteenth; undefined burns it with the rest. */
  readonly rewardAddress: Address | undefined;
}

/** Burns the bond; a sixteenth goes to the finder where it pays for an output of its own. */
export function slashTransaction(plan: SlashPlan): Transaction {
  const { networkId, outputId, bond, evidence } = plan;
  const reward = rewardOf(plan);
  const burnt = bond.amount - (reward?.amount ?? 0n);
  const burn: BasicOutput = { kind: 'basic', amount: burnt, address: NULL_ADDRESS };
  return {
    kind: 'transaction',
    networkId,
    inputs: [outputId],
    outputs: reward === undefined ? [burn] : [burn, reward],
    payload: null,
    unlocks: [evidence],
  };
}

function rewardOf({ bond, rewardAddress, params }: SlashPlan): BasicOutput | undefined {
  if (rewardAddress === undefined) return undefined;
  const reward: BasicOutput = {
    kind: 'basic',
    amount: bond.amount - burnDue(bond),
    address: rewardAddress,
  };
  return reward.amount < minimumAmount(reward, params) ? undefined : reward;
}
