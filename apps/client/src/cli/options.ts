/**
 * Reads options that commander gives as text.
 */
import { ClientError } from '../client-error.ts';

/** An integer within the bounds. Throws ClientError `request-malformed`. */
export function integerOption(flag: string, text: string, min: number, max: number): number {
  const value = /^[0-9]{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new ClientError('request-malformed', `${flag} is ${text}, not from ${min} to ${max}`);
}

/** A time as ISO 8601 writes it, in ms; without a zone it is local. Throws ClientError. */
export function timeOption(flag: string, text: string): number {
  const isIso = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2})?(?:Z|[+-]\d{2}:?\d{2})?)?$/.test(text);
  // A date alone would be midnight in Greenwich: here it is midnight of this place.
  const timeMs = isIso ? Date.parse(text.includes('T') ? text : `${text}T00:00`) : Number.NaN;
  if (Number.isFinite(timeMs)) return timeMs;
  throw new ClientError(
    'request-malformed',
    `${flag} is ${text}, not a time like 2027-01-31T08:00`,
  );
}

/** Collects an option that may be given several times. */
export function collect(value: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), value];
}
