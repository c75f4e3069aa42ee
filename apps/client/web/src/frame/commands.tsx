/** Commands around all screens: the page listens to keys, shows help and palette. */
import { lazy, type ReactNode, Suspense, useCallback, useEffect, useMemo, useState } from 'react';
import { useComposer } from '../compose/composer.tsx';
import { CommandBook, CommandProvider, useCommand } from './command-book.ts';
import { focusPane } from './panes.ts';
import type { Face } from './rail.tsx';
import { go } from './route.ts';
import { type Begun, type Command, stepOf, worksInFields } from './shortcuts.ts';
import { areSingleKeysOn } from './single-keys.ts';

const HelpDialog = lazy(async () => ({
  default: (await import('./help-dialog.tsx')).HelpDialog,
}));
const Palette = lazy(async () => ({ default: (await import('./palette.tsx')).Palette }));

const FIELDS = 'input, textarea, select, [contenteditable="true"]';
const OVER_THE_PAGE = '[role="dialog"], [role="alertdialog"], [role="menu"]';

/** Where a key belongs to what has the focus, or to what lies over the page. */
function isTaken(target: EventTarget | null, command: Command): boolean {
  if (document.querySelector(OVER_THE_PAGE) !== null) return true;
  const isField = target instanceof Element && target.closest(FIELDS) !== null;
  return isField && !worksInFields(command);
}

function useKeys(book: CommandBook): void {
  useEffect(() => {
    let begun: Begun | undefined;
    const listen = (event: KeyboardEvent): void => {
      if (event.defaultPrevented || event.isComposing) return;
      const step = stepOf(event, begun, event.timeStamp, areSingleKeysOn());
      const isField = event.target instanceof Element && event.target.closest(FIELDS) !== null;
      begun = isField ? undefined : step.begun;
      if (step.command === undefined || isTaken(event.target, step.command)) return;
      if (book.run(step.command)) event.preventDefault();
    };
    document.addEventListener('keydown', listen);
    return () => document.removeEventListener('keydown', listen);
  }, [book]);
}

export interface CommandsProps {
  readonly faces: readonly Face[];
  readonly children: ReactNode;
}

/** Around all screens: keys, help and palette. */
export function Commands({ faces, children }: CommandsProps) {
  const [book] = useState(() => new CommandBook());
  useKeys(book);
  return (
    <CommandProvider value={book}>
      {children}
      <PageCommands faces={faces} />
    </CommandProvider>
  );
}

function PageCommands({ faces }: { readonly faces: readonly Face[] }) {
  const { write } = useComposer();
  const [shown, setShown] = useState<'help' | 'palette' | undefined>(undefined);
  const close = useCallback(() => setShown(undefined), []);
  const has = useMemo(() => new Set(faces), [faces]);
  useCommand('compose', () => write());
  useCommand('help', () => setShown('help'));
  useCommand('palette', () => setShown('palette'));
  useCommand('nextPane', () => focusPane(1));
  useCommand('previousPane', () => focusPane(-1));
  useCommand('goInbox', () => go('mail', 'INBOX'));
  useCommand('goSent', () => go('mail', 'Sent'));
  useCommand('goDrafts', () => go('mail', 'Drafts'));
  useCommand('goOutbox', () => go('mail', '*outbox'));
  useCommand('goContacts', has.has('contacts') ? () => go('contacts') : undefined);
  useCommand('goWallet', has.has('wallet') ? () => go('wallet') : undefined);
  if (shown === undefined) return undefined;
  return (
    <Suspense>
      {shown === 'help' ? (
        <HelpDialog onClose={close} />
      ) : (
        <Palette faces={faces} onClose={close} />
      )}
    </Suspense>
  );
}
