/**
 * The area `mailbox` of the local API: each call turned into changes of the mail store, many mails
 * in pieces that each are one synced write. Before: api/mailbox.controller.ts; after: the parts.
 * Spec: docs/spec/41-client-api.md §20.
 */
import type { FlagChange } from '@tanglemail/mail/core/folder/folder.ts';
import type * as dto from '../api/dto.ts';
import type * as mailboxDto from '../api/mailbox-dto.ts';
import type { MailboxService } from '../api/mailbox-service.ts';
import type { ArchiveFormat } from '../archive/archive-format.ts';
import { exportMails } from '../archive/exporter.ts';
import { ClientError } from '../client-error.ts';
import type { ClientParts } from '../client-parts.ts';
import { labelsOf } from '../messages/labels.ts';
import { FOLDER, type FolderId, readFolderName } from '../messages/folder-name.ts';
import type { FolderTotals, ListedMail } from '../messages/listed-mail.ts';
import type { Rule } from '../store/mailbox-collections.ts';
import type { SealedBatch } from '../store/sealed-store.ts';
import { type Conversation, idOf } from '../messages/conversations.ts';
import { deliveryView } from './delivery-view.ts';
import { DraftDesk } from './draft-desk.ts';
import type { MailSenderParts } from './mail-sender.ts';
import { summaryView } from './views.ts';

/** Mails of one write: a batch of a large folder must not fill the memory. */
const AT_ONCE = 1_000;
const MAX_PEOPLE = 16;

type Parts = MailSenderParts & Pick<ClientParts, 'mailbox' | 'events'>;

export class LocalMailboxService implements MailboxService {
  readonly #parts: Parts;
  readonly #drafts: DraftDesk;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#drafts = new DraftDesk(parts);
  }

  async createFolder(text: string): Promise<dto.FolderDto> {
    const { messages, mailbox } = this.#parts;
    const name = readFolderName(text);
    const { id } = await this.#write((batch) =>
      messages.createFolder(batch, name, mailbox.newFolderId),
    );
    this.#emit('folders');
    return this.#folder(id);
  }

  async renameFolder(folder: string, text: string): Promise<dto.FolderDto> {
    const { messages } = this.#parts;
    const { id } = this.#folder(folder);
    const name = readFolderName(text);
    await this.#write((batch) => ({ apply: messages.renameFolder(batch, id, name) }));
    this.#emit('folders');
    return this.#folder(id);
  }

  async deleteFolder(folder: string): Promise<void> {
    const { messages } = this.#parts;
    const { id, name, isStandard } = this.#folder(folder);
    if (isStandard) throw new ClientError('folder-standard', name);
    const below = messages.folders().filter((one) => one.name.startsWith(`${name}/`));
    for (const one of [...below, this.#folder(folder)]) {
      await this.#each(this.#idsOf(one.id), (batch, ids) =>
        messages.move(batch, ids, FOLDER.Trash),
      );
    }
    await this.#write((batch) => ({ apply: messages.deleteFolder(batch, id) }));
    this.#emit('folders');
  }

  async emptyFolder(folder: string): Promise<mailboxDto.CountDto> {
    return this.#expunge(this.#idsOf(this.#folder(folder).id));
  }

  async readFolder(folder: string): Promise<mailboxDto.CountDto> {
    const { messages } = this.#parts;
    const mails = [...messages.all(this.#folder(folder).id)];
    const unread = mails.filter((one) => !one.entry.flags.includes('\\Seen'));
    return this.#flag(
      unread.map((one) => one.id),
      'add',
      ['\\Seen'],
    );
  }

  async move(ids: readonly string[], folder: string): Promise<mailboxDto.MovedDto> {
    const { messages } = this.#parts;
    const { id } = this.#folder(folder);
    const { moved } = await this.#write((batch) => messages.move(batch, ids, id));
    this.#emit('messages');
    return moved;
  }

  async copy(ids: readonly string[], folder: string): Promise<mailboxDto.MovedDto> {
    const { messages } = this.#parts;
    const { id } = this.#folder(folder);
    const { moved } = await this.#write((batch) => messages.copy(batch, ids, id));
    this.#emit('messages');
    return moved;
  }

  async delete(ids: readonly string[], forGood: boolean): Promise<mailboxDto.CountDto> {
    const { messages } = this.#parts;
    const isLast = (id: string): boolean => forGood || messages.get(id)?.folderId === FOLDER.Trash;
    const result = await this.#write((batch) => {
      const thrown = messages.move(
        batch,
        ids.filter((id) => !isLast(id)),
        FOLDER.Trash,
      );
      const gone = messages.expunge(
        batch,
        ids.filter((id) => isLast(id)),
      );
      const count = thrown.moved.length + gone.count;
      return { count, apply: gone.apply };
    });
    this.#emit('messages');
    return { count: result.count };
  }

  async flag({ ids, change, flags }: mailboxDto.FlagManyDto): Promise<mailboxDto.CountDto> {
    return this.#flag(ids, change, flags);
  }

  async #flag(
    all: readonly string[],
    change: FlagChange,
    flags: readonly string[],
  ): Promise<mailboxDto.CountDto> {
    const { messages } = this.#parts;
    const there = all.filter((id) => messages.get(id) !== undefined);
    await this.#each(there, (batch, ids) => ({
      apply: messages.flagAll(batch, ids, change, flags),
    }));
    this.#emit('flags');
    return { count: there.length };
  }

  async #expunge(all: readonly string[]): Promise<mailboxDto.CountDto> {
    await this.#each(all, (batch, ids) => this.#parts.messages.expunge(batch, ids));
    this.#emit('messages');
    return { count: all.length };
  }

  async search(query: string, limit: number, offset = 0): Promise<mailboxDto.SearchResultDto> {
    const { mails, ...result } = await this.#parts.mailbox.search.search(query, limit, offset);
    return { ...result, messages: mails.map((mail) => this.#summary(mail)) };
  }

  async labels(): Promise<readonly mailboxDto.LabelDto[]> {
    return labelsOf(this.#parts.messages.all());
  }

  async threads(query: mailboxDto.ThreadsQueryDto): Promise<readonly mailboxDto.ThreadDto[]> {
    const { limit, before, folder } = query;
    const id = folder === undefined ? undefined : this.#folder(folder).id;
    const list = this.#parts.mailbox.conversations.list(limit, id, before);
    return list.map((one) => this.#thread(one));
  }

  #thread(conversation: Conversation): mailboxDto.ThreadDto {
    const summaries = conversation.map((mail) => this.#summary(mail));
    const newest = summaries.at(-1);
    const people = new Set(summaries.map(({ from }) => from.name || from.address));
    return {
      id: idOf(conversation),
      subject: summaries[0]?.subject ?? '',
      people: [...people].slice(0, MAX_PEOPLE),
      count: summaries.length,
      unread: summaries.filter((one) => !one.flags.includes('\\Seen')).length,
      newestMs: newest?.dateMs ?? 0,
      newestId: newest?.id ?? '',
    };
  }

  async thread(id: string): Promise<readonly mailboxDto.ThreadMessageDto[]> {
    const { messages, mailbox } = this.#parts;
    const mail = messages.get(id);
    if (mail === undefined) throw new ClientError('message-unknown', id);
    return mailbox.conversations
      .of(mail)
      .map((one) => Object.assign(this.#summary(one.mail), { parent: one.parent ?? null }));
  }

  async rules(): Promise<readonly mailboxDto.RuleDto[]> {
    const { mailbox, messages } = this.#parts;
    const nameOf = (id: string): string => messages.findFolder(id)?.name ?? id;
    return mailbox.rules.list().map((rule) => withFolder(rule, nameOf));
  }

  async setRules(rules: readonly mailboxDto.RuleDto[]): Promise<readonly mailboxDto.RuleDto[]> {
    const { mailbox } = this.#parts;
    const stored = rules.map((rule) => withFolder(rule, (name) => this.#folder(name).id));
    await this.#write((batch) => ({ apply: mailbox.rules.replace(batch, stored) }));
    this.#emit('rules');
    return this.rules();
  }

  async drafts(): Promise<readonly mailboxDto.DraftDto[]> {
    return this.#drafts.list();
  }

  async draft(id: string): Promise<mailboxDto.DraftDto> {
    return this.#drafts.get(id);
  }

  async saveDraft(draft: mailboxDto.SaveDraftDto): Promise<mailboxDto.DraftDto> {
    const saved = await this.#drafts.save(draft);
    this.#emit('drafts');
    return saved;
  }

  async deleteDraft(id: string): Promise<void> {
    await this.#write((batch) => ({ apply: this.#parts.mailbox.drafts.delete(batch, id) }));
    this.#emit('drafts');
  }

  async sendDraft(id: string, choices?: dto.SendChoicesDto): Promise<dto.QueuedMessageDto> {
    const queued = await this.#drafts.send(id, choices);
    this.#emit('drafts');
    return queued;
  }

  exportMails(format: ArchiveFormat, folder: string | undefined): AsyncIterable<Uint8Array> {
    const id = folder === undefined ? undefined : this.#folder(folder).id;
    return exportMails(this.#parts.messages, format, id);
  }

  async importMails(
    source: AsyncIterable<Uint8Array>,
    format: ArchiveFormat,
    folder: string | undefined,
  ): Promise<mailboxDto.ImportReportDto> {
    const { importer } = this.#parts.mailbox;
    return importer.run(source, format, folder, () => this.#emit('messages'));
  }

  #summary(mail: ListedMail): dto.MessageSummaryDto {
    const { account, contacts, outbox } = this.#parts;
    return summaryView(account, contacts, mail, deliveryView(outbox, mail));
  }

  #folder(text: string): FolderTotals {
    const folder = this.#parts.messages.findFolder(text);
    if (folder === undefined) throw new ClientError('folder-unknown', text);
    return folder;
  }

  #idsOf(id: FolderId): string[] {
    return [...this.#parts.messages.all(id)].map((one) => one.id);
  }

  #emit(changed: Extract<dto.ClientEventDto, { topic: 'mailbox' }>['data']['changed']): void {
    this.#parts.events.emit({ topic: 'mailbox', data: { changed } });
  }

  /** One change as one synced write. */
  async #write<T extends { readonly apply: () => void }>(
    change: (batch: SealedBatch) => T,
  ): Promise<T> {
    const { store, writes } = this.#parts;
    return writes.run(async () => {
      const batch = store.batch();
      const result = change(batch);
      await batch.write();
      result.apply();
      return result;
    });
  }

  async #each(
    ids: readonly string[],
    change: (batch: SealedBatch, ids: readonly string[]) => { readonly apply: () => void },
  ): Promise<void> {
    for (let at = 0; at < ids.length; at += AT_ONCE) {
      await this.#write((batch) => change(batch, ids.slice(at, at + AT_ONCE)));
    }
  }
}

/** A rule whose folder is named in another way. */
function withFolder(rule: Rule, nameOf: (folder: string) => string): Rule {
  const { moveTo, ...actions } = rule.actions;
  return moveTo === undefined ? rule : { ...rule, actions: { ...actions, moveTo: nameOf(moveTo) } };
}
