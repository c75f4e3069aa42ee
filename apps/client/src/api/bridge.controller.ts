/**
 * Mail programs. Spec: docs/spec/41-client-api.md §30.
 */
import { Controller, Delete, Get, HttpCode, Inject, Param, Post, Req } from '@nestjs/common';
import { ApiBearerAuth, ApiTags } from '@nestjs/swagger';
import type { HttpRequest } from '@tanglemail/tangle/io/shell/http.ts';
import {
  addedAppPasswordDto,
  bridgeDto,
  newAppPasswordDto,
  type AddedAppPasswordDto,
  type BridgeDto,
} from './bridge-dto.ts';
import type { BridgeService } from './bridge-service.ts';
import { Answers } from './openapi.ts';
import { parseBody } from './requests.ts';
import { BRIDGE } from './tokens.ts';

@ApiTags('bridge')
@ApiBearerAuth()
@Controller('api/client/v1/bridge')
export class BridgeController {
  readonly #service: BridgeService;

  constructor(@Inject(BRIDGE) service: BridgeService) {
    this.#service = service;
  }

  @Get()
  @Answers('Where mail programs connect, and their passwords', bridgeDto)
  bridge(): BridgeDto {
    return this.#service.bridge();
  }

  @Post('passwords')
  @Answers('Make a password for a mail program', addedAppPasswordDto, {
    status: 201,
    body: newAppPasswordDto,
  })
  async add(@Req() request: HttpRequest): Promise<AddedAppPasswordDto> {
    return await this.#service.addPassword(parseBody(newAppPasswordDto, request).name);
  }

  @Delete('passwords/:id')
  @HttpCode(204)
  @Answers('Take a password back', undefined, { status: 204 })
  async remove(@Param('id') id: string): Promise<void> {
    await this.#service.removePassword(id);
  }
}
