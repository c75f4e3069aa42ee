/**
 * What SORT sorts by. Source: RFC 5256 §3, RFC 5957. Before: arguments.ts; next: the command SORT.
 */
import { baseSubject, collationKey } from '../../../core/message/base-subject.ts';
import { type Arguments, SyntaxProblem } from './arguments.ts';
import type { MessageFacts } from './message-facts.ts';

const KINDS = [
  'ARRIVAL',
  'CC',
  'DATE',
  'DISPLAYFROM',
  'DISPLAYTO',
  'FROM',
  'SIZE',
  'SUBJECT',
  'TO',
] as const;
/** Keys of one SORT; more than there are kinds say nothing. */
const MAX_KEYS = 20;

export interface SortKey {
  readonly kind: (typeof KINDS)[number];
  readonly isReverse: boolean;
}

/** What a message is sorted by. */
export interface Sortable {
  /** Its place in the folder, for messages that no key divides. */
  readonly uid: number;
  readonly sizeBytes: number;
  readonly internalDate: number;
  readonly facts: MessageFacts;
}

/** `(SUBJECT REVERSE DATE)`. */
export function readSortKeys(args: Arguments): SortKey[] {
  const keys = args.list((): SortKey => {
    let name = args.keyword();
    const isReverse = name === 'REVERSE';
    if (isReverse) {
      args.space();
      name = args.keyword();
    }
    const kind = KINDS.find((one) => one === name);
    if (kind === undefined) throw new SyntaxProblem('a sort key is unknown');
    return { kind, isReverse };
  }, true);
  if (keys.length > MAX_KEYS) throw new SyntaxProblem('too many sort keys');
  return keys;
}

/** UIDs in the order that the keys want; the last word has the order of the folder. */
export function sortedUids(messages: readonly Sortable[], keys: readonly SortKey[]): number[] {
  const rows = messages.map((message) => ({
    uid: message.uid,
    values: keys.map(({ kind }) => valueOf(message, kind)),
  }));
  rows.sort((a, b) => {
    for (const [at, { isReverse }] of keys.entries()) {
      const [one, other] = [a.values[at] ?? '', b.values[at] ?? ''];
      if (one !== other) return one < other === isReverse ? 1 : -1;
    }
    return a.uid - b.uid;
  });
  return rows.map(({ uid }) => uid);
}

function valueOf(message: Sortable, kind: SortKey['kind']): number | string {
  const { facts } = message;
  switch (kind) {
    case 'ARRIVAL':
      return message.internalDate;
    case 'SIZE':
      return message.sizeBytes;
    case 'DATE':
      return facts.date;
    case 'SUBJECT':
      return collationKey(baseSubject(facts.subject).base);
    case 'FROM':
    case 'TO':
    case 'CC':
      return collationKey(facts[PEOPLE[kind]].mailbox);
    default:
      return collationKey(facts[PEOPLE[kind]].shown);
  }
}

const PEOPLE = {
  CC: 'cc',
  DISPLAYFROM: 'from',
  DISPLAYTO: 'to',
  FROM: 'from',
  TO: 'to',
} as const;
