/**
 * The keyboard map: which keys are which command, and where they mean nothing. Pure; who listens
 * is commands.tsx. Spec: interface.md §7.
 */

/** Commands by the part of the page that they are about, in the order of the help. */
export const GROUPS = {
  list: ['next', 'previous', 'open', 'back', 'search', 'mark', 'markAll'],
  mail: [
    'archive',
    'trash',
    'star',
    'unread',
    'file',
    'undo',
    'reply',
    'replyAll',
    'forward',
    'report',
  ],
  go: ['goInbox', 'goSent', 'goDrafts', 'goOutbox', 'goContacts', 'goWallet'],
  page: ['compose', 'palette', 'help', 'nextPane', 'previousPane'],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type Group = keyof typeof GROUPS;

/** Keys of each command, the first one shown first; `g i` is one key after the other. */
export const KEYS = {
  next: ['j'],
  previous: ['k'],
  open: ['o'],
  back: ['u'],
  search: ['/'],
  mark: ['x'],
  markAll: ['Ctrl+a'],
  archive: ['e'],
  trash: ['#', 'Delete'],
  star: ['s'],
  unread: ['U'],
  file: ['l'],
  undo: ['z'],
  reply: ['r'],
  replyAll: ['a'],
  forward: ['f'],
  report: ['i'],
  goInbox: ['g i'],
  goSent: ['g s'],
  goDrafts: ['g d'],
  goOutbox: ['g o'],
  goContacts: ['g c'],
  goWallet: ['g w'],
  compose: ['c'],
  palette: ['Ctrl+k'],
  help: ['?'],
  nextPane: ['F6'],
  previousPane: ['Shift+F6'],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type Command = keyof typeof KEYS;

/** A second key that comes later than this begins anew. */
export const SEQUENCE_MS = 1_500;

/** What a key press says of itself. */
export interface Press {
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
  readonly shiftKey: boolean;
}

/** The first key of a sequence, and when it was pressed. */
export interface Begun {
  readonly key: string;
  readonly atMs: number;
}

export interface Step {
  readonly command?: Command;
  readonly begun?: Begun;
}

const COMMANDS = new Map<string, Command>(
  Object.entries(KEYS).flatMap(([command, keys]) =>
    keys.map((key): [string, Command] => [key, command as Command]),
  ),
);
const FIRST_KEYS = new Set(
  [...COMMANDS.keys()].filter((keys) => keys.includes(' ')).map((keys) => keys.slice(0, 1)),
);

/** The press as the map writes it; undefined for what it never holds. ⌘ counts as Ctrl. */
function nameOf({ key, ctrlKey, metaKey, altKey, shiftKey }: Press): string | undefined {
  if (altKey) return undefined;
  if (ctrlKey || metaKey) return shiftKey ? undefined : `Ctrl+${key.toLowerCase()}`;
  // A letter or a sign is what Shift made of it; only other keys need to say it.
  return shiftKey && key.length > 1 ? `Shift+${key}` : key;
}

/** Single keys can be switched off (WCAG 2.1.4); those with Ctrl, F6 and Delete stay. */
function isSingle(name: string): boolean {
  return name.length === 1 || name.includes(' ');
}

/** What a press means after `begun`. */
export function stepOf(
  press: Press,
  begun: Begun | undefined,
  nowMs: number,
  areSinglesOn: boolean,
): Step {
  const name = nameOf(press);
  if (name === undefined) return {};
  const isSequence = begun !== undefined && nowMs - begun.atMs <= SEQUENCE_MS;
  const second = isSequence ? COMMANDS.get(`${begun.key} ${name}`) : undefined;
  if (second !== undefined) return areSinglesOn ? { command: second } : {};
  if (areSinglesOn && FIRST_KEYS.has(name)) return { begun: { key: name, atMs: nowMs } };
  const command = COMMANDS.get(name);
  if (command === undefined || (isSingle(name) && !areSinglesOn)) return {};
  return { command };
}

/** Works in fields too: it writes nothing there. */
export function worksInFields(command: Command): boolean {
  return command === 'palette' || command === 'nextPane' || command === 'previousPane';
}
