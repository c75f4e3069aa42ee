/** Backups: one now, and how those are set that make themselves. */
import { Save } from 'lucide-react';
import { useState } from 'react';
import type { BackupDto, BackupsDto } from '../../../src/api/backup-dto.ts';
import { useData } from '../daemon/use-data.ts';
import { Button } from '../ui/button.tsx';
import { Choice, Facts, Fault, Field, Panel, Switch } from '../ui/form.tsx';
import { Loaded } from '../ui/loaded.tsx';
import { useToast } from '../ui/toasts.tsx';
import { problemText } from '../words/problem-text.ts';
import { fill } from '../words/plurals.ts';
import { fullTime, sizeText } from '../words/times.ts';
import { useCount, useSpeech, useWords } from '../words/use-words.ts';
import { backupRequest, type BackupLock } from './backup-request.ts';

const LOCKS = ['words', 'passphrase'] as const satisfies readonly BackupLock[];

export function BackupPage() {
  const { settings } = useWords();
  return (
    <>
      <Panel title={settings.backups}>
        <p>{settings.backupHint}</p>
        <BackupForm />
      </Panel>
      <Panel title={settings.automatic}>
        <Loaded<BackupsDto> path="backups">{(backups) => <Automatic backups={backups} />}</Loaded>
      </Panel>
    </>
  );
}

function BackupForm() {
  const words = useWords();
  const { settings } = words;
  const { api, resources } = useData();
  const toast = useToast();
  const [path, setPath] = useState('');
  const [lock, setLock] = useState<BackupLock>('words');
  const [passphrase, setPassphrase] = useState('');
  const [withMail, setWithMail] = useState(true);
  const [isWriting, setWriting] = useState(false);
  const [fault, setFault] = useState<string | undefined>(undefined);

  async function write(): Promise<void> {
    const json = backupRequest({ path, lock, passphrase, withMail });
    setFault(json === undefined ? settings.noPath : undefined);
    if (json === undefined) return;
    setWriting(true);
    try {
      await api.send<BackupDto>('backups', { method: 'POST', json });
      setPassphrase('');
      resources.invalidate('backups');
      toast({ text: settings.written });
    } catch (error) {
      setFault(problemText(words, error));
    }
    setWriting(false);
  }

  return (
    <form
      className="form"
      onSubmit={(event) => {
        event.preventDefault();
        void write();
      }}
    >
      <Field label={settings.path} hint={settings.pathHint} value={path} onChange={setPath} />
      <Choice
        label={settings.lock}
        value={lock}
        options={LOCKS.map((id) => ({ id, text: settings.locks[id] }))}
        onChange={setLock}
      />
      {lock === 'passphrase' && (
        <Field
          label={settings.passphrase}
          type="password"
          value={passphrase}
          onChange={setPassphrase}
          maxLength={1_024}
        />
      )}
      <Switch isOn={withMail} onChange={setWithMail}>
        {settings.withMail}
      </Switch>
      <Fault text={fault} />
      {isWriting && <p role="status">{settings.writing}</p>}
      <div>
        <Button type="submit" icon={Save} isDisabled={isWriting}>
          {settings.write}
        </Button>
      </div>
    </form>
  );
}

function Automatic({ backups }: { readonly backups: BackupsDto }) {
  const { language, words } = useSpeech();
  const { settings } = words;
  const countOf = useCount();
  const { automatic, made } = backups;
  const { folder, everyHours, keep, lastError } = automatic;
  const [newest] = made;
  return (
    <>
      <p>
        {folder === null
          ? settings.automaticOff
          : fill(settings.automaticOn, {
              folder,
              hours: countOf(settings.hours, everyHours),
              kept: countOf(settings.kept, keep),
            })}
      </p>
      {lastError !== null && (
        <p className="form-warning">{fill(settings.lastError, { code: lastError })}</p>
      )}
      <Facts
        facts={[
          {
            name: settings.lastMade,
            value:
              newest === undefined
                ? settings.noneMade
                : [
                    fullTime(language, newest.createdAtMs),
                    sizeText(language, newest.sizeBytes),
                  ].join(', '),
          },
          ...(newest === undefined
            ? []
            : [{ name: settings.path, value: newest.path, isMono: true, canCopy: true }]),
        ]}
      />
    </>
  );
}
