/** The folders of the account, the standard ones first, what is on its way, and the labels. */
import {
  Archive,
  Ban,
  Clock,
  FileText,
  Folder,
  FolderPlus,
  Inbox,
  type LucideIcon,
  Send,
  Tag,
  Trash2,
  UserPlus,
} from 'lucide-react';
import { useState } from 'react';
import type { FolderDto, OutboxItemDto } from '../../../src/api/dto.ts';
import type { LabelDto } from '../../../src/api/mailbox-dto.ts';
import { hrefOf } from '../frame/route.ts';
import { useResource } from '../daemon/use-data.ts';
import { IconButton } from '../ui/button.tsx';
import type { Words } from '../words/en.ts';
import { useCount, useWords } from '../words/use-words.ts';
import { FolderMenu, NewFolder } from './folder-menu.tsx';
import { folderText } from './folder-names.ts';
import { isOnItsWay, OUTBOX_PATH } from './outbox-view.tsx';
import { type ListPlace, partsOfPlace } from './places.ts';

const STANDARD: readonly (readonly [keyof Words['mail']['folderNames'], LucideIcon])[] = [
  ['INBOX', Inbox],
  ['Requests', UserPlus],
  ['Sent', Send],
  ['Drafts', FileText],
  ['Archive', Archive],
  ['Junk', Ban],
  ['Trash', Trash2],
];
/** The outbox stands behind what was sent. */
const BEFORE_OUTBOX = 3;

export function FolderList({ place }: { readonly place: ListPlace }) {
  const { filing, mail } = useWords();
  const [isMaking, setMaking] = useState(false);
  const { value = [] } = useResource<readonly FolderDto[]>('folders');
  const standard = STANDARD.flatMap(([name, icon]) => {
    const folder = value.find((one) => one.name === name);
    return folder === undefined ? [] : [{ folder, icon }];
  });
  const own = value
    .filter(({ name }) => !STANDARD.some(([known]) => known === name))
    .map((folder) => ({ folder, icon: Folder }));
  const items = [...standard, ...own].map(({ folder, icon }) => (
    <FolderItem key={folder.id} folder={folder} icon={icon} place={place} />
  ));
  return (
    <nav className="folders" aria-label={mail.folders}>
      <ul>
        {items.slice(0, BEFORE_OUTBOX)}
        <OutboxLink isPresent={place.kind === 'outbox'} />
        {items.slice(BEFORE_OUTBOX)}
      </ul>
      <div className="folders-more">
        <IconButton icon={FolderPlus} label={filing.newFolder} onPress={() => setMaking(true)} />
      </div>
      <Labels place={place} />
      {isMaking && <NewFolder onClose={() => setMaking(false)} />}
    </nav>
  );
}

interface FolderItemProps {
  readonly folder: FolderDto;
  readonly icon: LucideIcon;
  readonly place: ListPlace;
}

function FolderItem({ folder, icon, place }: FolderItemProps) {
  const { mail } = useWords();
  const countOf = useCount();
  const { name, unread, total } = folder;
  // A draft is never unread: what waits to be written on is counted.
  const count = name === 'Drafts' ? total : name === 'Trash' ? 0 : unread;
  const words = name === 'Drafts' ? mail.messages : mail.unread;
  const parts = partsOfPlace({ kind: 'folder', folder: name });
  const isPresent = place.kind === 'folder' && place.folder === name;
  return (
    <li className="folder-item">
      <SideLink
        parts={parts}
        icon={icon}
        text={folderText(mail, name)}
        isPresent={isPresent}
        count={count}
        countText={countOf(words, count)}
      />
      <FolderMenu folder={folder} isPresent={isPresent} />
    </li>
  );
}

function OutboxLink({ isPresent }: { readonly isPresent: boolean }) {
  const { filing, mail } = useWords();
  const countOf = useCount();
  const { value = [] } = useResource<readonly OutboxItemDto[]>(OUTBOX_PATH);
  const count = value.filter(isOnItsWay).length;
  return (
    <li className="folder-item">
      <SideLink
        parts={partsOfPlace({ kind: 'outbox' })}
        icon={Clock}
        text={filing.outbox}
        isPresent={isPresent}
        count={count}
        countText={countOf(mail.messages, count)}
      />
    </li>
  );
}

function Labels({ place }: { readonly place: ListPlace }) {
  const { filing, mail } = useWords();
  const countOf = useCount();
  const { value = [] } = useResource<readonly LabelDto[]>('mailbox/labels');
  if (value.length === 0) return undefined;
  return (
    <>
      <h2 className="folders-head">{filing.labels}</h2>
      <ul>
        {value.map(({ name, unread }) => {
          const query = `label:${name}`;
          return (
            <li key={name} className="folder-item">
              <SideLink
                parts={partsOfPlace({ kind: 'search', query })}
                icon={Tag}
                text={name}
                isPresent={place.kind === 'search' && place.query === query}
                count={unread}
                countText={countOf(mail.unread, unread)}
              />
            </li>
          );
        })}
      </ul>
    </>
  );
}

interface SideLinkProps {
  readonly parts: readonly string[];
  readonly icon: LucideIcon;
  readonly text: string;
  readonly isPresent: boolean;
  readonly count: number;
  /** What the count says, in words. */
  readonly countText: string;
}

function SideLink({ parts, icon: Icon, text, isPresent, count, countText }: SideLinkProps) {
  return (
    <a
      href={hrefOf(...parts)}
      className="folder-link"
      aria-current={isPresent ? 'page' : undefined}
    >
      <Icon aria-hidden size={18} />
      <span className="cut">{text}</span>
      {count > 0 && (
        <span className="folder-count figures">
          <span aria-hidden>{count}</span>
          <span className="sr-only">{countText}</span>
        </span>
      )}
    </a>
  );
}
