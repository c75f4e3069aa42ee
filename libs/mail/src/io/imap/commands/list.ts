/**
 * LIST and LSUB: RFC 3501 §6.3.8, with LIST-EXTENDED (5258), SPECIAL-USE (6154) and LIST-STATUS
 * (5819). Folders are listed from the top, INBOX first.
 */
import { LOGGED_IN, ok } from '../session/command.ts';
import type { ImapFolder } from '../session/hooks.ts';
import type { ImapCommand, ImapSession } from '../session/session.ts';
import { type Arguments, SyntaxProblem } from '../syntax/arguments.ts';
import { list as listOf, type Octets } from '../syntax/imap-text.ts';
import { formatFolder, readPattern } from './folders.ts';
import { readStatusItems, type StatusItem, tellStatus } from './status.ts';

const MAX_PATTERNS = 100;

interface List {
  readonly reference: Octets;
  readonly patterns: readonly Octets[];
  readonly isSubscribed: boolean;
  readonly isRecursive: boolean;
  readonly isSpecial: boolean;
  readonly status: readonly StatusItem[] | undefined;
  /** Some option was given: the answers then show more. */
  readonly isExtended: boolean;
}

const SELECTION = new Set(['RECURSIVEMATCH', 'REMOTE', 'SPECIAL-USE', 'SUBSCRIBED']);
const RETURN = new Set(['CHILDREN', 'SPECIAL-USE', 'STATUS', 'SUBSCRIBED']);

export const list: ImapCommand<List> = {
  name: 'LIST',
  states: LOGGED_IN,
  parse: (args) => {
    args.space();
    const selection = args.next === '(' ? readSelection(args) : undefined;
    const reference = args.astring();
    args.space();
    const patterns =
      args.next === '(' ? args.list(() => args.listPattern(), true) : [args.listPattern()];
    if (patterns.length > MAX_PATTERNS) throw new SyntaxProblem('too many patterns');
    const answer = readReturn(args);
    args.end();
    return {
      reference,
      patterns,
      isSubscribed: selection?.includes('SUBSCRIBED') ?? false,
      isRecursive: selection?.includes('RECURSIVEMATCH') ?? false,
      isSpecial: selection?.includes('SPECIAL-USE') ?? false,
      status: answer.status,
      isExtended: selection !== undefined || answer.isGiven,
    };
  },
  run: async (session, args) => {
    const [pattern] = args.patterns;
    if (pattern === '' && args.patterns.length === 1) {
      // What stands between the parts of a name.
      session.untagged('LIST (\\Noselect) "/" ""');
      return ok('listed');
    }
    for (const { folder, attributes, isAbove } of chosen(session, args)) {
      const info = isAbove ? ' ("CHILDINFO" ("SUBSCRIBED"))' : '';
      const name = formatFolder(session, folder.name);
      session.untagged(`LIST ${listOf(attributes)} "/" ${name}${info}`);
      if (args.status !== undefined) tellStatus(session, folder, args.status);
    }
    return ok('listed');
  },
};

export const lsub: ImapCommand<readonly [reference: Octets, pattern: Octets]> = {
  name: 'LSUB',
  states: LOGGED_IN,
  parse: (args) => {
    args.space();
    const reference = args.astring();
    args.space();
    const pattern = args.listPattern();
    args.end();
    return [reference, pattern];
  },
  run: async (session, [reference, pattern]) => {
    const args = { reference, patterns: [pattern], isSubscribed: true, isRecursive: false };
    const options = { ...args, isSpecial: false, isExtended: false };
    const names = new Set([...chosen(session, options)].map(({ folder }) => folder.name));
    for (const name of names) session.untagged(`LSUB () "/" ${formatFolder(session, name)}`);
    // RFC 3501 §6.3.9: `%` shows that something below is subscribed.
    for (const name of pattern.endsWith('%') ? namesAbove(session, args) : []) {
      if (names.has(name)) continue;
      session.untagged(`LSUB (\\Noselect) "/" ${formatFolder(session, name)}`);
    }
    return ok('listed');
  },
};

/** Names that fit a pattern of `%` and have subscribed folders below them. */
function namesAbove(
  session: ImapSession,
  { reference, patterns }: Pick<List, 'patterns' | 'reference'>,
): Set<string> {
  const matchers = patterns.map((one) => readPattern(session, reference + one));
  const names = new Set<string>();
  for (const { name, isSubscribed } of session.store.folders()) {
    if (!isSubscribed) continue;
    for (let at = name.indexOf('/'); at >= 0; at = name.indexOf('/', at + 1)) {
      const above = name.slice(0, at);
      if (matchers.some((matches) => matches(above))) names.add(above);
    }
  }
  return names;
}

function readSelection(args: Arguments): string[] {
  const options = args.list(() => args.keyword());
  args.space();
  if (options.some((one) => !SELECTION.has(one))) throw new SyntaxProblem('an option is unknown');
  const isAlone = options.includes('RECURSIVEMATCH') && !options.includes('SUBSCRIBED');
  if (isAlone) throw new SyntaxProblem('RECURSIVEMATCH needs another option');
  return options;
}

function readReturn(args: Arguments): {
  readonly isGiven: boolean;
  readonly status: StatusItem[] | undefined;
} {
  if (!args.hasMore()) return { isGiven: false, status: undefined };
  if (args.keyword() !== 'RETURN') throw new SyntaxProblem('RETURN is missing');
  args.space();
  let status: StatusItem[] | undefined;
  args.list(() => {
    const option = args.keyword();
    if (!RETURN.has(option)) throw new SyntaxProblem('an option is unknown');
    if (option !== 'STATUS') return;
    args.space();
    status = readStatusItems(args);
  });
  return { isGiven: true, status };
}

interface Chosen {
  readonly folder: ImapFolder;
  readonly attributes: readonly string[];
  /** Folders below it fit the options (RFC 5258 §3.5). */
  readonly isAbove: boolean;
}

/** Folders that the patterns and options choose, with what is said of each. */
function* chosen(session: ImapSession, args: Omit<List, 'status'>): Generator<Chosen> {
  const matchers = args.patterns.map((one) => readPattern(session, args.reference + one));
  const folders = session.store.folders();
  for (const folder of folders) {
    if (!matchers.some((matches) => matches(folder.name))) continue;
    if (args.isSpecial && folder.specialUse === undefined) continue;
    const below = folders.filter((one) => one.name.startsWith(`${folder.name}/`));
    const isShown = (name: string): boolean => matchers.some((matches) => matches(name));
    // RFC 5258 §3.5: of what the patterns do not show by themselves.
    const isAbove = args.isRecursive && below.some((one) => one.isSubscribed && !isShown(one.name));
    if (args.isSubscribed && !folder.isSubscribed && !isAbove) continue;
    const attributes = [below.length > 0 ? '\\HasChildren' : '\\HasNoChildren'];
    if (folder.specialUse !== undefined) attributes.push(folder.specialUse);
    if (args.isExtended && folder.isSubscribed) attributes.push('\\Subscribed');
    yield { folder, attributes, isAbove };
  }
}
