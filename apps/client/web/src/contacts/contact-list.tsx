/** The lists of contacts: everybody, who asks, who is blocked; searched as one types. */
import { Search, UserPlus, Users } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import { Input, SearchField } from 'react-aria-components';
import type { ContactDto } from '../../../src/api/dto.ts';
import { useData, useResource } from '../daemon/use-data.ts';
import { go, hrefOf } from '../frame/route.ts';
import { Button, IconButton } from '../ui/button.tsx';
import { Empty, Failed, Skeleton } from '../ui/states.tsx';
import { VirtualList } from '../ui/virtual-list.tsx';
import { fill } from '../words/plurals.ts';
import { useCount, useWords } from '../words/use-words.ts';
import { AddContact } from './add-contact.tsx';
import { ContactRow } from './contact-row.tsx';
import { listed, type Section } from './people.ts';

const ROW_HEIGHT = 68;
const PLACES = ['all', 'requests', 'blocked', 'own'] as const;

export interface ContactListProps {
  readonly section: Section;
  readonly isOwn: boolean;
  /** Address of the contact that is open. */
  readonly open: string | undefined;
}

export function ContactList({ section, isOwn, open }: ContactListProps) {
  const { contacts: words } = useWords();
  const countOf = useCount();
  const { resources } = useData();
  const [search, setSearch] = useState('');
  const [isAdding, setAdding] = useState(false);
  const { value, problem } = useResource<readonly ContactDto[]>('contacts');
  const shown = listed(value ?? [], section, search);
  const requests = listed(value ?? [], 'requests', '').length;

  return (
    <section className="contact-list" aria-label={words.sections[section]}>
      <header className="contact-list-head">
        <SearchField
          className="contact-search"
          aria-label={words.search}
          value={search}
          onChange={setSearch}
        >
          <Search aria-hidden size={16} />
          <Input placeholder={words.search} />
        </SearchField>
        <IconButton icon={UserPlus} label={words.add.title} onPress={() => setAdding(true)} />
      </header>
      <Places present={isOwn ? 'own' : section} requests={requests} />
      <div className="sr-only" role="status">
        {search !== '' && countOf(words.contactCount, shown.length)}
      </div>
      {problem !== undefined && value === undefined && (
        <Failed problem={problem} retry={() => resources.invalidate('contacts')} />
      )}
      {problem === undefined && value === undefined && <Skeleton />}
      {value !== undefined && shown.length > 0 && (
        <VirtualList
          label={words.sections[section]}
          count={shown.length}
          rowHeight={ROW_HEIGHT}
          chosen={shown.findIndex(({ address }) => address === open)}
          onChoose={(index) => show(section, shown[index])}
          onOpen={(index) => show(section, shown[index])}
          renderRow={(index) => {
            const contact = shown[index];
            return contact === undefined ? undefined : <ContactRow contact={contact} />;
          }}
        />
      )}
      {value !== undefined &&
        shown.length === 0 &&
        (search === '' ? (
          <EmptyList section={section}>
            <Button icon={UserPlus} onPress={() => setAdding(true)}>
              {words.add.title}
            </Button>
          </EmptyList>
        ) : (
          <Empty
            icon={Search}
            action={<Button onPress={() => setSearch('')}>{words.clear}</Button>}
          >
            {fill(words.noMatch, { search })}
          </Empty>
        ))}
      {isAdding && <AddContact onClose={() => setAdding(false)} />}
    </section>
  );
}

function show(section: Section, contact: ContactDto | undefined): void {
  if (contact !== undefined) go('contacts', section, contact.address);
}

interface EmptyListProps {
  readonly section: Section;
  readonly children: ReactNode;
}

/** With the one thing to do, where there is one. */
function EmptyList({ section, children }: EmptyListProps) {
  const { contacts } = useWords();
  const action = section === 'all' ? { action: children } : {};
  return (
    <Empty icon={Users} {...action}>
      {contacts.empty[section]}
    </Empty>
  );
}

interface PlacesProps {
  readonly present: Section | 'own';
  readonly requests: number;
}

function Places({ present, requests }: PlacesProps) {
  const { contacts } = useWords();
  return (
    <nav className="contact-places" aria-label={contacts.lists}>
      <ul>
        {PLACES.map((place) => (
          <li key={place}>
            <a
              href={hrefOf('contacts', place)}
              className="contact-place"
              aria-current={place === present ? 'page' : undefined}
            >
              {contacts.sections[place]}
              {place === 'requests' && requests > 0 && (
                <span className="contact-place-count figures">{requests}</span>
              )}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}
