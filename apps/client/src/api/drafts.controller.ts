/**
 * Drafts and rules. Spec: docs/spec/41-client-api.md §20.
 */
import { Controller, Delete, Get, HttpCode, Inject, Param, Post, Put, Req } from '@nestjs/common';
import { ApiBearerAuth, ApiTags } from '@nestjs/swagger';
import type { HttpRequest } from '@tanglemail/tangle/io/shell/http.ts';
import { z } from 'zod';
import { type QueuedMessageDto, queuedMessageDto } from './dto.ts';
import {
  type DraftDto,
  draftChoicesDto,
  draftDto,
  type RuleDto,
  ruleDto,
  rulesDto,
  saveDraftDto,
} from './mailbox-dto.ts';
import type { MailboxService } from './mailbox-service.ts';
import { Answers } from './openapi.ts';
import { parseBody, parseId } from './requests.ts';
import { MAILBOX } from './tokens.ts';

@ApiTags('mailbox')
@ApiBearerAuth()
@Controller('api/client/v1/mailbox')
export class DraftsController {
  readonly #service: MailboxService;

  constructor(@Inject(MAILBOX) service: MailboxService) {
    this.#service = service;
  }

  @Get('drafts')
  @Answers('All drafts, the newest first', z.array(draftDto))
  async drafts(): Promise<readonly DraftDto[]> {
    return await this.#service.drafts();
  }

  @Get('drafts/:id')
  @Answers('One draft', draftDto)
  async draft(@Param('id') id: string): Promise<DraftDto> {
    return await this.#service.draft(parseId(id));
  }

  @Post('drafts')
  @HttpCode(200)
  @Answers('Save a draft, new or in place of its last version', draftDto, { body: saveDraftDto })
  async saveDraft(@Req() request: HttpRequest): Promise<DraftDto> {
    return await this.#service.saveDraft(parseBody(saveDraftDto, request));
  }

  @Delete('drafts/:id')
  @HttpCode(204)
  @Answers('Delete a draft', undefined, { status: 204 })
  async deleteDraft(@Param('id') id: string): Promise<void> {
    await this.#service.deleteDraft(parseId(id));
  }

  @Post('drafts/:id/send')
  @Answers('Send a draft', queuedMessageDto, { status: 201, body: draftChoicesDto })
  async sendDraft(@Param('id') id: string, @Req() request: HttpRequest): Promise<QueuedMessageDto> {
    return await this.#service.sendDraft(parseId(id), parseBody(draftChoicesDto, request));
  }

  @Get('rules')
  @Answers('All rules in their order', z.array(ruleDto))
  async rules(): Promise<readonly RuleDto[]> {
    return await this.#service.rules();
  }

  @Put('rules')
  @Answers('Replace all rules', z.array(ruleDto), { body: rulesDto })
  async setRules(@Req() request: HttpRequest): Promise<readonly RuleDto[]> {
    return await this.#service.setRules(parseBody(rulesDto, request));
  }
}
