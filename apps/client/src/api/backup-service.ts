/**
 * What the local API needs for backups. Before: backup.controller.ts; after:
 * backup/backup-service.ts. Spec: docs/spec/29-backup.md.
 */
import type { BackupDto, BackupsDto, CreateBackupDto } from './backup-dto.ts';

export interface BackupService {
  /**
   * Writes a new backup file. `backup-exists`, `file-unusable`, `backup-words-unknown`, `busy`
   * while another one is written.
   */
  create(request: CreateBackupDto): Promise<BackupDto>;
  /** The newest ones that this daemon has made, and how automatic ones are set. */
  status(): Promise<BackupsDto>;
}
