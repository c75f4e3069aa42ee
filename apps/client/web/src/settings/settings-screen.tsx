/** Settings: a page for each kind of them. */
import type { ComponentType } from 'react';
import { hrefOf, type ScreenProps } from '../frame/route.ts';
import type { Words } from '../words/en.ts';
import { useWords } from '../words/use-words.ts';
import { AboutPage } from './about-page.tsx';
import { BackupPage } from './backup-page.tsx';
import { DevicesPage } from './devices-page.tsx';
import { GeneralPage } from './general-page.tsx';
import { HooksPage } from './hooks-page.tsx';
import { PrivacyPage } from './privacy-page.tsx';
import { ProgramsPage } from './programs-page.tsx';
import './settings.css';

const PAGES = [
  ['general', GeneralPage],
  ['privacy', PrivacyPage],
  ['programs', ProgramsPage],
  ['devices', DevicesPage],
  ['backup', BackupPage],
  ['hooks', HooksPage],
  ['about', AboutPage],
] as const satisfies readonly (readonly [keyof Words['settings'], ComponentType])[];

export function SettingsScreen({ parts }: ScreenProps) {
  const { settings } = useWords();
  const [present, Page] = PAGES.find(([name]) => name === parts[0]) ?? PAGES[0];
  return (
    <div className="settings">
      <h1 className="sr-only">{settings.pages}</h1>
      <nav className="settings-pages" aria-label={settings.pages}>
        <ul>
          {PAGES.map(([name]) => (
            <li key={name}>
              <a
                href={hrefOf('settings', name)}
                aria-current={name === present ? 'page' : undefined}
              >
                {settings[name]}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <div className="settings-page">
        <Page />
      </div>
    </div>
  );
}
