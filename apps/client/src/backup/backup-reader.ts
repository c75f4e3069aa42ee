/**
 * Reads a backup file as a stream of records; nothing of it is believed before its chunk opened.
 * Before: restore.ts; after: mail core, backup/. Spec: docs/spec/29-backup.md.
 */
import { open, type FileHandle } from 'node:fs/promises';
import { bestSuite } from '@tanglemail/mail/io/crypto/native-suite.ts';
import {
  backupFileKey,
  type BackupLock,
  decodeBackupHead,
  MAX_BACKUP_HEAD,
  openWordsLock,
  recoverySecret,
} from '@tanglemail/mail/core/backup/lock.ts';
import { type BackupRecord, readBackupRecord } from '@tanglemail/mail/core/backup/record.ts';
import { BACKUP_CHUNK, BACKUP_TAG, openBackupChunk } from '@tanglemail/mail/core/backup/stream.ts';
import { ClientError } from '../client-error.ts';
import { passphraseKey } from '../keystore/keystore.ts';

/** What opens a backup: its passphrase, or the seed of the words and the account's number. */
export type BackupOpener =
  | { readonly kind: 'passphrase'; readonly passphrase: string }
  | { readonly kind: 'words'; readonly seed: Uint8Array; readonly accountIndex: number };

const SEALED_CHUNK = BACKUP_CHUNK + BACKUP_TAG;

export class BackupReader {
  readonly #handle: FileHandle;
  readonly #size: number;
  readonly #head: Uint8Array;
  readonly lock: BackupLock;

  private constructor(handle: FileHandle, size: number, head: Uint8Array, lock: BackupLock) {
    this.#handle = handle;
    this.#size = size;
    this.#head = head;
    this.lock = lock;
  }

  /** Throws ClientError `file-unusable`, `backup-invalid`. */
  static async open(path: string): Promise<BackupReader> {
    let handle: FileHandle;
    try {
      handle = await open(path, 'r');
    } catch (cause) {
      throw new ClientError('file-unusable', path, { cause });
    }
    try {
      const { size } = await handle.stat();
      const start = await readAt(handle, 0, Math.min(MAX_BACKUP_HEAD, size));
      const head = decodeBackupHead(start);
      if (!head.ok) throw new ClientError('backup-invalid', head.code);
      const { lock, length } = head.value;
      return new BackupReader(handle, size, start.slice(0, length), lock);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /**
   * All records in their order, the last one with the right count. Throws ClientError
   * `backup-locked` before the first, `backup-invalid` wherever the file turns out not to be whole.
   */
  async *records(opener: BackupOpener): AsyncGenerator<BackupRecord> {
    const fileKey = backupFileKey(await secretOf(this.lock, opener), this.#head);
    let parts: Uint8Array[] = [];
    let values = 0;
    let isEnded = false;
    for await (const chunk of this.#chunks(fileKey)) {
      parts.push(chunk);
      let buffered = joined(parts);
      for (;;) {
        const found = readBackupRecord(buffered);
        if (found === undefined) break;
        if (!found.ok || isEnded) throw new ClientError('backup-invalid', 'a record');
        const { record, length } = found.value;
        buffered = buffered.subarray(length);
        if (record.kind === 'value') values += 1;
        if (record.kind === 'end') isEnded = record.count === values;
        yield record;
      }
      parts = buffered.length === 0 ? [] : [buffered];
    }
    if (!isEnded || parts.length > 0) throw new ClientError('backup-invalid', 'it has no end');
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }

  async *#chunks(fileKey: Uint8Array): AsyncGenerator<Uint8Array> {
    const start = this.#head.length;
    for (let index = 0, at = start; at < this.#size || index === 0; index++, at += SEALED_CHUNK) {
      const isLast = at + SEALED_CHUNK >= this.#size;
      const sealed = await readAt(this.#handle, at, Math.min(SEALED_CHUNK, this.#size - at));
      const opened = openBackupChunk(fileKey, index, isLast, sealed);
      if (!opened.ok) {
        const isLocked = opened.code === 'backup-locked';
        throw new ClientError(isLocked ? 'backup-locked' : 'backup-invalid', opened.detail);
      }
      yield opened.value;
    }
  }
}

async function readAt(handle: FileHandle, position: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  const { bytesRead } = await handle.read(bytes, 0, length, position);
  return bytes.subarray(0, bytesRead);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return parts.length === 1
    ? (parts[0] ?? new Uint8Array(0))
    : new Uint8Array(Buffer.concat(parts));
}

async function secretOf(lock: BackupLock, opener: BackupOpener): Promise<Uint8Array> {
  if (lock.kind !== opener.kind)
    throw new ClientError('backup-locked', `it asks for the ${lock.kind}`);
  if (lock.kind === 'passphrase' && opener.kind === 'passphrase') {
    return await passphraseKey(opener.passphrase, lock);
  }
  if (lock.kind === 'words' && opener.kind === 'words') {
    const secret = recoverySecret(opener.seed, opener.accountIndex);
    const opened = openWordsLock(lock, secret, bestSuite());
    if (opened.ok) return opened.value;
  }
  throw new ClientError('backup-locked');
}
