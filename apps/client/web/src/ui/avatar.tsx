/** Initials on a colour that belongs to an address; beside a name, so it is not read aloud. */
import './avatar.css';

/** Up to two letters of a name. */
export function initialsOf(name: string): string {
  const words = name.split(/[\s@.]+/u).filter((word) => /\p{L}|\p{N}/u.test(word));
  return words
    .slice(0, 2)
    .map((word) => (/\p{L}|\p{N}/u.exec(word)?.[0] ?? '').toUpperCase())
    .join('');
}

/** A hue from 0 to 359, the same for the same text. */
export function hueOf(text: string): number {
  let sum = 0;
  for (const character of text) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) % 360;
  return sum;
}

export function Avatar({ name, address }: { readonly name: string; readonly address: string }) {
  // Even lightness keeps white letters readable on every hue.
  const background = `oklch(47% 0.085 ${hueOf(address)})`;
  return (
    <span aria-hidden className="avatar" style={{ background }}>
      {initialsOf(name === '' ? address : name)}
    </span>
  );
}
