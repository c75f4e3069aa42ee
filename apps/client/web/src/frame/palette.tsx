/** Ctrl+K: goes anywhere and does anything by a few letters of its name. */
import { Folder, type LucideIcon, Mail, Search, User, Zap } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import { Autocomplete, Input, Menu, MenuItem, SearchField, useFilter } from 'react-aria-components';
import type { ContactDto, FolderDto } from '../../../src/api/dto.ts';
import { useComposer } from '../compose/composer.tsx';
import { useResource } from '../daemon/use-data.ts';
import { PageDialog } from '../ui/page-dialog.tsx';
import { fill } from '../words/plurals.ts';
import { useWords } from '../words/use-words.ts';
import { useCommands } from './command-book.ts';
import { KeyCaps } from './key-caps.tsx';
import type { Face } from './rail.tsx';
import { go } from './route.ts';
import { type Command, KEYS } from './shortcuts.ts';

export interface PaletteProps {
  readonly faces: readonly Face[];
  readonly onClose: () => void;
}

interface Choice {
  readonly id: string;
  readonly text: string;
  readonly icon: LucideIcon;
  readonly keys?: ReactNode;
  readonly run: () => void;
}

/** Moving through the page and its panes needs no name. */
const UNNAMED: ReadonlySet<Command> = new Set([
  'palette',
  'next',
  'previous',
  'nextPane',
  'previousPane',
]);

/** Contacts that are offered; the letters of the others bring them up in the composer. */
const MAX_CONTACTS = 500;

function useChoices(faces: readonly Face[]): Choice[] {
  const { faces: faceNames, keys, mail } = useWords();
  const book = useCommands();
  const { write } = useComposer();
  const { value: folders = [] } = useResource<readonly FolderDto[]>('folders');
  const { value: contacts = [] } = useResource<readonly ContactDto[]>('contacts');
  const names: Readonly<Record<string, string>> = mail.folderNames;
  const commands = (Object.keys(KEYS) as Command[]).filter(
    (command) => book.has(command) && !UNNAMED.has(command),
  );
  return [
    ...commands.map((command) => ({
      id: `command ${command}`,
      text: keys.commands[command],
      icon: Zap,
      keys: <KeyCaps command={command} />,
      run: () => void book.run(command),
    })),
    ...folders.map(({ id, name }) => ({
      id: `folder ${id}`,
      text: fill(keys.goTo, { name: names[name] ?? name }),
      icon: Folder,
      run: () => go('mail', name),
    })),
    ...faces.map((face) => ({
      id: `face ${face}`,
      text: fill(keys.goTo, { name: faceNames[face] }),
      icon: Mail,
      run: () => go(face),
    })),
    ...contacts
      .filter(({ state }) => state === 'accepted')
      .slice(0, MAX_CONTACTS)
      .map(({ name, address }) => ({
        id: `contact ${address}`,
        text: fill(keys.writeTo, { name: name === '' ? address : name }),
        icon: User,
        run: () => write({ to: [name === '' ? address : name] }),
      })),
  ];
}

export function Palette({ faces, onClose }: PaletteProps) {
  const { keys } = useWords();
  const { contains } = useFilter({ sensitivity: 'base' });
  const [text, setText] = useState('');
  const choices = useChoices(faces);
  const found: Choice[] =
    text.trim() === ''
      ? choices
      : [
          ...choices,
          {
            id: 'search',
            text: fill(keys.searchFor, { text: text.trim() }),
            icon: Search,
            run: () => go('mail', '*search', text.trim()),
          },
        ];
  return (
    <PageDialog title={keys.palette} shape="top" onClose={onClose}>
      <Autocomplete filter={contains} inputValue={text} onInputChange={setText}>
        <SearchField autoFocus aria-label={keys.palette}>
          <Input placeholder={keys.paletteHint} />
        </SearchField>
        <Menu
          className="choices"
          aria-label={keys.palette}
          items={found}
          onAction={(id) => {
            onClose();
            // After the dialog has given the focus back, or it would take it from what opens.
            setTimeout(() => found.find((one) => one.id === id)?.run());
          }}
          renderEmptyState={() => <p className="choices-empty">{keys.nothing}</p>}
        >
          {({ text: name, icon: Icon, keys: caps }) => (
            <MenuItem className="choice" textValue={name}>
              <Icon aria-hidden size={16} />
              <span>{name}</span>
              {caps}
            </MenuItem>
          )}
        </Menu>
      </Autocomplete>
    </PageDialog>
  );
}
