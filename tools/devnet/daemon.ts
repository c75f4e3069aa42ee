/**
 * The local API of a client daemon, as a script uses it: every answer is checked against the shapes
 * that the daemon itself is held to. Before: play.ts, the end-to-end tests; after: apps/client/api.
 */
import type { z } from 'zod';
import {
  API_PREFIX,
  inviteDto,
  messageDto,
  messageSummaryDto,
  offerDto,
  outboxItemDto,
  problemDto,
  queuedMessageDto,
  rentalDto,
  rentedDto,
  sentTokensDto,
  closedDto,
  contactDto,
  statusDto,
  syncReportDto,
  walletDto,
} from '../../apps/client/src/api/dto.ts';
import type {
  ContactDto,
  InviteDto,
  MessageDto,
  MessageSummaryDto,
  OfferDto,
  OutboxItemDto,
  QueuedMessageDto,
  RentalDto,
  RentedDto,
  ClosedDto,
  RentRequestDto,
  SendMessageDto,
  SentTokensDto,
  StatusDto,
  SyncReportDto,
  WalletDto,
} from '../../apps/client/src/api/dto.ts';

const TIMEOUT_MS = 60_000;

/** The daemon answered with a problem. */
export class DaemonError extends Error {
  override readonly name = 'DaemonError';
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, detail: string) {
    super(`${code}: ${detail}`);
    this.status = status;
    this.code = code;
  }
}

/** Where a daemon listens at the moment. */
export interface DaemonPlace {
  readonly api: string;
  readonly token: string | null;
}

export class Daemon {
  readonly #place: () => DaemonPlace;

  /** `place` is asked before each call, because a restarted daemon has another token. */
  constructor(place: () => DaemonPlace) {
    this.#place = place;
  }

  async status(): Promise<StatusDto> {
    return await this.#get(statusDto, 'status');
  }

  async invite(name: string): Promise<InviteDto> {
    return await this.#post(inviteDto, 'invites', { name });
  }

  async contacts(): Promise<ContactDto[]> {
    return await this.#get(contactDto.array(), 'contacts');
  }

  async addContact(link: string, name: string): Promise<ContactDto> {
    return await this.#post(contactDto, 'contacts', { link, name });
  }

  /** Leaves at once: nobody sits here who could take it back. */
  async send(message: SendMessageDto): Promise<QueuedMessageDto> {
    return await this.#post(queuedMessageDto, 'messages', { undoSeconds: 0, ...message });
  }

  async outbox(): Promise<OutboxItemDto[]> {
    return await this.#get(outboxItemDto.array(), 'outbox?limit=500');
  }

  async outboxItem(id: string): Promise<OutboxItemDto> {
    return await this.#get(outboxItemDto, `outbox/${id}`);
  }

  async messages(folder: string): Promise<MessageSummaryDto[]> {
    return await this.#get(messageSummaryDto.array(), `messages?folder=${folder}&limit=500`);
  }

  async message(id: string): Promise<MessageDto> {
    return await this.#get(messageDto, `messages/${id}`);
  }

  /** The message byte for byte. */
  async raw(id: string): Promise<Uint8Array> {
    return await this.#bytes(`messages/${id}/raw`);
  }

  async attachment(id: string, index: number): Promise<Uint8Array> {
    return await this.#bytes(`messages/${id}/attachments/${index}`);
  }

  async sync(): Promise<SyncReportDto> {
    return await this.#post(syncReportDto, 'sync', {});
  }

  async wallet(): Promise<WalletDto> {
    return await this.#get(walletDto, 'wallet');
  }

  /** Sends tokens to an address; `amount` in base units. */
  async pay(to: string, amount: bigint): Promise<SentTokensDto> {
    return await this.#post(sentTokensDto, 'wallet/send', { to, amount: `${amount}` });
  }

  /** Offers that the daemon found on the tangle. */
  async offers(): Promise<OfferDto[]> {
    return await this.#get(offerDto.array(), 'providers');
  }

  async rentals(): Promise<RentalDto[]> {
    return await this.#get(rentalDto.array(), 'providers/rented');
  }

  async rent(request: RentRequestDto): Promise<RentedDto> {
    return await this.#post(rentedDto, 'providers/rent', request);
  }

  async close(bondId: string): Promise<ClosedDto> {
    return await this.#post(closedDto, `providers/${bondId}/close`, {});
  }

  async #get<T extends z.ZodType>(schema: T, path: string): Promise<z.infer<T>> {
    return schema.parse(await (await this.#call(path)).json());
  }

  async #post<T extends z.ZodType>(schema: T, path: string, body: unknown): Promise<z.infer<T>> {
    return schema.parse(await (await this.#call(path, body)).json());
  }

  async #bytes(path: string): Promise<Uint8Array> {
    return new Uint8Array(await (await this.#call(path)).arrayBuffer());
  }

  async #call(path: string, body?: unknown): Promise<Response> {
    const { api, token } = this.#place();
    const response = await fetch(`${api}${API_PREFIX}/${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      signal: AbortSignal.timeout(TIMEOUT_MS),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (response.ok) return response;
    const problem = problemDto.safeParse(await response.json().catch(() => undefined));
    const { code, detail } = problem.data ?? { code: 'unknown', detail: undefined };
    throw new DaemonError(response.status, code, detail ?? `status ${response.status}`);
  }
}
