/**
 * Where in the app the user is: the parts of the fragment, `#/mail/INBOX/INBOX.12`. A fragment
 * needs no rule of the server, and goes back and forth with the browser's keys.
 */
import { useSyncExternalStore } from 'react';

/** A screen gets the parts of the place behind its own name. */
export interface ScreenProps {
  readonly parts: readonly string[];
}

/** Parts of a fragment, decoded; what cannot be decoded is dropped. */
export function partsOf(fragment: string): readonly string[] {
  return fragment
    .replace(/^#\/?/, '')
    .split('/')
    .filter((part) => part !== '')
    .flatMap((part) => {
      try {
        return [decodeURIComponent(part)];
      } catch {
        return [];
      }
    });
}

/** The link to a place. */
export function hrefOf(...parts: readonly string[]): string {
  return `#/${parts.map((part) => encodeURIComponent(part)).join('/')}`;
}

export function go(...parts: readonly string[]): void {
  location.hash = hrefOf(...parts);
}

/** Goes to a place that takes the place of the present one in the browser's history. */
export function goInstead(...parts: readonly string[]): void {
  location.replace(hrefOf(...parts));
}

function watchFragment(watcher: () => void): () => void {
  addEventListener('hashchange', watcher);
  return () => removeEventListener('hashchange', watcher);
}

/** The parts of the present place. */
export function useRoute(): readonly string[] {
  const fragment = useSyncExternalStore(watchFragment, () => location.hash);
  return partsOf(fragment);
}
