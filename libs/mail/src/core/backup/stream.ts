/**
 * The sealed body of a backup file: chunks of 64 KiB, each of which opens only in its place, the
 * last one only as the last. Stop before: backup/lock.ts; next: backup/record.ts.
 * Spec: docs/spec/29-backup.md.
 */
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { assert, fail, succeed } from '../outcome.ts';
import type { MailOutcome } from '../outcome.ts';

/** Bytes of a chunk before it is sealed; only the last is shorter, and may be empty. */
export const BACKUP_CHUNK = 65_536;
/** Bytes that sealing adds to a chunk. */
export const BACKUP_TAG = 16;

/** 24 bytes: number of the chunk, whether it is the last, zeros. The key serves one file only. */
function nonceOf(index: number, isLast: boolean): Uint8Array {
  const nonce = new Uint8Array(24);
  new DataView(nonce.buffer).setBigUint64(0, BigInt(index), true);
  nonce[8] = isLast ? 1 : 0;
  return nonce;
}

/** Seals chunk `index` (from 0). */
export function sealBackupChunk(
  fileKey: Uint8Array,
  index: number,
  isLast: boolean,
  plain: Uint8Array,
): Uint8Array {
  assert(isLast || plain.length === BACKUP_CHUNK, 'only the last chunk is short');
  assert(plain.length <= BACKUP_CHUNK, 'a chunk is bounded');
  return xchacha20poly1305(fileKey, nonceOf(index, isLast)).encrypt(plain);
}

/**
 * Opens chunk `index`. Codes: `backup-locked` when the first does not open (another passphrase, or
 * a damaged file), `backup-damaged` for any other one.
 */
export function openBackupChunk(
  fileKey: Uint8Array,
  index: number,
  isLast: boolean,
  sealed: Uint8Array,
): MailOutcome<Uint8Array> {
  const isSized = isLast
    ? sealed.length >= BACKUP_TAG && sealed.length <= BACKUP_CHUNK + BACKUP_TAG
    : sealed.length === BACKUP_CHUNK + BACKUP_TAG;
  if (!isSized) return fail('backup-damaged', 'cut off');
  try {
    return succeed(xchacha20poly1305(fileKey, nonceOf(index, isLast)).decrypt(sealed));
  } catch {
    return fail(index === 0 ? 'backup-locked' : 'backup-damaged', `chunk ${index}`);
  }
}
