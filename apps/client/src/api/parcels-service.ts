/**
 * What the local API needs of the client for large mails. service/parcels-service.ts has it.
 * Spec: docs/spec/41-client-api.md, section 23.
 */
import type {
  ElsewhereDto,
  IncomingDto,
  QuoteDto,
  QuoteRequestDto,
  UploadDto,
} from './parcels-dto.ts';

export interface ParcelsService {
  /**
   * What a mail of some size would cost, and whether each recipient takes it; the last one is the
   * copy for the own devices, if one is paid.
   */
  quote(request: QuoteRequestDto): Promise<readonly QuoteDto[]>;
  /** Parcels whose parts still leave, oldest first. */
  uploads(): Promise<readonly UploadDto[]>;
  /** Mails that are not whole yet, oldest first. */
  incoming(): Promise<readonly IncomingDto[]>;
  /** `incoming-unknown`. */
  incomingItem(id: string): Promise<IncomingDto>;
  /** Sent mails and drafts whose bytes lie on another device alone, newest first. */
  elsewhere(): Promise<readonly ElsewhereDto[]>;
  /** Begins now, whatever failed before; resolves at once. `incoming-unknown`. */
  fetch(id: string): Promise<IncomingDto>;
  /** Gives a mail up for ever. `incoming-unknown`. */
  discard(id: string): Promise<void>;
}
