/**
 * SHA-256 by the machine, for the roots of what is stored. Used by mailboxes/ and api/.
 */
import { hash } from 'node:crypto';

/** 32 bytes. */
export function nativeSha256(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(hash('sha256', bytes, 'buffer'));
}
