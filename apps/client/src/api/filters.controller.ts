/**
 * The search for mail by filters. Spec: docs/spec/41-client-api.md §27.
 */
import { Controller, Get, HttpCode, Inject, Post, Req } from '@nestjs/common';
import { ApiBearerAuth, ApiTags } from '@nestjs/swagger';
import type { HttpRequest } from '@tanglemail/tangle/io/shell/http.ts';
import { filterStatusDto, rescanDto, type FilterStatusDto } from './filter-dto.ts';
import type { FilterService } from './filter-service.ts';
import { Answers } from './openapi.ts';
import { parseBody } from './requests.ts';
import { FILTERS } from './tokens.ts';

@ApiTags('filters')
@ApiBearerAuth()
@Controller('api/client/v1/filters')
export class FiltersController {
  readonly #service: FilterService;

  constructor(@Inject(FILTERS) service: FilterService) {
    this.#service = service;
  }

  @Get()
  @Answers('How the search for mail by filters stands', filterStatusDto)
  status(): FilterStatusDto {
    return this.#service.filterStatus();
  }

  @Post('rescan')
  @HttpCode(202)
  @Answers('Read filters again', filterStatusDto, { status: 202, body: rescanDto })
  async rescan(@Req() request: HttpRequest): Promise<FilterStatusDto> {
    return await this.#service.rescan(parseBody(rescanDto, request));
  }
}
