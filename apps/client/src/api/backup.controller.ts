/**
 * Backups of the whole account. Spec: docs/spec/41-client-api.md, docs/spec/29-backup.md.
 */
import { Controller, Get, Inject, Post, Req } from '@nestjs/common';
import { ApiBearerAuth, ApiTags } from '@nestjs/swagger';
import type { HttpRequest } from '@tanglemail/tangle/io/shell/http.ts';
import {
  backupDto,
  type BackupDto,
  backupsDto,
  type BackupsDto,
  createBackupDto,
} from './backup-dto.ts';
import type { BackupService } from './backup-service.ts';
import { Answers } from './openapi.ts';
import { parseBody } from './requests.ts';
import { BACKUP } from './tokens.ts';

@ApiTags('backups')
@ApiBearerAuth()
@Controller('api/client/v1/backups')
export class BackupController {
  readonly #service: BackupService;

  constructor(@Inject(BACKUP) service: BackupService) {
    this.#service = service;
  }

  @Get()
  @Answers('Backups of this daemon, and how automatic ones are set', backupsDto)
  async status(): Promise<BackupsDto> {
    return await this.#service.status();
  }

  @Post()
  @Answers('Write a backup file', backupDto, { status: 201, body: createBackupDto })
  async create(@Req() request: HttpRequest): Promise<BackupDto> {
    return await this.#service.create(parseBody(createBackupDto, request));
  }
}
