/** Dialogs of this face: one with anything in it, and one that asks before something is lost. */
import { X } from 'lucide-react';
import type { ReactNode } from 'react';
import { Dialog, Heading, Modal, ModalOverlay } from 'react-aria-components';
import { Button, IconButton } from '../ui/button.tsx';
import { useWords } from '../words/use-words.ts';
import { Problem } from './problem.tsx';
import { useAction } from './use-action.ts';
// Overlay, window and fields look as those of the composer.
import '../compose/compose.css';

export interface SheetProps {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ReactNode;
}

export function Sheet({ title, onClose, children }: SheetProps) {
  const { contacts } = useWords();
  return (
    <ModalOverlay isOpen className="overlay" onOpenChange={(isOpen) => !isOpen && onClose()}>
      <Modal className="modal contacts-modal">
        <Dialog className="compose">
          <header className="compose-head">
            <Heading slot="title">{title}</Heading>
            <IconButton icon={X} label={contacts.close} onPress={onClose} />
          </header>
          <div className="contacts-sheet">{children}</div>
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}

export interface ConfirmProps {
  readonly title: string;
  readonly text: string;
  /** What the button says. */
  readonly action: string;
  /** The dialog closes when it has been done. */
  readonly work: () => Promise<unknown>;
  readonly onDone: () => void;
  readonly onClose: () => void;
  readonly children?: ReactNode;
}

export function Confirm({ title, text, action, work, onDone, onClose, children }: ConfirmProps) {
  const { contacts } = useWords();
  const { isBusy, problem, run } = useAction();
  return (
    <Sheet title={title} onClose={onClose}>
      <p>{text}</p>
      {children}
      <Problem text={problem} />
      <div className="contacts-actions">
        <Button
          kind="danger"
          isDisabled={isBusy}
          onPress={() =>
            run(work, () => {
              onClose();
              onDone();
            })
          }
        >
          {action}
        </Button>
        <Button onPress={onClose}>{contacts.cancel}</Button>
      </div>
    </Sheet>
  );
}
