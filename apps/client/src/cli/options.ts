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

/** Collects an option that may be given several times. */
export function collect(value: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), value];
}
