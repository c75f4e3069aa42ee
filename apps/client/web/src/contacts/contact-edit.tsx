/** How the user calls a contact, and what is noted about them. */
import type { SubmitEvent } from 'react';
import { Input, Label, TextArea, TextField } from 'react-aria-components';
import type { ContactDto } from '../../../src/api/dto.ts';
import { useData } from '../daemon/use-data.ts';
import { Button } from '../ui/button.tsx';
import { useToast } from '../ui/toasts.tsx';
import { useWords } from '../words/use-words.ts';
import { Problem } from './problem.tsx';
import { useAction } from './use-action.ts';
import { useTyped } from './use-typed.ts';

export function ContactEdit({ contact }: { readonly contact: ContactDto }) {
  const { contacts } = useWords();
  const { api } = useData();
  const toast = useToast();
  const { isBusy, problem, run } = useAction();
  const [name, setName] = useTyped(contact.name);
  const [note, setNote] = useTyped(contact.note ?? '');
  const isSame = name.trim() === contact.name && note === (contact.note ?? '');

  function submit(event: SubmitEvent): void {
    event.preventDefault();
    const path = `contacts/${encodeURIComponent(contact.address)}`;
    const json = { name: name.trim(), note };
    run(
      async () => await api.send<ContactDto>(path, { method: 'PATCH', json }),
      () => toast({ text: contacts.saved }),
    );
  }

  return (
    <form className="contacts-form contacts-panel" onSubmit={submit}>
      <TextField className="field" value={name} maxLength={64} onChange={setName}>
        <Label>{contacts.name}</Label>
        <Input autoComplete="off" />
      </TextField>
      <TextField className="field" value={note} maxLength={2_048} onChange={setNote}>
        <Label>{contacts.note}</Label>
        <TextArea rows={2} />
      </TextField>
      <Problem text={problem} />
      <div className="contacts-actions">
        <Button type="submit" isDisabled={isBusy || isSame}>
          {contacts.save}
        </Button>
      </div>
    </form>
  );
}
