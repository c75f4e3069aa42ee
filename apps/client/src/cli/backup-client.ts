/**
 * The calls of the local API for backups. Before: backup-commands.ts; after: daemon-link.ts.
 * Spec: docs/spec/29-backup.md.
 */
import type { BackupDto, BackupsDto } from '../api/backup-dto.ts';
import { DaemonLink, SLOW_MS } from './daemon-link.ts';

/** How `create` is asked for a backup. */
export interface BackupRequest {
  readonly path: string;
  readonly passphrase?: string;
  readonly forWords?: true;
  readonly withMail: boolean;
}

export class BackupClient {
  readonly #link: DaemonLink;

  constructor(link: DaemonLink) {
    this.#link = link;
  }

  async create(request: BackupRequest): Promise<BackupDto> {
    const call = { method: 'POST', json: request, timeoutMs: SLOW_MS } as const;
    return await this.#link.json('backups', call);
  }

  async status(): Promise<BackupsDto> {
    return await this.#link.json('backups');
  }
}
