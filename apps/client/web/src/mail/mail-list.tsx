/** The mails of a folder, newest first. */
import { Inbox } from 'lucide-react';
import { useCallback } from 'react';
import type { FolderDto, MessageSummaryDto } from '../../../src/api/dto.ts';
import { go } from '../frame/route.ts';
import { useResource } from '../daemon/use-data.ts';
import { usePages } from '../daemon/use-pages.ts';
import { Empty, Failed, Skeleton } from '../ui/states.tsx';
import { VirtualList } from '../ui/virtual-list.tsx';
import { useCount, useWords } from '../words/use-words.ts';
import { folderText } from './folder-list.tsx';
import { MailRow } from './mail-row.tsx';

const ROW_HEIGHT = 72;
const TOPICS = ['inbox', 'mailbox', 'outbox'];

export interface MailListProps {
  readonly folder: string;
  /** Id of the mail that is open. */
  readonly open: string | undefined;
}

export function MailList({ folder, open }: MailListProps) {
  const { mail } = useWords();
  const countOf = useCount();
  const { value: folders = [] } = useResource<readonly FolderDto[]>('folders');
  const total = folders.find((one) => one.name === folder)?.total ?? 0;
  const path = `messages?folder=${encodeURIComponent(folder)}`;
  const { items, isLoading, isWhole, problem, more, retry } = usePages<MessageSummaryDto>(
    path,
    TOPICS,
  );
  const onView = useCallback(
    (_from: number, to: number) => {
      if (to >= items.length) more();
    },
    [items.length, more],
  );
  function show(index: number): void {
    const chosen = items[index];
    if (chosen !== undefined) go('mail', folder, chosen.id);
  }
  return (
    <section className="mail-list" aria-label={mail.list}>
      <header className="mail-list-head">
        <h2>{folderText(mail, folder)}</h2>
        <span className="figures">{countOf(mail.messages, total)}</span>
      </header>
      {problem !== undefined && items.length === 0 && <Failed problem={problem} retry={retry} />}
      {isLoading && items.length === 0 && <Skeleton />}
      {items.length === 0 && isWhole ? (
        <Empty icon={Inbox}>{folder === 'INBOX' ? mail.emptyInbox : mail.emptyFolder}</Empty>
      ) : (
        <VirtualList
          label={folderText(mail, folder)}
          count={items.length}
          rowHeight={ROW_HEIGHT}
          chosen={items.findIndex(({ id }) => id === open)}
          onChoose={show}
          onOpen={show}
          onView={onView}
          renderRow={(index) => {
            const one = items[index];
            return one === undefined ? undefined : <MailRow mail={one} />;
          }}
        />
      )}
    </section>
  );
}
