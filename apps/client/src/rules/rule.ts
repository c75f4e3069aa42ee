/**
 * What rules do with a mail that is about to be delivered: one after the other, in their order.
 * Before: rule-book.ts. Spec: docs/spec/41-client-api.md §20.
 */
import { FOLDER, type FolderId } from '../messages/folder-name.ts';
import type { NewMail } from '../messages/listed-mail.ts';
import type { Rule } from '../store/mailbox-collections.ts';

/** Whether every condition of a rule holds. A rule without conditions holds for all. */
export function matches({ when }: Rule, mail: NewMail, sender: string): boolean {
  const { largerThan, smallerThan, hasAttachment } = when;
  const sizeBytes = mail.raw.length;
  return (
    isAnyIn(when.from, `${sender} ${mail.fromName}`) &&
    isAnyIn(when.to, mail.to) &&
    isAnyIn(when.subject, mail.subject) &&
    (largerThan === undefined || sizeBytes > largerThan) &&
    (smallerThan === undefined || sizeBytes < smallerThan) &&
    (hasAttachment === undefined || hasAttachment === mail.hasAttachments)
  );
}

function isAnyIn(words: readonly string[] | undefined, text: string): boolean {
  if (words === undefined) return true;
  const lower = text.normalize('NFKC').toLowerCase();
  return words.some((word) => lower.includes(word.normalize('NFKC').toLowerCase()));
}

/**
 * The mail with the folder and flags that the rules give it; `sender` is who sealed it, as a person
 * would call them. A folder that is not there any more is no folder.
 */
export function fileMail(
  rules: readonly Rule[],
  mail: NewMail,
  sender: string,
  hasFolder: (id: FolderId) => boolean,
): NewMail {
  let folder = mail.folder;
  const flags = new Set(mail.flags);
  for (const rule of rules) {
    if (!rule.isEnabled || !matches(rule, mail, sender)) continue;
    const { moveTo, labels = [], markRead, markFlagged, trash } = rule.actions;
    for (const label of labels) flags.add(label);
    if (markRead === true) flags.add('\\Seen');
    if (markFlagged === true) flags.add('\\Flagged');
    if (trash === true) folder = FOLDER.Trash;
    else if (moveTo !== undefined && hasFolder(moveTo as FolderId)) folder = moveTo as FolderId;
    if (rule.isLast) break;
  }
  return { ...mail, folder, flags: [...flags] };
}
