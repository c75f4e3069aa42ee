/**
 * Tries search keys on the messages of the selected folder. What the folder's own records tell is
 * tried first; a message is read only when nothing else decided. Text matches as people expect it:
 * decoded, and whatever the case.
 */
import { hasFlag, type FolderMessage } from '../../../core/folder/folder.ts';
import { type HeaderSection, readHeaders, valuesOf } from '../../../core/message/headers.ts';
import { readEnvelopeAddresses } from '../../../core/mime/envelope-fields.ts';
import { parseMessage } from '../../parse.ts';
import { Breath } from '../session/breath.ts';
import type { ImapSession } from '../session/session.ts';
import { readDay } from '../syntax/imap-date.ts';
import type { DayOrder, SearchKey } from '../syntax/search-key.ts';
import { MailError } from '../../mail-error.ts';

/** Whether MODSEQ is among the keys. */
export function usesModseq(key: SearchKey): boolean {
  if (key.kind === 'not') return usesModseq(key.key);
  if (key.kind === 'and' || key.kind === 'or') return key.keys.some(usesModseq);
  return key.kind === 'modseq';
}

type Test = (message: FolderMessage) => boolean | Promise<boolean>;

export class Searcher {
  readonly #session: ImapSession;
  /** The message that was read last: several keys look into one. */
  #read: { readonly uid: number; readonly text: Promise<MessageText> } | undefined;

  constructor(session: ImapSession) {
    this.#session = session;
  }

  /** UIDs, ascending. */
  async search(key: SearchKey): Promise<number[]> {
    const test = await this.#testOf(key);
    const { messages } = this.#session.folderState();
    const uids: number[] = [];
    const breath = new Breath();
    for (const uid of this.#session.selected.uids) {
      const message = messages.get(uid);
      if (message === undefined) continue;
      const result = test(message);
      const isFound = typeof result === 'boolean' ? result : await result;
      if (breath.isDue) await breath.take();
      if (isFound) uids.push(uid);
    }
    return uids;
  }

  async #testOf(key: SearchKey): Promise<Test> {
    switch (key.kind) {
      case 'and':
        return all(await this.#testsOf(key.keys), true);
      case 'or':
        return all(await this.#testsOf(key.keys), false);
      case 'not': {
        const test = await this.#testOf(key.key);
        return (message) => negate(test(message));
      }
      case 'uid':
      case 'number': {
        const uids = new Set(this.#session.uidsOf(key.set, key.kind === 'uid', true));
        return ({ uid }) => uids.has(uid);
      }
      case 'body':
      case 'text':
        return this.#textTest(key.kind, key.words);
      case 'header':
        return this.#headerTest(key.name, key.words);
      case 'sent':
        return this.#sentTest(key.order, key.day);
      default:
        return this.#recordTest(key);
    }
  }

  /** Tests that need not read come first. */
  async #testsOf(keys: readonly SearchKey[]): Promise<Test[]> {
    const sorted = keys.toSorted((a, b) => costOf(a) - costOf(b));
    const tests: Test[] = [];
    for (const key of sorted) tests.push(await this.#testOf(key));
    return tests;
  }

  #recordTest(key: Extract<SearchKey, { kind: RecordKind }>): Test {
    const session = this.#session;
    const now = session.deps.now();
    switch (key.kind) {
      case 'all':
        return () => true;
      case 'flag':
        return (message) => hasFlag(message, key.flag) === key.isSet;
      case 'recent':
        return (message) =>
          session.selected.isRecent(message.uid) === key.isSet &&
          (!key.isUnseen || !hasFlag(message, '\\Seen'));
      case 'received':
        return ({ internalDate }) => isInOrder(dayOf(internalDate), key.order, key.day);
      case 'saved':
        // Where nobody wrote it down, the day of arrival stands for it (RFC 8514 §4.3).
        return ({ internalDate, savedAt = internalDate }) =>
          isInOrder(dayOf(savedAt), key.order, key.day);
      case 'age':
        return ({ internalDate }) => now - internalDate >= key.seconds === key.isOlder;
      case 'size':
        return (message) => {
          const size = session.store.sizeOf(message);
          return key.isLarger ? size > key.bytes : size < key.bytes;
        };
      case 'modseq':
        return ({ modseq }) => modseq >= key.least;
      case 'emailId':
        return ({ emailId }) => emailId === key.id;
      default:
        return (message) => session.store.threadId(message) === key.id;
    }
  }

  async #textTest(kind: 'body' | 'text', words: string): Promise<Test> {
    const { store, selected } = this.#session;
    const indexed = await store.find(selected.folderId, kind, words);
    if (indexed !== undefined) return ({ uid }) => indexed.has(uid);
    const wanted = folded(words);
    return async (message) => {
      const text = await this.#textOf(message);
      return text.body.includes(wanted) || (kind === 'text' && text.header.includes(wanted));
    };
  }

  #headerTest(name: string, words: string): Test {
    const wanted = folded(words);
    return (message) => {
      const known = this.#session.store.header(message, name);
      // An empty text asks whether there is such a field at all.
      if (known !== undefined) return known !== '' && folded(known).includes(wanted);
      return this.#textOf(message).then((text) =>
        text.fields.some((field) => field.name === name && folded(field.value).includes(wanted)),
      );
    };
  }

  #sentTest(order: DayOrder, day: number): Test {
    return async (message) => {
      const { sentDay } = await this.#textOf(message);
      return sentDay !== undefined && isInOrder(sentDay, order, day);
    };
  }

  async #textOf(message: FolderMessage): Promise<MessageText> {
    if (this.#read?.uid !== message.uid) {
      this.#read = { uid: message.uid, text: this.#readText(message) };
    }
    return this.#read.text;
  }

  async #readText(message: FolderMessage): Promise<MessageText> {
    const raw = await this.#session.store.read(message);
    return raw === undefined ? NOTHING : textOf(raw);
  }
}

type RecordKind =
  | 'age'
  | 'all'
  | 'emailId'
  | 'flag'
  | 'modseq'
  | 'received'
  | 'recent'
  | 'saved'
  | 'size'
  | 'threadId';

/** A message as a person reads it, in one case. */
interface MessageText {
  readonly header: string;
  readonly body: string;
  readonly fields: readonly { readonly name: string; readonly value: string }[];
  /** The day that its Date field names, in whatever zone (RFC 3501 §6.4.4), since 1970. */
  readonly sentDay: number | undefined;
}

const PEOPLE = new Set(['bcc', 'cc', 'from', 'reply-to', 'sender', 'to']);
const NOTHING: MessageText = { header: '', body: '', fields: [], sentDay: undefined };

async function textOf(raw: Uint8Array): Promise<MessageText> {
  const headers = readHeaders(raw);
  const section = headers.ok ? headers.value : { fields: [], bodyOffset: 0 };
  const shown = await parseMessage(raw).catch((error: unknown) => {
    // What cannot be read for people is searched as it stands.
    if (error instanceof MailError) return undefined;
    throw error;
  });
  const people = shown === undefined ? [] : [...shown.from, ...shown.to, ...shown.cc];
  const decoded = people.map(({ name, address }) => `${name} <${address}>`);
  const fields = section.fields.map(({ name, value }) => ({ name, value }));
  if (shown !== undefined) {
    const subjects = valuesOf(section, 'subject').length;
    if (subjects > 0) fields.push({ name: 'subject', value: shown.subject });
    for (const name of ['from', 'to', 'cc'] as const) {
      for (const one of shown[name]) fields.push({ name, value: `${one.name} <${one.address}>` });
    }
  }
  for (const { name, value } of section.fields.filter((one) => PEOPLE.has(one.name))) {
    // Addresses as they are meant, whatever comments stand in them.
    for (const { mailbox = '', host = '' } of readEnvelopeAddresses(value)) {
      if (host !== '') fields.push({ name, value: `${mailbox}@${host}` });
    }
  }
  const body =
    shown === undefined
      ? new TextDecoder().decode(raw.subarray(section.bodyOffset))
      : `${shown.text}\n${shown.html ?? ''}`;
  const header = [...fields.map(({ name, value }) => `${name}: ${value}`), ...decoded].join('\n');
  return { header: folded(header), body: folded(body), fields, sentDay: sentDayOf(section) };
}

function sentDayOf(section: HeaderSection): number | undefined {
  const [value = ''] = valuesOf(section, 'date');
  const [, day, month, year] = /\b(\d{1,2})\s+([a-z]{3})\s+(\d{4})\b/i.exec(value) ?? [];
  return readDay(`${day}-${month}-${year}`);
}

function folded(text: string): string {
  return text.normalize('NFC').toLowerCase();
}

function dayOf(seconds: number): number {
  return Math.floor(seconds / 86_400);
}

function isInOrder(day: number, order: DayOrder, wanted: number): boolean {
  if (order === 'on') return day === wanted;
  return order === 'before' ? day < wanted : day >= wanted;
}

/** 0: the folder's record tells; 1: a header; 2: the whole text. */
function costOf(key: SearchKey): number {
  if (key.kind === 'not') return costOf(key.key);
  if (key.kind === 'and' || key.kind === 'or') return Math.max(0, ...key.keys.map(costOf));
  if (key.kind === 'header' || key.kind === 'sent') return 1;
  return key.kind === 'body' || key.kind === 'text' ? 2 : 0;
}

function negate(result: boolean | Promise<boolean>): boolean | Promise<boolean> {
  return typeof result === 'boolean' ? !result : result.then((value) => !value);
}

/** Whether all tests hold, or with `isAll` false one of them; stops at the first that decides. */
function all(tests: readonly Test[], isAll: boolean): Test {
  return (message) => {
    for (const [at, test] of tests.entries()) {
      const result = test(message);
      if (typeof result !== 'boolean') return rest(tests.slice(at + 1), message, isAll, result);
      if (result !== isAll) return result;
    }
    return isAll;
  };
}

async function rest(
  tests: readonly Test[],
  message: FolderMessage,
  isAll: boolean,
  first: Promise<boolean>,
): Promise<boolean> {
  if ((await first) !== isAll) return !isAll;
  for (const test of tests) if ((await test(message)) !== isAll) return !isAll;
  return isAll;
}
