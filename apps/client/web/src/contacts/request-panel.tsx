/** Somebody asks to be a contact: accepted under a name that the user chooses, or rejected. */
import { Check, X } from 'lucide-react';
import { type SubmitEvent, useState } from 'react';
import { Input, Label, TextField } from 'react-aria-components';
import type { ContactDto } from '../../../src/api/dto.ts';
import type { RequestDto } from '../../../src/api/people-dto.ts';
import { useData, useResource } from '../daemon/use-data.ts';
import { go, hrefOf } from '../frame/route.ts';
import { Button } from '../ui/button.tsx';
import { useToast } from '../ui/toasts.tsx';
import { fill } from '../words/plurals.ts';
import { useCount, useWords } from '../words/use-words.ts';
import { titleOf } from './people.ts';
import { Problem } from './problem.tsx';
import { useAction } from './use-action.ts';

export function RequestPanel({ contact }: { readonly contact: ContactDto }) {
  const { request, ...contacts } = useWords().contacts;
  const countOf = useCount();
  const { api, resources } = useData();
  const toast = useToast();
  const { isBusy, problem, run } = useAction();
  const { value: requests = [] } = useResource<readonly RequestDto[]>('requests');
  const [name, setName] = useState(contact.name);
  const { address } = contact;
  const mails = requests.find((one) => one.address === address)?.mails ?? 0;

  function accept(event: SubmitEvent): void {
    event.preventDefault();
    const json = name.trim() === '' ? {} : { name: name.trim() };
    const path = `requests/${encodeURIComponent(address)}/accept`;
    run(
      async () => await api.send<ContactDto>(path, { method: 'POST', json }),
      (accepted) => {
        resources.invalidate('folders', 'messages');
        toast({ text: fill(request.accepted, { name: titleOf(accepted) }) });
        go('contacts', 'all', address);
      },
    );
  }

  function reject(): void {
    const path = `contacts/${encodeURIComponent(address)}/reject`;
    run(
      async () => await api.send(path, { method: 'POST' }),
      () => {
        toast({ text: request.rejected });
        go('contacts', 'requests');
      },
    );
  }

  return (
    <section className="contacts-panel">
      <h3>{request.title}</h3>
      <p className="contacts-hint">{request.hint}</p>
      {mails > 0 && (
        <p>
          <a href={hrefOf('mail', 'Requests')}>{countOf(request.waitingMails, mails)}</a>
        </p>
      )}
      <form className="contacts-form" onSubmit={accept}>
        <TextField className="field" value={name} maxLength={64} onChange={setName}>
          <Label>{contacts.name}</Label>
          <Input autoComplete="off" />
        </TextField>
        <Problem text={problem} />
        <div className="contacts-actions">
          <Button kind="main" icon={Check} type="submit" isDisabled={isBusy}>
            {request.accept}
          </Button>
          <Button icon={X} isDisabled={isBusy} onPress={reject}>
            {request.reject}
          </Button>
        </div>
      </form>
    </section>
  );
}
