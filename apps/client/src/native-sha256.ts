/** SHA-256 of the system's library: parcels are hashed by the megabyte. */
import { createHash } from 'node:crypto';

export function nativeSha256(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(bytes).digest());
}
