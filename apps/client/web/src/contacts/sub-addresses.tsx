/** Own addresses for one purpose each: opened, given out, revoked. */
import { CircleSlash, Plus } from 'lucide-react';
import { type SubmitEvent, useState } from 'react';
import { Input, Label, TextField } from 'react-aria-components';
import type { RevokedDto, SubAddressDto } from '../../../src/api/people-dto.ts';
import { useData, useResource } from '../daemon/use-data.ts';
import { Button } from '../ui/button.tsx';
import { Chip } from '../ui/chip.tsx';
import { WideCopyButton } from '../ui/copy-button.tsx';
import { Failed, Skeleton } from '../ui/states.tsx';
import { useToast } from '../ui/toasts.tsx';
import { fill } from '../words/plurals.ts';
import { dayText } from '../words/times.ts';
import { useCount, useSpeech, useWords } from '../words/use-words.ts';
import { Problem } from './problem.tsx';
import { Confirm } from './sheet.tsx';
import { useAction } from './use-action.ts';

export function SubAddresses() {
  const { subAddresses } = useWords().contacts;
  const { resources } = useData();
  const { value, problem } = useResource<readonly SubAddressDto[]>('addresses');
  return (
    <section className="contacts-panel">
      <h3>{subAddresses.title}</h3>
      <p className="contacts-hint">{subAddresses.hint}</p>
      <NewSubAddress />
      {problem !== undefined && value === undefined && (
        <Failed problem={problem} retry={() => resources.invalidate('addresses')} />
      )}
      {problem === undefined && value === undefined && <Skeleton lines={2} />}
      {value?.length === 0 && <p className="contacts-hint">{subAddresses.none}</p>}
      <ul className="own-lines">
        {(value ?? []).map((one) => (
          <SubAddressLine key={one.label} subAddress={one} />
        ))}
      </ul>
    </section>
  );
}

function NewSubAddress() {
  const { subAddresses } = useWords().contacts;
  const { api } = useData();
  const { isBusy, problem, run } = useAction();
  const [label, setLabel] = useState('');

  function submit(event: SubmitEvent): void {
    event.preventDefault();
    const json = { label: label.trim().toLowerCase() };
    run(
      async () => await api.send<SubAddressDto>('addresses', { method: 'POST', json }),
      () => setLabel(''),
    );
  }

  return (
    <form className="contacts-form" onSubmit={submit}>
      <TextField className="field" value={label} maxLength={64} onChange={setLabel}>
        <Label>{subAddresses.label}</Label>
        <Input autoComplete="off" autoCapitalize="none" />
      </TextField>
      <Problem text={problem} />
      <Button icon={Plus} type="submit" isDisabled={isBusy || label.trim() === ''}>
        {subAddresses.add}
      </Button>
    </form>
  );
}

function SubAddressLine({ subAddress }: { readonly subAddress: SubAddressDto }) {
  const { language, words } = useSpeech();
  const { subAddresses, ...contacts } = words.contacts;
  const { label, email, link, revokedAtMs } = subAddress;
  const [isAsking, setAsking] = useState(false);
  return (
    <li className="own-line">
      <div className="own-line-head">
        <strong>{label}</strong>
        {revokedAtMs !== undefined && (
          <Chip icon={CircleSlash}>
            {fill(subAddresses.revokedOn, { date: dayText(language, revokedAtMs) })}
          </Chip>
        )}
      </div>
      {revokedAtMs === undefined && (
        <>
          <p className="mono">{email}</p>
          <div className="contacts-actions">
            <WideCopyButton text={email} label={contacts.copyAddress} />
            <WideCopyButton text={link} label={contacts.copyLink} />
            <Button onPress={() => setAsking(true)}>{subAddresses.revoke}</Button>
          </div>
        </>
      )}
      {isAsking && <RevokeDialog label={label} onClose={() => setAsking(false)} />}
    </li>
  );
}

interface RevokeDialogProps {
  readonly label: string;
  readonly onClose: () => void;
}

function RevokeDialog({ label, onClose }: RevokeDialogProps) {
  const { subAddresses } = useWords().contacts;
  const countOf = useCount();
  const { api } = useData();
  const toast = useToast();
  const [isBlocking, setBlocking] = useState(false);

  async function revoke(): Promise<void> {
    const path = `addresses/${encodeURIComponent(label)}?block=${isBlocking}`;
    const { contacts, blocked } = await api.send<RevokedDto>(path, { method: 'DELETE' });
    toast({ text: countOf(subAddresses.revokedContacts, contacts.length - blocked) });
  }

  return (
    <Confirm
      title={fill(subAddresses.revokeTitle, { label })}
      text={subAddresses.revokeText}
      action={subAddresses.revoke}
      work={revoke}
      onDone={onClose}
      onClose={onClose}
    >
      <label className="contacts-check">
        <input
          type="checkbox"
          checked={isBlocking}
          onChange={(event) => setBlocking(event.currentTarget.checked)}
        />
        {subAddresses.alsoBlock}
      </label>
    </Confirm>
  );
}
