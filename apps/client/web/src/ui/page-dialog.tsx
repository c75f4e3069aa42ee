/** Dialogs over the page: Escape and a click beside them close, the focus goes back. */
import { X } from 'lucide-react';
import { type FormEvent, type ReactNode, useState } from 'react';
import { Dialog, Heading, Modal, ModalOverlay } from 'react-aria-components';
import { useWords } from '../words/use-words.ts';
import { Button, IconButton } from './button.tsx';
import './page-dialog.css';

export interface PageDialogProps {
  readonly title: string;
  readonly onClose: () => void;
  /** `top`: where a list under a field grows downwards; `drawer`: at the left side. */
  readonly shape?: 'small' | 'wide' | 'top' | 'drawer';
  readonly role?: 'dialog' | 'alertdialog';
  readonly children: ReactNode;
}

export function PageDialog({ title, onClose, shape, role, children }: PageDialogProps) {
  const { keys } = useWords();
  return (
    <ModalOverlay
      isOpen
      isDismissable
      className="dialog-overlay"
      onOpenChange={(isOpen) => !isOpen && onClose()}
    >
      <Modal className={`dialog-modal dialog-${shape ?? 'small'}`}>
        <Dialog className="dialog" {...(role === undefined ? {} : { role })}>
          <header className="dialog-head">
            <Heading slot="title">{title}</Heading>
            <IconButton icon={X} label={keys.close} onPress={onClose} />
          </header>
          {children}
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}

export interface ConfirmProps {
  readonly title: string;
  readonly text: string;
  /** What the button does, in words. */
  readonly action: string;
  readonly run: () => void;
  readonly onClose: () => void;
}

/** Asks before what cannot be taken back. */
export function Confirm({ title, text, action, run, onClose }: ConfirmProps) {
  const { keys } = useWords();
  return (
    <PageDialog title={title} role="alertdialog" onClose={onClose}>
      <p>{text}</p>
      <div className="dialog-foot">
        <Button autoFocus onPress={onClose}>
          {keys.cancel}
        </Button>
        <Button
          kind="danger"
          onPress={() => {
            onClose();
            run();
          }}
        >
          {action}
        </Button>
      </div>
    </PageDialog>
  );
}

export interface AskNameProps {
  readonly title: string;
  readonly label: string;
  readonly first: string;
  readonly action: string;
  /** What it says in place of closing, when the name is refused. */
  readonly run: (name: string) => Promise<string | undefined>;
  readonly onClose: () => void;
}

/** Asks for one line of text. */
export function AskName({ title, label, first, action, run, onClose }: AskNameProps) {
  const { keys } = useWords();
  const [name, setName] = useState(first);
  const [refusal, setRefusal] = useState<string | undefined>(undefined);
  async function submit(event: FormEvent): Promise<void> {
    event.preventDefault();
    const refused = await run(name.trim());
    if (refused === undefined) onClose();
    else setRefusal(refused);
  }
  return (
    <PageDialog title={title} onClose={onClose}>
      <form className="dialog" onSubmit={(event) => void submit(event)}>
        <label className="dialog-field">
          {label}
          <input
            autoFocus
            value={name}
            maxLength={255}
            onChange={({ currentTarget }) => setName(currentTarget.value)}
          />
        </label>
        {refusal !== undefined && <p role="alert">{refusal}</p>}
        <div className="dialog-foot">
          <Button onPress={onClose}>{keys.cancel}</Button>
          <Button kind="main" type="submit" isDisabled={name.trim() === ''}>
            {action}
          </Button>
        </div>
      </form>
    </PageDialog>
  );
}
