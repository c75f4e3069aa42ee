/**
 * What the commands of `tangle-node` have in common: options, times, and files that are only made.
 */
import { writeFile } from 'node:fs/promises';
import { UsageError } from '@tanglemail/tangle/io/shell/terminal.ts';

/** The option for output that programs read. */
export const JSON_OPTION = ['--json', 'print JSON'] as const;

/** The integer from 1 to `max` that an option says. Throws UsageError. */
export function integerFrom(flag: string, text: string, max: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= max) return value;
  throw new UsageError(`${flag} is "${text}": expected an integer from 1 to ${max}`);
}

/** A second of milestone time, for people. */
export function secondText(seconds: number): string {
  return new Date(seconds * 1_000).toISOString().replace('.000Z', 'Z');
}

/** Writes a file that does not exist yet. Throws UsageError. */
export async function createFile(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text, { flag: 'wx' });
  } catch (error) {
    throw new UsageError(`cannot create ${path}; is there such a file already?`, { cause: error });
  }
}
