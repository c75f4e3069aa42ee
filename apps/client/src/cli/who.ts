/** Whom a line of a list is about: the sender, and of a mail of ours whom it went to. */
import type { MessageDto, MessageSummaryDto } from '../api/dto.ts';

export function senderOf({ from }: MessageSummaryDto): string {
  return from.name || from.address;
}

/** Like mutt: `To Bob` in a list that has mails of both directions. */
export function whoOf(mail: MessageSummaryDto): string {
  const isOwn = mail.folder === 'Sent' || mail.folder === 'Drafts';
  return isOwn && mail.sentTo !== undefined ? `To ${mail.sentTo}` : senderOf(mail);
}

/** Who has got a copy, as the message says. */
export function copiesOf({ headers }: MessageDto): string[] {
  return headers.filter(({ name }) => name.toLowerCase() === 'cc').map(({ value }) => value);
}
