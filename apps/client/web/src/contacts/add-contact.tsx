/** Adds somebody by a link, an address or a QR code. */
import { ScanQrCode } from 'lucide-react';
import { type SubmitEvent, useState } from 'react';
import { Input, Label, Text, TextArea, TextField } from 'react-aria-components';
import type { ContactDto } from '../../../src/api/dto.ts';
import { useData } from '../daemon/use-data.ts';
import { go } from '../frame/route.ts';
import { Button } from '../ui/button.tsx';
import { useToast } from '../ui/toasts.tsx';
import { fill } from '../words/plurals.ts';
import { useWords } from '../words/use-words.ts';
import { contactIn, nameIn } from './contact-text.ts';
import { sectionOf, titleOf } from './people.ts';
import { Problem } from './problem.tsx';
import { Scanner } from './scanner.tsx';
import { Sheet } from './sheet.tsx';
import { useAction } from './use-action.ts';

export function AddContact({ onClose }: { readonly onClose: () => void }) {
  const { contacts } = useWords();
  const { api } = useData();
  const toast = useToast();
  const { isBusy, problem, run, refuse } = useAction();
  const [text, setText] = useState('');
  const [name, setName] = useState('');
  const [isScanning, setScanning] = useState(false);

  /** A name in the link is offered, unless the user has typed one. */
  function take(given: string): void {
    setText(given);
    const suggested = nameIn(given);
    if (suggested !== '') setName((present) => (present === '' ? suggested : present));
  }

  function submit(event: SubmitEvent): void {
    event.preventDefault();
    const found = contactIn(text);
    if (found === undefined) {
      refuse(contacts.add.missing);
      return;
    }
    const called = name.trim() === '' ? {} : { name: name.trim() };
    const json = { ...found, ...called };
    run(
      async () => await api.send<ContactDto>('contacts', { method: 'POST', json }),
      (added) => {
        onClose();
        toast({ text: fill(contacts.added, { name: titleOf(added) }) });
        go('contacts', sectionOf(added.state), added.address);
      },
    );
  }

  return (
    <Sheet title={contacts.add.title} onClose={onClose}>
      <form className="contacts-form" onSubmit={submit}>
        <TextField className="field" value={text} maxLength={4_096} onChange={take} autoFocus>
          <Label>{contacts.add.text}</Label>
          <TextArea rows={3} className="mono" />
          <Text slot="description">{contacts.add.hint}</Text>
        </TextField>
        {isScanning ? (
          <Scanner
            onStop={() => setScanning(false)}
            onText={(scanned) => {
              setScanning(false);
              take(scanned);
            }}
          />
        ) : (
          <Button icon={ScanQrCode} onPress={() => setScanning(true)}>
            {contacts.add.scan}
          </Button>
        )}
        <TextField className="field" value={name} maxLength={64} onChange={setName}>
          <Label>{contacts.name}</Label>
          <Input autoComplete="off" />
        </TextField>
        <Problem text={problem} />
        <div className="contacts-actions">
          <Button kind="main" type="submit" isDisabled={isBusy}>
            {contacts.add.action}
          </Button>
        </div>
      </form>
    </Sheet>
  );
}
