/**
 * Hooks. Spec: docs/spec/41-client-api.md §28.
 */
import { Controller, Delete, Get, HttpCode, Inject, Param, Post, Req } from '@nestjs/common';
import { ApiBearerAuth, ApiTags } from '@nestjs/swagger';
import type { HttpRequest } from '@tanglemail/tangle/io/shell/http.ts';
import { z } from 'zod';
import {
  addedHookDto,
  hookDto,
  hookTestDto,
  newHookDto,
  type AddedHookDto,
  type HookDto,
  type HookTestDto,
} from './hook-dto.ts';
import type { HookService } from './hook-service.ts';
import { Answers } from './openapi.ts';
import { parseBody, parseWith } from './requests.ts';
import { HOOKS } from './tokens.ts';

/** A hook's number in a path. */
const hookId = z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER);

@ApiTags('hooks')
@ApiBearerAuth()
@Controller('api/client/v1/hooks')
export class HooksController {
  readonly #service: HookService;

  constructor(@Inject(HOOKS) service: HookService) {
    this.#service = service;
  }

  @Get()
  @Answers('All hooks', z.array(hookDto))
  list(): readonly HookDto[] {
    return this.#service.hooks();
  }

  @Post()
  @Answers('Have a program told of new mail', addedHookDto, { status: 201, body: newHookDto })
  async add(@Req() request: HttpRequest): Promise<AddedHookDto> {
    return await this.#service.addHook(parseBody(newHookDto, request));
  }

  @Delete(':id')
  @HttpCode(204)
  @Answers('Forget a hook', undefined, { status: 204 })
  async remove(@Param('id') id: string): Promise<void> {
    await this.#service.removeHook(parseWith(hookId, id));
  }

  @Post(':id/test')
  @HttpCode(200)
  @Answers('Tell a hook of nothing, now', hookTestDto)
  async test(@Param('id') id: string): Promise<HookTestDto> {
    return await this.#service.testHook(parseWith(hookId, id));
  }
}
