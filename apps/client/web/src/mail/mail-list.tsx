/** The mails of a folder or of a search, newest first: all of them, wherever one looks. */
import { Inbox, SearchX } from 'lucide-react';
import { Button } from '../ui/button.tsx';
import { Empty, Failed, Skeleton } from '../ui/states.tsx';
import { VirtualList } from '../ui/virtual-list.tsx';
import { fill } from '../words/plurals.ts';
import { useCount, useWords } from '../words/use-words.ts';
import { folderText } from './folder-names.ts';
import { MailRow } from './mail-row.tsx';
import { RowButtons } from './row-buttons.tsx';
import { useMailWork } from './use-mail-work.ts';

const ROW_HEIGHT = 72;

/** What the list is called. */
export function useListTitle(): string {
  const { filing, mail } = useWords();
  const { place } = useMailWork();
  if (place.kind === 'search') return fill(filing.results, { text: place.query });
  return place.kind === 'folder' ? folderText(mail, place.folder) : filing.outbox;
}

/** How many there are, and what a search has to say. */
export function ListCount() {
  const { filing, mail } = useWords();
  const countOf = useCount();
  const { list, place } = useMailWork();
  if (list.total === undefined) return undefined;
  if (place.kind === 'folder') {
    return <span className="figures">{countOf(mail.messages, list.total)}</span>;
  }
  const { isFuzzy = false, pending = 0 } = list.rows.page ?? {};
  return (
    <span className="figures" role="status">
      {countOf(filing.found, list.total)}
      {isFuzzy && ` – ${filing.isFuzzy}`}
      {pending > 0 && ` – ${countOf(filing.pending, pending)}`}
    </span>
  );
}

export function MailList({ clearSearch }: { readonly clearSearch: () => void }) {
  const { list, place } = useMailWork();
  const title = useListTitle();
  const { rows, total } = list;
  if (rows.problem !== undefined && rows.page === undefined) {
    if (rows.problem.code === 'search-invalid') return <NotReadable clear={clearSearch} />;
    return <Failed problem={rows.problem} retry={rows.retry} />;
  }
  if (total === undefined) return <Skeleton />;
  if (total === 0) return <NothingHere clear={clearSearch} />;
  return (
    <LongList
      key={list.source.key}
      title={title}
      total={total}
      isSearch={place.kind === 'search'}
    />
  );
}

interface LongListProps {
  readonly title: string;
  readonly total: number;
  readonly isSearch: boolean;
}

function LongList({ title, total, isSearch }: LongListProps) {
  const work = useMailWork();
  const { rows, marks, cursor, setCursor, toggle, extend } = work.list;
  return (
    <VirtualList
      label={title}
      count={total}
      rowHeight={ROW_HEIGHT}
      chosen={cursor}
      onChoose={setCursor}
      onWalk={work.walk}
      onOpen={work.show}
      onView={rows.look}
      marking={{
        isMarked: (index) => marks.has(rows.rowAt(index)?.id ?? ''),
        onToggle: toggle,
        onExtend: extend,
      }}
      renderRow={(index) => {
        const mail = rows.rowAt(index);
        return mail === undefined ? <GreyRow /> : <MailRow mail={mail} isWhereShown={isSearch} />;
      }}
      renderBar={(index) => {
        const mail = rows.rowAt(index);
        return mail && <RowButtons mail={mail} index={index} />;
      }}
    />
  );
}

/** A row that is on its way. */
function GreyRow() {
  const { filing } = useWords();
  return (
    <div className="mail-row mail-row-grey">
      <span className="sr-only">{filing.loading}</span>
      <span aria-hidden className="grey-dot" />
      <span aria-hidden className="grey-lines" />
    </div>
  );
}

function NothingHere({ clear }: { readonly clear: () => void }) {
  const { filing, mail } = useWords();
  const { place } = useMailWork();
  if (place.kind !== 'search') {
    const isInbox = place.kind === 'folder' && place.folder === 'INBOX';
    return <Empty icon={Inbox}>{isInbox ? mail.emptyInbox : mail.emptyFolder}</Empty>;
  }
  return (
    <Empty icon={SearchX} action={<Button onPress={clear}>{filing.clearSearch}</Button>}>
      {fill(filing.noMatch, { text: place.query })}
    </Empty>
  );
}

function NotReadable({ clear }: { readonly clear: () => void }) {
  const { filing } = useWords();
  const { problem } = useMailWork().list.rows;
  return (
    <Empty icon={SearchX} action={<Button onPress={clear}>{filing.clearSearch}</Button>}>
      {fill(filing.notReadable, { reason: problem?.message ?? '' })}
    </Empty>
  );
}
