/**
 * The pages: finds out which daemon serves them, loads the words of the user's language, and draws.
 * In front of a client one signs in; a node is open to read. After: app/root.tsx,
 * node/node-root.tsx. Spec: docs/spec/41-client-api.md, "Pages".
 */
import '@fontsource-variable/inter/wght.css';
import type { ReactNode } from 'react';
import { createRoot } from 'react-dom/client';
import { facesOfDaemon } from './app/faces.ts';
import { followTheme } from './frame/theme.ts';
import { type Language, loadWords, presentLanguage } from './words/use-words.ts';
import type { Words } from './words/en.ts';
import './styles/tokens.css';
import './styles/base.css';

interface Start {
  readonly language: Language;
  readonly words: Words;
  readonly faces: readonly string[];
}

async function nodePage({ language, words }: Start): Promise<ReactNode> {
  const { NodeRoot } = await import('./node/node-root.tsx');
  return <NodeRoot language={language} words={words} />;
}

async function clientPage(start: Start): Promise<ReactNode> {
  const { openClient } = await import('./app/open-client.tsx');
  return await openClient(start);
}

const language = presentLanguage();
document.documentElement.lang = language;
followTheme();
const [words, faces] = await Promise.all([loadWords(language), facesOfDaemon()]);
const start = { language, words, faces };
const place = document.querySelector('#app');
if (place === null) throw new Error('broken invariant: the page has a place for the app');
createRoot(place).render(await (faces.includes('node') ? nodePage(start) : clientPage(start)));
