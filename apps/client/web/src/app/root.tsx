/** Language, session and data around the pages. Before: main.tsx; after: app.tsx. */
import { useEffect, useState } from 'react';
import { type DataAccess, DataProvider } from '../daemon/use-data.ts';
import type { Words } from '../words/en.ts';
import type { Language } from '../words/use-words.ts';
import { App } from './app.tsx';
import { SignedOut } from './signed-out.tsx';
import { Spoken } from './spoken.tsx';

export interface RootProps {
  readonly language: Language;
  readonly words: Words;
  /** Undefined in a browser that is not signed in. */
  readonly data: DataAccess | undefined;
  /** Those that the daemon stands behind. */
  readonly faces: readonly string[];
}

export function Root({ language, words, data, faces }: RootProps) {
  const [isSignedIn, setSignedIn] = useState(data !== undefined);
  useEffect(() => data?.api.onSignedOut(() => setSignedIn(false)), [data]);
  return (
    <Spoken language={language} words={words}>
      {data === undefined || !isSignedIn ? (
        <SignedOut />
      ) : (
        <DataProvider value={data}>
          <App faces={faces} />
        </DataProvider>
      )}
    </Spoken>
  );
}
