/**
 * Large mails: what one would cost, what is uploaded, what waits to be fetched.
 * Spec: docs/spec/41-client-api.md, section 23.
 */
import { Controller, Delete, Get, HttpCode, Inject, Param, Post, Req } from '@nestjs/common';
import { ApiBearerAuth, ApiTags } from '@nestjs/swagger';
import type { HttpRequest } from '@tanglemail/tangle/io/shell/http.ts';
import { z } from 'zod';
import { Answers } from './openapi.ts';
import {
  elsewhereDto,
  type ElsewhereDto,
  incomingDto,
  quoteDto,
  quoteRequestDto,
  uploadDto,
  type IncomingDto,
  type QuoteDto,
  type UploadDto,
} from './parcels-dto.ts';
import type { ParcelsService } from './parcels-service.ts';
import { parseBody, parseId } from './requests.ts';
import { PARCELS } from './tokens.ts';

@ApiTags('parcels')
@ApiBearerAuth()
@Controller('api/client/v1')
export class ParcelsController {
  readonly #service: ParcelsService;

  constructor(@Inject(PARCELS) service: ParcelsService) {
    this.#service = service;
  }

  @Post('quote')
  @HttpCode(200)
  @Answers('What a mail of some size means for its recipients', z.array(quoteDto), {
    body: quoteRequestDto,
  })
  async quote(@Req() request: HttpRequest): Promise<readonly QuoteDto[]> {
    return await this.#service.quote(parseBody(quoteRequestDto, request));
  }

  @Get('uploads')
  @Answers('Mails whose parts are uploaded', z.array(uploadDto))
  async uploads(): Promise<readonly UploadDto[]> {
    return await this.#service.uploads();
  }

  @Get('incoming')
  @Answers('Mails that are not whole yet', z.array(incomingDto))
  async incoming(): Promise<readonly IncomingDto[]> {
    return await this.#service.incoming();
  }

  @Get('elsewhere')
  @Answers('Mails that lie on another device of the account alone', z.array(elsewhereDto))
  async elsewhere(): Promise<readonly ElsewhereDto[]> {
    return await this.#service.elsewhere();
  }

  @Get('incoming/:id')
  @Answers('One mail that is not whole yet', incomingDto)
  async item(@Param('id') id: string): Promise<IncomingDto> {
    return await this.#service.incomingItem(parseId(id));
  }

  @Post('incoming/:id/fetch')
  @HttpCode(202)
  @Answers('Fetch the parts of a mail now', incomingDto, { status: 202 })
  async fetch(@Param('id') id: string): Promise<IncomingDto> {
    return await this.#service.fetch(parseId(id));
  }

  @Delete('incoming/:id')
  @HttpCode(204)
  @Answers('Give a mail up', undefined, { status: 204 })
  async discard(@Param('id') id: string): Promise<void> {
    await this.#service.discard(parseId(id));
  }
}
