/**
 * Folders and the messages in them. Spec: docs/spec/41-client-api.md.
 */
import { Controller, Get, Inject, Param, Patch, Query, Req, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import {
  folderDto,
  messageDto,
  messagesQueryDto,
  messageSummaryDto,
  setFlagsDto,
  type FolderDto,
  type MessageDto,
  type MessageSummaryDto,
} from './dto.ts';
import type { HttpRequest, HttpResponse } from '@tanglemail/tangle/io/shell/http.ts';
import { Answers } from './openapi.ts';
import { parseBody, parseId, parseIndex, parseWith } from './requests.ts';
import type { ClientService } from './service.ts';
import { SERVICE } from './tokens.ts';

const MEDIA_TYPE = /^[a-z0-9!#$&^_.+-]{1,127}\/[a-z0-9!#$&^_.+-]{1,127}$/i;

@ApiTags('messages')
@ApiBearerAuth()
@Controller('api/client/v1')
export class MessagesController {
  readonly #service: ClientService;

  constructor(@Inject(SERVICE) service: ClientService) {
    this.#service = service;
  }

  @Get('folders')
  @Answers('All folders', z.array(folderDto))
  async folders(): Promise<readonly FolderDto[]> {
    return await this.#service.folders();
  }

  @Get('messages')
  @Answers('Messages of a folder, newest first', z.array(messageSummaryDto), {
    query: messagesQueryDto,
  })
  async list(@Query() query: unknown): Promise<readonly MessageSummaryDto[]> {
    return await this.#service.messages(parseWith(messagesQueryDto, query));
  }

  @Get('messages/:id')
  @Answers('One message as a person reads it', messageDto)
  async read(@Param('id') id: string): Promise<MessageDto> {
    return await this.#service.message(parseId(id));
  }

  @Get('messages/:id/raw')
  @Answers('The bytes of a message exactly as they came', undefined, {
    mediaType: 'message/rfc822',
  })
  async raw(@Param('id') id: string, @Res() response: HttpResponse): Promise<void> {
    const bytes = await this.#service.rawMessage(parseId(id));
    sendBytes(response, 'message/rfc822', bytes);
  }

  @Get('messages/:id/attachments/:index')
  @Answers('The bytes of an attachment', undefined, { mediaType: 'application/octet-stream' })
  async attachment(
    @Param('id') id: string,
    @Param('index') index: string,
    @Res() response: HttpResponse,
  ): Promise<void> {
    const attachment = await this.#service.attachment(parseId(id), parseIndex(index));
    const { filename, contentType, content } = attachment;
    const name = encodeURIComponent(filename === '' ? 'attachment' : filename);
    response.set('Content-Disposition', `attachment; filename*=UTF-8''${name}`);
    const known = MEDIA_TYPE.test(contentType) ? contentType : 'application/octet-stream';
    sendBytes(response, known, content);
  }

  @Patch('messages/:id')
  @Answers('Change the flags of a message', messageSummaryDto, { body: setFlagsDto })
  async flags(@Param('id') id: string, @Req() request: HttpRequest): Promise<MessageSummaryDto> {
    return await this.#service.setFlags(parseId(id), parseBody(setFlagsDto, request));
  }
}

/** What a stranger sent must not run as a page of this origin, whatever it calls itself. */
function sendBytes(response: HttpResponse, mediaType: string, bytes: Uint8Array): void {
  response.set('Content-Security-Policy', "default-src 'none'; sandbox");
  response.status(200).type(mediaType).send(Buffer.from(bytes));
}
