/**
 * Writes a backup file as a stream: records into chunks of 64 KiB, each sealed, synced before the
 * file gets its name. Before: backup-service.ts; after: mail core, backup/. Spec:
 * docs/spec/29-backup.md.
 */
import { link, open, unlink, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import {
  encodeBackupHead,
  backupFileKey,
  type BackupLock,
} from '@tanglemail/mail/core/backup/lock.ts';
import { encodeBackupRecord } from '@tanglemail/mail/core/backup/record.ts';
import type { BackupRecord } from '@tanglemail/mail/core/backup/record.ts';
import { BACKUP_CHUNK, sealBackupChunk } from '@tanglemail/mail/core/backup/stream.ts';
import { errorCode } from '@tanglemail/tangle/io/error-code.ts';
import { syncFolder } from '@tanglemail/tangle/io/write-file.ts';
import { ClientError } from '../client-error.ts';

/** How a file is locked, and the bytes that the lock gives. */
export interface BackupKey {
  readonly lock: BackupLock;
  readonly secret: Uint8Array;
}

/**
 * Writes the records to a new file, mode 0600, which appears whole or not at all; gives its size in
 * bytes. Throws ClientError `backup-exists`, `file-unusable`, and what `records` throws.
 */
export async function writeBackup(
  path: string,
  { lock, secret }: BackupKey,
  records: AsyncIterable<BackupRecord>,
): Promise<number> {
  const temporary = `${path}.${process.pid}.partial`;
  const handle = await openNew(temporary);
  try {
    const head = encodeBackupHead(lock);
    const writer = new ChunkWriter(handle, backupFileKey(secret, head));
    await writer.raw(head);
    for await (const record of records) await writer.add(encodeBackupRecord(record));
    const size = await writer.end();
    await handle.sync();
    await handle.close();
    await nameFile(temporary, path);
    return size;
  } finally {
    await handle.close().catch(() => undefined);
    await unlink(temporary).catch(() => undefined);
  }
}

async function openNew(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'wx', 0o600);
  } catch (cause) {
    throw new ClientError('file-unusable', path, { cause });
  }
}

/** A link, unlike a rename, refuses to replace a backup that is there already. */
async function nameFile(temporary: string, path: string): Promise<void> {
  try {
    await link(temporary, path);
  } catch (cause) {
    const isThere = errorCode(cause) === 'EEXIST';
    throw new ClientError(isThere ? 'backup-exists' : 'file-unusable', path, { cause });
  }
  await syncFolder(dirname(path));
}

class ChunkWriter {
  readonly #handle: FileHandle;
  readonly #fileKey: Uint8Array;
  readonly #chunk = new Uint8Array(BACKUP_CHUNK);
  #filled = 0;
  #index = 0;
  #size = 0;

  constructor(handle: FileHandle, fileKey: Uint8Array) {
    this.#handle = handle;
    this.#fileKey = fileKey;
  }

  async raw(bytes: Uint8Array): Promise<void> {
    await this.#handle.write(bytes);
    this.#size += bytes.length;
  }

  async add(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      // A full chunk waits until it is known not to be the last.
      if (this.#filled === BACKUP_CHUNK) await this.#flush(false);
      const part = bytes.subarray(at, at + BACKUP_CHUNK - this.#filled);
      this.#chunk.set(part, this.#filled);
      this.#filled += part.length;
      at += part.length;
    }
  }

  async end(): Promise<number> {
    await this.#flush(true);
    return this.#size;
  }

  async #flush(isLast: boolean): Promise<void> {
    const plain = this.#chunk.subarray(0, this.#filled);
    await this.raw(sealBackupChunk(this.#fileKey, this.#index, isLast, plain));
    this.#index += 1;
    this.#filled = 0;
  }
}
