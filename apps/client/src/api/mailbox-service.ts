/**
 * What the routes under `mailbox` call. Every method may throw ClientError.
 * Spec: docs/spec/41-client-api.md §20.
 */
import type { ArchiveFormat } from '../archive/archive-format.ts';
import type { FolderDto, QueuedMessageDto, SendChoicesDto } from './dto.ts';
import type {
  CountDto,
  DraftDto,
  FlagManyDto,
  ImportReportDto,
  LabelDto,
  MovedDto,
  RuleDto,
  SaveDraftDto,
  SearchResultDto,
  ThreadDto,
  ThreadMessageDto,
  ThreadsQueryDto,
} from './mailbox-dto.ts';

export interface MailboxService {
  /** With those above it that are missing. `folder-name-invalid`, `folder-exists`. */
  createFolder(name: string): Promise<FolderDto>;
  /** `folder` is an id or a whole name. `folder-unknown`, `folder-standard`, `folder-exists`. */
  renameFolder(folder: string, name: string): Promise<FolderDto>;
  /** With all below it; their mails go to Trash. `folder-unknown`, `folder-standard`. */
  deleteFolder(folder: string): Promise<void>;
  /** Deletes all its mails for good. */
  emptyFolder(folder: string): Promise<CountDto>;
  readFolder(folder: string): Promise<CountDto>;

  /** `folder-unknown`. Ids that are not there are left out. */
  move(ids: readonly string[], folder: string): Promise<MovedDto>;
  copy(ids: readonly string[], folder: string): Promise<MovedDto>;
  delete(ids: readonly string[], forGood: boolean): Promise<CountDto>;
  flag(change: FlagManyDto): Promise<CountDto>;

  /** `search-invalid`, `folder-unknown`. */
  search(query: string, limit: number, offset?: number): Promise<SearchResultDto>;
  /** Those that some message has, by name. */
  labels(): Promise<readonly LabelDto[]>;
  /** Newest first. `folder-unknown`. */
  threads(query: ThreadsQueryDto): Promise<readonly ThreadDto[]>;
  /** The conversation of a mail, oldest first. `message-unknown`. */
  thread(id: string): Promise<readonly ThreadMessageDto[]>;

  /** In their order. */
  rules(): Promise<readonly RuleDto[]>;
  /** Replaces all. `folder-unknown`. */
  setRules(rules: readonly RuleDto[]): Promise<readonly RuleDto[]>;

  /** The newest first. */
  drafts(): Promise<readonly DraftDto[]>;
  /** `draft-unknown`. */
  draft(id: string): Promise<DraftDto>;
  /** Durable when it resolves. `message-too-large`, `attachment-unknown`. */
  saveDraft(draft: SaveDraftDto): Promise<DraftDto>;
  deleteDraft(id: string): Promise<void>;
  /** Queues it and takes it out of Drafts in one write. `recipient-unknown` and its like. */
  sendDraft(id: string, choices?: SendChoicesDto): Promise<QueuedMessageDto>;

  /** `folder-unknown`. */
  exportMails(format: ArchiveFormat, folder: string | undefined): AsyncIterable<Uint8Array>;
  /** `archive-invalid`, `folder-name-invalid`. */
  importMails(
    source: AsyncIterable<Uint8Array>,
    format: ArchiveFormat,
    folder: string | undefined,
  ): Promise<ImportReportDto>;
}
