/** Language, theme, the own name, and leaving this browser. */
import { LogOut } from 'lucide-react';
import { useState } from 'react';
import type { SettingsDto } from '../../../src/api/people-dto.ts';
import { forgetKey } from '../daemon/session.ts';
import { useData } from '../daemon/use-data.ts';
import { chooseTheme, presentTheme, THEMES } from '../frame/theme.ts';
import { Button } from '../ui/button.tsx';
import { Choice, Fault, Field, Panel } from '../ui/form.tsx';
import { Loaded } from '../ui/loaded.tsx';
import { useAction } from '../ui/use-action.ts';
import { LANGUAGES, useSpeech, useWords } from '../words/use-words.ts';

/** Characters of a name in a letter. */
const MAX_NAME = 64;

export function GeneralPage() {
  const { settings } = useWords();
  return (
    <>
      <LookPanel />
      <Panel title={settings.profile}>
        <Loaded<SettingsDto> path="settings">
          {({ profileName }) => <NameForm key={profileName} present={profileName} />}
        </Loaded>
      </Panel>
      <BrowserPanel />
    </>
  );
}

function LookPanel() {
  const { language, words, speak } = useSpeech();
  const { settings } = words;
  const [theme, setTheme] = useState(presentTheme);
  return (
    <Panel title={settings.general}>
      <Choice
        label={settings.language}
        value={language}
        options={LANGUAGES.map((id) => ({ id, text: settings.languages[id] }))}
        onChange={(next) => void speak(next)}
      />
      <Choice
        label={settings.theme}
        value={theme}
        options={THEMES.map((id) => ({ id, text: settings.themes[id] }))}
        onChange={(next) => {
          chooseTheme(next);
          setTheme(next);
        }}
      />
    </Panel>
  );
}

function NameForm({ present }: { readonly present: string }) {
  const { forms, settings } = useWords();
  const { api, resources } = useData();
  const { run, fault, isRunning } = useAction();
  const [name, setName] = useState(present);
  return (
    <form
      className="inline-form"
      onSubmit={(event) => {
        event.preventDefault();
        run(async () => {
          await api.send('settings', { method: 'PATCH', json: { profileName: name.trim() } });
          resources.invalidate('settings');
        }, forms.saved);
      }}
    >
      <Field
        label={settings.profileName}
        hint={settings.profileHint}
        value={name}
        onChange={setName}
        maxLength={MAX_NAME}
      />
      <Button type="submit" isDisabled={isRunning || name.trim() === present}>
        {forms.save}
      </Button>
      <Fault text={fault} />
    </form>
  );
}

function BrowserPanel() {
  const { settings } = useWords();
  const { api } = useData();
  const { run, fault, isRunning } = useAction();
  return (
    <Panel title={settings.browser}>
      <p>
        {settings.signOutHint} <code className="mono">tanglemail web</code>
      </p>
      <Fault text={fault} />
      <div>
        <Button
          icon={LogOut}
          isDisabled={isRunning}
          onPress={() =>
            run(async () => {
              await api.send('session', { method: 'DELETE' });
              forgetKey();
              location.reload();
            })
          }
        >
          {settings.signOut}
        </Button>
      </div>
    </Panel>
  );
}
