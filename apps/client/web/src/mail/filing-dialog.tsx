/** Moves mails into a folder, or puts labels on them: by a few letters of the name. */
import { Folder, type LucideIcon, Tag } from 'lucide-react';
import { useState } from 'react';
import { Autocomplete, Input, Menu, MenuItem, SearchField, useFilter } from 'react-aria-components';
import type { FolderDto } from '../../../src/api/dto.ts';
import type { LabelDto } from '../../../src/api/mailbox-dto.ts';
import { useResource } from '../daemon/use-data.ts';
import { PageDialog } from '../ui/page-dialog.tsx';
import { fill } from '../words/plurals.ts';
import { useWords } from '../words/use-words.ts';
import { folderText } from './folder-names.ts';
import { type MailWork, useMailWork } from './use-mail-work.ts';

/** What the API takes as a label. */
const LABEL_FORM = /^[A-Za-z0-9_-][A-Za-z0-9$_-]{0,63}$/;

interface Choice {
  readonly id: string;
  readonly text: string;
  readonly icon: LucideIcon;
  readonly run: () => void;
}

/** Labels that all of these mails have, as far as they are loaded. */
function labelsOn(work: MailWork, ids: readonly string[]): readonly string[] {
  const [first = [], ...rest] = ids.map((id) => work.list.mailOf(id)?.flags ?? []);
  return first.filter((flag) => rest.every((flags) => flags.includes(flag)));
}

function useChoices(ids: readonly string[], typed: string): Choice[] {
  const { filing, mail } = useWords();
  const work = useMailWork();
  const { value: folders = [] } = useResource<readonly FolderDto[]>('folders');
  const { value: labels = [] } = useResource<readonly LabelDto[]>('mailbox/labels');
  const present = labelsOn(work, ids);
  const names = labels.map(({ name }) => name);
  const isNew = LABEL_FORM.test(typed) && !names.includes(typed);
  return [
    ...folders
      .filter(({ name }) => name !== 'Drafts' && name !== 'Requests')
      .map(({ id, name }) => ({
        id: `folder ${id}`,
        text: fill(filing.moveTo, { name: folderText(mail, name) }),
        icon: Folder,
        run: () => work.moveTo(name, ids),
      })),
    ...[...names, ...(isNew ? [typed] : [])].map((name) => ({
      id: `label ${name}`,
      text: fill(present.includes(name) ? filing.removeLabel : filing.addLabel, { name }),
      icon: Tag,
      run: () => work.label(name, !present.includes(name), ids),
    })),
  ];
}

export interface FilingDialogProps {
  readonly ids: readonly string[];
  readonly onClose: () => void;
}

export function FilingDialog({ ids, onClose }: FilingDialogProps) {
  const { filing, keys } = useWords();
  const { contains } = useFilter({ sensitivity: 'base' });
  const [typed, setTyped] = useState('');
  const choices = useChoices(ids, typed.trim());
  return (
    <PageDialog title={filing.file} shape="top" onClose={onClose}>
      <Autocomplete filter={contains} inputValue={typed} onInputChange={setTyped}>
        <SearchField autoFocus aria-label={filing.file}>
          <Input placeholder={filing.fileHint} />
        </SearchField>
        <Menu
          className="choices"
          aria-label={filing.file}
          items={choices}
          onAction={(id) => {
            onClose();
            choices.find((one) => one.id === id)?.run();
          }}
          renderEmptyState={() => <p className="choices-empty">{keys.nothing}</p>}
        >
          {({ text, icon: Icon }) => (
            <MenuItem className="choice" textValue={text}>
              <Icon aria-hidden size={16} />
              <span>{text}</span>
            </MenuItem>
          )}
        </Menu>
      </Autocomplete>
    </PageDialog>
  );
}
