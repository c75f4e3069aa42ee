/** Language, session and data around the pages. Before: main.tsx; after: app.tsx. */
import { useEffect, useState } from 'react';
import { I18nProvider } from 'react-aria-components';
import { type DataAccess, DataProvider } from '../daemon/use-data.ts';
import type { Words } from '../words/en.ts';
import { chooseLanguage, type Language, loadWords, SpeechProvider } from '../words/use-words.ts';
import { App } from './app.tsx';
import { SignedOut } from './signed-out.tsx';

export interface RootProps {
  readonly language: Language;
  readonly words: Words;
  /** Undefined in a browser that is not signed in. */
  readonly data: DataAccess | undefined;
}

export function Root({ language, words, data }: RootProps) {
  const [spoken, setSpoken] = useState({ language, words });
  const [isSignedIn, setSignedIn] = useState(data !== undefined);
  useEffect(() => data?.api.onSignedOut(() => setSignedIn(false)), [data]);
  const speech = {
    ...spoken,
    speak: async (next: Language): Promise<void> => {
      const loaded = await loadWords(next);
      chooseLanguage(next);
      document.documentElement.lang = next;
      setSpoken({ language: next, words: loaded });
    },
  };
  return (
    <I18nProvider locale={spoken.language}>
      <SpeechProvider value={speech}>
        {data === undefined || !isSignedIn ? (
          <SignedOut />
        ) : (
          <DataProvider value={data}>
            <App />
          </DataProvider>
        )}
      </SpeechProvider>
    </I18nProvider>
  );
}
