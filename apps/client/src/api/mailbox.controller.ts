/**
 * Folders, moves, search and conversations. Spec: docs/spec/41-client-api.md §20.
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
import { type FolderDto, folderDto } from './dto.ts';
import {
  type CountDto,
  countDto,
  deleteDto,
  flagManyDto,
  folderNameDto,
  type LabelDto,
  labelDto,
  type MovedDto,
  moveDto,
  movedDto,
  searchQueryDto,
  type SearchResultDto,
  searchResultDto,
  type ThreadDto,
  threadDto,
  type ThreadMessageDto,
  threadMessageDto,
  threadsQueryDto,
} from './mailbox-dto.ts';
import type { MailboxService } from './mailbox-service.ts';
import { Answers } from './openapi.ts';
import { parseBody, parseId, parseWith } from './requests.ts';
import { MAILBOX } from './tokens.ts';

@ApiTags('mailbox')
@ApiBearerAuth()
@Controller('api/client/v1/mailbox')
export class MailboxController {
  readonly #service: MailboxService;

  constructor(@Inject(MAILBOX) service: MailboxService) {
    this.#service = service;
  }

  @Post('folders')
  @Answers('Make a folder', folderDto, { status: 201, body: folderNameDto })
  async createFolder(@Req() request: HttpRequest): Promise<FolderDto> {
    return await this.#service.createFolder(parseBody(folderNameDto, request).name);
  }

  @Patch('folders/:id')
  @Answers('Rename a folder', folderDto, { body: folderNameDto })
  async renameFolder(@Param('id') id: string, @Req() request: HttpRequest): Promise<FolderDto> {
    return await this.#service.renameFolder(parseId(id), parseBody(folderNameDto, request).name);
  }

  @Delete('folders/:id')
  @HttpCode(204)
  @Answers('Delete a folder; its mails go to Trash', undefined, { status: 204 })
  async deleteFolder(@Param('id') id: string): Promise<void> {
    await this.#service.deleteFolder(parseId(id));
  }

  @Post('folders/:id/empty')
  @HttpCode(200)
  @Answers('Delete all mails of a folder for good', countDto)
  async emptyFolder(@Param('id') id: string): Promise<CountDto> {
    return await this.#service.emptyFolder(parseId(id));
  }

  @Post('folders/:id/read')
  @HttpCode(200)
  @Answers('Mark all mails of a folder as read', countDto)
  async readFolder(@Param('id') id: string): Promise<CountDto> {
    return await this.#service.readFolder(parseId(id));
  }

  @Post('move')
  @HttpCode(200)
  @Answers('Move mails; each gets a new id', movedDto, { body: moveDto })
  async move(@Req() request: HttpRequest): Promise<MovedDto> {
    const { ids, folder } = parseBody(moveDto, request);
    return await this.#service.move(ids, folder);
  }

  @Post('copy')
  @HttpCode(200)
  @Answers('Put mails into one more folder', movedDto, { body: moveDto })
  async copy(@Req() request: HttpRequest): Promise<MovedDto> {
    const { ids, folder } = parseBody(moveDto, request);
    return await this.#service.copy(ids, folder);
  }

  @Post('delete')
  @HttpCode(200)
  @Answers('Delete mails: to Trash, from there for good', countDto, { body: deleteDto })
  async delete(@Req() request: HttpRequest): Promise<CountDto> {
    const { ids, forGood } = parseBody(deleteDto, request);
    return await this.#service.delete(ids, forGood);
  }

  @Post('flags')
  @HttpCode(200)
  @Answers('Change flags of many mails', countDto, { body: flagManyDto })
  async flags(@Req() request: HttpRequest): Promise<CountDto> {
    return await this.#service.flag(parseBody(flagManyDto, request));
  }

  @Get('search')
  @Answers('Search by words and conditions, newest first', searchResultDto, {
    query: searchQueryDto,
  })
  async search(@Query() query: unknown): Promise<SearchResultDto> {
    const { q, limit, offset } = parseWith(searchQueryDto, query);
    return await this.#service.search(q, limit, offset);
  }

  @Get('labels')
  @Answers('The labels that mails have', z.array(labelDto))
  async labels(): Promise<readonly LabelDto[]> {
    return await this.#service.labels();
  }

  @Get('threads')
  @Answers('Conversations, the one with the newest mail first', z.array(threadDto), {
    query: threadsQueryDto,
  })
  async threads(@Query() query: unknown): Promise<readonly ThreadDto[]> {
    return await this.#service.threads(parseWith(threadsQueryDto, query));
  }

  @Get('threads/:id')
  @Answers('The conversation of a mail, oldest first', z.array(threadMessageDto))
  async thread(@Param('id') id: string): Promise<readonly ThreadMessageDto[]> {
    return await this.#service.thread(parseId(id));
  }
}
