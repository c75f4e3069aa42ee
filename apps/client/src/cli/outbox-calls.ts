/**
 * The calls for mail that is queued or sent. Before: the commands; next: daemon-link.ts.
 * Spec: docs/spec/41-client-api.md, section 21.
 */
import type { OutboxReportDto, RecallDto, RegisteredLetterDto } from '../api/outbox-dto.ts';
import type { DaemonLink } from './daemon-link.ts';

export class OutboxCalls {
  readonly #link: DaemonLink;

  constructor(link: DaemonLink) {
    this.#link = link;
  }

  recall(id: string, scope: 'message' | 'recipient'): Promise<RecallDto> {
    const path = `outbox/${encodeURIComponent(id)}?scope=${scope}`;
    return this.#link.json(path, { method: 'DELETE' });
  }

  registered(messageId: string): Promise<RegisteredLetterDto> {
    return this.#link.json(`messages/${encodeURIComponent(messageId)}/registered`);
  }

  report(id: string): Promise<OutboxReportDto> {
    return this.#link.json(`outbox/${encodeURIComponent(id)}/report`);
  }
}
