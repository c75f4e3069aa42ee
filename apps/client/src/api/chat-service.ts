/**
 * What the local API needs of chat: one method a route. Before: chat.controller.ts; after:
 * service/chat-service.ts. Spec: docs/spec/41-client-api.md section 22.
 */
import type {
  ChatMessageDto,
  ChatPageDto,
  ConversationDto,
  FoundGroupDto,
  GroupChangeDto,
  GroupDto,
  SendChatDto,
  SentChatDto,
} from './chat-dto.ts';

export interface ChatService {
  /** The newest first. */
  conversations(): Promise<readonly ConversationDto[]>;
  /** Newest first. `conversation-unknown`. */
  messages(id: string, page: ChatPageDto): Promise<readonly ChatMessageDto[]>;
  /**
   * Durable when it resolves. To somebody who has not accepted us it goes as a contact request.
   * `recipient-unknown`, `chat-closed`, `chat-text-invalid`, `contact-is-self` …
   */
  send(request: SendChatDto): Promise<SentChatDto>;
  /** `conversation-unknown`. */
  markRead(id: string): Promise<void>;
  /** Forgets a message here only. `message-unknown`. */
  deleteMessage(id: string, number: number): Promise<void>;
  /** `group-name-invalid`, `group-member-unknown`, `recipient-unknown` … */
  foundGroup(request: FoundGroupDto): Promise<GroupDto>;
  /** `group-unknown`. */
  group(id: string): Promise<GroupDto>;
  /** `group-unknown`, `group-refused`, `group-name-invalid`, `group-member-unknown` … */
  changeGroup(id: string, change: GroupChangeDto): Promise<GroupDto>;
}
