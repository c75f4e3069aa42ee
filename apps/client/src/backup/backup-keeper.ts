/**
 * Makes backups: on request, and by itself into a folder, of which the newest few are kept. Before:
 * the local API, client.ts; after: backup-source.ts, backup-writer.ts.
 * Spec: docs/spec/29-backup.md.
 */
import { mkdir, readdir, unlink } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { hexToBytes, bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { type Genesis, genesisToJson } from '@tanglemail/tangle/core/codec/genesis.ts';
import type { Clock, Random } from '@tanglemail/tangle/core/ports.ts';
import { errorFields, type Logger } from '@tanglemail/tangle/io/logger.ts';
import { lockForWords } from '@tanglemail/mail/core/backup/lock.ts';
import { bestSuite } from '@tanglemail/mail/io/crypto/native-suite.ts';
import type { BackupDto, BackupsDto, CreateBackupDto } from '../api/backup-dto.ts';
import type { BackupService } from '../api/backup-service.ts';
import { ClientError } from '../client-error.ts';
import type { ClientConfig } from '../config/schema.ts';
import { type AccountSecrets, PASSPHRASE_COST, passphraseKey } from '../keystore/keystore.ts';
import type { SealedStore } from '../store/sealed-store.ts';
import { type BackupKey, writeBackup } from './backup-writer.ts';
import { backupRecords } from './backup-source.ts';

export interface BackupKeeperDeps {
  readonly config: ClientConfig;
  readonly secrets: AccountSecrets;
  readonly genesis: Genesis;
  readonly store: SealedStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Remembers the public half of a backup's own key, so that later epoch lines reach it. */
  readonly noteBox: (publicKey: Uint8Array) => Promise<void>;
}

const HOUR_MS = 3_600_000;
/** What is remembered for the status. */
const MAX_SHOWN = 32;
const FILE_NAME = /^tanglemail-[0-9]{8}T[0-9]{6}Z\.tmbackup$/;

export class BackupKeeper implements BackupService {
  readonly #deps: BackupKeeperDeps;
  readonly #made: BackupDto[] = [];
  #running: string | undefined;
  #lastError: string | undefined;

  constructor(deps: BackupKeeperDeps) {
    this.#deps = deps;
  }

  async status(): Promise<BackupsDto> {
    const { folder, everyHours, keep } = this.#deps.config.backup;
    return {
      running: this.#running ?? null,
      made: this.#made,
      automatic: {
        folder: folder ?? null,
        everyHours,
        keep,
        lastError: this.#lastError ?? null,
      },
    };
  }

  async create(request: CreateBackupDto): Promise<BackupDto> {
    if (!isAbsolute(request.path)) {
      throw new ClientError('request-malformed', 'path: expected an absolute one');
    }
    if (this.#running !== undefined) throw new ClientError('busy', 'a backup is being written');
    this.#running = request.path;
    try {
      const { passphrase } = request;
      const key =
        passphrase === undefined ? this.#wordsKey() : await this.#passphraseKey(passphrase);
      return await this.#write(request, key);
    } finally {
      this.#running = undefined;
    }
  }

  async #write({ path, withMail }: CreateBackupDto, key: BackupKey): Promise<BackupDto> {
    const { config: _config, store, secrets, genesis, clock, random } = this.#deps;
    const createdAtMs = clock.nowMs();
    const box = random.bytes(32);
    // Before the store is read: the backup itself knows of its key, too.
    await this.#deps.noteBox(bestSuite().x25519PublicKey(box));
    const records = backupRecords(store, {
      version: 1,
      createdAtMs,
      secrets,
      genesis: genesisToJson(genesis),
      settings: this.settings(),
      withMail,
      recoveryBox: bytesToHex(box),
    });
    const sizeBytes = await writeBackup(path, key, records);
    box.fill(0);
    const made: BackupDto = { path, createdAtMs, sizeBytes, withMail, lock: key.lock.kind };
    this.#made.unshift(made);
    this.#made.splice(MAX_SHOWN);
    return made;
  }

  /** What a new machine needs to go on; folders and files of this one mean nothing there. */
  settings(): Record<string, unknown> {
    const { node, provider, mailFromNode } = this.#deps.config;
    return { node: { url: node.url }, provider, mailFromNode };
  }

  #wordsKey(): BackupKey {
    const { secrets, random } = this.#deps;
    if (secrets.recoveryKey === undefined) throw new ClientError('backup-words-unknown');
    const randomness = { ephemeralSecret: random.bytes(32), kemMessage: random.bytes(32) };
    const locked = lockForWords(hexToBytes(secrets.recoveryKey), randomness, bestSuite());
    if (!locked.ok) throw new Error(`broken invariant: the recovery key is one: ${locked.code}`);
    return locked.value;
  }

  async #passphraseKey(passphrase: string): Promise<BackupKey> {
    const cost = { ...PASSPHRASE_COST, salt: this.#deps.random.bytes(16) };
    const secret = await passphraseKey(passphrase, cost);
    return { lock: { kind: 'passphrase', ...cost }, secret };
  }

  /**
   * Writes an automatic backup when it is time, sealed to the words, and deletes the oldest beyond
   * those that are kept. Gives how long to rest. A failure is shown in the status and tried again.
   */
  async runIfDue(): Promise<number> {
    const { config, clock, logger } = this.#deps;
    const { folder, everyHours, keep } = config.backup;
    if (folder === undefined) return HOUR_MS;
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const names = (await readdir(folder)).filter((name) => FILE_NAME.test(name)).toSorted();
      const newest = names.at(-1);
      const dueAt = newest === undefined ? 0 : timeOfName(newest) + everyHours * HOUR_MS;
      const nowMs = clock.nowMs();
      if (nowMs < dueAt) return Math.min(HOUR_MS, dueAt - nowMs);
      const path = join(folder, nameAt(nowMs));
      await this.create({ path, forWords: true, withMail: true });
      // One more is there now; the new one is on the disk before an old one goes.
      const old = names.slice(0, Math.max(0, names.length + 1 - keep));
      for (const name of old) await unlink(join(folder, name));
      this.#lastError = undefined;
    } catch (error) {
      this.#lastError = error instanceof ClientError ? error.code : 'file-unusable';
      logger.warn(errorFields(error), 'no automatic backup');
    }
    return HOUR_MS;
  }
}

function nameAt(nowMs: number): string {
  const time = new Date(nowMs).toISOString().replaceAll(/[-:]|\.[0-9]{3}/g, '');
  return `tanglemail-${time}.tmbackup`;
}

function timeOfName(name: string): number {
  const digits = name.replaceAll(/[^0-9]/g, '');
  const [date, time] = [digits.slice(0, 8), digits.slice(8, 14)];
  const iso = `${date.slice(0, 4)}-${date.slice(4, 6)}-${date.slice(6)}`;
  return Date.parse(`${iso}T${time.slice(0, 2)}:${time.slice(2, 4)}:${time.slice(4)}Z`);
}
