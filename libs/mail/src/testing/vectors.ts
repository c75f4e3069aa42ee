/**
 * Golden vectors of the mail library (test/vectors/mail). They were generated once; a test that
 * differs from them has found a change of the format.
 */
import { readFileSync } from 'node:fs';
import { hexToBytes } from '@noble/hashes/utils.js';

const folder = new URL('../../../../test/vectors/mail/', import.meta.url);

/** Reads one file of vectors; the caller knows what stands in it. */
export function readVectors(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8'));
}

export function fromHex(hex: string): Uint8Array {
  return hexToBytes(hex);
}

/** The value of an outcome that must be a success. */
export function valueOf<T>(outcome: { ok: true; value: T } | { ok: false; code: string }): T {
  if (!outcome.ok) throw new Error(`expected a value, got ${outcome.code}`);
  return outcome.value;
}

/** The code of an outcome that must be a failure. */
export function codeOf(outcome: { ok: true } | { ok: false; code: string }): string {
  return outcome.ok ? 'ok' : outcome.code;
}
