/** Light or dark: as the system says, unless the user has chosen. */
export const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

const CHOICE_NAME = 'tanglemail.theme';
const darkQuery = matchMedia('(prefers-color-scheme: dark)');

export function presentTheme(): Theme {
  const chosen = localStorage.getItem(CHOICE_NAME);
  return THEMES.find((theme) => theme === chosen) ?? 'system';
}

/** Shows the page in the theme and remembers it. */
export function chooseTheme(theme: Theme): void {
  localStorage.setItem(CHOICE_NAME, theme);
  showTheme();
}

function showTheme(): void {
  const theme = presentTheme();
  const shown = theme === 'system' ? (darkQuery.matches ? 'dark' : 'light') : theme;
  document.documentElement.dataset['theme'] = shown;
}

/** From the start of the page on. */
export function followTheme(): void {
  showTheme();
  darkQuery.addEventListener('change', showTheme);
}
