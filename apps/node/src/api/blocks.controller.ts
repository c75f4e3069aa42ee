/**
 * Blocks: submit, read, prove. `/api/core/v1/blocks`. Spec: docs/spec/11-node-api.md.
 */
import { Body, Controller, Get, HttpCode, Inject, Param, Post, Req, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import {
  API_PREFIX,
  blockIdDto,
  blockMetadataDto,
  blockProofDto,
  childrenDto,
  type BlockIdDto,
  type BlockMetadataDto,
  type BlockProofDto,
  type ChildrenDto,
} from '@tanglemail/tangle/io/node-client/dto.ts';
import { blockDto } from '@tanglemail/tangle/io/node-client/block-dto.ts';
import { z } from 'zod';
import type { TangleNode } from '../node.ts';
import type { HttpRequest, HttpResponse } from '@tanglemail/tangle/io/shell/http.ts';
import { sendEither } from './http.ts';
import { Answers } from './openapi.ts';
import { blockIdParam, transactionIdParam } from './params.ts';
import { ApiProblem, problemOfRefusal } from './problem.ts';
import { NODE } from './tokens.ts';

/** A payload for which the node does the rest, if it does so at all. */
const submitDto = z.strictObject({
  payload: z
    .string()
    .regex(/^(?:[0-9a-f]{2})+$/)
    .optional(),
  parents: z
    .array(z.string().regex(/^[0-9a-f]{64}$/))
    .min(1)
    .max(8)
    .optional(),
});

@ApiTags('blocks')
@Controller('api/core/v1')
export class BlocksController {
  readonly #node: TangleNode;

  constructor(@Inject(NODE) node: TangleNode) {
    this.#node = node;
  }

  @Post('blocks')
  @HttpCode(202)
  @Answers('Submit a block, or a payload that the node makes a block of', blockIdDto, {
    status: 202,
    body: submitDto,
    takesBytes: true,
  })
  async submit(
    @Body() body: unknown,
    @Req() request: HttpRequest,
    @Res({ passthrough: true }) response: HttpResponse,
  ): Promise<BlockIdDto> {
    const remote = request.ip ?? '';
    const outcome =
      body instanceof Uint8Array
        ? await this.#node.submitBlock(new Uint8Array(body), remote)
        : await this.#submitPayload(body, request, remote);
    if (!outcome.ok) throw problemOfRefusal(outcome);
    const { blockId } = outcome.value;
    response.set('Location', `${API_PREFIX}/blocks/${blockId}`);
    return { blockId };
  }

  async #submitPayload(body: unknown, request: HttpRequest, remote: string) {
    const mediaType = request.headers['content-type'];
    if (typeof mediaType !== 'string' || !mediaType.startsWith('application/json')) {
      const detail = 'application/octet-stream or application/json';
      throw ApiProblem.of('media-type-unknown', `expected ${detail}`);
    }
    if (!this.#node.config.pow.allowRemote) throw ApiProblem.of('pow-not-offered');
    const parsed = submitDto.safeParse(body);
    if (!parsed.success) {
      throw ApiProblem.of('request-malformed', 'expected {payload?: hex, parents?: [block id]}');
    }
    const { payload, parents } = parsed.data;
    const bytes = payload === undefined ? undefined : new Uint8Array(Buffer.from(payload, 'hex'));
    return await this.#node.submitPayload(bytes, parents?.map(blockIdParam), remote);
  }

  @Get('blocks/:id')
  @Answers('A block', blockDto, { bytes: true })
  async block(
    @Param('id') text: string,
    @Req() request: HttpRequest,
    @Res() response: HttpResponse,
  ): Promise<void> {
    const id = blockIdParam(text);
    const bytes = this.#node.query.blockBytes(id);
    if (bytes === undefined) throw this.#missing();
    sendEither(request, response, bytes, () => this.#node.query.blockJson(id, bytes));
  }

  @Get('blocks/:id/metadata')
  @Answers('What became of a block', blockMetadataDto)
  metadata(@Param('id') id: string): BlockMetadataDto {
    const metadata = this.#node.query.blockMetadata(blockIdParam(id));
    if (metadata === undefined) throw this.#missing();
    return metadata;
  }

  @Get('blocks/:id/children')
  @Answers('Blocks that name this one as a parent', childrenDto)
  async children(@Param('id') id: string): Promise<ChildrenDto> {
    return await this.#node.query.children(blockIdParam(id));
  }

  @Get('blocks/:id/proof')
  @Answers('Proof that a milestone contains the block; 404 until one does', blockProofDto)
  async proof(@Param('id') id: string): Promise<BlockProofDto> {
    const proof = await this.#node.query.proofs.block(blockIdParam(id));
    if (proof === undefined) throw ApiProblem.of('not-found', 'no milestone references this block');
    return proof;
  }

  @Get('transactions/:id/included-block')
  @Answers('The block in which a transaction was applied', blockDto, { bytes: true })
  async includedBlock(
    @Param('id') text: string,
    @Req() request: HttpRequest,
    @Res() response: HttpResponse,
  ): Promise<void> {
    const { query } = this.#node;
    const id = query.includedBlock(transactionIdParam(text));
    const bytes = id === undefined ? undefined : query.blockBytes(id);
    if (id === undefined || bytes === undefined) throw this.#missing();
    sendEither(request, response, bytes, () => query.blockJson(id, bytes));
  }

  @Get('transactions/:id/included-block/metadata')
  @Answers('What became of the block in which a transaction was applied', blockMetadataDto)
  includedMetadata(@Param('id') text: string): BlockMetadataDto {
    const { query } = this.#node;
    const id = query.includedBlock(transactionIdParam(text));
    const metadata = id === undefined ? undefined : query.blockMetadata(id);
    if (metadata === undefined) throw this.#missing();
    return metadata;
  }

  @Get('transactions/:id/proof')
  @Answers('Proof that a milestone applied the transaction; 404 until one does', blockProofDto)
  async transactionProof(@Param('id') text: string): Promise<BlockProofDto> {
    const proof = await this.#node.query.proofs.transaction(transactionIdParam(text));
    if (proof === undefined) throw ApiProblem.of('not-found', 'no milestone applied it');
    return proof;
  }

  /** A pruned node cannot tell what it has forgotten from what never was. */
  #missing(): ApiProblem {
    const { prunedIndex } = this.#node.query;
    if (prunedIndex === 0) return ApiProblem.of('not-found');
    return ApiProblem.of('not-found', `unknown, or pruned below index ${prunedIndex + 1}`);
  }
}
