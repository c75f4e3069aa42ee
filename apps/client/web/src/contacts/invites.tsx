/** Links for one person each: made, shown as a code, taken back. */
import { Check, CircleSlash, Clock, type LucideIcon, TicketPlus, UserCheck } from 'lucide-react';
import { type SubmitEvent, useState } from 'react';
import { Input, Label, TextField } from 'react-aria-components';
import type { ContactDto, InviteDto } from '../../../src/api/dto.ts';
import type { ListedInviteDto } from '../../../src/api/people-dto.ts';
import { useData, useResource } from '../daemon/use-data.ts';
import { Button } from '../ui/button.tsx';
import { Chip, type Tone } from '../ui/chip.tsx';
import { WideCopyButton } from '../ui/copy-button.tsx';
import { QrCode } from '../ui/qr-code.tsx';
import { Failed, Skeleton } from '../ui/states.tsx';
import { useToast } from '../ui/toasts.tsx';
import { fill } from '../words/plurals.ts';
import { dayText } from '../words/times.ts';
import { useSpeech, useWords } from '../words/use-words.ts';
import { shortAddress, titleOf } from './people.ts';
import { Problem } from './problem.tsx';
import { Confirm } from './sheet.tsx';
import { useAction } from './use-action.ts';

const DAYS = [1, 7, 30, 90, 365];
const USUAL_DAYS = 30;

const MARKS: Readonly<Record<ListedInviteDto['state'], readonly [LucideIcon, Tone]>> = {
  open: [Check, 'ok'],
  used: [UserCheck, 'info'],
  revoked: [CircleSlash, 'plain'],
  expired: [Clock, 'plain'],
};

export function Invites() {
  const { invites } = useWords().contacts;
  const { resources } = useData();
  const { value, problem } = useResource<readonly ListedInviteDto[]>('invites');
  const [shown, setShown] = useState<string | undefined>(undefined);
  return (
    <section className="contacts-panel">
      <h3>{invites.title}</h3>
      <p className="contacts-hint">{invites.hint}</p>
      <NewInvite onMade={setShown} />
      {problem !== undefined && value === undefined && (
        <Failed problem={problem} retry={() => resources.invalidate('invites')} />
      )}
      {problem === undefined && value === undefined && <Skeleton lines={2} />}
      {value?.length === 0 && <p className="contacts-hint">{invites.none}</p>}
      <ul className="own-lines">
        {(value ?? []).map((invite) => (
          <InviteLine
            key={invite.id}
            invite={invite}
            isShown={invite.id === shown}
            onShow={(isShown) => setShown(isShown ? invite.id : undefined)}
          />
        ))}
      </ul>
    </section>
  );
}

function NewInvite({ onMade }: { readonly onMade: (id: string) => void }) {
  const { language, words } = useSpeech();
  const { invites } = words.contacts;
  const { api } = useData();
  const { isBusy, problem, run } = useAction();
  const [name, setName] = useState('');
  const [days, setDays] = useState(USUAL_DAYS);
  const form = new Intl.NumberFormat(language, { style: 'unit', unit: 'day', unitDisplay: 'long' });

  function submit(event: SubmitEvent): void {
    event.preventDefault();
    const json = name.trim() === '' ? { days } : { name: name.trim(), days };
    run(
      async () => await api.send<InviteDto>('invites', { method: 'POST', json }),
      ({ id }) => {
        setName('');
        onMade(id);
      },
    );
  }

  return (
    <form className="contacts-form" onSubmit={submit}>
      <div className="contacts-fields">
        <TextField className="field" value={name} maxLength={64} onChange={setName}>
          <Label>{invites.person}</Label>
          <Input autoComplete="off" />
        </TextField>
        <label className="field">
          <span className="contacts-hint">{invites.validity}</span>
          <select value={days} onChange={(event) => setDays(Number(event.currentTarget.value))}>
            {DAYS.map((count) => (
              <option key={count} value={count}>
                {form.format(count)}
              </option>
            ))}
          </select>
        </label>
      </div>
      <Problem text={problem} />
      <Button icon={TicketPlus} type="submit" isDisabled={isBusy}>
        {invites.create}
      </Button>
    </form>
  );
}

interface InviteLineProps {
  readonly invite: ListedInviteDto;
  readonly isShown: boolean;
  readonly onShow: (isShown: boolean) => void;
}

function InviteLine({ invite, isShown, onShow }: InviteLineProps) {
  const { language, words } = useSpeech();
  const { invites, ...contacts } = words.contacts;
  const { api } = useData();
  const toast = useToast();
  const [isAsking, setAsking] = useState(false);
  const { id, name, state, expiresAtMs, usedBy, link } = invite;
  const [icon, tone] = MARKS[state];
  return (
    <li className="own-line">
      <div className="own-line-head">
        <strong>{name === '' ? contacts.unnamed : name}</strong>
        <Chip icon={icon} tone={tone}>
          {invites.states[state]}
        </Chip>
        {(state === 'open' || state === 'expired') && (
          <span className="contacts-hint figures">
            {fill(invites.until, { date: dayText(language, expiresAtMs) })}
          </span>
        )}
      </div>
      {usedBy !== undefined && <UsedBy address={usedBy} />}
      {link !== undefined && (
        <div className="contacts-actions">
          <WideCopyButton text={link} label={contacts.copyLink} />
          <Button aria-expanded={isShown} onPress={() => onShow(!isShown)}>
            {isShown ? contacts.hideCode : contacts.showCode}
          </Button>
          <Button onPress={() => setAsking(true)}>{invites.revoke}</Button>
        </div>
      )}
      {link !== undefined && isShown && <QrCode text={link} label={invites.codeLabel} />}
      {isAsking && (
        <Confirm
          title={invites.revokeTitle}
          text={invites.revokeText}
          action={invites.revoke}
          work={async () => await api.send(`invites/${id}`, { method: 'DELETE' })}
          onDone={() => toast({ text: invites.revoked })}
          onClose={() => setAsking(false)}
        />
      )}
    </li>
  );
}

/** Whoever wrote first under an invite, as the user calls them now. */
function UsedBy({ address }: { readonly address: string }) {
  const { invites } = useWords().contacts;
  const { value = [] } = useResource<readonly ContactDto[]>('contacts');
  const contact = value.find((one) => one.address === address);
  const name = contact === undefined ? shortAddress(address) : titleOf(contact);
  return <p>{fill(invites.usedBy, { name })}</p>;
}
