/**
 * Taking mail back, and reports over all recipients of a mail. Before: api/; after: outbox.
 * Spec: docs/spec/42-delivery.md.
 */
import { outboxView } from './views.ts';
import type { OutboxReportDto, RecallDto, RecallQueryDto } from '../api/outbox-dto.ts';
import type { OutboxService } from '../api/outbox-service.ts';
import { ClientError } from '../client-error.ts';
import type { ClientParts } from '../client-parts.ts';
import { isMail } from '../outbox/outbox-entry.ts';
import { reportOf } from '../outbox/report.ts';
import type { OutboxEntry } from '../store/outbox-collections.ts';

export type OutboxActionsParts = Pick<ClientParts, 'account' | 'contacts' | 'outbox'>;

export class OutboxActions implements OutboxService {
  readonly #parts: OutboxActionsParts;

  constructor(parts: OutboxActionsParts) {
    this.#parts = parts;
  }

  async recall(id: string, { scope }: RecallQueryDto): Promise<RecallDto> {
    const entry = this.#entry(id);
    const entries = scope === 'recipient' ? [entry] : this.#mailOf(entry);
    const recalled: string[] = [];
    const tooLate: string[] = [];
    for (const one of entries) {
      if (one.state === 'recalled') continue;
      const isBack = await this.#parts.outbox.recall(one.id);
      (isBack ? recalled : tooLate).push(`${one.id}`);
    }
    if (recalled.length === 0) throw new ClientError('recall-too-late', this.#entry(id).state);
    return { recalled, tooLate };
  }

  async report(id: string): Promise<OutboxReportDto> {
    const { account, contacts, outbox } = this.#parts;
    const entries = this.#mailOf(this.#entry(id));
    const [first] = entries;
    return {
      messageId: (first?.messageId ?? '').slice(0, 1_024),
      subject: first?.subject ?? '',
      recipientCount: entries.length,
      ...reportOf(entries),
      items: entries.map((one) => outboxView(account, contacts, one, outbox.workOf(one.id))),
    };
  }

  #entry(id: string): OutboxEntry {
    const entry = /^[0-9]{1,15}$/.test(id) ? this.#parts.outbox.get(Number(id)) : undefined;
    if (entry === undefined || !isMail(entry)) throw new ClientError('outbox-unknown', id);
    return entry;
  }

  /** All entries of the mail, one a recipient: they were given numbers one behind another. */
  #mailOf(entry: OutboxEntry): OutboxEntry[] {
    const { outbox } = this.#parts;
    const isSame = (one: OutboxEntry | undefined): one is OutboxEntry =>
      one !== undefined &&
      one.emailId === entry.emailId &&
      one.messageId === entry.messageId &&
      one.createdAtMs === entry.createdAtMs;
    const found = [entry];
    for (let at = entry.id - 1; ; at -= 1) {
      const one = outbox.get(at);
      if (!isSame(one)) break;
      found.unshift(one);
    }
    for (let at = entry.id + 1; ; at += 1) {
      const one = outbox.get(at);
      if (!isSame(one)) break;
      found.push(one);
    }
    return found;
  }
}
