/** The routes for large mails. Before: the commands; next: daemon-link.ts. */
import type { ElsewhereDto, IncomingDto, QuoteDto, QuoteRequestDto } from '../api/parcels-dto.ts';
import { type DaemonLink, SLOW_MS } from './daemon-link.ts';

export class ParcelCalls {
  readonly #link: DaemonLink;

  constructor(link: DaemonLink) {
    this.#link = link;
  }

  quote(request: QuoteRequestDto): Promise<QuoteDto[]> {
    return this.#link.json('quote', { method: 'POST', json: request, timeoutMs: SLOW_MS });
  }

  incoming(): Promise<IncomingDto[]> {
    return this.#link.json('incoming');
  }

  elsewhere(): Promise<ElsewhereDto[]> {
    return this.#link.json('elsewhere');
  }

  fetch(id: string): Promise<IncomingDto> {
    return this.#link.json(`incoming/${encodeURIComponent(id)}/fetch`, { method: 'POST' });
  }

  async discard(id: string): Promise<void> {
    await this.#link.send(`incoming/${encodeURIComponent(id)}`, { method: 'DELETE' });
  }
}
