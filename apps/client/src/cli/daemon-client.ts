/**
 * The routes of the local API that most commands call. Before: the commands; next: daemon-link.ts.
 * Spec: docs/spec/41-client-api.md.
 */
import type * as dto from '../api/dto.ts';
import { type DaemonFile, DaemonLink, SLOW_MS } from './daemon-link.ts';

export class DaemonClient {
  /** For the calls of other areas: each has a class of its own beside this one. */
  readonly link: DaemonLink;

  private constructor(link: DaemonLink) {
    this.link = link;
  }

  /** Throws ClientError `daemon-unreachable` when none runs for this folder. */
  static async find(dataDir: string): Promise<DaemonClient> {
    return new DaemonClient(await DaemonLink.find(dataDir));
  }

  get file(): DaemonFile {
    return this.link.file;
  }

  status(): Promise<dto.StatusDto> {
    return this.link.json('status');
  }

  address(): Promise<dto.AddressWithQrDto> {
    return this.link.json('address');
  }

  createInvite(request: dto.InviteRequestDto): Promise<dto.InviteDto> {
    return this.link.json('invites', { method: 'POST', json: request, timeoutMs: SLOW_MS });
  }

  contacts(): Promise<dto.ContactDto[]> {
    return this.link.json('contacts');
  }

  addContact(request: dto.AddContactDto): Promise<dto.ContactDto> {
    return this.link.json('contacts', { method: 'POST', json: request, timeoutMs: SLOW_MS });
  }

  async removeContact(address: string): Promise<void> {
    await this.link.send(`contacts/${encodeURIComponent(address)}`, { method: 'DELETE' });
  }

  sendMessage(message: dto.SendMessageDto): Promise<dto.QueuedMessageDto> {
    return this.link.json('messages', { method: 'POST', json: message, timeoutMs: SLOW_MS });
  }

  sendRawMessage(
    raw: Uint8Array,
    to: readonly string[],
    choices: dto.SendChoicesDto = {},
  ): Promise<dto.QueuedMessageDto> {
    const query = new URLSearchParams(to.map((one): [string, string] => ['to', one]));
    for (const [name, value] of Object.entries(choices)) query.set(name, `${value}`);
    return this.link.json(`messages?${query.toString()}`, {
      method: 'POST',
      raw,
      timeoutMs: SLOW_MS,
    });
  }

  outbox(limit: number): Promise<dto.OutboxItemDto[]> {
    return this.link.json(`outbox?limit=${limit}`);
  }

  outboxItem(id: string): Promise<dto.OutboxItemDto> {
    return this.link.json(`outbox/${encodeURIComponent(id)}`);
  }

  folders(): Promise<dto.FolderDto[]> {
    return this.link.json('folders');
  }

  messages(folder: string, limit: number, before?: string): Promise<dto.MessageSummaryDto[]> {
    const query = new URLSearchParams({ folder, limit: `${limit}` });
    if (before !== undefined) query.set('before', before);
    return this.link.json(`messages?${query.toString()}`);
  }

  message(id: string): Promise<dto.MessageDto> {
    return this.link.json(`messages/${encodeURIComponent(id)}`);
  }

  rawMessage(id: string): Promise<Uint8Array> {
    return this.link.bytes(`messages/${encodeURIComponent(id)}/raw`);
  }

  attachment(id: string, index: number): Promise<Uint8Array> {
    return this.link.bytes(`messages/${encodeURIComponent(id)}/attachments/${index}`);
  }

  setFlags(id: string, change: dto.SetFlagsDto): Promise<dto.MessageSummaryDto> {
    return this.link.json(`messages/${encodeURIComponent(id)}`, { method: 'PATCH', json: change });
  }

  sync(): Promise<dto.SyncReportDto> {
    return this.link.json('sync', { method: 'POST', timeoutMs: SLOW_MS });
  }

  wallet(): Promise<dto.WalletDto> {
    return this.link.json('wallet');
  }

  sendTokens(request: dto.SendTokensDto): Promise<dto.SentTokensDto> {
    return this.link.json('wallet/send', { method: 'POST', json: request, timeoutMs: SLOW_MS });
  }

  walletHistory(limit: number): Promise<dto.WalletLineDto[]> {
    return this.link.json(`wallet/history?limit=${limit}`);
  }

  providers(): Promise<dto.OfferDto[]> {
    return this.link.json('providers');
  }

  rentedProviders(): Promise<dto.RentalDto[]> {
    return this.link.json('providers/rented');
  }

  rentProvider(request: dto.RentRequestDto): Promise<dto.RentedDto> {
    return this.link.json('providers/rent', { method: 'POST', json: request, timeoutMs: SLOW_MS });
  }

  closeProvider(bondId: string): Promise<dto.ClosedDto> {
    const path = `providers/${encodeURIComponent(bondId)}/close`;
    return this.link.json(path, { method: 'POST', timeoutMs: SLOW_MS });
  }
}
