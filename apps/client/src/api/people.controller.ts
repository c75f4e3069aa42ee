/**
 * Settings, own sub-addresses, contact requests, verification, invites, vCards.
 * Spec: docs/spec/41-client-api.md, section 26.
 */
import {
  Controller,
  Delete,
  Get,
  HttpCode,
  Inject,
  Param,
  Patch,
  Post,
  Query,
  Req,
} from '@nestjs/common';
import { ApiBearerAuth, ApiTags } from '@nestjs/swagger';
import type { HttpRequest } from '@tanglemail/tangle/io/shell/http.ts';
import { z } from 'zod';
import { contactDto, type ContactDto } from './dto.ts';
import { Answers } from './openapi.ts';
import * as dto from './people-dto.ts';
import { CONTACT_ACTIONS, type PeopleService } from './people-service.ts';
import { parseBody, parseId, parseWith } from './requests.ts';
import { PEOPLE } from './tokens.ts';

const revokeQueryDto = z.strictObject({ block: z.enum(['true', 'false']).default('false') });

@ApiTags('people')
@ApiBearerAuth()
@Controller('api/client/v1')
export class PeopleController {
  readonly #people: PeopleService;

  constructor(@Inject(PEOPLE) people: PeopleService) {
    this.#people = people;
  }

  @Get('settings')
  @Answers('The name in letters, and whom the account hears', dto.settingsDto)
  async settings(): Promise<dto.SettingsDto> {
    return await this.#people.settings();
  }

  @Patch('settings')
  @Answers('Change some settings', dto.settingsDto, { body: dto.changeSettingsDto })
  async changeSettings(@Req() request: HttpRequest): Promise<dto.SettingsDto> {
    return await this.#people.changeSettings(parseBody(dto.changeSettingsDto, request));
  }

  @Get('addresses')
  @Answers('Own sub-addresses by label, also revoked ones', z.array(dto.subAddressDto))
  async subAddresses(): Promise<readonly dto.SubAddressDto[]> {
    return await this.#people.subAddresses();
  }

  @Post('addresses')
  @Answers('Open a sub-address', dto.subAddressDto, { status: 201, body: dto.addSubAddressDto })
  async addSubAddress(@Req() request: HttpRequest): Promise<dto.SubAddressDto> {
    return await this.#people.addSubAddress(parseBody(dto.addSubAddressDto, request));
  }

  @Patch('addresses/:label')
  @Answers('Change the policy of a sub-address', dto.subAddressDto, {
    body: dto.changeSubAddressDto,
  })
  async changeSubAddress(
    @Param('label') label: string,
    @Req() request: HttpRequest,
  ): Promise<dto.SubAddressDto> {
    const change = parseBody(dto.changeSubAddressDto, request);
    return await this.#people.changeSubAddress(label, change);
  }

  @Delete('addresses/:label')
  @Answers('Revoke a sub-address; with ?block=true whoever came by it', dto.revokedDto)
  async revokeSubAddress(
    @Param('label') label: string,
    @Query() query: unknown,
  ): Promise<dto.RevokedDto> {
    const { block } = parseWith(revokeQueryDto, query);
    return await this.#people.revokeSubAddress(label, block === 'true');
  }

  @Get('requests')
  @Answers('Who asks to be a contact', z.array(dto.requestDto))
  async requests(): Promise<readonly dto.RequestDto[]> {
    return await this.#people.requests();
  }

  @Post('requests/:address/accept')
  @HttpCode(200)
  @Answers('Accept a request: its mails go to INBOX', contactDto, { body: dto.acceptRequestDto })
  async accept(
    @Param('address') address: string,
    @Req() request: HttpRequest,
  ): Promise<ContactDto> {
    return await this.#people.acceptRequest(address, parseBody(dto.acceptRequestDto, request));
  }

  @Get('contacts/:address')
  @Answers('One contact with safety number and key history', dto.contactDetailDto)
  async contact(@Param('address') address: string): Promise<dto.ContactDetailDto> {
    return await this.#people.contact(address);
  }

  @Patch('contacts/:address')
  @Answers('Rename a contact, or note something', contactDto, { body: dto.editContactDto })
  async edit(@Param('address') address: string, @Req() request: HttpRequest): Promise<ContactDto> {
    return await this.#people.editContact(address, parseBody(dto.editContactDto, request));
  }

  @Post('contacts/:address/verify')
  @HttpCode(200)
  @Answers('Compare the safety number', contactDto, { body: dto.verifyDto })
  async verify(
    @Param('address') address: string,
    @Req() request: HttpRequest,
  ): Promise<ContactDto> {
    return await this.#people.verify(address, parseBody(dto.verifyDto, request));
  }

  @Post('contacts/:address/:action')
  @HttpCode(204)
  @Answers('reject, block, unblock or accept-keys', undefined, { status: 204 })
  async decide(@Param('address') address: string, @Param('action') action: string): Promise<void> {
    await this.#people.decide(address, parseWith(z.enum(CONTACT_ACTIONS), action));
  }

  @Get('invites')
  @Answers('Invites, the newest first', z.array(dto.listedInviteDto))
  async invites(): Promise<readonly dto.ListedInviteDto[]> {
    return await this.#people.invites();
  }

  @Delete('invites/:id')
  @HttpCode(204)
  @Answers('Take an invite back', undefined, { status: 204 })
  async revokeInvite(@Param('id') id: string): Promise<void> {
    await this.#people.revokeInvite(parseId(id));
  }

  @Get('vcards')
  @Answers('All contacts as vCard 4.0', dto.vcardsDto)
  async exportContacts(): Promise<dto.VcardsDto> {
    return await this.#people.exportContacts();
  }

  @Post('vcards')
  @HttpCode(200)
  @Answers('Take contacts from vCards', dto.importReportDto, { body: dto.vcardsDto })
  async importContacts(@Req() request: HttpRequest): Promise<dto.ImportReportDto> {
    return await this.#people.importContacts(parseBody(dto.vcardsDto, request));
  }
}
