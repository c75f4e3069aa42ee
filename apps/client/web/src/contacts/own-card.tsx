/** What the user gives to others: name, address, link and code; invites, sub-addresses, files. */
import { ArrowLeft } from 'lucide-react';
import type { SubmitEvent } from 'react';
import { Input, Label, Text, TextField } from 'react-aria-components';
import type { AddressWithQrDto } from '../../../src/api/dto.ts';
import type { SettingsDto } from '../../../src/api/people-dto.ts';
import { useData, useResource } from '../daemon/use-data.ts';
import { hrefOf } from '../frame/route.ts';
import { Button } from '../ui/button.tsx';
import { WideCopyButton } from '../ui/copy-button.tsx';
import { QrCode } from '../ui/qr-code.tsx';
import { Failed, Skeleton } from '../ui/states.tsx';
import { useToast } from '../ui/toasts.tsx';
import { useWords } from '../words/use-words.ts';
import { ContactFiles } from './contact-files.tsx';
import { Invites } from './invites.tsx';
import { Problem } from './problem.tsx';
import { SubAddresses } from './sub-addresses.tsx';
import { useAction } from './use-action.ts';
import { useTyped } from './use-typed.ts';

export function OwnCard() {
  const { contacts, mail } = useWords();
  const { resources } = useData();
  const { value: own, problem } = useResource<AddressWithQrDto>('address');
  const { value: settings } = useResource<SettingsDto>('settings');
  return (
    <article className="contact-page" aria-label={contacts.own.title}>
      <div className="contact-bar">
        <a className="contact-back" href={hrefOf('contacts', 'all')} aria-label={mail.back}>
          <ArrowLeft aria-hidden size={18} />
        </a>
      </div>
      <h2 className="own-title">{contacts.own.title}</h2>
      {problem !== undefined && own === undefined && (
        <Failed problem={problem} retry={() => resources.invalidate('address')} />
      )}
      {problem === undefined && own === undefined && <Skeleton lines={4} />}
      {own !== undefined && (
        <section className="contacts-panel own-card">
          <div className="own-words">
            <p className="contacts-hint">{contacts.own.hint}</p>
            <h3>{contacts.address}</h3>
            <p className="mono">{own.email}</p>
            <div className="contacts-actions">
              <WideCopyButton text={own.email} label={contacts.copyAddress} />
              <WideCopyButton text={own.link} label={contacts.copyLink} />
            </div>
            {settings !== undefined && <OwnName name={settings.profileName} />}
          </div>
          <QrCode text={own.link} label={contacts.own.codeLabel} />
        </section>
      )}
      <Invites />
      <SubAddresses />
      <ContactFiles />
    </article>
  );
}

function OwnName({ name: present }: { readonly name: string }) {
  const { contacts } = useWords();
  const { api } = useData();
  const toast = useToast();
  const { isBusy, problem, run } = useAction();
  const [name, setName] = useTyped(present);

  function submit(event: SubmitEvent): void {
    event.preventDefault();
    const json = { profileName: name.trim() };
    run(
      async () => await api.send<SettingsDto>('settings', { method: 'PATCH', json }),
      () => toast({ text: contacts.saved }),
    );
  }

  return (
    <form className="contacts-form" onSubmit={submit}>
      <TextField className="field" value={name} maxLength={64} onChange={setName}>
        <Label>{contacts.own.name}</Label>
        <Input autoComplete="name" />
        <Text slot="description">{contacts.own.nameHint}</Text>
      </TextField>
      <Problem text={problem} />
      <div className="contacts-actions">
        <Button type="submit" isDisabled={isBusy || name.trim() === present}>
          {contacts.save}
        </Button>
      </div>
    </form>
  );
}
