/** Recipients as tags, with the contacts to choose from while one types. */
import { X } from 'lucide-react';
import { useState } from 'react';
import {
  Button,
  ComboBox,
  Input,
  Label,
  ListBox,
  ListBoxItem,
  Popover,
  Tag,
  TagGroup,
  TagList,
} from 'react-aria-components';
import type { ContactDto } from '../../../src/api/dto.ts';
import { useResource } from '../daemon/use-data.ts';
import { fill } from '../words/plurals.ts';
import { useWords } from '../words/use-words.ts';
import { splitRecipients } from './recipients.ts';

export interface RecipientFieldProps {
  readonly label: string;
  readonly value: readonly string[];
  readonly onChange: (value: readonly string[]) => void;
  readonly hasFocus?: boolean;
}

/** Those who are chosen; each can be taken away. */
function Tags({ label, value, onChange }: Omit<RecipientFieldProps, 'hasFocus'>) {
  const { compose } = useWords();
  if (value.length === 0) return undefined;
  return (
    <TagGroup
      aria-label={label}
      onRemove={(keys) => onChange(value.filter((one) => !keys.has(one)))}
    >
      <TagList className="recipient-tags">
        {value.map((one) => (
          <Tag key={one} id={one} textValue={one} className="recipient-tag">
            <span className="cut">{one}</span>
            <Button
              slot="remove"
              className="recipient-remove"
              aria-label={fill(compose.remove, { name: one })}
            >
              <X aria-hidden size={14} />
            </Button>
          </Tag>
        ))}
      </TagList>
    </TagGroup>
  );
}

export function RecipientField({ label, value, onChange, hasFocus }: RecipientFieldProps) {
  const [typed, setTyped] = useState('');
  const { value: contacts = [] } = useResource<readonly ContactDto[]>('contacts');
  const offered = contacts.filter(
    ({ state, name, email }) => state === 'accepted' && !value.includes(name || email),
  );

  function add(text: string): void {
    const more = splitRecipients(text).filter((one) => !value.includes(one));
    if (more.length > 0) onChange([...value, ...more]);
    setTyped('');
  }

  return (
    <div className="recipients">
      <ComboBox
        className="recipient-box"
        allowsCustomValue
        menuTrigger="input"
        items={offered.map(({ name, email }) => ({
          id: name || email,
          name: name || email,
          email,
        }))}
        inputValue={typed}
        onInputChange={(text) => {
          if (/[,;\n]/.test(text)) add(text);
          else setTyped(text);
        }}
        onSelectionChange={(key) => add(key === null ? typed : String(key))}
        onBlur={() => add(typed)}
      >
        <Label>{label}</Label>
        <Input
          autoFocus={hasFocus}
          onKeyDown={(event) => {
            if (event.key === 'Backspace' && typed === '') onChange(value.slice(0, -1));
          }}
        />
        <Popover className="popover">
          <ListBox className="options">
            {({ id, name, email }: { id: string; name: string; email: string }) => (
              <ListBoxItem id={id} textValue={name} className="option">
                <span>{name}</span>
                <small className="mono cut">{email}</small>
              </ListBoxItem>
            )}
          </ListBox>
        </Popover>
      </ComboBox>
      <Tags label={label} value={value} onChange={onChange} />
    </div>
  );
}
