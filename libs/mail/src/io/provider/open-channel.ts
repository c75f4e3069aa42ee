/**
 * Opening a channel with a provider: the output to create and the record to keep, both computed
 * from the offer before any money moves. The caller funds the output with its wallet and persists
 * the record first. Spec: docs/spec/31-channel-voucher.md, section "Opening".
 */
import type { OutputId, TransactionId } from '@tanglemail/tangle/core/codec/ids.ts';
import type { ChannelOutput } from '@tanglemail/tangle/core/codec/output.ts';
import { bytesToHex, outputIdOf } from '@tanglemail/tangle/core/codec/ids.ts';
import { assert } from '@tanglemail/tangle/core/outcome.ts';
import type { Outcome } from '@tanglemail/tangle/core/outcome.ts';
import type { Wallet } from '@tanglemail/tangle/io/node-client/wallet.ts';
import { planChannel } from '../../core/market/channel-plan.ts';
import type { ChannelPlan, ChannelPlanRequest } from '../../core/market/channel-plan.ts';
import { stepClientChannel } from '../../core/market/channel-states.ts';
import type { ClientChannel } from '../../core/market/channel-states.ts';
import type { ProblemCode } from '../../core/market/problems.ts';

/** What this helper needs of a wallet: one transaction with one more output, seen through. */
export interface ChannelFunder {
  /** Sends `output` and resolves when a final milestone has applied the transaction. */
  fund(
    output: ChannelOutput,
  ): Promise<{ readonly transactionId: TransactionId; readonly outputIndex: number }>;
}

/**
 * Plans, saves, funds and saves again. A crash between the steps leaves a `draft` or `sent` record,
 * from which the wallet finds the output by its refund address.
 */
export async function openChannel(
  request: ChannelPlanRequest,
  funder: ChannelFunder,
  save: (channel: ClientChannel, output: ChannelOutput) => Promise<void>,
): Promise<Outcome<ClientChannel, ProblemCode>> {
  const planned: Outcome<ChannelPlan, ProblemCode> = planChannel(request);
  if (!planned.ok) return planned;
  const { output, channel: draft } = planned.value;
  await save(draft, output);
  const { transactionId, outputIndex } = await funder.fund(output);
  const channelId: OutputId = outputIdOf(transactionId, outputIndex);
  const sent = stepClientChannel(draft, { kind: 'sent', channelId });
  const open = stepClientChannel(sent, { kind: 'confirmed' });
  await save(open, output);
  return { ok: true, value: open };
}

/** A funder over the tangle library's wallet; `from` are the 32-byte seeds that pay. */
export function walletFunder(
  wallet: Pick<Wallet, 'sendTransaction'>,
  from: readonly Uint8Array[],
): ChannelFunder {
  return {
    async fund(output) {
      const sent = await wallet.sendTransaction({ from, outputs: [output] });
      const payer = bytesToHex(output.payerPublicKey);
      const outputIndex = sent.transaction.outputs.findIndex(
        (other) => other.kind === 'channel' && bytesToHex(other.payerPublicKey) === payer,
      );
      assert(outputIndex >= 0, 'the transaction has the output that it was built with');
      return { transactionId: sent.transactionId, outputIndex };
    },
  };
}
