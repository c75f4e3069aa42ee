/**
 * Storage providers: offers and rented mailboxes. Spec: docs/spec/41-client-api.md.
 */
import { Controller, Get, HttpCode, Inject, Param, Post, Req } from '@nestjs/common';
import { ApiBearerAuth, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import {
  closedDto,
  offerDto,
  rentalDto,
  rentedDto,
  rentRequestDto,
  type ClosedDto,
  type OfferDto,
  type RentalDto,
  type RentedDto,
} from './dto.ts';
import type { HttpRequest } from '@tanglemail/tangle/io/shell/http.ts';
import { Answers } from './openapi.ts';
import { parseBody, parseId } from './requests.ts';
import type { ClientService } from './service.ts';
import { SERVICE } from './tokens.ts';

@ApiTags('providers')
@ApiBearerAuth()
@Controller('api/client/v1/providers')
export class ProvidersController {
  readonly #service: ClientService;

  constructor(@Inject(SERVICE) service: ClientService) {
    this.#service = service;
  }

  @Get()
  @Answers('Proven offers, cheapest first', z.array(offerDto))
  async offers(): Promise<readonly OfferDto[]> {
    return await this.#service.providers();
  }

  @Get('rented')
  @Answers('Rented mailboxes', z.array(rentalDto))
  async rented(): Promise<readonly RentalDto[]> {
    return await this.#service.rentedProviders();
  }

  @Post('rent')
  @Answers('Rent a mailbox: opens a channel and credits it', rentedDto, {
    status: 201,
    body: rentRequestDto,
  })
  async rent(@Req() request: HttpRequest): Promise<RentedDto> {
    return await this.#service.rentProvider(parseBody(rentRequestDto, request));
  }

  @Post(':bondId/close')
  @HttpCode(200)
  @Answers('Give up a mailbox and settle its channel', closedDto)
  async close(@Param('bondId') bondId: string): Promise<ClosedDto> {
    return await this.#service.closeProvider(parseId(bondId));
  }
}
