/**
 * One claim transaction for up to 64 channels: each input carries the payer's voucher, each refund
 * address gets its rest, the claimed sum goes to the provider. Before: claim-scheduler.ts.
 * Spec: docs/spec/31-channel-voucher.md, section "Claiming".
 */
import type { TransactionId } from '@tanglemail/tangle/core/codec/ids.ts';
import { encodeTransaction } from '@tanglemail/tangle/core/codec/transaction.ts';
import {
  buildTransaction,
  claimRefunds,
} from '@tanglemail/tangle/core/ledger/transaction-builder.ts';
import type { TransactionInput } from '@tanglemail/tangle/core/ledger/transaction-builder.ts';
import type { Outcome } from '@tanglemail/tangle/core/outcome.ts';
import type { NetworkParams } from '@tanglemail/tangle/core/params/networks.ts';
import type { Hasher } from '@tanglemail/tangle/core/ports.ts';
import type { ProviderChannel } from '@tanglemail/mail/core/market/voucher-rules.ts';
import type { Terms } from '../terms.ts';

export interface BuiltClaim {
  readonly transactionId: TransactionId;
  /** Transaction payload, its type included. */
  readonly payload: Uint8Array;
}

/** Fails with the builder's codes, such as `dust-change` when the sum is too small. */
export type ClaimBuilder = (channels: readonly ProviderChannel[]) => Outcome<BuiltClaim>;

/** A builder for this provider's keys on this network. */
export function claimBuilder(terms: Terms, params: NetworkParams, hasher: Hasher): ClaimBuilder {
  return (channels) => {
    const inputs = channels.map((channel) => inputOf(channel, terms));
    const built = buildTransaction({
      networkId: terms.networkId,
      inputs,
      outputs: claimRefunds(inputs),
      changeAddress: terms.payee,
      params,
      hasher,
    });
    if (!built.ok) return built;
    const { transaction, transactionId } = built.value;
    return { ok: true, value: { transactionId, payload: encodeTransaction(transaction) } };
  };
}

function inputOf(channel: ProviderChannel, terms: Terms): TransactionInput {
  const { channelId, amount, payerPublicKey, refundAddress, expiry, accepted } = channel;
  const { payee, payeeSecretKey } = terms;
  return {
    outputId: channelId,
    output: { kind: 'channel', amount, payerPublicKey, payee, refundAddress, expiry },
    unlock: {
      kind: 'channel-claim',
      secretKey: payeeSecretKey,
      cumulative: accepted,
      voucherSignature: channel.signature,
    },
  };
}
