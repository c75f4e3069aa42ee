/**
 * Archives as streams: neither the answer of an export nor the body of an import is ever held as a
 * whole. Spec: docs/spec/41-client-api.md §20.
 */
import {
  Controller,
  Get,
  HttpCode,
  Inject,
  Post,
  Query,
  Req,
  StreamableFile,
} from '@nestjs/common';
import { ApiBearerAuth, ApiTags } from '@nestjs/swagger';
import { headerOf, type HttpRequest } from '@tanglemail/tangle/io/shell/http.ts';
import { Readable } from 'node:stream';
import type { ArchiveFormat } from '../archive/archive-format.ts';
import { ClientError } from '../client-error.ts';
import {
  exportQueryDto,
  importQueryDto,
  type ImportReportDto,
  importReportDto,
} from './mailbox-dto.ts';
import type { MailboxService } from './mailbox-service.ts';
import { Answers } from './openapi.ts';
import { parseWith } from './requests.ts';
import { MAILBOX } from './tokens.ts';

/** Media types of the archives. */
export const ARCHIVE_TYPES: Readonly<Record<ArchiveFormat, string>> = {
  mbox: 'application/mbox',
  json: 'application/x-ndjson',
};

@ApiTags('mailbox')
@ApiBearerAuth()
@Controller('api/client/v1/mailbox')
export class ArchiveController {
  readonly #service: MailboxService;

  constructor(@Inject(MAILBOX) service: MailboxService) {
    this.#service = service;
  }

  @Get('export')
  @Answers('Mails as mbox, or as lines of JSON', undefined, {
    query: exportQueryDto,
    mediaType: 'application/mbox',
  })
  exportMails(@Query() query: unknown): StreamableFile {
    const { format, folder } = parseWith(exportQueryDto, query);
    const mails = this.#service.exportMails(format, folder);
    const disposition = `attachment; filename="mails.${format === 'mbox' ? 'mbox' : 'jsonl'}"`;
    const type = ARCHIVE_TYPES[format];
    return new StreamableFile(Readable.from(mails, { objectMode: false }), { type, disposition });
  }

  @Post('import')
  @HttpCode(200)
  @Answers('Take an archive in: application/mbox or application/x-ndjson', importReportDto, {
    query: importQueryDto,
  })
  async importMails(
    @Query() query: unknown,
    @Req() request: HttpRequest & AsyncIterable<Uint8Array>,
  ): Promise<ImportReportDto> {
    const { folder } = parseWith(importQueryDto, query);
    const type = headerOf(request, 'content-type')?.split(';')[0]?.trim().toLowerCase();
    const [format] = Object.entries(ARCHIVE_TYPES).find(([, one]) => one === type) ?? [];
    if (format === undefined) {
      const expected = Object.values(ARCHIVE_TYPES).join(' or ');
      throw new ClientError('media-type-unknown', `expected ${expected}`);
    }
    return await this.#service.importMails(request, format as ArchiveFormat, folder);
  }
}
