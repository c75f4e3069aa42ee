/** A safety number as people compare it: digits to read, and a code to scan. */
import type { ContactDetailDto } from '../../../src/api/people-dto.ts';
import { QrCode } from '../ui/qr-code.tsx';
import { fill } from '../words/plurals.ts';
import { useWords } from '../words/use-words.ts';
import { groupsOf } from './contact-text.ts';
import { titleOf } from './people.ts';

export interface SafetyNumberProps {
  readonly contact: ContactDetailDto;
  readonly number: string;
}

/** Twelve groups of five digits, and the same as a code. */
export function SafetyNumber({ contact, number }: SafetyNumberProps) {
  const { safety } = useWords().contacts;
  const name = titleOf(contact);
  // Two groups may have the same digits: the place tells them apart.
  const groups = groupsOf(number).map((digits, place) => ({ id: place, digits }));
  return (
    <div className="safety">
      <ol className="safety-number figures" aria-label={fill(safety.label, { name })}>
        {groups.map(({ id, digits }) => (
          <li key={id}>{digits}</li>
        ))}
      </ol>
      {contact.safetyCode !== undefined && (
        <QrCode text={contact.safetyCode} label={safety.codeLabel} />
      )}
    </div>
  );
}
