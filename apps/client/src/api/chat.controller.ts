/**
 * Chat: conversations, messages, groups. Spec: docs/spec/41-client-api.md section 22.
 */
import { Controller, Delete, Get, HttpCode, Inject, Param, Post, Query, Req } from '@nestjs/common';
import { ApiBearerAuth, ApiTags } from '@nestjs/swagger';
import type { HttpRequest } from '@tanglemail/tangle/io/shell/http.ts';
import { z } from 'zod';
import {
  chatMessageDto,
  type ChatMessageDto,
  chatPageDto,
  conversationDto,
  type ConversationDto,
  conversationIdDto,
  foundGroupDto,
  groupChangeDto,
  groupDto,
  type GroupDto,
  sendChatDto,
  sentChatDto,
  type SentChatDto,
} from './chat-dto.ts';
import type { ChatService } from './chat-service.ts';
import { Answers } from './openapi.ts';
import { parseBody, parseWith } from './requests.ts';
import { CHAT } from './tokens.ts';

@ApiTags('chat')
@ApiBearerAuth()
@Controller('api/client/v1/chat')
export class ChatController {
  readonly #service: ChatService;

  constructor(@Inject(CHAT) service: ChatService) {
    this.#service = service;
  }

  @Get('conversations')
  @Answers('All conversations, the newest first', z.array(conversationDto))
  async conversations(): Promise<readonly ConversationDto[]> {
    return await this.#service.conversations();
  }

  @Get('conversations/:id/messages')
  @Answers('Messages of a conversation, newest first', z.array(chatMessageDto), {
    query: chatPageDto,
  })
  async messages(
    @Param('id') id: string,
    @Query() query: unknown,
  ): Promise<readonly ChatMessageDto[]> {
    return await this.#service.messages(parseConversation(id), parseWith(chatPageDto, query));
  }

  @Post('conversations/:id/read')
  @HttpCode(204)
  @Answers('Everything of a conversation was seen', undefined, { status: 204 })
  async markRead(@Param('id') id: string): Promise<void> {
    await this.#service.markRead(parseConversation(id));
  }

  @Delete('conversations/:id/messages/:number')
  @HttpCode(204)
  @Answers('Forget a message, here only', undefined, { status: 204 })
  async deleteMessage(@Param('id') id: string, @Param('number') number: string): Promise<void> {
    const parsed = parseWith(z.coerce.number().int().min(1), number);
    await this.#service.deleteMessage(parseConversation(id), parsed);
  }

  @Post('messages')
  @Answers('Send a line', sentChatDto, { status: 201, body: sendChatDto })
  async send(@Req() request: HttpRequest): Promise<SentChatDto> {
    return await this.#service.send(parseBody(sendChatDto, request));
  }

  @Post('groups')
  @Answers('Found a group', groupDto, { status: 201, body: foundGroupDto })
  async foundGroup(@Req() request: HttpRequest): Promise<GroupDto> {
    return await this.#service.foundGroup(parseBody(foundGroupDto, request));
  }

  @Get('groups/:id')
  @Answers('A group and its members', groupDto)
  async group(@Param('id') id: string): Promise<GroupDto> {
    return await this.#service.group(parseConversation(id));
  }

  @Post('groups/:id/changes')
  @Answers('Change a group', groupDto, { status: 201, body: groupChangeDto })
  async changeGroup(@Param('id') id: string, @Req() request: HttpRequest): Promise<GroupDto> {
    const change = parseBody(groupChangeDto, request);
    return await this.#service.changeGroup(parseConversation(id), change);
  }
}

function parseConversation(id: string): string {
  return parseWith(conversationIdDto, id);
}
