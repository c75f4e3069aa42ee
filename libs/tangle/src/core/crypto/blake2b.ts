/**
 * The reference hasher: BLAKE2b-256 by @noble/hashes, which runs in every browser. Faster backends
 * (io/accel) are held to it by a self-test. Spec: docs/spec/01-block.md.
 */
import { blake2b } from '@noble/hashes/blake2.js';
import type { Hasher } from '../ports.ts';

const OPTIONS = { dkLen: 32 } as const;

/** BLAKE2b with a 32-byte digest, no key, no salt (RFC 7693). */
export const nobleHasher: Hasher = {
  blake2b256: (bytes) => blake2b(bytes, OPTIONS),
};
