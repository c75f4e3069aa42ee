/** Compares a safety number: by eye, by scanning the other's code, or by pasting theirs. */
import { Check, ScanQrCode } from 'lucide-react';
import { type SubmitEvent, useState } from 'react';
import { Label, TextArea, TextField } from 'react-aria-components';
import type { ContactDto } from '../../../src/api/dto.ts';
import type { ContactDetailDto, VerifyDto } from '../../../src/api/people-dto.ts';
import { useData } from '../daemon/use-data.ts';
import { Button } from '../ui/button.tsx';
import { useToast } from '../ui/toasts.tsx';
import { fill } from '../words/plurals.ts';
import { useWords } from '../words/use-words.ts';
import { proofIn } from './contact-text.ts';
import { titleOf } from './people.ts';
import { Problem } from './problem.tsx';
import { SafetyNumber } from './safety-number.tsx';
import { Scanner } from './scanner.tsx';
import { Sheet } from './sheet.tsx';
import { useAction } from './use-action.ts';

export interface VerifyDialogProps {
  readonly contact: ContactDetailDto;
  /** Our side's. */
  readonly number: string;
  readonly onClose: () => void;
}

export function VerifyDialog({ contact, number, onClose }: VerifyDialogProps) {
  const { safety } = useWords().contacts;
  const { api } = useData();
  const toast = useToast();
  const { isBusy, problem, run, refuse } = useAction();
  const [isScanning, setScanning] = useState(false);
  const name = titleOf(contact);

  function verify(proof: VerifyDto | undefined, wrong: string): void {
    if (proof === undefined) {
      refuse(wrong);
      return;
    }
    const path = `contacts/${encodeURIComponent(contact.address)}/verify`;
    run(
      async () => await api.send<ContactDto>(path, { method: 'POST', json: proof }),
      () => {
        onClose();
        toast({ text: fill(safety.done, { name }) });
      },
    );
  }

  return (
    <Sheet title={safety.verify} onClose={onClose}>
      <p>{fill(safety.compare, { name })}</p>
      {isScanning ? (
        <Scanner
          onStop={() => setScanning(false)}
          onText={(text) => {
            setScanning(false);
            // A code of anything else is no safety number of the two.
            verify(proofIn(text), safety.wrong);
          }}
        />
      ) : (
        <SafetyNumber contact={contact} number={number} />
      )}
      <Problem text={problem} />
      {/* Nobody has compared digits that are not shown. */}
      {!isScanning && (
        <div className="contacts-actions">
          <Button
            kind="main"
            icon={Check}
            isDisabled={isBusy}
            onPress={() => verify({ number }, safety.incomplete)}
          >
            {safety.same}
          </Button>
          <Button icon={ScanQrCode} onPress={() => setScanning(true)}>
            {safety.scan}
          </Button>
        </div>
      )}
      <TheirNumber isBusy={isBusy} onGiven={(text) => verify(proofIn(text), safety.incomplete)} />
    </Sheet>
  );
}

interface TheirNumberProps {
  readonly isBusy: boolean;
  readonly onGiven: (text: string) => void;
}

/** What the other person has sent over another way. */
function TheirNumber({ isBusy, onGiven }: TheirNumberProps) {
  const { safety } = useWords().contacts;
  const [theirs, setTheirs] = useState('');

  function submit(event: SubmitEvent): void {
    event.preventDefault();
    onGiven(theirs);
  }

  return (
    <form className="contacts-form" onSubmit={submit}>
      <TextField className="field" value={theirs} maxLength={1_024} onChange={setTheirs}>
        <Label>{safety.theirs}</Label>
        <TextArea rows={2} className="mono" />
      </TextField>
      <div className="contacts-actions">
        <Button type="submit" isDisabled={isBusy || theirs.trim() === ''}>
          {safety.check}
        </Button>
      </div>
    </form>
  );
}
