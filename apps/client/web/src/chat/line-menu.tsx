/** What can be done with one line: copy it, forget it here, see how far it has come to each. */
import { Ellipsis } from 'lucide-react';
import { useState } from 'react';
import { Button, Menu, MenuItem, MenuTrigger, Popover } from 'react-aria-components';
import { useToast } from '../ui/toasts.tsx';
import { useWords } from '../words/use-words.ts';
import { ChatDialog, Confirm } from './dialogs.tsx';
import { STATE_ICONS } from './line-state.tsx';
import { nameOf, recipientText } from './line-texts.ts';
import type { Line } from './loaded-lines.ts';

export interface LineMenuProps {
  readonly line: Line;
  /** As it is shown. */
  readonly text: string;
  readonly onDelete: () => void;
}

export function LineMenu({ line, text, onDelete }: LineMenuProps) {
  const { chat } = useWords();
  const toast = useToast();
  const [open, setOpen] = useState<'delete' | 'report' | undefined>(undefined);
  const close = (): void => setOpen(undefined);

  function copy(): void {
    navigator.clipboard.writeText(text).then(
      () => toast({ text: chat.copied, shownMs: 3_000 }),
      () => toast({ text: chat.notCopied }),
    );
  }

  return (
    <>
      <MenuTrigger>
        <Button className="icon-button line-menu" aria-label={chat.actions}>
          <Ellipsis aria-hidden size={16} />
        </Button>
        <Popover className="popover menu-popover">
          <Menu className="chat-menu">
            <MenuItem className="option" onAction={copy}>
              {chat.copy}
            </MenuItem>
            {line.recipients.length > 0 && (
              <MenuItem className="option" onAction={() => setOpen('report')}>
                {chat.report}
              </MenuItem>
            )}
            <MenuItem className="option" onAction={() => setOpen('delete')}>
              {chat.delete}
            </MenuItem>
          </Menu>
        </Popover>
      </MenuTrigger>
      {open === 'delete' && (
        <Confirm
          title={chat.deleteTitle}
          hint={chat.deleteHint}
          action={chat.delete}
          onAct={onDelete}
          onClose={close}
        />
      )}
      {open === 'report' && <Report line={line} onClose={close} />}
    </>
  );
}

function Report({ line, onClose }: { readonly line: Line; readonly onClose: () => void }) {
  const { chat } = useWords();
  return (
    <ChatDialog title={chat.report} onClose={onClose}>
      <ul className="people">
        {line.recipients.map((one) => {
          const Icon = STATE_ICONS[one.state];
          return (
            <li key={one.address}>
              <strong>{nameOf(one)}</strong>
              <span className="line-state">
                <Icon aria-hidden size={14} />
                {recipientText(chat, one)}
              </span>
            </li>
          );
        })}
      </ul>
    </ChatDialog>
  );
}
