/**
 * Searches over the confirmed ledger: `/api/indexer/v1`. Spec: docs/spec/11-node-api.md.
 */
import { Controller, Get, Inject, Query } from '@nestjs/common';
import { ApiQuery, ApiTags } from '@nestjs/swagger';
import {
  outputKinds,
  outputsPageDto,
  taggedDataPageDto,
  type OutputsPageDto,
  type TaggedDataPageDto,
} from '@tanglemail/tangle/io/node-client/dto.ts';
import type { TangleNode } from '../node.ts';
import type { OutputFilter } from '../query/output-filter.ts';
import { Answers } from './openapi.ts';
import {
  addressQuery,
  booleanQuery,
  choiceQuery,
  integerParam,
  tagQuery,
  textQuery,
  timeQuery,
} from './params.ts';
import { ApiProblem } from './problem.ts';
import { NODE } from './tokens.ts';

/** Both bounds leave the time itself out. */
const TIME = 'milliseconds since 1970';

@ApiTags('indexer')
@Controller('api/indexer/v1')
export class IndexerController {
  readonly #node: TangleNode;

  constructor(@Inject(NODE) node: TangleNode) {
    this.#node = node;
  }

  @Get('outputs')
  @Answers(
    'Outputs by address, payee, refund or return address, owner or key of a bond, tag or time',
    outputsPageDto,
  )
  @ApiQuery({ name: 'address', required: false })
  @ApiQuery({ name: 'payee', required: false })
  @ApiQuery({ name: 'refundAddress', required: false })
  @ApiQuery({ name: 'bondOwner', required: false })
  @ApiQuery({ name: 'bondKey', required: false, description: 'public key of a validator, hex' })
  @ApiQuery({ name: 'returnAddress', required: false })
  @ApiQuery({ name: 'tag', required: false, description: 'hex' })
  @ApiQuery({ name: 'kind', required: false, enum: outputKinds })
  @ApiQuery({ name: 'unspent', required: false, type: Boolean })
  @ApiQuery({ name: 'hasTimelock', required: false, type: Boolean })
  @ApiQuery({ name: 'hasExpiration', required: false, type: Boolean })
  @ApiQuery({ name: 'createdAfter', required: false, type: Number, description: TIME })
  @ApiQuery({ name: 'createdBefore', required: false, type: Number, description: TIME })
  @ApiQuery({ name: 'cursor', required: false })
  @ApiQuery({ name: 'limit', required: false, type: Number })
  async outputs(@Query() query: Record<string, unknown>): Promise<OutputsPageDto> {
    const filter: OutputFilter = {
      address: addressQuery(query['address']),
      payee: addressQuery(query['payee']),
      refundAddress: addressQuery(query['refundAddress']),
      bondOwner: addressQuery(query['bondOwner']),
      bondKey: addressQuery(query['bondKey']),
      returnAddress: addressQuery(query['returnAddress']),
      tag: tagQuery(query['tag']),
      kind: choiceQuery(query['kind'], outputKinds),
      unspent: booleanQuery(query['unspent']),
      hasTimelock: booleanQuery(query['hasTimelock']),
      hasExpiration: booleanQuery(query['hasExpiration']),
      createdAfter: timeQuery(query['createdAfter']),
      createdBefore: timeQuery(query['createdBefore']),
      cursor: textQuery(query['cursor']),
      limit: this.#limit(query['limit']),
    };
    const page = await this.#node.query.indexer.outputs(filter);
    if (!page.ok) throw ApiProblem.of('request-malformed', page.detail);
    return page.value;
  }

  @Get('tagged-data')
  @Answers('Confirmed tagged data by tag, newest first', taggedDataPageDto)
  @ApiQuery({ name: 'tag', description: 'hex' })
  @ApiQuery({ name: 'cursor', required: false })
  @ApiQuery({ name: 'limit', required: false, type: Number })
  async taggedData(@Query() query: Record<string, unknown>): Promise<TaggedDataPageDto> {
    const tag = tagQuery(query['tag']);
    if (tag === undefined) throw ApiProblem.of('request-malformed', 'expected a tag');
    const [limit, cursor] = [this.#limit(query['limit']), textQuery(query['cursor'])];
    const page = await this.#node.query.indexer.taggedData(tag, limit, cursor);
    if (!page.ok) throw ApiProblem.of('request-malformed', page.detail);
    return page.value;
  }

  #limit(value: unknown): number {
    const { maxResults } = this.#node.config.api;
    const text = textQuery(value);
    if (text === undefined) return Math.min(100, maxResults);
    return integerParam(text, 1, maxResults, 'limit');
  }
}
