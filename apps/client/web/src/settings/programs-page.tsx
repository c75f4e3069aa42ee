/** Mail programs: where they connect, and a password for each. */
import { Download, KeyRound } from 'lucide-react';
import { useState } from 'react';
import type { AddedAppPasswordDto, BridgeDto } from '../../../src/api/bridge-dto.ts';
import { useData, useNow } from '../daemon/use-data.ts';
import { Button } from '../ui/button.tsx';
import { Facts, Fault, Field, Panel } from '../ui/form.tsx';
import { Loaded } from '../ui/loaded.tsx';
import { QrCode } from '../ui/qr-code.tsx';
import { saveText } from '../ui/save-text.ts';
import { Sheet } from '../ui/sheet.tsx';
import { useAction } from '../ui/use-action.ts';
import { fill } from '../words/plurals.ts';
import { shortTime } from '../words/times.ts';
import { useSpeech, useWords } from '../words/use-words.ts';

/** Characters of a program's name. */
const MAX_NAME = 64;

export function ProgramsPage() {
  const { settings } = useWords();
  return (
    <Loaded<BridgeDto> path="bridge">
      {(bridge) => (
        <>
          <Panel title={settings.programs}>
            <p>{settings.programsHint}</p>
            <Doors bridge={bridge} />
          </Panel>
          <Panel title={settings.passwords}>
            <PasswordForm />
            <Passwords bridge={bridge} />
          </Panel>
        </>
      )}
    </Loaded>
  );
}

function Doors({ bridge }: { readonly bridge: BridgeDto }) {
  const { settings } = useWords();
  const { host, user, doors, fingerprint, certPem } = bridge;
  if (doors.length === 0) return <p>{settings.noDoors}</p>;
  return (
    <>
      <Facts
        facts={[
          { name: settings.host, value: host, canCopy: true },
          { name: settings.user, value: user, isMono: true, canCopy: true },
          ...doors.map(({ protocol, tls, port }) => ({
            name: fill(settings.door, {
              protocol: protocol.toUpperCase(),
              tls: settings.tls[tls],
            }),
            value: `${port}`,
            canCopy: true,
          })),
          { name: settings.fingerprint, value: fingerprint, isMono: true, canCopy: true },
        ]}
      />
      <div>
        <Button
          icon={Download}
          onPress={() => saveText(certPem, 'application/x-pem-file', 'tanglemail-ca.pem')}
        >
          {settings.certificate}
        </Button>
      </div>
    </>
  );
}

function PasswordForm() {
  const { settings } = useWords();
  const { api, resources } = useData();
  const { run, fault, isRunning } = useAction();
  const [name, setName] = useState('');
  const [made, setMade] = useState<AddedAppPasswordDto | undefined>(undefined);
  return (
    <>
      <form
        className="inline-form"
        onSubmit={(event) => {
          event.preventDefault();
          run(async () => {
            const json = { name: name.trim() };
            setMade(
              await api.send<AddedAppPasswordDto>('bridge/passwords', { method: 'POST', json }),
            );
            setName('');
            resources.invalidate('bridge');
          });
        }}
      >
        <Field label={settings.programName} value={name} onChange={setName} maxLength={MAX_NAME} />
        <Button type="submit" icon={KeyRound} isDisabled={isRunning || name.trim() === ''}>
          {settings.make}
        </Button>
        <Fault text={fault} />
      </form>
      {made !== undefined && (
        <Sheet title={fill(settings.made, { name: made.name })} onClose={() => setMade(undefined)}>
          <p>{settings.madeHint}</p>
          <Facts
            facts={[{ name: settings.password, value: made.password, isMono: true, canCopy: true }]}
          />
          <QrCode text={made.password} label={settings.passwordQr} />
        </Sheet>
      )}
    </>
  );
}

function Passwords({ bridge }: { readonly bridge: BridgeDto }) {
  const { language, words } = useSpeech();
  const { settings } = words;
  const { api, resources } = useData();
  const { run, fault, isRunning } = useAction();
  const nowMs = useNow();
  if (bridge.passwords.length === 0) return <p>{settings.noPasswords}</p>;
  return (
    <>
      <Fault text={fault} />
      <ul className="things">
        {bridge.passwords.map(({ id, name, lastUsedMs }) => (
          <li key={id} className="thing">
            <span className="thing-text">
              <span>{name}</span>
              <small>
                {lastUsedMs === null
                  ? settings.neverUsed
                  : fill(settings.usedLast, { time: shortTime(language, lastUsedMs, nowMs) })}
              </small>
            </span>
            <Button
              kind="danger"
              isDisabled={isRunning}
              onPress={() =>
                run(
                  async () => {
                    const path = `bridge/passwords/${encodeURIComponent(id)}`;
                    await api.send(path, { method: 'DELETE' });
                    resources.invalidate('bridge');
                  },
                  fill(settings.revoked, { name }),
                )
              }
            >
              {fill(settings.revoke, { name })}
            </Button>
          </li>
        ))}
      </ul>
    </>
  );
}
