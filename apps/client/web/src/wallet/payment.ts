/** What a payment would do to the wallet, before it is asked for. */
import { parseAmount } from '@tanglemail/tangle/core/codec/amount.ts';
import type { WalletDto } from '../../../src/api/dto.ts';

export type PaymentPlan =
  | {
      readonly ok: true;
      readonly to: string;
      readonly amount: bigint;
      /** What is left when this and what is under way have been paid. */
      readonly rest: bigint;
    }
  | { readonly ok: false; readonly fault: 'no-address' | 'no-amount' | 'too-much' };

/** `to` and `amount` as they were typed: `1.5 T`, or base units. */
export function planPayment(
  to: string,
  amount: string,
  { balance, pending }: Pick<WalletDto, 'balance' | 'pending'>,
): PaymentPlan {
  const address = to.trim();
  if (address === '') return { ok: false, fault: 'no-address' };
  const units = parseAmount(amount);
  if (units === undefined) return { ok: false, fault: 'no-amount' };
  const rest = BigInt(balance) - BigInt(pending) - units;
  return rest < 0n
    ? { ok: false, fault: 'too-much' }
    : { ok: true, to: address, amount: units, rest };
}
