/** Contacts to choose from, found by name or address. */
import { useState } from 'react';
import {
  Input,
  Label,
  ListBox,
  ListBoxItem,
  type Selection,
  TextField,
} from 'react-aria-components';
import type { ContactDto } from '../../../src/api/dto.ts';
import { useResource } from '../daemon/use-data.ts';
import { Skeleton } from '../ui/states.tsx';
import { useWords } from '../words/use-words.ts';

export interface ContactPickProps {
  /** Addresses that are not offered. */
  readonly without?: readonly string[];
  /** Several are chosen; else choosing one is all. */
  readonly chosen?: ReadonlySet<string>;
  readonly onChange?: (addresses: ReadonlySet<string>) => void;
  readonly onPick?: (address: string) => void;
  /** Those who have not written yet cannot be chosen. */
  readonly isHeardOnly?: boolean;
  /** What is typed, and how many contacts are called so. */
  readonly onTyped?: (text: string, found: number) => void;
}

export function ContactPick(props: ContactPickProps) {
  const { without = [], chosen, onChange, onPick, isHeardOnly = false, onTyped } = props;
  const { pick } = useWords().chat;
  const [typed, setTyped] = useState('');
  const { value, isLoading } = useResource<readonly ContactDto[]>('contacts');
  const offered = (value ?? []).filter(
    ({ state, address }) => state === 'accepted' && !without.includes(address),
  );
  const found = foundBy(offered, typed);
  function type(text: string): void {
    setTyped(text);
    onTyped?.(text.trim(), foundBy(offered, text).length);
  }
  function select(keys: Selection): void {
    if (keys === 'all') return;
    onChange?.(new Set([...keys].map(String)));
  }
  const unheard = isHeardOnly ? offered.filter((one) => !one.knowsUs) : [];
  return (
    <>
      <TextField className="field" value={typed} onChange={type} autoFocus={onPick !== undefined}>
        <Label>{pick.find}</Label>
        <Input />
      </TextField>
      {value === undefined && isLoading && <Skeleton lines={3} />}
      <ListBox
        className="contact-pick"
        aria-label={pick.contacts}
        items={found.map(({ address, name, email }) => ({ id: address, name, email }))}
        disabledKeys={unheard.map(({ address }) => address)}
        renderEmptyState={() => <p>{offered.length === 0 ? pick.noContacts : pick.none}</p>}
        {...(chosen === undefined
          ? { onAction: (key) => onPick?.(String(key)) }
          : { selectionMode: 'multiple', selectedKeys: chosen, onSelectionChange: select })}
      >
        {({ id, name, email }) => (
          <ListBoxItem id={id} textValue={name || id} className="option">
            {chosen !== undefined && <span className="check-box" aria-hidden />}
            <span className="contact-pick-text">
              <span className="cut">{name || id}</span>
              <small className="cut">
                {unheard.some(({ address }) => address === id) ? pick.notHeard : email}
              </small>
            </span>
          </ListBoxItem>
        )}
      </ListBox>
    </>
  );
}

function foundBy(contacts: readonly ContactDto[], typed: string): ContactDto[] {
  const part = typed.trim().toLowerCase();
  return contacts.filter(({ name, email }) => `${name}\n${email}`.toLowerCase().includes(part));
}
