/** One person: who it is, what to be warned of, and what can be decided. */
import { ArrowLeft, ShieldCheck, UserX } from 'lucide-react';
import { useEffect, useRef } from 'react';
import type { ContactDetailDto } from '../../../src/api/people-dto.ts';
import { useData, useResource } from '../daemon/use-data.ts';
import { hrefOf } from '../frame/route.ts';
import { Avatar } from '../ui/avatar.tsx';
import { Chip } from '../ui/chip.tsx';
import { WideCopyButton } from '../ui/copy-button.tsx';
import { Empty, Failed, Skeleton } from '../ui/states.tsx';
import { fill } from '../words/plurals.ts';
import { useWords } from '../words/use-words.ts';
import { ContactActions } from './contact-actions.tsx';
import { ContactEdit } from './contact-edit.tsx';
import { isVerified, type Section, titleOf } from './people.ts';
import { RequestPanel } from './request-panel.tsx';
import { SafetyPanel } from './safety-panel.tsx';
import { Warnings } from './warnings.tsx';

export interface ContactPageProps {
  readonly address: string;
  readonly section: Section;
}

export function ContactPage({ address, section }: ContactPageProps) {
  const { contacts, mail } = useWords();
  const { resources } = useData();
  const path = `contacts/${encodeURIComponent(address)}`;
  const { value, problem } = useResource<ContactDetailDto>(path);
  const isGone = problem?.code === 'contact-unknown';
  return (
    <article className="contact-page" aria-label={contacts.contact}>
      <div className="contact-bar">
        <a className="contact-back" href={hrefOf('contacts', section)} aria-label={mail.back}>
          <ArrowLeft aria-hidden size={18} />
        </a>
      </div>
      {isGone && <Empty icon={UserX}>{contacts.gone}</Empty>}
      {!isGone && problem !== undefined && value === undefined && (
        <Failed problem={problem} retry={() => resources.invalidate(path)} />
      )}
      {problem === undefined && value === undefined && <Skeleton lines={4} />}
      {!isGone && value !== undefined && <Person contact={value} section={section} />}
    </article>
  );
}

interface PersonProps {
  readonly contact: ContactDetailDto;
  readonly section: Section;
}

function Person({ contact, section }: PersonProps) {
  const { contacts } = useWords();
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus({ preventScroll: true }), []);
  const { state, name, address, email, cameBy, writeBy } = contact;
  return (
    <>
      <header className="contact-head">
        <Avatar name={name} address={address} />
        <h2 ref={heading} tabIndex={-1}>
          {titleOf(contact)}
        </h2>
        {isVerified(contact) && (
          <Chip icon={ShieldCheck} tone="ok">
            {contacts.verified}
          </Chip>
        )}
      </header>
      <Warnings contact={contact} />
      {state === 'requested' && <RequestPanel contact={contact} />}
      <ContactActions contact={contact} section={section} />
      <section className="contacts-panel">
        <h3>{contacts.address}</h3>
        <p className="mono">{email}</p>
        {cameBy !== undefined && <p>{fill(contacts.cameBy, { label: cameBy })}</p>}
        {writeBy !== undefined && <p>{fill(contacts.writeBy, { label: writeBy })}</p>}
        <WideCopyButton text={email} label={contacts.copyAddress} />
      </section>
      {state === 'accepted' && <ContactEdit contact={contact} />}
      {state !== 'blocked' && <SafetyPanel contact={contact} />}
    </>
  );
}
