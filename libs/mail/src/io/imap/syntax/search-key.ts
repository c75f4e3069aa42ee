/**
 * What SEARCH asks for, read from its arguments. Source: RFC 3501 §6.4.4, 5032 (WITHIN), 7162
 * (MODSEQ), 8474 (EMAILID, THREADID), 8514 (SAVEDATE).
 */
import { type Arguments, SyntaxProblem, utf8Of } from './arguments.ts';
import type { Octets } from './imap-text.ts';
import { readDay } from './imap-date.ts';
import type { SequenceSet } from './sequence-set.ts';

/** Keys of one search; each is tried on every message. */
const MAX_KEYS = 200;

export type DayOrder = 'before' | 'on' | 'since';

export type SearchKey =
  | { readonly kind: 'all' }
  | { readonly kind: 'flag'; readonly flag: string; readonly isSet: boolean }
  | { readonly kind: 'recent'; readonly isSet: boolean; readonly isUnseen: boolean }
  | { readonly kind: 'header'; readonly name: string; readonly words: string }
  | { readonly kind: 'body' | 'text'; readonly words: string }
  /** Days since 1970, UTC. */
  | { readonly kind: 'received'; readonly order: DayOrder; readonly day: number }
  | { readonly kind: 'saved'; readonly order: DayOrder; readonly day: number }
  | { readonly kind: 'sent'; readonly order: DayOrder; readonly day: number }
  | { readonly kind: 'age'; readonly isOlder: boolean; readonly seconds: number }
  | { readonly kind: 'size'; readonly isLarger: boolean; readonly bytes: number }
  | { readonly kind: 'uid' | 'number'; readonly set: SequenceSet }
  | { readonly kind: 'modseq'; readonly least: number }
  | { readonly kind: 'emailId' | 'threadId'; readonly id: string }
  | { readonly kind: 'not'; readonly key: SearchKey }
  | { readonly kind: 'or' | 'and'; readonly keys: readonly SearchKey[] };

/** Not a charset that we read: answered by NO [BADCHARSET]. */
export class CharsetUnknown extends Error {
  constructor() {
    super('only US-ASCII and UTF-8 are read');
    this.name = 'CharsetUnknown';
  }
}

const FLAGS: Record<string, readonly [flag: string, isSet: boolean]> = {
  ANSWERED: ['\\Answered', true],
  DELETED: ['\\Deleted', true],
  DRAFT: ['\\Draft', true],
  FLAGGED: ['\\Flagged', true],
  SEEN: ['\\Seen', true],
  UNANSWERED: ['\\Answered', false],
  UNDELETED: ['\\Deleted', false],
  UNDRAFT: ['\\Draft', false],
  UNFLAGGED: ['\\Flagged', false],
  UNSEEN: ['\\Seen', false],
};
const DATES: Record<string, readonly ['received' | 'saved' | 'sent', DayOrder]> = {
  BEFORE: ['received', 'before'],
  ON: ['received', 'on'],
  SINCE: ['received', 'since'],
  SENTBEFORE: ['sent', 'before'],
  SENTON: ['sent', 'on'],
  SENTSINCE: ['sent', 'since'],
  SAVEDBEFORE: ['saved', 'before'],
  SAVEDON: ['saved', 'on'],
  SAVEDSINCE: ['saved', 'since'],
};
const HEADERS = new Set(['BCC', 'CC', 'FROM', 'SUBJECT', 'TO']);

/** All keys up to the end of the command, joined by AND. */
export function readSearchKeys(args: Arguments): SearchKey {
  const reader = new KeyReader(args);
  const keys = [reader.key()];
  while (args.hasMore()) keys.push(reader.key());
  args.end();
  return keys.length === 1 ? keys[0]! : { kind: 'and', keys };
}

/** Whether text in this charset is read. */
export function isCharset(name: string): boolean {
  return ['US-ASCII', 'UTF-8'].includes(name.toUpperCase());
}

class KeyReader {
  readonly #args: Arguments;
  #keys = 0;

  constructor(args: Arguments) {
    this.#args = args;
  }

  key(): SearchKey {
    this.#keys++;
    if (this.#keys > MAX_KEYS) throw new SyntaxProblem('too many search keys');
    const args = this.#args;
    if (args.next === '(') return { kind: 'and', keys: args.list(() => this.key(), true) };
    if (/[\d*$]/.test(args.next)) return { kind: 'number', set: args.sequenceSet() };
    const name = args.keyword();
    const flag = FLAGS[name];
    if (flag !== undefined) return { kind: 'flag', flag: flag[0], isSet: flag[1] };
    const date = DATES[name];
    if (date !== undefined) return { kind: date[0], order: date[1], day: this.#day() };
    if (HEADERS.has(name))
      return { kind: 'header', name: name.toLowerCase(), words: this.#words() };
    return this.#other(name);
  }

  #other(name: string): SearchKey {
    switch (name) {
      case 'ALL':
        return { kind: 'all' };
      case 'NEW':
        return { kind: 'recent', isSet: true, isUnseen: true };
      case 'OLD':
        return { kind: 'recent', isSet: false, isUnseen: false };
      case 'RECENT':
        return { kind: 'recent', isSet: true, isUnseen: false };
      case 'BODY':
        return { kind: 'body', words: this.#words() };
      case 'TEXT':
        return { kind: 'text', words: this.#words() };
      case 'HEADER': {
        const field = this.#words().toLowerCase();
        return { kind: 'header', name: field, words: this.#words() };
      }
      case 'KEYWORD':
      case 'UNKEYWORD':
        return {
          kind: 'flag',
          flag: this.#spaced(() => this.#args.atom()),
          isSet: name === 'KEYWORD',
        };
      case 'LARGER':
      case 'SMALLER':
        return { kind: 'size', isLarger: name === 'LARGER', bytes: this.#number() };
      case 'OLDER':
      case 'YOUNGER':
        return { kind: 'age', isOlder: name === 'OLDER', seconds: this.#number() };
      case 'UID':
        return { kind: 'uid', set: this.#spaced(() => this.#args.sequenceSet()) };
      case 'MODSEQ':
        return this.#modseq();
      case 'EMAILID':
      case 'THREADID': {
        const id = this.#spaced(() => this.#args.astring());
        return { kind: name === 'EMAILID' ? 'emailId' : 'threadId', id };
      }
      case 'SAVEDATESUPPORTED':
        return { kind: 'all' };
      case 'NOT':
        return { kind: 'not', key: this.#spaced(() => this.#args.nested(() => this.key())) };
      case 'OR': {
        const first = this.#spaced(() => this.#args.nested(() => this.key()));
        const second = this.#spaced(() => this.#args.nested(() => this.key()));
        return { kind: 'or', keys: [first, second] };
      }
      default:
        throw new SyntaxProblem('a search key is unknown');
    }
  }

  #spaced<T>(read: () => T): T {
    this.#args.space();
    return read();
  }

  #number(): number {
    return this.#spaced(() => this.#args.number());
  }

  #day(): number {
    const day = readDay(this.#spaced(() => this.#args.astring()));
    if (day === undefined) throw new SyntaxProblem('not a date');
    return day;
  }

  /** Text as people write it; octets that are not UTF-8 match nothing but themselves. */
  #words(): string {
    const octets: Octets = this.#spaced(() => this.#args.astring());
    return utf8Of(octets) ?? octets;
  }

  /** `MODSEQ ["/flags/\\Seen" all] n`: the name of an entry says nothing here (RFC 7162 §3.1.5). */
  #modseq(): SearchKey {
    this.#args.space();
    if (this.#args.isString()) {
      this.#args.string();
      this.#args.space();
      const type = this.#args.keyword();
      if (!['ALL', 'PRIV', 'SHARED'].includes(type)) throw new SyntaxProblem('not an entry type');
      this.#args.space();
    }
    return { kind: 'modseq', least: this.#args.modseq() };
  }
}
