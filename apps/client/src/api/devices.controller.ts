/**
 * The devices of the account. Spec: docs/spec/41-client-api.md, section 25.
 */
import { Controller, Delete, Get, HttpCode, Inject, Param, Post, Req } from '@nestjs/common';
import { ApiBearerAuth, ApiTags } from '@nestjs/swagger';
import type { HttpRequest } from '@tanglemail/tangle/io/shell/http.ts';
import { z } from 'zod';
import { confirmLinkDto, deviceDto, type DeviceDto, linkDto, type LinkDto } from './devices-dto.ts';
import type { DevicesService } from './devices-service.ts';
import { Answers } from './openapi.ts';
import { parseBody, parseId } from './requests.ts';
import { DEVICES } from './tokens.ts';

@ApiTags('devices')
@ApiBearerAuth()
@Controller('api/client/v1/devices')
export class DevicesController {
  readonly #service: DevicesService;

  constructor(@Inject(DEVICES) service: DevicesService) {
    this.#service = service;
  }

  @Get()
  @Answers('The devices of the account', z.array(deviceDto))
  async list(): Promise<readonly DeviceDto[]> {
    return await this.#service.list();
  }

  @Post('rotate')
  @HttpCode(204)
  @Answers('Mix fresh randomness into the epochs', undefined, { status: 204 })
  async rotate(): Promise<void> {
    await this.#service.rotate();
  }

  @Post('pay')
  @HttpCode(204)
  @Answers('Let this device pay for the mailboxes', undefined, { status: 204 })
  async pay(): Promise<void> {
    await this.#service.pay();
  }

  @Get('link')
  @Answers('How far the linking of a device is', linkDto)
  async link(): Promise<LinkDto> {
    return await this.#service.linkStatus();
  }

  @Post('link')
  @Answers('Begin to link a device', linkDto, { status: 201 })
  async begin(): Promise<LinkDto> {
    return await this.#service.beginLink();
  }

  @Post('link/confirm')
  @HttpCode(200)
  @Answers('The numbers are the same', linkDto, { body: confirmLinkDto })
  async confirm(@Req() request: HttpRequest): Promise<LinkDto> {
    return await this.#service.confirmLink(parseBody(confirmLinkDto, request).number);
  }

  @Delete('link')
  @HttpCode(204)
  @Answers('End the linking', undefined, { status: 204 })
  async cancel(): Promise<void> {
    await this.#service.cancelLink();
  }

  @Post(':id/remove')
  @HttpCode(200)
  @Answers('Remove a device', z.array(deviceDto))
  async remove(@Param('id') id: string): Promise<readonly DeviceDto[]> {
    return await this.#service.remove(parseId(id));
  }
}
