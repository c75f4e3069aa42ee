/**
 * Sending, and what became of what was sent. Spec: docs/spec/41-client-api.md.
 */
import { Controller, Get, HttpCode, Inject, Param, Post, Query, Req } from '@nestjs/common';
import { ApiBearerAuth, ApiConsumes, ApiQuery, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import {
  outboxItemDto,
  pageQueryDto,
  queuedMessageDto,
  sendMessageDto,
  type OutboxItemDto,
  type QueuedMessageDto,
} from './dto.ts';
import type { HttpRequest } from '@tanglemail/tangle/io/shell/http.ts';
import { Answers } from './openapi.ts';
import { rawChoicesDto } from './outbox-dto.ts';
import { parseBody, parseId, parseRecipients, parseWith } from './requests.ts';
import type { ClientService } from './service.ts';
import { SERVICE } from './tokens.ts';

@ApiTags('outbox')
@ApiBearerAuth()
@Controller('api/client/v1')
export class OutboxController {
  readonly #service: ClientService;

  constructor(@Inject(SERVICE) service: ClientService) {
    this.#service = service;
  }

  @Post('messages')
  @HttpCode(202)
  @ApiConsumes('application/json', 'message/rfc822')
  @ApiQuery({ name: 'to', required: false, isArray: true, description: 'for message/rfc822' })
  @ApiQuery({ name: 'acceptKeyChange', required: false, description: 'for message/rfc822' })
  @Answers('Queue a message: as JSON, or its bytes as they are', queuedMessageDto, {
    status: 202,
    body: sendMessageDto,
  })
  async send(
    @Req() request: HttpRequest,
    @Query() query: Record<string, unknown>,
  ): Promise<QueuedMessageDto> {
    if (!(request.body instanceof Uint8Array)) {
      return await this.#service.sendMessage(parseBody(sendMessageDto, request));
    }
    const { to, ...rest } = query;
    const choices = parseWith(rawChoicesDto, rest);
    const raw = new Uint8Array(request.body);
    return await this.#service.sendRawMessage(raw, parseRecipients(to), choices);
  }

  @Get('outbox')
  @Answers('Mails on their way, newest first', z.array(outboxItemDto), { query: pageQueryDto })
  async list(@Query() query: unknown): Promise<readonly OutboxItemDto[]> {
    return await this.#service.outbox(parseWith(pageQueryDto, query));
  }

  @Get('outbox/:id')
  @Answers('One mail on its way', outboxItemDto)
  async item(@Param('id') id: string): Promise<OutboxItemDto> {
    return await this.#service.outboxItem(parseId(id));
  }
}
