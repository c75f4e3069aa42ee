/** The folders of the account, the standard ones first. */
import {
  Archive,
  Ban,
  FileText,
  Folder,
  Inbox,
  type LucideIcon,
  Send,
  Trash2,
  UserPlus,
} from 'lucide-react';
import type { FolderDto } from '../../../src/api/dto.ts';
import { hrefOf } from '../frame/route.ts';
import { useResource } from '../daemon/use-data.ts';
import type { Words } from '../words/en.ts';
import { useCount, useWords } from '../words/use-words.ts';

const STANDARD: readonly (readonly [keyof Words['mail']['folderNames'], LucideIcon])[] = [
  ['INBOX', Inbox],
  ['Requests', UserPlus],
  ['Sent', Send],
  ['Drafts', FileText],
  ['Archive', Archive],
  ['Junk', Ban],
  ['Trash', Trash2],
];

/** The folder's name in the user's language. */
export function folderText({ folderNames }: Words['mail'], name: string): string {
  return Object.entries(folderNames).find(([known]) => known === name)?.[1] ?? name;
}

export function FolderList({ present }: { readonly present: string }) {
  const { mail } = useWords();
  const { value = [] } = useResource<readonly FolderDto[]>('folders');
  const standard = STANDARD.flatMap(([name, icon]) => {
    const folder = value.find((one) => one.name === name);
    return folder === undefined ? [] : [{ folder, icon }];
  });
  const own = value
    .filter(({ name }) => !STANDARD.some(([known]) => known === name))
    .map((folder) => ({ folder, icon: Folder }));
  return (
    <nav className="folders" aria-label={mail.folders}>
      <ul>
        {[...standard, ...own].map(({ folder, icon }) => (
          <FolderLink
            key={folder.id}
            folder={folder}
            icon={icon}
            isPresent={folder.name === present}
          />
        ))}
      </ul>
    </nav>
  );
}

interface FolderLinkProps {
  readonly folder: FolderDto;
  readonly icon: LucideIcon;
  readonly isPresent: boolean;
}

function FolderLink({ folder, icon: Icon, isPresent }: FolderLinkProps) {
  const { mail } = useWords();
  const countOf = useCount();
  return (
    <li>
      <a
        href={hrefOf('mail', folder.name)}
        className="folder-link"
        aria-current={isPresent ? 'page' : undefined}
      >
        <Icon aria-hidden size={18} />
        <span className="cut">{folderText(mail, folder.name)}</span>
        {folder.unread > 0 && (
          <span className="folder-count figures">
            <span aria-hidden>{folder.unread}</span>
            <span className="sr-only">{countOf(mail.unread, folder.unread)}</span>
          </span>
        )}
      </a>
    </li>
  );
}
