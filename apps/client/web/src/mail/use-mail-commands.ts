/** What the keys do while the mail screen is shown. */
import { useCommand } from '../frame/command-book.ts';
import type { MailWork } from './use-mail-work.ts';

export interface MailCommandsOptions {
  readonly work: MailWork;
  readonly isOutbox: boolean;
  readonly focusSearch: () => void;
  readonly file: () => void;
}

export function useMailCommands({ work, isOutbox, focusSearch, file }: MailCommandsOptions): void {
  const on = <T extends () => void>(run: T): T | undefined => (isOutbox ? undefined : run);
  useCommand(
    'next',
    on(() => work.step(1)),
  );
  useCommand(
    'previous',
    on(() => work.step(-1)),
  );
  useCommand(
    'open',
    on(() => work.show(work.list.cursor)),
  );
  useCommand('back', work.open === undefined ? undefined : work.close);
  useCommand('search', focusSearch);
  useCommand(
    'mark',
    on(() => work.list.toggle(work.list.cursor)),
  );
  useCommand('markAll', on(work.markAll));
  useCommand(
    'archive',
    on(() => work.archive()),
  );
  useCommand(
    'trash',
    on(() => work.trash()),
  );
  useCommand(
    'star',
    on(() => work.star()),
  );
  useCommand(
    'unread',
    on(() => work.markSeen(false)),
  );
  useCommand('file', on(file));
  useCommand('undo', work.undo);
}
