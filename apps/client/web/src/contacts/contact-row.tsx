/** One contact in a list: name, shield, address or what to be warned of. */
import { ShieldCheck, TriangleAlert } from 'lucide-react';
import type { ContactDto } from '../../../src/api/dto.ts';
import { Avatar } from '../ui/avatar.tsx';
import { Chip } from '../ui/chip.tsx';
import { useWords } from '../words/use-words.ts';
import { isVerified, shortAddress, titleOf, warningsOf } from './people.ts';

export function ContactRow({ contact }: { readonly contact: ContactDto }) {
  const { contacts } = useWords();
  const [warning] = warningsOf(contact);
  return (
    <div className="contact-row">
      <Avatar name={contact.name} address={contact.address} />
      <div className="contact-row-text">
        <div className="contact-row-line">
          <span className="contact-row-name cut">{titleOf(contact)}</span>
          {isVerified(contact) && (
            <ShieldCheck className="contact-shield" size={14} aria-label={contacts.verified} />
          )}
        </div>
        {warning === undefined ? (
          <span className="contact-row-address mono cut">{shortAddress(contact.address)}</span>
        ) : (
          <Chip icon={TriangleAlert} tone={warning.kind === 'looksLike' ? 'warn' : 'err'}>
            {contacts.warnings[warning.kind]}
          </Chip>
        )}
      </div>
    </div>
  );
}
