/**
 * The head of a backup file: how the key is made that opens the rest, from a passphrase or from the
 * account's 24 words. Next stop: backup/stream.ts. Spec: docs/spec/29-backup.md.
 */
import type { Reader } from '@tanglemail/tangle/core/codec/reader.ts';
import { decodeWith, refuse } from '@tanglemail/tangle/core/codec/reader.ts';
import { Writer } from '@tanglemail/tangle/core/codec/writer.ts';
import { concatBytes, deriveKey, equalBytes, sha256, utf8ToBytes } from '../crypto/kdf.ts';
import { u32Bytes } from '../crypto/kdf.ts';
import { fail } from '../outcome.ts';
import type { MailOutcome } from '../outcome.ts';
import type { SealingSuite } from '../ports.ts';
import { MLKEM_CIPHERTEXT_LENGTH, MLKEM_PUBLIC_KEY_LENGTH } from '../ports.ts';

/** Argon2id, version 1.3 (RFC 9106), 32 bytes out. */
export interface PassphraseLock {
  readonly kind: 'passphrase';
  readonly memoryKiB: number;
  readonly passes: number;
  readonly parallelism: number;
  /** 16 bytes. */
  readonly salt: Uint8Array;
}

/** Sealed to the recovery key of the account, whose secret half only the words give. */
export interface WordsLock {
  readonly kind: 'words';
  /** 32 bytes. */
  readonly ephemeralKey: Uint8Array;
  /** 1,088 bytes. */
  readonly ciphertext: Uint8Array;
}

export type BackupLock = PassphraseLock | WordsLock;

/** Bytes of the public recovery key: X25519, then ML-KEM-768. */
export const RECOVERY_KEY_LENGTH = 32 + MLKEM_PUBLIC_KEY_LENGTH;
/** What a passphrase may cost: a planted file must not make the reader take all memory. */
export const BACKUP_KDF_LIMITS = {
  memoryKiB: [8_192, 1_048_576],
  passes: [1, 16],
  parallelism: [1, 16],
} as const;

const MAGIC = utf8ToBytes('TMBACKUP');
const VERSION = 1;
const SALT_LENGTH = 16;
const PREFIX_LENGTH = MAGIC.length + 2;
/** Bytes of the longest head. A reader takes as many, or the whole file. */
export const MAX_BACKUP_HEAD = PREFIX_LENGTH + 32 + MLKEM_CIPHERTEXT_LENGTH;
const PASSPHRASE_HEAD = PREFIX_LENGTH + 12 + SALT_LENGTH;

/** The head of a file. */
export function encodeBackupHead(lock: BackupLock): Uint8Array {
  const writer = new Writer(MAX_BACKUP_HEAD);
  writer.raw(MAGIC);
  writer.u8(VERSION);
  if (lock.kind === 'passphrase') {
    writer.u8(1);
    writer.u32(lock.memoryKiB);
    writer.u32(lock.passes);
    writer.u32(lock.parallelism);
    writer.fixed(lock.salt, SALT_LENGTH);
  } else {
    writer.u8(2);
    writer.fixed(lock.ephemeralKey, 32);
    writer.fixed(lock.ciphertext, MLKEM_CIPHERTEXT_LENGTH);
  }
  return writer.finish();
}

/**
 * Reads the head at the start of `bytes`; what follows it is ignored. Codes: those of form,
 * `version-unknown`, `backup-not-one` for other files, `backup-head-invalid` for costs out of
 * bounds.
 */
export function decodeBackupHead(
  bytes: Uint8Array,
): MailOutcome<{ readonly lock: BackupLock; readonly length: number }> {
  if (!equalBytes(bytes.subarray(0, MAGIC.length), MAGIC)) return fail('backup-not-one');
  const kind = bytes[MAGIC.length + 1];
  const length = kind === 1 ? PASSPHRASE_HEAD : MAX_BACKUP_HEAD;
  const head = bytes.subarray(0, length);
  const decoded = decodeWith(head, MAX_BACKUP_HEAD, (reader) => ({
    lock: readLock(reader),
    length,
  }));
  return decoded.ok && !isBounded(decoded.value.lock) ? fail('backup-head-invalid') : decoded;
}

function readLock(reader: Reader): BackupLock {
  reader.view(MAGIC.length);
  if (reader.u8() !== VERSION) refuse('version-unknown');
  const kind = reader.u8();
  if (kind === 1) {
    const [memoryKiB, passes, parallelism] = [reader.u32(), reader.u32(), reader.u32()];
    return { kind: 'passphrase', memoryKiB, passes, parallelism, salt: reader.bytes(SALT_LENGTH) };
  }
  if (kind !== 2) refuse('number-out-of-range');
  const ephemeralKey = reader.bytes(32);
  return { kind: 'words', ephemeralKey, ciphertext: reader.bytes(MLKEM_CIPHERTEXT_LENGTH) };
}

function isBounded(lock: BackupLock): boolean {
  if (lock.kind === 'words') return true;
  return (['memoryKiB', 'passes', 'parallelism'] as const).every((name) => {
    const [least, most] = BACKUP_KDF_LIMITS[name];
    return lock[name] >= least && lock[name] <= most;
  });
}

/** The 32 bytes from which the recovery keys of account `index` (u32) derive. */
export function recoverySecret(seed: Uint8Array, index: number): Uint8Array {
  return deriveKey(seed, 'tmail/recovery/v1', [u32Bytes(index)]);
}

/** The public recovery key: backups are sealed to it by devices that no longer have the words. */
export function recoveryKeyOf(secret: Uint8Array, suite: SealingSuite): Uint8Array {
  const { x25519, mlkem } = keysOf(secret, suite);
  return concatBytes(suite.x25519PublicKey(x25519), mlkem.publicKey);
}

function keysOf(secret: Uint8Array, suite: SealingSuite) {
  const x25519 = deriveKey(secret, 'tmail/recovery-x25519/v1');
  return { x25519, mlkem: suite.mlkemKeygen(deriveKey(secret, 'tmail/recovery-mlkem/v1', [], 64)) };
}

/**
 * A lock for the words, and the 32 bytes that it holds. Code: `recipient-key-invalid` when the
 * public key is none.
 */
export function lockForWords(
  recoveryKey: Uint8Array,
  randomness: { readonly ephemeralSecret: Uint8Array; readonly kemMessage: Uint8Array },
  suite: SealingSuite,
): MailOutcome<{ readonly lock: WordsLock; readonly secret: Uint8Array }> {
  const isKey = recoveryKey.length === RECOVERY_KEY_LENGTH;
  const shared = isKey
    ? suite.x25519(randomness.ephemeralSecret, recoveryKey.subarray(0, 32))
    : undefined;
  const kem = isKey
    ? suite.mlkemEncapsulate(recoveryKey.subarray(32), randomness.kemMessage)
    : undefined;
  if (shared === undefined || kem === undefined) return fail('recipient-key-invalid');
  const ephemeralKey = suite.x25519PublicKey(randomness.ephemeralSecret);
  const { ciphertext, sharedSecret } = kem;
  const secret = concatBytes(shared, sharedSecret);
  return { ok: true, value: { lock: { kind: 'words', ephemeralKey, ciphertext }, secret } };
}

/** What a lock for the words holds; wrong words give other bytes, and the first chunk tells. */
export function openWordsLock(
  lock: WordsLock,
  secret: Uint8Array,
  suite: SealingSuite,
): MailOutcome<Uint8Array> {
  const { x25519, mlkem } = keysOf(secret, suite);
  const shared = suite.x25519(x25519, lock.ephemeralKey);
  if (shared === undefined) return fail('backup-head-invalid');
  return {
    ok: true,
    value: concatBytes(shared, suite.mlkemDecapsulate(mlkem.secretKey, lock.ciphertext)),
  };
}

/** The key of a file, from what its lock gives; the head is bound into it. */
export function backupFileKey(secret: Uint8Array, head: Uint8Array): Uint8Array {
  return deriveKey(secret, 'tmail/backup-file/v1', [sha256(head)]);
}
