/**
 * The machine-readable parts of reports about a mail: what became of it (RFC 3464), and that it was
 * displayed (RFC 8098). Values come from programs and from other people, so nothing of them can end
 * a line. Next stop: mail io, report.ts. Spec: docs/spec/45-mail-programs.md.
 */
import { dateText } from '../message/message-date.ts';

/** RFC 3464 §2.3.3. `expanded` does not happen here: nobody is a list. */
export type DeliveryAction = 'delayed' | 'delivered' | 'failed' | 'relayed';

/** What became of a mail for one recipient. */
export interface RecipientStatus {
  /** E-mail form. */
  readonly finalRecipient: string;
  /** ORCPT as it was given, `type;text` without xtext. */
  readonly originalRecipient?: string;
  readonly action: DeliveryAction;
  /** RFC 3463, as `5.1.1`. */
  readonly status: string;
  /** What was found out, for people who look for a cause. */
  readonly diagnostic?: string;
  /** Milliseconds since 1970, as all times here. */
  readonly lastAttemptMs?: number;
  /** Only of what is delayed. */
  readonly retryUntilMs?: number;
}

export interface DeliveryFacts {
  /** Who reports. */
  readonly reporter: string;
  /** ENVID without xtext. */
  readonly envelopeId?: string;
  readonly arrivedMs: number;
  readonly recipients: readonly RecipientStatus[];
}

/** Characters of a value: header lines end at 998 octets. */
const MAX_VALUE = 900;

/** The body of a part `message/delivery-status`. */
export function deliveryFields({ reporter, recipients, ...facts }: DeliveryFacts): string {
  const common = [
    field('Original-Envelope-Id', facts.envelopeId),
    field('Reporting-MTA', `dns; ${reporter}`),
    field('Arrival-Date', dateText(facts.arrivedMs)),
  ];
  return [common, ...recipients.map(recipientFields)].map((one) => one.join('')).join('\r\n');
}

function recipientFields(one: RecipientStatus): string[] {
  const { lastAttemptMs, retryUntilMs, diagnostic } = one;
  return [
    field('Original-Recipient', one.originalRecipient),
    field('Final-Recipient', `rfc822; ${one.finalRecipient}`),
    field('Action', one.action),
    field('Status', one.status),
    field('Diagnostic-Code', diagnostic && `x-tangle; ${diagnostic}`),
    field('Last-Attempt-Date', lastAttemptMs === undefined ? undefined : dateText(lastAttemptMs)),
    field('Will-Retry-Until', retryUntilMs === undefined ? undefined : dateText(retryUntilMs)),
  ];
}

export interface DispositionFacts {
  readonly reporter: string;
  readonly finalRecipient: string;
  readonly originalRecipient?: string;
  /** Of the mail that was displayed, with angle brackets; empty when it has none. */
  readonly messageId: string;
}

/**
 * The body of a part `message/disposition-notification`: the recipient's program sent a receipt
 * because its user had allowed that once for all.
 */
export function dispositionFields(facts: DispositionFacts): string {
  return [
    field('Reporting-UA', `${facts.reporter}; Tanglemail`),
    field('Original-Recipient', facts.originalRecipient),
    field('Final-Recipient', `rfc822; ${facts.finalRecipient}`),
    field('Original-Message-ID', facts.messageId),
    field('Disposition', 'manual-action/MDN-sent-automatically; displayed'),
  ].join('');
}

/** A line, or nothing for a field without a value. */
function field(name: string, value = ''): string {
  const text = value.replaceAll(/[^\x20-\x7e]+/g, ' ').trim();
  return text === '' ? '' : `${name}: ${text.slice(0, MAX_VALUE)}\r\n`;
}
