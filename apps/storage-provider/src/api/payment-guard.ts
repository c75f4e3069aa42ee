/**
 * From the `Authorization: Payment` header to a voucher that the credit desk can look at: without a
 * credential, or with one for another charge, the answer is a 402 with a challenge.
 * Before: mailbox-controller.ts. After: payments/credit-desk.ts.
 */
import { hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import type { OutputId } from '@tanglemail/tangle/core/codec/ids.ts';
import type { Voucher } from '@tanglemail/tangle/core/codec/voucher.ts';
import { parseCredential, toCompactJson } from '@tanglemail/mail/io/provider/payment-auth.ts';
import type { PaymentReceipt, SessionPayload } from '@tanglemail/mail/io/provider/payment-auth.ts';
import { headerOf } from '@tanglemail/tangle/io/shell/http.ts';
import type { HttpRequest } from '@tanglemail/tangle/io/shell/http.ts';
import type { Provider } from '../provider.ts';
import { refuseWith } from '../refused.ts';
import { digestOf } from './http.ts';

export interface ShownVoucher {
  readonly voucher: Voucher;
  readonly action: SessionPayload['action'];
}

/** The voucher that pays `amount`, or `payment-required`, `challenge-…`, `price-changed`. */
export function requirePayment(
  request: HttpRequest,
  provider: Provider,
  amount: bigint,
): ShownVoucher {
  const facts = { required: amount, charge: amount };
  const text = headerOf(request, 'authorization');
  if (text === undefined) return refuseWith('payment-required', facts);
  const credential = parseCredential(text);
  if (!credential) return refuseWith('payment-required', facts, 'credential');
  const charge = { amount, digest: digestOf(request) };
  provider.challenges.verify(credential.challenge, charge);
  const { action, channelId, cumulativeAmount, signature } = credential.payload;
  const voucher = {
    channelId: channelId as OutputId,
    cumulative: BigInt(cumulativeAmount),
    signature: hexToBytes(signature),
  };
  if (voucher.cumulative >= 1n << 64n) return refuseWith('voucher-over-deposit', facts);
  return { voucher, action };
}

/** The value of the `Payment-Receipt` header for an accepted voucher. */
export function receiptHeader(voucher: Voucher, nowMs: number): string {
  const receipt: PaymentReceipt = {
    status: 'success',
    method: 'tangle',
    timestamp: new Date(nowMs).toISOString(),
    reference: `${voucher.channelId}:${voucher.cumulative}`,
  };
  return toCompactJson(receipt);
}
