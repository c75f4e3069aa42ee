/** Times as a list and a reader show them, in the language and the time zone of the user. */
const DAY_MS = 86_400_000;

/** The time of day for today, the day for this year, the date before. */
export function shortTime(language: string, atMs: number, nowMs: number): string {
  const at = new Date(atMs);
  const now = new Date(nowMs);
  if (at.toDateString() === now.toDateString()) {
    return new Intl.DateTimeFormat(language, { hour: '2-digit', minute: '2-digit' }).format(at);
  }
  const isNear = nowMs - atMs < 300 * DAY_MS && atMs <= nowMs;
  const form: Intl.DateTimeFormatOptions = isNear
    ? { day: 'numeric', month: 'short' }
    : { day: 'numeric', month: 'short', year: 'numeric' };
  return new Intl.DateTimeFormat(language, form).format(at);
}

/** A day with its year, for what ends or has ended. */
export function dayText(language: string, atMs: number): string {
  return new Intl.DateTimeFormat(language, { dateStyle: 'medium' }).format(new Date(atMs));
}

export function fullTime(language: string, atMs: number): string {
  const form: Intl.DateTimeFormatOptions = { dateStyle: 'medium', timeStyle: 'short' };
  return new Intl.DateTimeFormat(language, form).format(new Date(atMs));
}

const UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte'] as const;

/** A size in bytes, in the largest unit of which there is at least one. */
export function sizeText(language: string, sizeBytes: number): string {
  const power = Math.min(UNITS.length - 1, Math.floor(Math.log10(Math.max(1, sizeBytes)) / 3));
  const form: Intl.NumberFormatOptions = {
    style: 'unit',
    unit: UNITS[power] ?? 'byte',
    unitDisplay: 'short',
    maximumFractionDigits: power === 0 ? 0 : 1,
  };
  return new Intl.NumberFormat(language, form).format(sizeBytes / 1_000 ** power);
}
