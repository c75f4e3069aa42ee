/**
 * Contacts. Spec: docs/spec/41-client-api.md.
 */
import { Controller, Delete, Get, HttpCode, Inject, Param, Post, Req } from '@nestjs/common';
import { ApiBearerAuth, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { addContactDto, contactDto, type ContactDto } from './dto.ts';
import type { HttpRequest } from '@tanglemail/tangle/io/shell/http.ts';
import { Answers } from './openapi.ts';
import { parseBody } from './requests.ts';
import type { ClientService } from './service.ts';
import { SERVICE } from './tokens.ts';

@ApiTags('contacts')
@ApiBearerAuth()
@Controller('api/client/v1/contacts')
export class ContactsController {
  readonly #service: ClientService;

  constructor(@Inject(SERVICE) service: ClientService) {
    this.#service = service;
  }

  @Get()
  @Answers('All contacts by name', z.array(contactDto))
  async list(): Promise<readonly ContactDto[]> {
    return await this.#service.contacts();
  }

  @Post()
  @Answers('Add, accept or rename a contact', contactDto, { status: 201, body: addContactDto })
  async add(@Req() request: HttpRequest): Promise<ContactDto> {
    return await this.#service.addContact(parseBody(addContactDto, request));
  }

  @Delete(':address')
  @HttpCode(204)
  @Answers('Forget a contact', undefined, { status: 204 })
  async remove(@Param('address') address: string): Promise<void> {
    await this.#service.removeContact(address);
  }
}
