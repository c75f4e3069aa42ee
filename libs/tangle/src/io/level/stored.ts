/**
 * Reading of values that this program wrote itself. A value that does not decode means a damaged
 * file or a wrong program, never a peer's fault: StoreError `corrupt`, and the node stops.
 * Path: repositories of this folder → here → core/codec. Spec: docs/spec/10-storage.md.
 */
import { decodeWith } from '../../core/codec/reader.ts';
import type { Reader } from '../../core/codec/reader.ts';
import { StoreError } from './store-error.ts';

/** Greatest value in bytes: a diff of a full cone. Far above what a sane network writes. */
const MAX_VALUE_SIZE = 0x7fff_ffff;

/** Decodes a stored value to its last byte. `what` names it in the error. */
export function decodeStored<T>(value: Uint8Array, what: string, read: (reader: Reader) => T): T {
  const decoded = decodeWith(value, MAX_VALUE_SIZE, read);
  if (!decoded.ok) throw new StoreError('corrupt', `${what}: ${decoded.code}`);
  return decoded.value;
}

/** The values of `keys` by the key that the caller uses; missing ones are left out. */
export function mapFound<K, V>(
  keys: readonly K[],
  values: readonly (Uint8Array | undefined)[],
  decode: (value: Uint8Array, key: K) => V,
): Map<K, V> {
  const found = new Map<K, V>();
  keys.forEach((key, i) => {
    const value = values[i];
    if (value !== undefined) found.set(key, decode(value, key));
  });
  return found;
}
