/**
 * The account itself: health, status, address, invites, fetching now.
 * Spec: docs/spec/41-client-api.md.
 */
import { Controller, Get, HttpCode, Inject, Post, Query, Req } from '@nestjs/common';
import { ApiBearerAuth, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import {
  addressWithQrDto,
  healthDto,
  inviteDto,
  inviteRequestDto,
  statusDto,
  syncReportDto,
  type AddressWithQrDto,
  type HealthDto,
  type InviteDto,
  type StatusDto,
  type SyncReportDto,
} from './dto.ts';
import { configurationDto, type ConfigurationDto } from './configuration-dto.ts';
import type { HttpRequest } from '@tanglemail/tangle/io/shell/http.ts';
import { Answers } from './openapi.ts';
import { parseBody, parseWith } from './requests.ts';
import type { ClientService } from './service.ts';
import { SERVICE, VERSION } from './tokens.ts';
import { qrText } from '../qr-code.ts';

const addressQueryDto = z.strictObject({ sub: z.string().min(1).max(64).optional() });

@ApiTags('account')
@ApiBearerAuth()
@Controller()
export class AccountController {
  readonly #service: ClientService;
  readonly #version: string;

  constructor(@Inject(SERVICE) service: ClientService, @Inject(VERSION) version: string) {
    this.#service = service;
    this.#version = version;
  }

  @Get('health')
  @Answers('Whether the daemon answers; needs no token', healthDto)
  health(): HealthDto {
    return { healthy: true, version: this.#version };
  }

  @Get('api/client/v1/status')
  @Answers('Account, node, descriptor, wallet, outbox and inbox at a glance', statusDto)
  async status(): Promise<StatusDto> {
    return await this.#service.status();
  }

  @Get('api/client/v1/configuration')
  @Answers('What the configuration says of money, privacy and receipts', configurationDto)
  async configuration(): Promise<ConfigurationDto> {
    return await this.#service.configuration();
  }

  @Get('api/client/v1/address')
  @Answers('The address in all its forms', addressWithQrDto)
  async address(@Query() query: unknown): Promise<AddressWithQrDto> {
    const { sub } = parseWith(addressQueryDto, query);
    const address = await this.#service.address(sub);
    return { ...address, qr: qrText(address.link) };
  }

  @Post('api/client/v1/invites')
  @Answers('Make a link with a secret for one person', inviteDto, {
    status: 201,
    body: inviteRequestDto,
  })
  async invite(@Req() request: HttpRequest): Promise<InviteDto> {
    return await this.#service.createInvite(parseBody(inviteRequestDto, request));
  }

  @Post('api/client/v1/sync')
  @HttpCode(200)
  @Answers('Fetch from every rented provider now', syncReportDto)
  async sync(): Promise<SyncReportDto> {
    return await this.#service.sync();
  }
}
