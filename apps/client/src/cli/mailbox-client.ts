/**
 * The routes of the local API under `mailbox`. Before: the commands; next: daemon-link.ts.
 * Spec: docs/spec/41-client-api.md §20.
 */
import type { FolderDto, QueuedMessageDto, SetFlagsDto } from '../api/dto.ts';
import type * as dto from '../api/mailbox-dto.ts';
import { type DaemonLink, SLOW_MS } from './daemon-link.ts';

export class MailboxClient {
  readonly #link: DaemonLink;

  constructor(link: DaemonLink) {
    this.#link = link;
  }

  createFolder(name: string): Promise<FolderDto> {
    return this.#link.json('mailbox/folders', { method: 'POST', json: { name } });
  }

  renameFolder(id: string, name: string): Promise<FolderDto> {
    return this.#link.json(`mailbox/folders/${id}`, { method: 'PATCH', json: { name } });
  }

  async deleteFolder(id: string): Promise<void> {
    await this.#link.send(`mailbox/folders/${id}`, { method: 'DELETE', timeoutMs: SLOW_MS });
  }

  emptyFolder(id: string): Promise<dto.CountDto> {
    const call = { method: 'POST', timeoutMs: SLOW_MS } as const;
    return this.#link.json(`mailbox/folders/${id}/empty`, call);
  }

  readFolder(id: string): Promise<dto.CountDto> {
    const call = { method: 'POST', timeoutMs: SLOW_MS } as const;
    return this.#link.json(`mailbox/folders/${id}/read`, call);
  }

  move(ids: readonly string[], folder: string): Promise<dto.MovedDto> {
    return this.#link.json('mailbox/move', { method: 'POST', json: { ids, folder } });
  }

  copy(ids: readonly string[], folder: string): Promise<dto.MovedDto> {
    return this.#link.json('mailbox/copy', { method: 'POST', json: { ids, folder } });
  }

  delete(ids: readonly string[], forGood: boolean): Promise<dto.CountDto> {
    return this.#link.json('mailbox/delete', { method: 'POST', json: { ids, forGood } });
  }

  flag(ids: readonly string[], change: SetFlagsDto): Promise<dto.CountDto> {
    return this.#link.json('mailbox/flags', { method: 'POST', json: { ids, ...change } });
  }

  search(q: string, limit: number): Promise<dto.SearchResultDto> {
    const query = new URLSearchParams({ q, limit: `${limit}` });
    return this.#link.json(`mailbox/search?${query.toString()}`);
  }

  threads(limit: number, folder?: string): Promise<dto.ThreadDto[]> {
    const query = new URLSearchParams({ limit: `${limit}` });
    if (folder !== undefined) query.set('folder', folder);
    return this.#link.json(`mailbox/threads?${query.toString()}`);
  }

  thread(id: string): Promise<dto.ThreadMessageDto[]> {
    return this.#link.json(`mailbox/threads/${encodeURIComponent(id)}`);
  }

  rules(): Promise<dto.RuleDto[]> {
    return this.#link.json('mailbox/rules');
  }

  setRules(rules: readonly dto.RuleDto[]): Promise<dto.RuleDto[]> {
    return this.#link.json('mailbox/rules', { method: 'PUT', json: rules });
  }

  drafts(): Promise<dto.DraftDto[]> {
    return this.#link.json('mailbox/drafts');
  }

  draft(id: string): Promise<dto.DraftDto> {
    return this.#link.json(`mailbox/drafts/${encodeURIComponent(id)}`);
  }

  saveDraft(draft: Partial<dto.SaveDraftDto>): Promise<dto.DraftDto> {
    return this.#link.json('mailbox/drafts', { method: 'POST', json: draft });
  }

  async deleteDraft(id: string): Promise<void> {
    await this.#link.send(`mailbox/drafts/${encodeURIComponent(id)}`, { method: 'DELETE' });
  }

  sendDraft(id: string): Promise<QueuedMessageDto> {
    return this.#link.json(`mailbox/drafts/${encodeURIComponent(id)}/send`, { method: 'POST' });
  }

  /** The bytes of an archive as they come. */
  async exportMails(format: 'mbox' | 'json', folder?: string): Promise<AsyncIterable<Uint8Array>> {
    const query = new URLSearchParams({ format });
    if (folder !== undefined) query.set('folder', folder);
    const path = `mailbox/export?${query.toString()}`;
    const { body } = await this.#link.send(path, { timeoutMs: 24 * SLOW_MS });
    return body ?? new ReadableStream<Uint8Array>();
  }

  /** Lines of JSON, as many as go in one request. */
  importLines(lines: Uint8Array, folder?: string): Promise<dto.ImportReportDto> {
    const query = folder === undefined ? '' : `?folder=${encodeURIComponent(folder)}`;
    const call = { method: 'POST', raw: lines, rawType: 'application/x-ndjson' } as const;
    return this.#link.json(`mailbox/import${query}`, { ...call, timeoutMs: SLOW_MS });
  }
}
