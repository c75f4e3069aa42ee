/**
 * The web client: signs in, loads the words of the user's language, and draws. After: app/root.tsx.
 * Spec: docs/spec/41-client-api.md, "Pages".
 */
import '@fontsource-variable/inter/wght.css';
import { createRoot } from 'react-dom/client';
import { Root } from './app/root.tsx';
import { followTheme } from './frame/theme.ts';
import { Api } from './daemon/api.ts';
import { forgetKey, signIn } from './daemon/session.ts';
import { openData } from './daemon/use-data.ts';
import { loadWords, presentLanguage } from './words/use-words.ts';
import './styles/tokens.css';
import './styles/base.css';

const language = presentLanguage();
document.documentElement.lang = language;
followTheme();
const [words, pageKey] = await Promise.all([
  loadWords(language),
  signIn().catch(() => {
    forgetKey();
    return undefined;
  }),
]);
const data = pageKey === undefined ? undefined : openData(new Api(pageKey));
const place = document.querySelector('#app');
if (place === null) throw new Error('broken invariant: the page has a place for the app');
createRoot(place).render(<Root language={language} words={words} data={data} />);
