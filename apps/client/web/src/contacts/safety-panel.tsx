/** The safety number of the user and a contact, its comparison, and what changed over time. */
import { ShieldCheck } from 'lucide-react';
import { useState } from 'react';
import type { ContactDetailDto } from '../../../src/api/people-dto.ts';
import { Button } from '../ui/button.tsx';
import { fill } from '../words/plurals.ts';
import { fullTime } from '../words/times.ts';
import { useSpeech } from '../words/use-words.ts';
import { fingerprintOf } from './contact-text.ts';
import { SafetyNumber } from './safety-number.tsx';
import { VerifyDialog } from './verify-dialog.tsx';

export function SafetyPanel({ contact }: { readonly contact: ContactDetailDto }) {
  const { language, words } = useSpeech();
  const { safety } = words.contacts;
  const { safetyNumber, verifiedAtMs } = contact;
  const [isComparing, setComparing] = useState(false);
  return (
    <section className="contacts-panel">
      <h3>{safety.title}</h3>
      {safetyNumber === undefined ? (
        <p className="contacts-hint">{safety.none}</p>
      ) : (
        <>
          <p className="contacts-hint">{safety.hint}</p>
          <SafetyNumber contact={contact} number={safetyNumber} />
          {verifiedAtMs !== undefined && (
            <p>{fill(safety.since, { date: fullTime(language, verifiedAtMs) })}</p>
          )}
          <Button icon={ShieldCheck} onPress={() => setComparing(true)}>
            {verifiedAtMs === undefined ? safety.verify : safety.again}
          </Button>
          {isComparing && (
            <VerifyDialog
              contact={contact}
              number={safetyNumber}
              onClose={() => setComparing(false)}
            />
          )}
        </>
      )}
      <History keys={contact.keyHistory} />
    </section>
  );
}

function History({ keys }: { readonly keys: ContactDetailDto['keyHistory'] }) {
  const { language, words } = useSpeech();
  const { safety } = words.contacts;
  if (keys.length === 0) return undefined;
  return (
    <>
      <h4>{safety.history}</h4>
      <ol className="contact-history">
        {keys.toReversed().map(({ identityKey, seenAtMs }) => (
          <li key={`${identityKey} ${seenAtMs}`}>
            <span>{fill(safety.historyLine, { date: fullTime(language, seenAtMs) })}</span>
            <span className="mono">
              {fill(safety.fingerprint, { digits: fingerprintOf(identityKey) })}
            </span>
          </li>
        ))}
      </ol>
    </>
  );
}
