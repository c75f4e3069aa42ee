/** Writing a mail. Before: composer.tsx; after: composed-draft.ts. */
import { X } from 'lucide-react';
import { useEffect, useState } from 'react';
import { Dialog, Heading, Modal, ModalOverlay } from 'react-aria-components';
import { useData } from '../daemon/use-data.ts';
import { IconButton } from '../ui/button.tsx';
import { useWords } from '../words/use-words.ts';
import { ComposeForm } from './compose-form.tsx';
import { ComposedDraft } from './composed-draft.ts';
import type { ComposeStart } from './start.ts';
import './compose.css';

export interface ComposeDialogProps {
  readonly start: ComposeStart;
  readonly onClose: () => void;
}

/** Closing keeps the draft. */
export function ComposeDialog({ start, onClose }: ComposeDialogProps) {
  const { api } = useData();
  const { compose } = useWords();
  const [draft] = useState(() => new ComposedDraft(start, { api, nowMs: Date.now }));
  useEffect(() => () => void draft.flush(), [draft]);
  return (
    <ModalOverlay isOpen className="overlay" onOpenChange={(isOpen) => !isOpen && onClose()}>
      <Modal className="modal compose-modal">
        <Dialog className="compose">
          <header className="compose-head">
            <Heading slot="title">{compose.title}</Heading>
            <IconButton icon={X} label={compose.close} onPress={onClose} />
          </header>
          <ComposeForm draft={draft} onClose={onClose} />
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}
