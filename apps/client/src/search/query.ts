/**
 * What a person types into the search field, read once into words and conditions. Before: the local
 * API, and IMAP SEARCH later; after: mail-search.ts. Spec: docs/spec/41-client-api.md §20.
 */
import { ClientError } from '../client-error.ts';

/** Fields of the full-text index. */
export type TextField = 'sender' | 'recipient' | 'subject' | 'body' | 'attachment';

/** Characters of a whole query, and words and conditions in it. */
export const MAX_QUERY_LENGTH = 512;
export const MAX_TERMS = 32;

/** Words that must stand in one field, or in any; `isNot`: must not. */
export interface SearchWord {
  readonly field?: TextField;
  /** Lower case, without accents; letters and digits only. All must be there. */
  readonly tokens: readonly string[];
  readonly isNot: boolean;
  /** In quotes: whole words only. Otherwise the last one may go on. */
  readonly isExact: boolean;
  /** With `~`: a letter or two may differ. */
  readonly isFuzzy: boolean;
}

/** A condition that needs no index. */
export type SearchCondition = { readonly isNot: boolean } & (
  | { readonly kind: 'folder'; readonly name: string }
  | { readonly kind: 'flag'; readonly flag: string }
  | { readonly kind: 'attachment' }
  /** Milliseconds since 1970: from the first on, before the second. */
  | { readonly kind: 'date'; readonly from: number; readonly until: number }
  /** Bytes: at least the first, below the second. */
  | { readonly kind: 'size'; readonly from: number; readonly until: number }
);

export interface SearchQuery {
  readonly words: readonly SearchWord[];
  readonly conditions: readonly SearchCondition[];
}

const FIELDS: Readonly<Record<string, TextField>> = {
  from: 'sender',
  to: 'recipient',
  subject: 'subject',
  body: 'body',
  attachment: 'attachment',
};

/** `is:` words: the flag, and whether it must be absent. */
const STATES: Readonly<Record<string, readonly [flag: string, isNot: boolean]>> = {
  unread: ['\\Seen', true],
  read: ['\\Seen', false],
  flagged: ['\\Flagged', false],
  unflagged: ['\\Flagged', true],
  answered: ['\\Answered', false],
  unanswered: ['\\Answered', true],
  draft: ['\\Draft', false],
};

const KEYWORDS = [...Object.keys(FIELDS), 'has', 'is', 'in', 'label'];
const ALL_KEYWORDS = [...KEYWORDS, 'before', 'after', 'on', 'larger', 'smaller'];
const UNITS: Readonly<Record<string, number>> = { '': 1, k: 1_024, m: 1_048_576, g: 2 ** 30 };
const TERM = /\s*(-?)(?:([A-Za-z]+):(?!\/\/))?(?:"([^"]*)"|([^\s"]*))(~?)(?=\s|$)/y;

/** Lower case without accents, cut at whatever is neither a letter nor a digit. */
export function tokensOf(text: string): string[] {
  return foldText(text).match(/[\p{L}\p{N}\p{Co}]+/gu) ?? [];
}

/** The text as the index and queries both write it. */
export function foldText(text: string): string {
  return text.normalize('NFKD').replaceAll(/\p{M}/gu, '').toLowerCase();
}

function invalid(detail: string): ClientError {
  return new ClientError('search-invalid', detail);
}

/**
 * Reads a query: words, `"whole words"`, `from:` `to:` `subject:` `body:` `attachment:`,
 * `has:attachment`, `before:` `after:` `on:` with 2026-01-31, `in:folder`, `is:unread`, `label:`,
 * `larger:10k`, `smaller:1m`; `-` before any of them turns it round, `~` after a word lets letters
 * differ. All must hold. Throws ClientError `search-invalid`.
 */
export function parseQuery(text: string): SearchQuery {
  if (text.length > MAX_QUERY_LENGTH) throw invalid(`at most ${MAX_QUERY_LENGTH} characters`);
  if ((text.split('"').length - 1) % 2 === 1) throw invalid('a quotation mark has no partner');
  const words: SearchWord[] = [];
  const conditions: SearchCondition[] = [];
  const end = text.trimEnd().length;
  for (let at = 0; at < end;) {
    TERM.lastIndex = at;
    const match = TERM.exec(text);
    if (match === null) throw invalid(`“${text.slice(at, at + 32).trim()}” cannot be read`);
    at = TERM.lastIndex;
    readTerm(match, words, conditions);
    if (words.length + conditions.length > MAX_TERMS) {
      throw invalid(`at most ${MAX_TERMS} words and conditions`);
    }
  }
  if (words.length + conditions.length === 0) throw invalid('there is nothing to look for');
  return { words, conditions };
}

function readTerm(
  [, minus, keyword, quoted, plain = '', tilde]: RegExpExecArray,
  words: SearchWord[],
  conditions: SearchCondition[],
): void {
  const isNot = minus === '-';
  const isExact = quoted !== undefined;
  const isFuzzy = tilde === '~' || (!isExact && plain.endsWith('~'));
  const value = quoted ?? plain;
  const key = keyword?.toLowerCase();
  if (key !== undefined && FIELDS[key] === undefined) {
    conditions.push(turned(readCondition(key, value), isNot));
    return;
  }
  const tokens = tokensOf(value);
  if (tokens.length === 0) throw invalid(`${keyword ?? minus}: there is no word`);
  const field = key === undefined ? undefined : FIELDS[key];
  words.push({ ...(field === undefined ? {} : { field }), tokens, isNot, isExact, isFuzzy });
}

function turned(condition: SearchCondition, isNot: boolean): SearchCondition {
  return { ...condition, isNot: condition.isNot !== isNot };
}

function readCondition(key: string, value: string): SearchCondition {
  switch (key) {
    case 'in':
      if (value === '') throw invalid('in: names no folder');
      return { kind: 'folder', name: value, isNot: false };
    case 'has':
      if (value.toLowerCase() !== 'attachment') throw invalid('has: takes attachment');
      return { kind: 'attachment', isNot: false };
    case 'is': {
      const [flag, isNot] = STATES[value.toLowerCase()] ?? [];
      if (flag === undefined || isNot === undefined) {
        throw invalid(`is: takes ${Object.keys(STATES).join(', ')}`);
      }
      return { kind: 'flag', flag, isNot };
    }
    case 'label':
      if (!/^[A-Za-z0-9$_-]{1,64}$/.test(value)) throw invalid('label: names no label');
      return { kind: 'flag', flag: value, isNot: false };
    case 'before':
      return { kind: 'date', from: 0, until: dayStart(key, value, 0), isNot: false };
    case 'after':
      return { kind: 'date', from: dayStart(key, value, 1), until: Infinity, isNot: false };
    case 'on': {
      const [from, until] = [dayStart(key, value, 0), dayStart(key, value, 1)];
      return { kind: 'date', from, until, isNot: false };
    }
    case 'larger':
      return { kind: 'size', from: bytesOf(key, value) + 1, until: Infinity, isNot: false };
    case 'smaller':
      return { kind: 'size', from: 0, until: bytesOf(key, value), isNot: false };
    default:
      throw invalid(`${key}: is none of ${ALL_KEYWORDS.map((one) => `${one}:`).join(' ')}`);
  }
}

/** Midnight, local time, of the day or of the one after it. */
function dayStart(key: string, value: string, daysLater: number): number {
  const [, year, month, day] = /^([0-9]{4})-([0-9]{2})-([0-9]{2})$/.exec(value) ?? [];
  const date = new Date(Number(year), Number(month) - 1, Number(day));
  const isDay = date.getMonth() + 1 === Number(month) && date.getDate() === Number(day);
  if (!isDay) throw invalid(`${key}: takes a day such as 2026-01-31`);
  return new Date(Number(year), Number(month) - 1, Number(day) + daysLater).getTime();
}

function bytesOf(key: string, value: string): number {
  const [, digits, unit = ''] = /^([0-9]{1,12})([kmg]?)$/i.exec(value) ?? [];
  if (digits === undefined) throw invalid(`${key}: takes a size such as 500, 20k or 1m`);
  return Number(digits) * (UNITS[unit.toLowerCase()] ?? 1);
}
