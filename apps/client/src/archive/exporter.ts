/**
 * Mails as an archive, message by message: mbox of one or more folders, or lines of JSON with
 * flags, times and folders, from which an import makes the same mails again.
 * Before: the mailbox service; after: message-store.ts. Spec: docs/spec/41-client-api.md §20.
 */
import { encodeMbox } from '@tanglemail/mail/core/message/mbox.ts';
import type { FolderId } from '../messages/folder-name.ts';
import type { MessageStore } from '../messages/message-store.ts';
import type { ArchiveFormat } from './archive-format.ts';
import { encodeLine } from './archived-mail.ts';

/**
 * The mails that are there when it begins, of one folder or of all, oldest first in each. One that
 * is deleted meanwhile is left out.
 */
export async function* exportMails(
  messages: MessageStore,
  format: ArchiveFormat,
  folderId?: FolderId,
): AsyncGenerator<Uint8Array> {
  const mails = [...messages.all(folderId)];
  for (const { id, folder, entry } of mails) {
    const raw = messages.raw(id);
    if (raw === undefined) continue;
    const { flags, internalDate } = entry;
    yield format === 'mbox'
      ? encodeMbox(raw, internalDate)
      : encodeLine({ folder, flags, receivedAt: internalDate, raw });
  }
}
