/**
 * The routes of chat. Before: chat-commands.ts, group-commands.ts; next: daemon-link.ts.
 * Spec: docs/spec/41-client-api.md section 22.
 */
import type * as dto from '../api/chat-dto.ts';
import { ClientError } from '../client-error.ts';
import type { DaemonLink } from './daemon-link.ts';

export class ChatCalls {
  readonly #link: DaemonLink;

  constructor(link: DaemonLink) {
    this.#link = link;
  }

  conversations(): Promise<dto.ConversationDto[]> {
    return this.#link.json('chat/conversations');
  }

  messages(id: string, limit: number, before?: number): Promise<dto.ChatMessageDto[]> {
    const query = new URLSearchParams({ limit: `${limit}` });
    if (before !== undefined) query.set('before', `${before}`);
    return this.#link.json(`chat/conversations/${id}/messages?${query.toString()}`);
  }

  async markRead(id: string): Promise<void> {
    await this.#link.send(`chat/conversations/${id}/read`, { method: 'POST' });
  }

  send(request: dto.SendChatDto): Promise<dto.SentChatDto> {
    return this.#link.json('chat/messages', { method: 'POST', json: request });
  }

  foundGroup(request: dto.FoundGroupDto): Promise<dto.GroupDto> {
    return this.#link.json('chat/groups', { method: 'POST', json: request });
  }

  group(id: string): Promise<dto.GroupDto> {
    return this.#link.json(`chat/groups/${id}`);
  }

  changeGroup(id: string, change: dto.GroupChangeDto): Promise<dto.GroupDto> {
    return this.#link.json(`chat/groups/${id}/changes`, { method: 'POST', json: change });
  }

  /** The conversation with this id, title, or beginning of an id. `conversation-unknown`. */
  async find(text: string): Promise<dto.ConversationDto> {
    const wanted = text.trim().toLowerCase();
    const all = await this.conversations();
    const exact = all.filter((one) => one.id === wanted || one.title.toLowerCase() === wanted);
    const found = exact.length > 0 ? exact : all.filter((one) => one.id.startsWith(wanted));
    const [conversation] = found;
    if (conversation === undefined || found.length > 1 || wanted === '') {
      throw new ClientError('conversation-unknown', text.slice(0, 64));
    }
    return conversation;
  }
}
