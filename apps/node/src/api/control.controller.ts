/**
 * The operator's routes: `/api/control/v1`, on the listener of create-control-api.ts. Each is one
 * call of query/node-control.ts. Spec: docs/spec/11-node-api.md, "Control".
 */
import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post, Put } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { errorCode } from '@tanglemail/tangle/io/error-code.ts';
import {
  bansDto,
  CONTROL_PREFIX,
  knownPeersDto,
  logLevelDto,
  newBanDto,
  newPeerDto,
  newSnapshotDto,
  pruneToDto,
  pruningDto,
  statusDto,
  type BansDto,
  type KnownPeersDto,
  type LogLevelDto,
  type PruningDto,
  type StatusDto,
} from '@tanglemail/tangle/io/node-client/control-dto.ts';
import { snapshotFileDto, type SnapshotFileDto } from '@tanglemail/tangle/io/node-client/dto.ts';
import type { z } from 'zod';
import type { NodeControl } from '../query/node-control.ts';
import { snapshotToJson } from '../query/snapshot-source.ts';
import { Answers, AnswersNothing } from './openapi.ts';
import { ApiProblem } from './problem.ts';
import { CONTROL } from './tokens.ts';

@ApiTags('control')
@Controller(CONTROL_PREFIX.slice(1))
export class ControlController {
  readonly #control: NodeControl;

  constructor(@Inject(CONTROL) control: NodeControl) {
    this.#control = control;
  }

  @Get('status')
  @Answers('How the node is', statusDto)
  async status(): Promise<StatusDto> {
    return await this.#control.status();
  }

  @Get('peers')
  @Answers('Peers that are connected, and those that the node knows', knownPeersDto)
  peers(): KnownPeersDto {
    return this.#control.peers();
  }

  @Post('peers')
  @HttpCode(204)
  @AnswersNothing('Dial a peer from now on, over restarts too', { body: newPeerDto })
  async addPeer(@Body() body: unknown): Promise<void> {
    const { address } = parsed(newPeerDto, body, '{"address": multiaddress with /p2p/…}');
    await told(this.#control.addPeer(address));
  }

  @Delete('peers/:id')
  @HttpCode(204)
  @AnswersNothing('Forget a peer and hang up')
  async removePeer(@Param('id') id: string): Promise<void> {
    if (!(await told(this.#control.removePeer(id)))) throw ApiProblem.of('not-found');
  }

  @Get('bans')
  @Answers('Peers that are kept out', bansDto)
  bans(): BansDto {
    return this.#control.bans();
  }

  @Post('bans')
  @HttpCode(204)
  @AnswersNothing('Keep a peer out', { body: newBanDto })
  async ban(@Body() body: unknown): Promise<void> {
    const { id, minutes } = parsed(newBanDto, body, '{"id": peer id, "minutes": 1–525600}');
    await told(this.#control.ban(id, minutes));
  }

  @Delete('bans/:id')
  @HttpCode(204)
  @AnswersNothing('Let a peer in again')
  async unban(@Param('id') id: string): Promise<void> {
    if (!(await told(this.#control.unban(id)))) throw ApiProblem.of('not-found');
  }

  @Post('snapshots')
  @HttpCode(201)
  @Answers('Make a snapshot now; answers when it is written', snapshotFileDto, {
    status: 201,
    body: newSnapshotDto,
  })
  async snapshot(@Body() body: unknown): Promise<SnapshotFileDto> {
    const { kind } = parsed(newSnapshotDto, body, '{"kind": "full" or "delta"}');
    return snapshotToJson(await told(this.#control.snapshots.makeNow(kind)));
  }

  @Get('pruning')
  @Answers('How far pruning has come', pruningDto)
  pruning(): PruningDto {
    return this.#control.pruning();
  }

  @Post('pruning')
  @HttpCode(202)
  @Answers('Begin to remove milestones up to an index', pruningDto, {
    status: 202,
    body: pruneToDto,
  })
  async prune(@Body() body: unknown): Promise<PruningDto> {
    const { index } = parsed(pruneToDto, body, '{"index": the last milestone to remove}');
    return await told(this.#control.pruneTo(index));
  }

  @Get('log-level')
  @Answers('The least severity of a log line', logLevelDto)
  logLevel(): LogLevelDto {
    const level = this.#control.logLevel();
    if (level === undefined) throw ApiProblem.of('not-found', 'the log has no level');
    return { level };
  }

  @Put('log-level')
  @Answers('Change it until the next start', logLevelDto, { body: logLevelDto })
  async setLogLevel(@Body() body: unknown): Promise<LogLevelDto> {
    const { level } = parsed(logLevelDto, body, `{"level": ${LEVELS}}`);
    await told(this.#control.setLogLevel(level));
    return { level };
  }
}

const LEVELS = logLevelDto.shape.level.options.join(', ');

function parsed<T extends z.ZodType>(schema: T, body: unknown, expected: string): z.infer<T> {
  const outcome = schema.safeParse(body);
  if (outcome.success) return outcome.data;
  throw ApiProblem.of('request-malformed', `expected ${expected}`);
}

/** Errors of the parts whose message is for an operator. */
const FOR_OPERATORS = new Set(['ControlError', 'NetworkError', 'SnapshotError', 'PruneError']);

/** What `work` gives; its refusals become problems with their own words. */
async function told<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof Error) || !FOR_OPERATORS.has(error.name)) throw error;
    const code = errorCode(error) === 'busy' ? 'control-busy' : 'control-refused';
    throw ApiProblem.of(code, error.message.slice(0, 1_024));
  }
}
