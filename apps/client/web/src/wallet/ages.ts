/** How old a figure is, and when it is too old to be taken for the present one. */
const SECOND_MS = 1_000;
const UNITS = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', SECOND_MS],
] as const;

/** The page asks for the balance so often. */
export const REFRESH_MS = 20_000;
/** Three answers in a row did not bring a younger figure. */
export const STALE_AFTER_MS = 3 * REFRESH_MS;

/** `3s ago` in a language; a time that lies ahead, by two clocks that differ, is now. */
export function ageText(language: string, ageMs: number): string {
  const age = Math.max(0, ageMs);
  const [unit, unitMs] = UNITS.find(([, least]) => age >= least) ?? ['second', SECOND_MS];
  const format = new Intl.RelativeTimeFormat(language, { numeric: 'always', style: 'narrow' });
  return format.format(-Math.floor(age / unitMs), unit);
}

export function isStale(ageMs: number): boolean {
  return ageMs > STALE_AFTER_MS;
}
