/**
 * What has become of an own mail, in one value beside its line in Sent. Before: local-service.ts,
 * mailbox-service.ts; after: outbox/report.ts. Spec: docs/spec/41-client-api.md, "Delivery".
 */
import type { DeliveryDto } from '../api/delivery-dto.ts';
import { storedCount } from '../outbox/outbox-entry.ts';
import type { Outbox } from '../outbox/outbox.ts';
import { reportOf } from '../outbox/report.ts';
import type { ListedMail } from '../messages/listed-mail.ts';

/** Undefined for a mail that did not leave by the outbox of this device. */
export function deliveryView(outbox: Outbox, { entry }: ListedMail): DeliveryDto | undefined {
  if (entry.sender !== undefined || entry.messageId === '') return undefined;
  const entries = outbox.mailOf(entry.messageId);
  const [first] = entries;
  if (first === undefined) return undefined;
  const { weakest, furthest, failedCount, isFailed } = reportOf(entries);
  const error = entries.find((one) => one.error !== undefined)?.error;
  const sum = (count: (one: (typeof entries)[number]) => number): number =>
    entries.reduce((total, one) => total + count(one), 0);
  return {
    outboxId: `${first.id}`,
    recipientCount: entries.length,
    weakest,
    furthest,
    failedCount,
    isFailed,
    providerCount: sum((one) => one.deliveries.length),
    storedCount: sum(storedCount),
    ...(error === undefined ? {} : { errorCode: error.code }),
  };
}
