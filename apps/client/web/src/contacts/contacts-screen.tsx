/**
 * Contacts: the lists, and beside them one person or the own card. Places: `#/contacts/own`,
 * `#/contacts/all/ADDRESS`, and the same of `requests` and `blocked`.
 */
import type { ScreenProps } from '../frame/route.ts';
import { useWords } from '../words/use-words.ts';
import { ContactList } from './contact-list.tsx';
import { ContactPage } from './contact-page.tsx';
import { OwnCard } from './own-card.tsx';
import { isSection } from './people.ts';
import './contacts.css';

export function ContactsScreen({ parts }: ScreenProps) {
  const { faces } = useWords();
  const [place = 'all', open] = parts;
  const section = isSection(place) ? place : 'all';
  const isReading = place === 'own' || open !== undefined;
  return (
    <div className={isReading ? 'contacts contacts-reading' : 'contacts'}>
      <h1 className="sr-only">{faces.contacts}</h1>
      <ContactList section={section} isOwn={place === 'own'} open={open} />
      {open === undefined ? (
        <OwnCard />
      ) : (
        <ContactPage key={open} address={open} section={section} />
      )}
    </div>
  );
}
