/** Asks before something that cuts a peer off. */
import { Dialog, Heading, Modal, ModalOverlay } from 'react-aria-components';
import { Button } from '../ui/button.tsx';
import { useWords } from '../words/use-words.ts';

export interface ConfirmDialogProps {
  readonly title: string;
  readonly text: string;
  /** What the button says that does it. */
  readonly action: string;
  readonly onConfirm: () => void;
  readonly onClose: () => void;
}

export function ConfirmDialog({ title, text, action, onConfirm, onClose }: ConfirmDialogProps) {
  const { node } = useWords();
  const confirm = (): void => {
    onClose();
    onConfirm();
  };
  return (
    <ModalOverlay isOpen className="node-overlay" onOpenChange={(isOpen) => !isOpen && onClose()}>
      <Modal className="node-modal">
        <Dialog role="alertdialog" className="node-dialog">
          <Heading slot="title">{title}</Heading>
          <p>{text}</p>
          <div className="node-dialog-buttons">
            <Button onPress={onClose}>{node.cancel}</Button>
            <Button kind="danger" onPress={confirm}>
              {action}
            </Button>
          </div>
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}
