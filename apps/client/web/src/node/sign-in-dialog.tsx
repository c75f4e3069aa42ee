/** Asks for the token of control, which stays in the memory of this page. After: node-api.ts. */
import { type FormEvent, useState } from 'react';
import { Dialog, Heading, Modal, ModalOverlay } from 'react-aria-components';
import { ApiProblem } from '../daemon/problem.ts';
import { Button } from '../ui/button.tsx';
import { useWords } from '../words/use-words.ts';
import { useNode } from './use-node.ts';

export function SignInDialog({ onClose }: { readonly onClose: () => void }) {
  const { node } = useWords();
  const { api } = useNode();
  const [token, setToken] = useState('');
  const [problem, setProblem] = useState<string | undefined>(undefined);
  const signIn = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    try {
      await api.signIn(token.trim());
      onClose();
    } catch (error) {
      const isWrong = error instanceof ApiProblem && error.code === 'unauthorized';
      setProblem(isWrong ? node.tokenWrong : (error as Error).message);
    }
  };
  return (
    <ModalOverlay isOpen className="node-overlay" onOpenChange={(isOpen) => !isOpen && onClose()}>
      <Modal className="node-modal">
        <Dialog className="node-dialog">
          <Heading slot="title">{node.signIn}</Heading>
          <p>{node.tokenHint}</p>
          <form onSubmit={(event) => void signIn(event)}>
            <label>
              {node.token}
              <input
                className="mono"
                type="password"
                value={token}
                maxLength={128}
                autoComplete="off"
                onChange={({ target }) => setToken(target.value)}
              />
            </label>
            {problem !== undefined && <p role="alert">{problem}</p>}
            <div className="node-dialog-buttons">
              <Button onPress={onClose}>{node.cancel}</Button>
              <Button kind="main" type="submit">
                {node.signIn}
              </Button>
            </div>
          </form>
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}
