/**
 * Outputs and their proofs, milestones and what they changed. Spec: docs/spec/11-node-api.md.
 */
import { Controller, Get, Inject, Param, Query, Req, Res } from '@nestjs/common';
import { ApiQuery, ApiTags } from '@nestjs/swagger';
import {
  balanceDto,
  electionsDto,
  MAX_BALANCE_OUTPUTS,
  milestoneBlocksDto,
  milestoneDto,
  outputInfoDto,
  outputMetadataDto,
  outputProofDto,
  payloadKinds,
  utxoChangesDto,
  type BalanceDto,
  type ElectionsDto,
  type MilestoneBlocksDto,
  type OutputInfoDto,
  type OutputMetadataDto,
  type OutputProofDto,
  type UtxoChangesDto,
} from '@tanglemail/tangle/io/node-client/dto.ts';
import type { TangleNode } from '../node.ts';
import type { StoredMilestone } from '../query/node-query.ts';
import type { HttpRequest, HttpResponse } from '@tanglemail/tangle/io/shell/http.ts';
import { sendEither } from './http.ts';
import { Answers } from './openapi.ts';
import {
  addressParam,
  choiceQuery,
  indexParam,
  integerParam,
  milestoneIdParam,
  outputIdParam,
  textQuery,
} from './params.ts';
import { ApiProblem } from './problem.ts';
import { NODE } from './tokens.ts';

@ApiTags('ledger')
@Controller('api/core/v1')
export class LedgerController {
  readonly #node: TangleNode;

  constructor(@Inject(NODE) node: TangleNode) {
    this.#node = node;
  }

  @Get('outputs/:id')
  @Answers('An output, spent or not', outputInfoDto)
  output(@Param('id') id: string): OutputInfoDto {
    const output = this.#node.query.output(outputIdParam(id));
    if (output === undefined) throw ApiProblem.of('not-found');
    return output;
  }

  @Get('outputs/:id/metadata')
  @Answers('Where an output was booked and spent', outputMetadataDto)
  outputMetadata(@Param('id') id: string): OutputMetadataDto {
    const metadata = this.#node.query.outputMetadata(outputIdParam(id));
    if (metadata === undefined) throw ApiProblem.of('not-found');
    return metadata;
  }

  @Get('outputs/:id/proof')
  @Answers('Proof that an output is unspent after the latest confirmed milestone', outputProofDto)
  outputProof(@Param('id') id: string): OutputProofDto {
    const proof = this.#node.query.proofs.output(outputIdParam(id));
    if (proof === undefined) throw ApiProblem.of('not-found', 'there is no such unspent output');
    return proof;
  }

  @Get('addresses/:address/balance')
  @Answers('Unspent outputs of an address, proven against one milestone', balanceDto)
  @ApiQuery({ name: 'cursor', required: false, description: 'as an earlier page gave it' })
  @ApiQuery({ name: 'limit', required: false, type: Number })
  async balance(
    @Param('address') text: string,
    @Query('cursor') cursor: unknown,
    @Query('limit') limit: unknown,
  ): Promise<BalanceDto> {
    const max = MAX_BALANCE_OUTPUTS;
    const count = integerParam(textQuery(limit) ?? `${max}`, 1, max, 'limit');
    const { proofs } = this.#node.query;
    const balance = await proofs.balance(addressParam(text), textQuery(cursor), count);
    if (!balance.ok) throw ApiProblem.of('request-malformed', balance.detail);
    return balance.value;
  }

  @Get('elections')
  @Answers('Milestones that named another committee, ascending by its first epoch', electionsDto)
  @ApiQuery({ name: 'after', required: false, type: Number, description: 'epoch; 0: from genesis' })
  elections(@Query('after') after: unknown): ElectionsDto {
    const epoch = integerParam(textQuery(after) ?? '0', 0, 0xffff_ffff, 'after');
    return this.#node.query.elections(epoch);
  }

  @Get('milestones/latest')
  @Answers('The latest confirmed milestone', milestoneDto, { bytes: true })
  latest(@Req() request: HttpRequest, @Res() response: HttpResponse): void {
    const { query } = this.#node;
    this.#send(query.milestone(query.confirmedIndex), request, response);
  }

  @Get('milestones/by-id/:id')
  @Answers('A milestone by its id', milestoneDto, { bytes: true })
  byId(@Param('id') id: string, @Req() request: HttpRequest, @Res() response: HttpResponse): void {
    this.#send(this.#node.query.milestoneById(milestoneIdParam(id)), request, response);
  }

  @Get('milestones/by-id/:id/utxo-changes')
  @Answers('Outputs that a milestone created and consumed, by its id', utxoChangesDto)
  changesById(@Param('id') id: string): UtxoChangesDto {
    const index = this.#node.query.indexOfMilestone(milestoneIdParam(id));
    if (index === undefined) throw ApiProblem.of('not-found');
    return this.#kept(index, this.#node.query.utxoChanges(index));
  }

  @Get('milestones/:index')
  @Answers('A milestone by its index', milestoneDto, { bytes: true })
  byIndex(
    @Param('index') text: string,
    @Req() request: HttpRequest,
    @Res() response: HttpResponse,
  ): void {
    const index = indexParam(text);
    this.#send(this.#kept(index, this.#node.query.milestone(index)), request, response);
  }

  @Get('milestones/:index/blocks')
  @Answers('Blocks that a milestone newly references, in white-flag order', milestoneBlocksDto)
  @ApiQuery({ name: 'kind', required: false, enum: [...payloadKinds] })
  @ApiQuery({ name: 'skip', required: false, type: Number, description: '`next` of the last page' })
  blocks(
    @Param('index') text: string,
    @Query('kind') kind: unknown,
    @Query('skip') skip: unknown,
  ): MilestoneBlocksDto {
    const from = integerParam(textQuery(skip) ?? '0', 0, 0xffff_ffff, 'skip');
    const wanted = choiceQuery(kind, payloadKinds);
    const index = indexParam(text);
    return this.#kept(index, this.#node.query.milestoneBlocks(index, wanted, from));
  }

  @Get('milestones/:index/utxo-changes')
  @Answers('Outputs that a milestone created and consumed', utxoChangesDto)
  changes(@Param('index') text: string): UtxoChangesDto {
    const index = indexParam(text);
    return this.#kept(index, this.#node.query.utxoChanges(index));
  }

  /** What was found of milestone `index`; throws what tells pruned from unknown. */
  #kept<T>(index: number, found: T | undefined): T {
    if (found !== undefined) return found;
    const { prunedIndex } = this.#node.query;
    throw index <= prunedIndex && prunedIndex > 0
      ? ApiProblem.pruned(prunedIndex)
      : ApiProblem.of('not-found');
  }

  #send(
    milestone: StoredMilestone | undefined,
    request: HttpRequest,
    response: HttpResponse,
  ): void {
    if (milestone === undefined) throw ApiProblem.of('not-found');
    sendEither(request, response, milestone.bytes, () => milestone.json);
  }
}
