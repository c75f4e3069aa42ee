/**
 * What the local API and the command line need for mail that is queued or sent, one method a route.
 * Spec: docs/spec/41-client-api.md, section 21.
 */
import type {
  OutboxReportDto,
  RecallDto,
  RecallQueryDto,
  RegisteredLetterDto,
} from './outbox-dto.ts';

export interface OutboxService {
  /** `outbox-unknown`; `recall-too-late` when nothing of it is left to take back. */
  recall(id: string, query: RecallQueryDto): Promise<RecallDto>;
  /** The whole mail that the entry belongs to. `outbox-unknown`. */
  report(id: string): Promise<OutboxReportDto>;
  /** A received message whose signature holds. `message-unknown`, `not-registered`. */
  registered(messageId: string): Promise<RegisteredLetterDto>;
}
