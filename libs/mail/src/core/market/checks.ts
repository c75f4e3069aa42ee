/**
 * The codes with which a client judges what a provider signed; codes of form (`truncated`,
 * `not-canonical` …) are the tangle's. What a provider answers to requests is in problems.ts.
 * Spec: docs/spec/30-offer.md and 32-receipt.md.
 */
import { ERROR_CODES } from '@tanglemail/tangle/core/outcome.ts';
import type { Action, ErrorCode, Failure, Outcome } from '@tanglemail/tangle/core/outcome.ts';

/** Code → action towards the provider, and the page that states the rule. */
export const MARKET_ERROR_CODES = {
  'offer-invalid': { action: 'reject', spec: '30-offer' },
  'offer-expired': { action: 'ignore', spec: '30-offer' },
  'receipt-mismatch': { action: 'reject', spec: '32-receipt' },
} as const satisfies Record<string, { action: Action; spec: string }>;

export type MarketErrorCode = keyof typeof MARKET_ERROR_CODES | ErrorCode;
export type MarketOutcome<T> = Outcome<T, MarketErrorCode>;

const TABLE: Record<MarketErrorCode, { action: Action }> = {
  ...ERROR_CODES,
  ...MARKET_ERROR_CODES,
};

/** A failure with the action that the tables give for `code`. */
export function fail(code: MarketErrorCode, detail?: string): Failure<MarketErrorCode> {
  const { action } = TABLE[code];
  return detail === undefined ? { ok: false, action, code } : { ok: false, action, code, detail };
}
