/**
 * What can be done with the mail that is open: the bar above it, and its keys. Before: reader.tsx;
 * after: use-mail-work.ts.
 */
import { Archive, FolderInput, MailOpen, Star, Trash2 } from 'lucide-react';
import { useState } from 'react';
import { Toolbar } from 'react-aria-components';
import type { MessageDto, StatusDto } from '../../../src/api/dto.ts';
import { useComposer } from '../compose/composer.tsx';
import { answerTo, passedOn } from '../compose/start.ts';
import { useResource } from '../daemon/use-data.ts';
import { useCommand } from '../frame/command-book.ts';
import { IconButton } from '../ui/button.tsx';
import { fill } from '../words/plurals.ts';
import { fullTime } from '../words/times.ts';
import { useSpeech, useWords } from '../words/use-words.ts';
import { FilingDialog } from './filing-dialog.tsx';
import { personOf } from './mail-row.tsx';
import { RequestBar } from './request-bar.tsx';
import { useMailWork } from './use-mail-work.ts';
import './mail-work.css';

/** The keys of an answer; the buttons stand below the mail. */
function useAnswerKeys(mail: MessageDto | undefined): void {
  const { language, words } = useSpeech();
  const { write } = useComposer();
  const { value: status } = useResource<StatusDto>('status');
  const own = status?.address ?? '';
  function begin(kind: 'one' | 'all' | 'forward'): void {
    if (mail === undefined) return;
    const facts = { name: personOf(mail), date: fullTime(language, mail.dateMs) };
    if (kind === 'forward') write(passedOn(mail, fill(words.compose.forwarded, facts)));
    else write(answerTo(mail, own, kind === 'all', fill(words.compose.wrote, facts)));
  }
  const isThere = mail !== undefined;
  useCommand('reply', isThere ? () => begin('one') : undefined);
  useCommand('replyAll', isThere ? () => begin('all') : undefined);
  useCommand('forward', isThere ? () => begin('forward') : undefined);
}

export function MailActions({ id }: { readonly id: string }) {
  const { filing, mail: words } = useWords();
  const work = useMailWork();
  const [isFiling, setFiling] = useState(false);
  const { value: mail } = useResource<MessageDto>(`messages/${encodeURIComponent(id)}`);
  useAnswerKeys(mail);
  const isStarred = mail?.flags.includes('\\Flagged') === true;
  const isInTrash = mail?.folder === 'Trash';
  return (
    <>
      <Toolbar className="mail-actions" aria-label={filing.actions}>
        <IconButton icon={Archive} label={words.archive} onPress={() => work.archive([id])} />
        <IconButton
          icon={Trash2}
          label={isInTrash ? filing.deleteAction : words.trash}
          onPress={() => work.trash([id])}
        />
        <IconButton
          icon={Star}
          isOn={isStarred}
          label={isStarred ? filing.unstar : filing.star}
          onPress={() => work.setFlag('\\Flagged', !isStarred, [id])}
        />
        <IconButton
          icon={MailOpen}
          label={words.markUnread}
          onPress={() => work.markSeen(false, [id])}
        />
        <IconButton icon={FolderInput} label={filing.file} onPress={() => setFiling(true)} />
      </Toolbar>
      {mail?.folder === 'Requests' && <RequestBar mail={mail} />}
      {isFiling && <FilingDialog ids={[id]} onClose={() => setFiling(false)} />}
    </>
  );
}
