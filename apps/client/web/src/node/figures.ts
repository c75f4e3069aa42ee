/** Numbers of a node as people read them. */
import { formatAmount } from '@tanglemail/tangle/core/codec/amount.ts';

/** Base units, given as the API writes them, as text with the sign of the token. */
export function coins(amount: string | bigint): string {
  return formatAmount(BigInt(amount));
}

/** Milliseconds as seconds or minutes, hours, days: one unit, as the language writes it. */
export function spanText(language: string, ms: number): string {
  const seconds = Math.max(0, ms) / 1_000;
  const [unit, value, digits] =
    seconds < 60
      ? (['second', seconds, seconds < 10 ? 1 : 0] as const)
      : seconds < 3_600
        ? (['minute', seconds / 60, 0] as const)
        : seconds < 86_400
          ? (['hour', seconds / 3_600, 1] as const)
          : (['day', seconds / 86_400, 1] as const);
  const form = {
    style: 'unit',
    unit,
    unitDisplay: 'short',
    maximumFractionDigits: digits,
  } as const;
  return new Intl.NumberFormat(language, form).format(value);
}

/** Whole seconds since then, such as the age of a milestone. */
export function ageText(language: string, atMs: number, nowMs: number): string {
  return spanText(language, Math.floor(Math.max(0, nowMs - atMs) / 1_000) * 1_000);
}

/** The beginning and the end of a long id. */
export function shortId(id: string): string {
  return id.length <= 20 ? id : `${id.slice(0, 8)}…${id.slice(-6)}`;
}

/** Missed rounds after which a figure is old news. */
const STALE_ROUNDS = 3;

/** Whether a value that is asked for every `everyMs` has not come for too long. */
export function isStale(atMs: number | undefined, nowMs: number, everyMs: number): boolean {
  return atMs !== undefined && nowMs - atMs > STALE_ROUNDS * everyMs + 1_000;
}
