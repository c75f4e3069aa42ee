/**
 * Values of the provider's own store: JSON in which amounts and bytes are marked, so that a record
 * reads back exactly as it was written. Never used for anything from outside.
 */
import { Buffer } from 'node:buffer';
import { bytesToHex, hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';

function mark(value: unknown): unknown {
  if (typeof value === 'bigint') return { $n: `${value}` };
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Uint8Array) return { $b: bytesToHex(value) };
  if (Array.isArray(value)) return value.map(mark);
  const marked: Record<string, unknown> = {};
  for (const [key, field] of Object.entries(value)) marked[key] = mark(field);
  return marked;
}

/** In place. A reviver of JSON.parse takes more than twice the time, as does its counterpart. */
function unmark(value: object): unknown {
  if ('$n' in value && typeof value.$n === 'string') return BigInt(value.$n);
  if ('$b' in value && typeof value.$b === 'string') return hexToBytes(value.$b);
  const fields = value as Record<string, unknown>;
  for (const key of Object.keys(fields)) {
    const field = fields[key];
    if (typeof field === 'object' && field !== null) fields[key] = unmark(field);
  }
  return value;
}

export function encodeRecord(value: object): Uint8Array {
  const { buffer, byteOffset, length } = Buffer.from(JSON.stringify(mark(value)), 'utf8');
  return new Uint8Array(buffer, byteOffset, length);
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
}

/** The caller knows which type it wrote under this key, and asserts it. */
export function decodeRecord(bytes: Uint8Array): object {
  return unmark(JSON.parse(textOf(bytes)) as object) as object;
}
