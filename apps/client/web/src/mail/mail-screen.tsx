/** Mail: folders, the list of one, and the mail that is open. */
import { MailOpen, PanelLeft, Pencil } from 'lucide-react';
import { type RefObject, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { useComposer } from '../compose/composer.tsx';
import { goInstead, type ScreenProps } from '../frame/route.ts';
import { IconButton } from '../ui/button.tsx';
import { Confirm } from '../ui/page-dialog.tsx';
import { Empty } from '../ui/states.tsx';
import { useCount, useWords } from '../words/use-words.ts';
import { FilingDialog } from './filing-dialog.tsx';
import { ListCount, MailList, useListTitle } from './mail-list.tsx';
import { MarkBar } from './mark-bar.tsx';
import { OutboxView } from './outbox-view.tsx';
import { type ListPlace, partsOfPlace, placeOf } from './places.ts';
import { Reader } from './reader.tsx';
import { SearchBar } from './search-bar.tsx';
import { SideDrawer, SidePane } from './side-pane.tsx';
import { useMailCommands } from './use-mail-commands.ts';
import { useMailList } from './use-mail-list.ts';
import { useMailWork, useNewMailWork, WorkProvider } from './use-mail-work.ts';
import './mail.css';
import './mail-work.css';
import './reading.css';

/** Where clearing a search goes: the folder that was shown before. */
function useHome(place: ListPlace): ListPlace {
  const [folder, setFolder] = useState('INBOX');
  if (place.kind === 'folder' && place.folder !== folder) setFolder(place.folder);
  return useMemo(() => ({ kind: 'folder', folder }), [folder]);
}

/** Closing a mail gives the focus to the list that it was opened from. */
function useFocusBack(open: string | undefined): void {
  const before = useRef(open);
  useEffect(() => {
    const isClosed = before.current !== undefined && open === undefined;
    before.current = open;
    // Only when the mail had it: a field keeps what it has.
    if (!isClosed || document.activeElement !== document.body) return;
    document.querySelector<HTMLElement>('.mail-list [role="listbox"]')?.focus();
  }, [open]);
}

export function MailScreen({ parts }: ScreenProps) {
  const { faces, mail } = useWords();
  const { list: place, open } = placeOf(parts);
  const home = useHome(place);
  const list = useMailList(place, open);
  const work = useNewMailWork(list, place, open);
  useFocusBack(open);
  const field = useRef<HTMLInputElement>(null);
  const [filed, setFiled] = useState<readonly string[]>([]);
  const file = (): void => setFiled(work.targets());
  useMailCommands({
    work,
    isOutbox: place.kind === 'outbox',
    focusSearch: () => field.current?.focus(),
    file,
  });
  return (
    <WorkProvider value={work}>
      <div className={open === undefined ? 'mail' : 'mail mail-reading'}>
        <h1 className="sr-only">{faces.mail}</h1>
        <div className="mail-side">
          <SidePane place={place} />
        </div>
        <ListPane field={field} home={home} file={file} />
        {open === undefined ? (
          <div className="reader reader-empty">
            <Empty icon={MailOpen}>{mail.chooseMessage}</Empty>
          </div>
        ) : (
          <Reader key={open} id={open} />
        )}
      </div>
      {filed.length > 0 && <FilingDialog ids={filed} onClose={() => setFiled([])} />}
      <DeleteQuestion />
    </WorkProvider>
  );
}

interface ListPaneProps {
  readonly field: RefObject<HTMLInputElement | null>;
  readonly home: ListPlace;
  readonly file: () => void;
}

function ListPane({ field, home, file }: ListPaneProps) {
  const { filing, mail } = useWords();
  const { list, place } = useMailWork();
  const title = useListTitle();
  const { write } = useComposer();
  const [isDrawn, setDrawn] = useState(false);
  const closeDrawer = useCallback(() => setDrawn(false), []);
  return (
    <section className="mail-list" aria-label={mail.list}>
      <div className="mail-list-top">
        <div className="drawer-button">
          <IconButton icon={PanelLeft} label={filing.showFolders} onPress={() => setDrawn(true)} />
        </div>
        <SearchBar field={field} place={place} home={home} />
        <div className="drawer-button">
          <IconButton icon={Pencil} label={mail.newMessage} onPress={() => write()} />
        </div>
      </div>
      {list.marks.size > 0 ? (
        <MarkBar file={file} />
      ) : (
        <header className="mail-list-head">
          <h2 className="cut">{title}</h2>
          <ListCount />
        </header>
      )}
      {place.kind === 'outbox' ? (
        <OutboxView />
      ) : (
        <MailList clearSearch={() => goInstead(...partsOfPlace(home))} />
      )}
      {isDrawn && <SideDrawer place={place} onClose={closeDrawer} />}
    </section>
  );
}

function DeleteQuestion() {
  const { filing } = useWords();
  const countOf = useCount();
  const { doomed, deleteDoomed, spareDoomed } = useMailWork();
  if (doomed.length === 0) return undefined;
  return (
    <Confirm
      title={filing.deleteTitle}
      text={countOf(filing.deleteText, doomed.length)}
      action={filing.deleteAction}
      run={deleteDoomed}
      onClose={spareDoomed}
    />
  );
}
