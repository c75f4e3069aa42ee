/** F6 goes from one pane of the page to the next: its landmarks, the outermost ones. */
const PANES = 'nav, section, article, aside';
/** What stands for the whole pane, else its present link, else what comes first in it. */
const INSIDE = [
  '[role="listbox"]',
  'h2[tabindex]',
  '[aria-current]',
  'a[href], button, input, textarea, [tabindex="0"]',
];

function shownPanes(): HTMLElement[] {
  return [...document.querySelectorAll<HTMLElement>(PANES)].filter(
    (one) => one.offsetParent !== null && one.parentElement?.closest(PANES) === null,
  );
}

/** Moves the focus to the next pane, or with -1 to the one before. */
export function focusPane(step: 1 | -1): void {
  const panes = shownPanes();
  if (panes.length === 0) return;
  const at = panes.findIndex((one) => one.contains(document.activeElement));
  const first = step === 1 ? 0 : panes.length - 1;
  const pane = panes[at < 0 ? first : (at + step + panes.length) % panes.length];
  const found = INSIDE.flatMap((one) => pane?.querySelector<HTMLElement>(one) ?? []);
  found[0]?.focus();
}
