/**
 * What is asked of strangers. Spec: docs/spec/41-client-api.md, §24.
 */
import { Controller, Get, Inject, Patch, Req } from '@nestjs/common';
import { ApiBearerAuth, ApiTags } from '@nestjs/swagger';
import type { HttpRequest } from '@tanglemail/tangle/io/shell/http.ts';
import { Answers } from './openapi.ts';
import { parseBody } from './requests.ts';
import { type SpamRulesDto, spamRulesDto, spamRulesPatchDto } from './spam-dto.ts';
import type { SpamService } from './spam-service.ts';
import { SPAM } from './tokens.ts';

@ApiTags('spam')
@ApiBearerAuth()
@Controller('api/client/v1/spam')
export class SpamController {
  readonly #service: SpamService;

  constructor(@Inject(SPAM) service: SpamService) {
    this.#service = service;
  }

  @Get()
  @Answers('What is asked of strangers', spamRulesDto)
  async rules(): Promise<SpamRulesDto> {
    return await this.#service.rules();
  }

  @Patch()
  @Answers('Change what is asked of strangers', spamRulesDto, { body: spamRulesPatchDto })
  async change(@Req() request: HttpRequest): Promise<SpamRulesDto> {
    return await this.#service.change(parseBody(spamRulesPatchDto, request));
  }
}
