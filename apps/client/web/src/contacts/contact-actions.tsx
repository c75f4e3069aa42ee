/** Write, chat, block or unblock, remove. */
import { Ban, MessagesSquare, Pencil, Trash2, Undo2 } from 'lucide-react';
import { useState } from 'react';
import type { ContactDto } from '../../../src/api/dto.ts';
import { useComposer } from '../compose/composer.tsx';
import { useData } from '../daemon/use-data.ts';
import { go } from '../frame/route.ts';
import { Button } from '../ui/button.tsx';
import { useToast } from '../ui/toasts.tsx';
import { fill } from '../words/plurals.ts';
import { useWords } from '../words/use-words.ts';
import { type Section, titleOf } from './people.ts';
import { Problem } from './problem.tsx';
import { Confirm } from './sheet.tsx';
import { useAction } from './use-action.ts';

export interface ContactActionsProps {
  readonly contact: ContactDto;
  readonly section: Section;
}

export function ContactActions({ contact, section }: ContactActionsProps) {
  const { contacts, faces } = useWords();
  const { api } = useData();
  const { write } = useComposer();
  const toast = useToast();
  const { isBusy, problem, run } = useAction();
  const [asking, setAsking] = useState<'block' | 'remove' | undefined>(undefined);
  const { state, name, email, address } = contact;
  const path = `contacts/${encodeURIComponent(address)}`;
  const title = { name: titleOf(contact) };

  function unblock(): void {
    run(
      async () => await api.send(`${path}/unblock`, { method: 'POST' }),
      () => {
        toast({ text: fill(contacts.block.undone, title) });
        go('contacts', section);
      },
    );
  }

  return (
    <div className="contacts-actions">
      {state === 'accepted' && (
        <>
          <Button kind="main" icon={Pencil} onPress={() => write({ to: [name || email] })}>
            {contacts.write}
          </Button>
          <Button icon={MessagesSquare} onPress={() => go('chat', 'to', address)}>
            {faces.chat}
          </Button>
        </>
      )}
      {state === 'blocked' ? (
        <Button icon={Undo2} isDisabled={isBusy} onPress={unblock}>
          {contacts.block.undo}
        </Button>
      ) : (
        <Button icon={Ban} onPress={() => setAsking('block')}>
          {contacts.block.action}
        </Button>
      )}
      {state !== 'requested' && (
        <Button icon={Trash2} onPress={() => setAsking('remove')}>
          {contacts.remove.action}
        </Button>
      )}
      {state === 'blocked' && <p className="contacts-hint">{contacts.block.hint}</p>}
      <Problem text={problem} />
      {asking !== undefined && (
        <Confirm
          title={fill(contacts[asking].title, title)}
          text={contacts[asking].text}
          action={contacts[asking].action}
          work={async () => {
            if (asking === 'remove') await api.send(path, { method: 'DELETE' });
            else await api.send(`${path}/block`, { method: 'POST' });
          }}
          onDone={() => {
            toast({ text: fill(contacts[asking].done, title) });
            go('contacts', section);
          }}
          onClose={() => setAsking(undefined)}
        />
      )}
    </div>
  );
}
