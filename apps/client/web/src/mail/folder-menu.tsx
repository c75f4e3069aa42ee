/** What can be done with a folder. Spec: docs/spec/41-client-api.md §20. */
import { Ellipsis } from 'lucide-react';
import { useState } from 'react';
import { Menu, MenuItem, MenuTrigger, Popover } from 'react-aria-components';
import type { FolderDto } from '../../../src/api/dto.ts';
import type { CountDto } from '../../../src/api/mailbox-dto.ts';
import { ApiProblem } from '../daemon/problem.ts';
import { useData } from '../daemon/use-data.ts';
import { go } from '../frame/route.ts';
import { IconButton } from '../ui/button.tsx';
import { AskName, Confirm } from '../ui/page-dialog.tsx';
import { useToast } from '../ui/toasts.tsx';
import { fill } from '../words/plurals.ts';
import { useCount, useWords } from '../words/use-words.ts';
import { folderText } from './folder-names.ts';
import { partsOfPlace } from './places.ts';
import { useAttempt } from './use-mail-work.ts';

type Asked = 'rename' | 'delete' | 'empty';

export interface FolderMenuProps {
  readonly folder: FolderDto;
  readonly isPresent: boolean;
}

export function FolderMenu({ folder, isPresent }: FolderMenuProps) {
  const { api } = useData();
  const { filing, mail } = useWords();
  const attempt = useAttempt();
  const [asked, setAsked] = useState<Asked | undefined>(undefined);
  const { id, name, isStandard, total, unread } = folder;
  const isTrash = name === 'Trash';
  if (isStandard && unread === 0 && !(isTrash && total > 0)) return undefined;
  function act(what: string): void {
    if (what !== 'read') setAsked(what as Asked);
    else attempt(async () => await api.send(`mailbox/folders/${id}/read`, { method: 'POST' }));
  }
  return (
    <>
      <MenuTrigger>
        <IconButton
          icon={Ellipsis}
          label={fill(filing.folderMenu, { name: folderText(mail, name) })}
        />
        <Popover className="menu" placement="bottom end">
          <Menu onAction={(key) => act(String(key))}>
            {unread > 0 && (
              <MenuItem id="read" className="choice">
                {filing.readAll}
              </MenuItem>
            )}
            {!isStandard && (
              <MenuItem id="rename" className="choice">
                {filing.rename}
              </MenuItem>
            )}
            {!isStandard && (
              <MenuItem id="delete" className="choice choice-danger">
                {filing.deleteFolder}
              </MenuItem>
            )}
            {isTrash && total > 0 && (
              <MenuItem id="empty" className="choice choice-danger">
                {filing.emptyTrash}
              </MenuItem>
            )}
          </Menu>
        </Popover>
      </MenuTrigger>
      {asked !== undefined && (
        <FolderQuestion
          asked={asked}
          folder={folder}
          isPresent={isPresent}
          onClose={() => setAsked(undefined)}
        />
      )}
    </>
  );
}

interface FolderQuestionProps extends FolderMenuProps {
  readonly asked: Asked;
  readonly onClose: () => void;
}

function FolderQuestion({ asked, folder, isPresent, onClose }: FolderQuestionProps) {
  const { api } = useData();
  const { filing } = useWords();
  const countOf = useCount();
  const toast = useToast();
  const attempt = useAttempt();
  const { id, name, total } = folder;
  const path = `mailbox/folders/${id}`;
  if (asked === 'rename') {
    return (
      <AskName
        title={fill(filing.renameTitle, { name })}
        label={filing.folderName}
        first={name}
        action={filing.rename}
        onClose={onClose}
        run={async (next) =>
          await refusalOf(async () => {
            await api.send(path, { method: 'PATCH', json: { name: next } });
            if (isPresent) go(...partsOfPlace({ kind: 'folder', folder: next }));
          })
        }
      />
    );
  }
  if (asked === 'delete') {
    return (
      <Confirm
        title={fill(filing.deleteFolderTitle, { name })}
        text={filing.deleteFolderText}
        action={filing.deleteFolder}
        onClose={onClose}
        run={() =>
          attempt(async () => {
            if (isPresent) go('mail', 'INBOX');
            await api.send(path, { method: 'DELETE' });
          })
        }
      />
    );
  }
  return (
    <Confirm
      title={filing.deleteTitle}
      text={countOf(filing.deleteText, total)}
      action={filing.emptyTrash}
      onClose={onClose}
      run={() =>
        attempt(async () => {
          const { count } = await api.send<CountDto>(`${path}/empty`, { method: 'POST' });
          toast({ text: countOf(filing.deleted, count) });
        })
      }
    />
  );
}

export function NewFolder({ onClose }: { readonly onClose: () => void }) {
  const { api } = useData();
  const { filing } = useWords();
  return (
    <AskName
      title={filing.newFolder}
      label={filing.folderName}
      first=""
      action={filing.create}
      onClose={onClose}
      run={async (name) =>
        await refusalOf(async () => {
          await api.send('mailbox/folders', { method: 'POST', json: { name } });
        })
      }
    />
  );
}

/** Why the daemon refuses it; undefined when it does not. */
async function refusalOf(run: () => Promise<void>): Promise<string | undefined> {
  try {
    await run();
    return undefined;
  } catch (error) {
    if (error instanceof ApiProblem) return error.message;
    throw error;
  }
}
