/** The windows of chat, and the question before something that cannot be undone. */
import { X } from 'lucide-react';
import type { ReactNode } from 'react';
import { Dialog, Heading, Modal, ModalOverlay } from 'react-aria-components';
import { Button, IconButton } from '../ui/button.tsx';
import { useWords } from '../words/use-words.ts';

export interface ChatDialogProps {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ReactNode;
}

/** The focus goes back to where it was when it closes. */
export function ChatDialog({ title, onClose, children }: ChatDialogProps) {
  const { chat } = useWords();
  return (
    <ModalOverlay
      isOpen
      isDismissable
      className="overlay"
      onOpenChange={(isOpen) => !isOpen && onClose()}
    >
      <Modal className="modal chat-modal">
        <Dialog className="compose">
          <header className="compose-head">
            <Heading slot="title">{title}</Heading>
            <IconButton icon={X} label={chat.close} onPress={onClose} />
          </header>
          <div className="chat-dialog">{children}</div>
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}

export interface ConfirmProps {
  readonly title: string;
  /** What then happens. */
  readonly hint: string;
  /** What the button says. */
  readonly action: string;
  readonly onAct: () => void;
  readonly onClose: () => void;
}

export function Confirm({ title, hint, action, onAct, onClose }: ConfirmProps) {
  const { chat } = useWords();
  return (
    <ModalOverlay isOpen className="overlay" onOpenChange={(isOpen) => !isOpen && onClose()}>
      <Modal className="modal confirm-modal">
        <Dialog className="chat-dialog" role="alertdialog">
          <Heading slot="title">{title}</Heading>
          <p>{hint}</p>
          <div className="dialog-foot">
            <Button onPress={onClose} autoFocus>
              {chat.cancel}
            </Button>
            <Button
              kind="danger"
              onPress={() => {
                onClose();
                onAct();
              }}
            >
              {action}
            </Button>
          </div>
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}
