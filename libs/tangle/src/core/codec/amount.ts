/**
 * Amounts as people write them: tokens with a "T" behind (1 T = 10^6 base units), or base units.
 * Used by the command line and the wallet. Spec: docs/spec/41-client-api.md, "Amounts".
 */

const UNITS_PER_TOKEN = 1_000_000n;
const DECIMALS = 6;
/** Amounts are u64. */
const MAX_AMOUNT = 0xffff_ffff_ffff_ffffn;
const TOKENS = /^([0-9]{1,14})(?:\.([0-9]{1,6}))? ?[Tt]$/;
const BASE_UNITS = /^[0-9]{1,20}$/;

/**
 * Reads `1.5T`, `0.000001T` or `1500000`. Undefined for anything else, 0 and what exceeds u64: a
 * number with a point but without its unit is refused, because it can mean two things.
 */
export function parseAmount(text: string): bigint | undefined {
  const trimmed = text.trim();
  const amount = BASE_UNITS.test(trimmed) ? BigInt(trimmed) : tokensOf(trimmed);
  return amount === undefined || amount === 0n || amount > MAX_AMOUNT ? undefined : amount;
}

function tokensOf(text: string): bigint | undefined {
  const match = TOKENS.exec(text);
  if (match === null) return undefined;
  const [, whole = '', fraction = ''] = match;
  return BigInt(whole) * UNITS_PER_TOKEN + BigInt(fraction.padEnd(DECIMALS, '0'));
}

/** `1.5 T` for 1,500,000 base units. Nothing is rounded. */
export function formatAmount(units: bigint): string {
  const sign = units < 0n ? '-' : '';
  const absolute = units < 0n ? -units : units;
  const fraction = (absolute % UNITS_PER_TOKEN).toString().padStart(DECIMALS, '0');
  const shown = fraction.replace(/0+$/, '');
  const whole = absolute / UNITS_PER_TOKEN;
  return shown === '' ? `${sign}${whole} T` : `${sign}${whole}.${shown} T`;
}
