/** The language of the pages: the user's choice, else the browser's, else English. */
import { createContext, useContext } from 'react';
import type { Words } from './en.ts';
import { countText, type Plurals } from './plurals.ts';

export const LANGUAGES = ['en', 'it', 'de'] as const;
export type Language = (typeof LANGUAGES)[number];

const CHOICE_NAME = 'tanglemail.language';

const LOADERS: Readonly<Record<Language, () => Promise<Words>>> = {
  en: async () => (await import('./en.ts')).en,
  it: async () => (await import('./it.ts')).it,
  de: async () => (await import('./de.ts')).de,
};

export async function loadWords(language: Language): Promise<Words> {
  return await LOADERS[language]();
}

/** The first of `wanted` that we speak. */
export function languageOf(chosen: string | null, wanted: readonly string[]): Language {
  const asked = [chosen ?? '', ...wanted].map((one) => one.slice(0, 2).toLowerCase());
  return asked.flatMap((one) => LANGUAGES.filter((known) => known === one))[0] ?? 'en';
}

export function presentLanguage(): Language {
  return languageOf(localStorage.getItem(CHOICE_NAME), navigator.languages);
}

export function chooseLanguage(language: Language): void {
  localStorage.setItem(CHOICE_NAME, language);
}

export interface Speech {
  readonly language: Language;
  readonly words: Words;
  /** Loads another language and remembers it. */
  readonly speak: (language: Language) => Promise<void>;
}

const SpeechContext = createContext<Speech | undefined>(undefined);
export const SpeechProvider = SpeechContext.Provider;

export function useSpeech(): Speech {
  const speech = useContext(SpeechContext);
  if (speech === undefined) throw new Error('broken invariant: a screen stands inside a language');
  return speech;
}

export function useWords(): Words {
  return useSpeech().words;
}

/** Counts in words of the present language. */
export function useCount(): (plurals: Plurals, count: number) => string {
  const { language } = useSpeech();
  return (plurals, count) => countText(language, plurals, count);
}
