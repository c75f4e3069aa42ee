/**
 * The node itself, its network, its tips and peers: `/api/core/v1`, and `/health`.
 * Spec: docs/spec/11-node-api.md.
 */
import { Controller, Get, Header, Inject, Res } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import {
  healthDto,
  infoDto,
  peerDto,
  tipsDto,
  type HealthDto,
  type InfoDto,
  type PeerDto,
  type TipsDto,
} from '@tanglemail/tangle/io/node-client/dto.ts';
import { z } from 'zod';
import type { TangleNode } from '../node.ts';
import type { HttpResponse } from '@tanglemail/tangle/io/shell/http.ts';
import { Answers } from './openapi.ts';
import { NODE } from './tokens.ts';

@ApiTags('node')
@Controller()
export class CoreController {
  readonly #node: TangleNode;

  constructor(@Inject(NODE) node: TangleNode) {
    this.#node = node;
  }

  @Get('health')
  @Answers('Whether the node follows its network: 200 or 503', healthDto)
  health(@Res({ passthrough: true }) response: HttpResponse): HealthDto {
    const health = this.#node.health();
    response.status(health.healthy ? 200 : 503);
    return health;
  }

  @Get('api/core/v1/info')
  @Answers('Name, network, state and parameters of the node', infoDto)
  info(): InfoDto {
    return this.#node.query.info();
  }

  @Get('api/core/v1/genesis')
  @Header('Content-Type', 'application/json')
  @ApiOperation({ summary: 'The genesis document of the network' })
  genesis(): string {
    return this.#node.query.genesisJson();
  }

  @Get('api/core/v1/tips')
  @Answers('Parents for a new block', tipsDto)
  tips(): TipsDto {
    return { tips: this.#node.selectTips() };
  }

  @Get('api/core/v1/peers')
  @Answers('The connected peers', z.array(peerDto))
  peers(): PeerDto[] {
    return this.#node.query.peers();
  }
}
