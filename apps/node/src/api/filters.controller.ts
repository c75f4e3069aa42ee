/**
 * Filters of tags, for clients that find their mail without naming a tag to anybody: the same bytes
 * for everybody who asks, so that any cache on the way may keep them.
 * Path: query/filter-query.ts → here. Spec: docs/spec/17-filter.md, docs/spec/11-node-api.md.
 */
import { Controller, Get, Inject, Query, Req, Res } from '@nestjs/common';
import { ApiQuery, ApiTags } from '@nestjs/swagger';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { FILTER_SEGMENT } from '@tanglemail/tangle/core/params/limits.ts';
import { headerOf, type HttpRequest, type HttpResponse } from '@tanglemail/tangle/io/shell/http.ts';
import type { TangleNode } from '../node.ts';
import type { NoFilters } from '../query/filter-query.ts';
import { AnswersRaw } from './openapi.ts';
import { integerParam, indexParam, textQuery } from './params.ts';
import { ApiProblem } from './problem.ts';
import { NODE } from './tokens.ts';

/** A year: what is final here is final everywhere. */
const FOR_EVER = 'public, max-age=31536000, immutable';

@ApiTags('filters')
@Controller('api/core/v1/filters')
export class FiltersController {
  readonly #node: TangleNode;

  constructor(@Inject(NODE) node: TangleNode) {
    this.#node = node;
  }

  @Get()
  @AnswersRaw('Filters of the tags of consecutive milestones of one segment')
  @ApiQuery({ name: 'from', required: true, type: Number, description: 'a milestone index' })
  @ApiQuery({ name: 'count', required: false, type: Number, description: '1 to 4,096 milestones' })
  async range(
    @Query('from') from: unknown,
    @Query('count') count: unknown,
    @Req() request: HttpRequest,
    @Res() response: HttpResponse,
  ): Promise<void> {
    const first = indexParam(textQuery(from) ?? '');
    const asked = integerParam(textQuery(count) ?? `${FILTER_SEGMENT}`, 1, FILTER_SEGMENT, 'count');
    const answer = await this.#node.query.filters.range(first, asked);
    if ('code' in answer) throw problemOf(answer);
    const { bytes, tag, isFinal } = answer;
    response.set('ETag', tag).set('Cache-Control', isFinal ? FOR_EVER : 'no-cache');
    send(request, response, tag, bytes);
  }

  @Get('headers')
  @AnswersRaw('The filter header after a milestone, 32 bytes')
  @ApiQuery({ name: 'index', required: true, type: Number, description: 'of the milestone' })
  async header(
    @Query('index') index: unknown,
    @Req() request: HttpRequest,
    @Res() response: HttpResponse,
  ): Promise<void> {
    const at = indexParam(textQuery(index) ?? '');
    const header = await this.#node.query.filters.header(at);
    if ('code' in header) throw problemOf(header);
    const tag = `"${at}-${bytesToHex(header).slice(0, 16)}"`;
    response.set('ETag', tag).set('Cache-Control', FOR_EVER);
    send(request, response, tag, header);
  }
}

function problemOf(missing: NoFilters): ApiProblem {
  if (missing.code === 'pruned') return ApiProblem.pruned(missing.prunedIndex);
  return ApiProblem.of('not-found', 'there is no filter of this milestone yet');
}

/**
 * Bytes; nothing but 304 for who has them. Compared here, because the framework takes no condition
 * that comes with `no-cache`, which fetch adds to every one.
 */
function send(request: HttpRequest, response: HttpResponse, tag: string, bytes: Uint8Array): void {
  if (headerOf(request, 'if-none-match') === tag) response.status(304).send('');
  else response.status(200).type('application/octet-stream').send(Buffer.from(bytes));
}
