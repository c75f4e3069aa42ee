/** Folders by the names that a program gives, for the commands that take one. */
import type { ImapFolder } from '../session/hooks.ts';
import { CommandRefused } from '../session/command.ts';
import type { ImapSession } from '../session/session.ts';
import { type Arguments, utf8Octets, utf8Of } from '../syntax/arguments.ts';
import { astring, type Octets } from '../syntax/imap-text.ts';
import { decodeFolderName, encodeFolderName } from '../syntax/modified-utf7.ts';

/** Reads a folder's name behind a space, as octets. */
export function readFolder(args: Arguments): Octets {
  args.space();
  return args.astring();
}

/** The name in Unicode, of a folder to be. Refuses what is none. */
export function folderName(session: ImapSession, octets: Octets): string {
  const name = readableName(session, octets);
  if (name === undefined) {
    throw new CommandRefused('the name of the folder cannot be read', 'CANNOT');
  }
  return name;
}

/** Both forms are read: `&` alone belongs to modified UTF-7. */
function readableName(session: ImapSession, octets: Octets): string | undefined {
  const name = session.textMode.isUtf8 ? utf8Of(octets) : nameOfRev1(octets);
  if (name === undefined) return undefined;
  const parts = name.replace(/\/$/, '').split('/');
  // INBOX is the same in all spellings (RFC 3501 §5.1).
  if (parts[0]?.toUpperCase() === 'INBOX') parts[0] = 'INBOX';
  return parts.join('/');
}

/** Programs that know no better send UTF-8 to IMAP4rev1 too; nothing else has octets above 127. */
function nameOfRev1(octets: Octets): string | undefined {
  return /[\u0080-\u00ff]/.test(octets) ? utf8Of(octets) : decodeFolderName(octets);
}

/** The folder of this name. Refuses with NONEXISTENT, or TRYCREATE for what would put mail in. */
export function findFolder(
  session: ImapSession,
  octets: Octets,
  code: 'NONEXISTENT' | 'TRYCREATE' = 'NONEXISTENT',
): ImapFolder {
  const name = readableName(session, octets);
  const folder = session.store.folders().find((one) => one.name === name);
  if (folder === undefined) throw new CommandRefused('there is no such folder', code);
  return folder;
}

/** A name as the session's programs read it. */
export function formatFolder(session: ImapSession, name: string): Octets {
  const { textMode } = session;
  return astring(textMode.isUtf8 ? utf8Octets(name) : encodeFolderName(name), textMode);
}

/** What a pattern of LIST matches: `%` is anything within a part of a name, `*` is anything. */
export function readPattern(session: ImapSession, octets: Octets): (name: string) => boolean {
  const text = session.textMode.isUtf8 ? utf8Of(octets) : nameOfRev1(octets);
  // What cannot be the name of a folder is the name of none.
  if (text === undefined) return () => false;
  return (name) => {
    // INBOX is the same in all spellings, its children's names are not.
    if (name !== 'INBOX' && !name.startsWith('INBOX/')) return isMatch(text, name);
    return isMatch(
      text.replace(/^[^/*%]*/, (part) => part.toUpperCase()),
      name,
    );
  };
}

/** Linear in pattern times name, whatever the wildcards. */
function isMatch(pattern: string, name: string): boolean {
  // reached[at]: the pattern so far can match the first `at` characters of the name.
  let reached = Array.from({ length: name.length + 1 }, (_, at) => at === 0);
  for (const character of pattern) {
    const next = reached.map(() => false);
    for (const [at, isReached] of reached.entries()) {
      const before = at > 0 && (next[at - 1] ?? false);
      if (character === '*') next[at] = isReached || before;
      else if (character === '%') next[at] = isReached || (before && name[at - 1] !== '/');
      else if (isReached && name[at] === character && at < name.length) next[at + 1] = true;
    }
    reached = next;
  }
  return reached[name.length] ?? false;
}
