/** The language around the pages of every face. Before: root.tsx, node/node-root.tsx. */
import { type ReactNode, useState } from 'react';
import { I18nProvider } from 'react-aria-components';
import type { Words } from '../words/en.ts';
import { chooseLanguage, type Language, loadWords, SpeechProvider } from '../words/use-words.ts';

export interface SpokenProps {
  readonly language: Language;
  readonly words: Words;
  readonly children: ReactNode;
}

export function Spoken({ language, words, children }: SpokenProps) {
  const [spoken, setSpoken] = useState({ language, words });
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
      <SpeechProvider value={speech}>{children}</SpeechProvider>
    </I18nProvider>
  );
}
