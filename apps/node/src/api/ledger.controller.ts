/**
 * Outputs and their proofs, milestones and what they changed. Spec: docs/spec/11-node-api.md.
 */
import { Controller, Get, Inject, Param, Query, Req, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import {
  milestoneBlocksDto,
  milestoneDto,
  outputInfoDto,
  outputProofDto,
  payloadKinds,
  utxoChangesDto,
  type MilestoneBlocksDto,
  type OutputInfoDto,
  type OutputProofDto,
  type UtxoChangesDto,
} from '@tanglemail/tangle/io/node-client/dto.ts';
import type { TangleNode } from '../node.ts';
import type { StoredMilestone } from '../query/node-query.ts';
import type { HttpRequest, HttpResponse } from '@tanglemail/tangle/io/shell/http.ts';
import { sendEither } from './http.ts';
import { Answers } from './openapi.ts';
import {
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
  async output(@Param('id') id: string): Promise<OutputInfoDto> {
    const output = await this.#node.query.output(outputIdParam(id));
    if (output === undefined) throw ApiProblem.of('not-found');
    return output;
  }

  @Get('outputs/:id/proof')
  @Answers('Proof that an output is unspent after the latest confirmed milestone', outputProofDto)
  async outputProof(@Param('id') id: string): Promise<OutputProofDto> {
    const proof = await this.#node.query.outputProof(outputIdParam(id));
    if (proof === undefined) throw ApiProblem.of('not-found', 'there is no such unspent output');
    return proof;
  }

  @Get('milestones/latest')
  @Answers('The latest confirmed milestone', milestoneDto, { bytes: true })
  async latest(@Req() request: HttpRequest, @Res() response: HttpResponse): Promise<void> {
    const { query } = this.#node;
    this.#send(await query.milestone(query.confirmedIndex), request, response);
  }

  @Get('milestones/by-id/:id')
  @Answers('A milestone by its id', milestoneDto, { bytes: true })
  async byId(
    @Param('id') id: string,
    @Req() request: HttpRequest,
    @Res() response: HttpResponse,
  ): Promise<void> {
    this.#send(await this.#node.query.milestoneById(milestoneIdParam(id)), request, response);
  }

  @Get('milestones/:index')
  @Answers('A milestone by its index', milestoneDto, { bytes: true })
  async byIndex(
    @Param('index') index: string,
    @Req() request: HttpRequest,
    @Res() response: HttpResponse,
  ): Promise<void> {
    this.#send(await this.#node.query.milestone(indexParam(index)), request, response);
  }

  @Get('milestones/:index/blocks')
  @Answers('Blocks that a milestone newly references, in white-flag order', milestoneBlocksDto)
  async blocks(
    @Param('index') index: string,
    @Query('kind') kind: unknown,
    @Query('skip') skip: unknown,
  ): Promise<MilestoneBlocksDto> {
    const from = integerParam(textQuery(skip) ?? '0', 0, 0xffff_ffff, 'skip');
    const blocks = await this.#node.query.milestoneBlocks(
      indexParam(index),
      choiceQuery(kind, payloadKinds),
      from,
    );
    if (blocks === undefined) throw ApiProblem.of('not-found');
    return blocks;
  }

  @Get('milestones/:index/utxo-changes')
  @Answers('Outputs that a milestone created and consumed', utxoChangesDto)
  async changes(@Param('index') index: string): Promise<UtxoChangesDto> {
    const changes = await this.#node.query.utxoChanges(indexParam(index));
    if (changes === undefined) throw ApiProblem.of('not-found');
    return changes;
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
