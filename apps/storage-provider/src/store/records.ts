/**
 * Values of the provider's own store: JSON in which amounts and bytes are marked, so that a record
 * reads back exactly as it was written. Never used for anything from outside.
 */
import { Buffer } from 'node:buffer';
import { bytesToHex, hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';

function mark(this: Record<string, unknown>, key: string, value: unknown): unknown {
  const raw = this[key];
  if (typeof raw === 'bigint') return { $n: `${raw}` };
  if (raw instanceof Uint8Array) return { $b: bytesToHex(raw) };
  return value;
}

function unmark(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if ('$n' in value && typeof value.$n === 'string') return BigInt(value.$n);
  if ('$b' in value && typeof value.$b === 'string') return hexToBytes(value.$b);
  return value;
}

export function encodeRecord(value: object): Uint8Array {
  return new Uint8Array(Buffer.from(JSON.stringify(value, mark), 'utf8'));
}

/** The caller knows which type it wrote under this key, and asserts it. */
export function decodeRecord(bytes: Uint8Array): object {
  return JSON.parse(Buffer.from(bytes).toString('utf8'), unmark) as object;
}
