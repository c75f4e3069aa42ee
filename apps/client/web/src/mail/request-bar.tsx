/** Lets the writer of a mail in, or not. Spec: docs/spec/41-client-api.md §26. */
import { Ban, Check, X } from 'lucide-react';
import type { MessageDto } from '../../../src/api/dto.ts';
import { useData } from '../daemon/use-data.ts';
import { Button } from '../ui/button.tsx';
import { useToast } from '../ui/toasts.tsx';
import { fill } from '../words/plurals.ts';
import { useWords } from '../words/use-words.ts';
import { useMailWork } from './use-mail-work.ts';

export function RequestBar({ mail }: { readonly mail: MessageDto }) {
  const { api } = useData();
  const { filing } = useWords();
  const toast = useToast();
  const work = useMailWork();
  const { address, name: suggested } = mail.from;
  const name = suggested === '' ? address : suggested;
  const person = encodeURIComponent(address);
  function decide(path: string, said: string): void {
    work.attempt(async () => {
      await api.send(path, { method: 'POST', json: {} });
      work.close();
      toast({ text: fill(said, { name }) });
    });
  }
  return (
    <div className="request-bar">
      <p>{fill(filing.requestNote, { name })}</p>
      <Button
        kind="main"
        icon={Check}
        onPress={() => decide(`requests/${person}/accept`, filing.accepted)}
      >
        {filing.accept}
      </Button>
      <Button icon={X} onPress={() => decide(`contacts/${person}/reject`, filing.rejected)}>
        {filing.reject}
      </Button>
      <Button
        kind="danger"
        icon={Ban}
        onPress={() => decide(`contacts/${person}/block`, filing.blocked)}
      >
        {filing.block}
      </Button>
    </div>
  );
}
