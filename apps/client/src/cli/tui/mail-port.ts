/** What the interactive inbox needs of the daemon. Next: daemon-port.ts. */
import type { FolderDto, MessageDto, MessageSummaryDto, OutboxItemDto } from '../../api/dto.ts';
import type { DraftText } from './draft-text.ts';

export type ComposeHow = 'new' | 'reply' | 'reply-all' | 'forward';

/** Every call may throw ClientError, whose message is shown. */
export interface MailPort {
  folders(): Promise<FolderDto[]>;
  /** Newest first; `before` is the id of the last mail that is known. */
  list(folder: string, limit: number, before?: string): Promise<MessageSummaryDto[]>;
  search(folder: string, query: string, limit: number): Promise<MessageSummaryDto[]>;
  read(id: string): Promise<MessageDto>;
  /** Adds a flag, or takes it away. */
  flag(id: string, flag: string, add: boolean): Promise<MessageSummaryDto>;
  /** To the Trash, or for good when it lies there; says which. */
  remove(id: string): Promise<string>;
  move(id: string, folder: string): Promise<void>;
  /** Writes an attachment to a file that is not there yet; gives its path. */
  save(id: string, index: number, path: string): Promise<string>;
  outbox(limit: number): Promise<OutboxItemDto[]>;
  recall(id: string): Promise<void>;
  /** Fetches from the providers; says what came. */
  sync(): Promise<string>;
  /** What the editor begins with for an answer to a mail. */
  prepare(how: ComposeHow, id: string): Promise<DraftText>;
  send(draft: DraftText, how: ComposeHow, id: string | undefined): Promise<void>;
  /** Calls `listener` when mail has come; the function given back ends that. */
  onChange(listener: () => void): () => void;
}
