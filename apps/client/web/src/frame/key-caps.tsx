/** The keys of a command as they stand on the keyboard. */
import { type Command, KEYS } from './shortcuts.ts';

export function KeyCaps({ command }: { readonly command: Command }) {
  return KEYS[command].map((keys: string) => (
    <span key={keys} className="key-caps">
      {capsOf(keys).map((cap) => (
        <kbd key={cap}>{cap}</kbd>
      ))}
    </span>
  ));
}

/** `Ctrl+k` is Ctrl and K, `g i` is G and I, `U` is Shift and U. */
function capsOf(keys: string): string[] {
  if (/^\p{Lu}$/u.test(keys)) return ['Shift', keys];
  return keys.split(/[ +]/).map((cap) => (cap.length === 1 ? cap.toUpperCase() : cap));
}
