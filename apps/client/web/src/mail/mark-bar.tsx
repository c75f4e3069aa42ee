/** What can be done with the mails that are selected; it stands in the place of the list's head. */
import { Archive, FolderInput, Mail, MailOpen, Star, Trash2, X } from 'lucide-react';
import { Toolbar } from 'react-aria-components';
import { IconButton } from '../ui/button.tsx';
import { useCount, useWords } from '../words/use-words.ts';
import { NO_MARKS } from './marks.ts';
import { useMailWork } from './use-mail-work.ts';

export function MarkBar({ file }: { readonly file: () => void }) {
  const { filing, mail } = useWords();
  const countOf = useCount();
  const work = useMailWork();
  const { marks, setMarks } = work.list;
  return (
    <Toolbar className="mark-bar" aria-label={filing.actions}>
      <IconButton icon={X} label={filing.unmark} onPress={() => setMarks(NO_MARKS)} />
      <strong className="figures" role="status">
        {countOf(filing.marked, marks.size)}
      </strong>
      <IconButton icon={Archive} label={mail.archive} onPress={() => work.archive()} />
      <IconButton icon={Trash2} label={mail.trash} onPress={() => work.trash()} />
      <IconButton icon={Star} label={filing.star} onPress={() => work.star()} />
      <IconButton icon={MailOpen} label={filing.markRead} onPress={() => work.markSeen(true)} />
      <IconButton icon={Mail} label={mail.markUnread} onPress={() => work.markSeen(false)} />
      <IconButton icon={FolderInput} label={filing.file} onPress={file} />
    </Toolbar>
  );
}
