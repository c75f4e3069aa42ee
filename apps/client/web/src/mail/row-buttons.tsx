/** Buttons over a row of the list, for the pointer and for Tab. */
import { Archive, Mail, MailOpen, SquareCheck, Star, Trash2 } from 'lucide-react';
import type { MessageSummaryDto } from '../../../src/api/dto.ts';
import { IconButton } from '../ui/button.tsx';
import { useWords } from '../words/use-words.ts';
import { isUnread } from './mail-row.tsx';
import { useMailWork } from './use-mail-work.ts';

export interface RowButtonsProps {
  readonly mail: MessageSummaryDto;
  readonly index: number;
}

export function RowButtons({ mail, index }: RowButtonsProps) {
  const { filing, mail: words } = useWords();
  const work = useMailWork();
  const { id, flags, folder } = mail;
  const isStarred = flags.includes('\\Flagged');
  const isNew = isUnread(mail);
  return (
    <>
      <IconButton
        icon={SquareCheck}
        label={filing.select}
        isOn={work.list.marks.has(id)}
        onPress={() => work.list.toggle(index)}
      />
      <IconButton
        icon={Star}
        isOn={isStarred}
        label={isStarred ? filing.unstar : filing.star}
        onPress={() => work.setFlag('\\Flagged', !isStarred, [id])}
      />
      <IconButton
        icon={isNew ? MailOpen : Mail}
        label={isNew ? filing.markRead : words.markUnread}
        onPress={() => work.markSeen(isNew, [id])}
      />
      {folder !== 'Archive' && (
        <IconButton icon={Archive} label={words.archive} onPress={() => work.archive([id])} />
      )}
      <IconButton
        icon={Trash2}
        label={folder === 'Trash' ? filing.deleteAction : words.trash}
        onPress={() => work.trash([id])}
      />
    </>
  );
}
