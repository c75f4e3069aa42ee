/** What the user should know before trusting a contact, in whole sentences. */
import { TriangleAlert } from 'lucide-react';
import { useState } from 'react';
import type { ContactDto } from '../../../src/api/dto.ts';
import { useData, useResource } from '../daemon/use-data.ts';
import { hrefOf } from '../frame/route.ts';
import { Button } from '../ui/button.tsx';
import { useToast } from '../ui/toasts.tsx';
import { fill } from '../words/plurals.ts';
import { fullTime } from '../words/times.ts';
import { useSpeech } from '../words/use-words.ts';
import { sectionOf, titleOf, type Warning, warningsOf } from './people.ts';
import { Confirm } from './sheet.tsx';

export function Warnings({ contact }: { readonly contact: ContactDto }) {
  const warnings = warningsOf(contact);
  if (warnings.length === 0) return undefined;
  return (
    <ul className="contact-warnings">
      {warnings.map((warning) => (
        <li key={warning.kind} className="contact-warning">
          <TriangleAlert aria-hidden size={18} />
          <div>
            <WarningText warning={warning} />
            {warning.kind === 'keyChange' && <AcceptChange address={contact.address} />}
          </div>
        </li>
      ))}
    </ul>
  );
}

function WarningText({ warning }: { readonly warning: Warning }) {
  const { language, words } = useSpeech();
  const { warnings } = words.contacts;
  if (warning.kind === 'looksLike') return <LooksLike address={warning.address} />;
  const date = fullTime(language, warning.atMs);
  if (warning.kind === 'conflict') return <p>{fill(warnings.conflictText, { date })}</p>;
  return (
    <p>
      {fill(warnings.keyChangeText, { date })} {warning.wasVerified && warnings.wasVerified}
    </p>
  );
}

function LooksLike({ address }: { readonly address: string }) {
  const { warnings } = useSpeech().words.contacts;
  const { value: contacts = [] } = useResource<readonly ContactDto[]>('contacts');
  const other = contacts.find((one) => one.address === address);
  return (
    <p>
      {warnings.looksLikeText}{' '}
      {other === undefined ? (
        <span className="mono">{address}</span>
      ) : (
        <a href={hrefOf('contacts', sectionOf(other.state), address)}>{titleOf(other)}</a>
      )}
    </p>
  );
}

function AcceptChange({ address }: { readonly address: string }) {
  const { warnings } = useSpeech().words.contacts;
  const { api } = useData();
  const toast = useToast();
  const [isAsking, setAsking] = useState(false);
  const path = `contacts/${encodeURIComponent(address)}/accept-keys`;
  return (
    <>
      <Button onPress={() => setAsking(true)}>{warnings.accept}</Button>
      {isAsking && (
        <Confirm
          title={warnings.acceptTitle}
          text={warnings.acceptText}
          action={warnings.accept}
          work={async () => await api.send(path, { method: 'POST' })}
          onDone={() => toast({ text: warnings.accepted })}
          onClose={() => setAsking(false)}
        />
      )}
    </>
  );
}
