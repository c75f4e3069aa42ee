/**
 * The node itself, its network, its tips and peers: `/api/core/v1`, and `/health`.
 * Spec: docs/spec/11-node-api.md.
 */
import { Controller, Get, Header, Inject, Param, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import {
  genesisDto,
  healthDto,
  infoDto,
  liveDto,
  peerDto,
  routesDto,
  tipsDto,
  type HealthDto,
  type InfoDto,
  type LiveDto,
  type PeerDto,
  type RoutesDto,
  type TipsDto,
} from '@tanglemail/tangle/io/node-client/dto.ts';
import type { TangleNode } from '../node.ts';
import type { HttpResponse } from '@tanglemail/tangle/io/shell/http.ts';
import { Answers, peersDto } from './openapi.ts';
import { ApiProblem } from './problem.ts';
import { NODE } from './tokens.ts';

@ApiTags('node')
@Controller()
export class CoreController {
  readonly #node: TangleNode;

  constructor(@Inject(NODE) node: TangleNode) {
    this.#node = node;
  }

  @Get('health')
  @Answers('Whether the node follows its network: 200 or 503', healthDto, { other: [503] })
  health(@Res({ passthrough: true }) response: HttpResponse): HealthDto {
    const health = this.#node.health();
    response.status(health.healthy ? 200 : 503);
    return health;
  }

  @Get('health/live')
  @Answers('That the process answers, whatever state the node is in', liveDto)
  live(): LiveDto {
    return { live: true };
  }

  @Get('api/routes')
  @Answers('The groups of routes that this node serves', routesDto)
  routes(): RoutesDto {
    return this.#node.query.routes();
  }

  @Get('api/core/v1/info')
  @Answers('Name, network, state and parameters of the node', infoDto)
  info(): InfoDto {
    return this.#node.query.info();
  }

  @Get('api/core/v1/genesis')
  @Header('Content-Type', 'application/json')
  @Answers('The genesis document of the network', genesisDto)
  genesis(): string {
    return this.#node.query.genesisJson();
  }

  @Get('api/core/v1/tips')
  @Answers('Parents for a new block', tipsDto)
  tips(): TipsDto {
    return { tips: this.#node.selectTips() };
  }

  @Get('api/core/v1/peers')
  @Answers('The connected peers', peersDto)
  peers(): PeerDto[] {
    return this.#node.query.peers();
  }

  @Get('api/core/v1/peers/:id')
  @Answers('A connected peer', peerDto)
  peer(@Param('id') id: string): PeerDto {
    const peer = this.#node.query.peer(id);
    if (peer === undefined) throw ApiProblem.of('not-found', 'no such peer is connected');
    return peer;
  }
}
