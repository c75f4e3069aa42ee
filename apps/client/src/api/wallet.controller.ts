/**
 * Tokens. Spec: docs/spec/41-client-api.md.
 */
import { Controller, Get, HttpCode, Inject, Post, Query, Req } from '@nestjs/common';
import { ApiBearerAuth, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import {
  pageQueryDto,
  sendTokensDto,
  sentTokensDto,
  walletDto,
  walletLineDto,
  type SentTokensDto,
  type WalletDto,
  type WalletLineDto,
} from './dto.ts';
import type { HttpRequest } from '@tanglemail/tangle/io/shell/http.ts';
import { Answers } from './openapi.ts';
import { parseBody, parseWith } from './requests.ts';
import type { ClientService } from './service.ts';
import { SERVICE } from './tokens.ts';

@ApiTags('wallet')
@ApiBearerAuth()
@Controller('api/client/v1/wallet')
export class WalletController {
  readonly #service: ClientService;

  constructor(@Inject(SERVICE) service: ClientService) {
    this.#service = service;
  }

  @Get()
  @Answers('The proven balance and a fresh address', walletDto)
  async wallet(): Promise<WalletDto> {
    return await this.#service.wallet();
  }

  @Post('send')
  @HttpCode(202)
  @Answers('Send tokens', sentTokensDto, { status: 202, body: sendTokensDto })
  async send(@Req() request: HttpRequest): Promise<SentTokensDto> {
    return await this.#service.sendTokens(parseBody(sendTokensDto, request));
  }

  @Get('history')
  @Answers('What came and went, newest first', z.array(walletLineDto), { query: pageQueryDto })
  async history(@Query() query: unknown): Promise<readonly WalletLineDto[]> {
    return await this.#service.walletHistory(parseWith(pageQueryDto, query));
  }
}
