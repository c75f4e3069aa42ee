/**
 * Taking mail back, and what has become of all its recipients. Spec: docs/spec/41-client-api.md.
 */
import { Controller, Delete, Get, Inject, Param, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiTags } from '@nestjs/swagger';
import { Answers } from './openapi.ts';
import {
  type OutboxReportDto,
  outboxReportDto,
  type RecallDto,
  recallDto,
  recallQueryDto,
  type RegisteredLetterDto,
  registeredLetterDto,
} from './outbox-dto.ts';
import type { OutboxService } from './outbox-service.ts';
import { parseId, parseWith } from './requests.ts';
import { OUTBOX } from './tokens.ts';

@ApiTags('outbox')
@ApiBearerAuth()
@Controller('api/client/v1')
export class OutboxActionsController {
  readonly #service: OutboxService;

  constructor(@Inject(OUTBOX) service: OutboxService) {
    this.#service = service;
  }

  @Delete('outbox/:id')
  @Answers('Take a mail back that has not left', recallDto, { query: recallQueryDto })
  async recall(@Param('id') id: string, @Query() query: unknown): Promise<RecallDto> {
    return await this.#service.recall(parseId(id), parseWith(recallQueryDto, query));
  }

  @Get('outbox/:id/report')
  @Answers('What has become of a mail at each of its recipients', outboxReportDto)
  async report(@Param('id') id: string): Promise<OutboxReportDto> {
    return await this.#service.report(parseId(id));
  }

  @Get('messages/:id/registered')
  @Answers('A registered letter, to be shown to others', registeredLetterDto)
  async registered(@Param('id') id: string): Promise<RegisteredLetterDto> {
    return await this.#service.registered(parseId(id));
  }
}
