/** Single keys of a screen, where no field, list of choices or dialog wants them. */
import { useEffect } from 'react';

const TAKEN =
  'input, textarea, select, [contenteditable], [role="dialog"], [role="menu"], [role="combobox"]';

/** True for a key that is meant for the screen. */
export function isFree(event: KeyboardEvent): boolean {
  if (event.altKey || event.ctrlKey || event.metaKey || event.defaultPrevented) return false;
  if (document.querySelector('[role="dialog"]') !== null) return false;
  return !(event.target instanceof Element && event.target.closest(TAKEN) !== null);
}

/** Calls `keys[key]` as long as the component is there. */
export function useKeys(keys: Readonly<Record<string, () => void>>): void {
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent): void => {
      const run = Object.hasOwn(keys, event.key) ? keys[event.key] : undefined;
      if (run === undefined || !isFree(event)) return;
      event.preventDefault();
      run();
    };
    document.addEventListener('keydown', onKeyDown);
    return () => document.removeEventListener('keydown', onKeyDown);
  }, [keys]);
}
