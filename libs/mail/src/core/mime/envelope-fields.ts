/**
 * What IMAP calls the envelope of a message: date, subject and people as they stand in the header,
 * undecoded. Groups of RFC 5322 become two marks around their members, as RFC 3501 §7.4.2 wants
 * them. Before: the header fields; next: io/imap, FETCH ENVELOPE.
 * Spec: docs/spec/45-mail-programs.md §3.
 */
import { fieldValue, spanValue } from './fields.ts';
import type { FieldList } from './fields.ts';

/** Addresses of one field; a hostile one could name thousands. */
const MAX_ADDRESSES = 1_000;
/** Characters of one field that are looked at. */
const MAX_VALUE = 65_536;

/** One address, or a mark of a group: `host` undefined; its end has no `mailbox` either. */
export interface EnvelopeAddress {
  readonly name: string | undefined;
  /** Local part; the group's name where a group begins. */
  readonly mailbox: string | undefined;
  readonly host: string | undefined;
  /** `@one,@two` of RFC 822: a way that nobody goes any more. */
  readonly route?: string;
}

/** Texts are octets 0 to 255 as characters; a list without addresses is empty. */
export interface EnvelopeFields {
  readonly date: string | undefined;
  readonly subject: string | undefined;
  readonly from: readonly EnvelopeAddress[];
  readonly sender: readonly EnvelopeAddress[];
  readonly replyTo: readonly EnvelopeAddress[];
  readonly to: readonly EnvelopeAddress[];
  readonly cc: readonly EnvelopeAddress[];
  readonly bcc: readonly EnvelopeAddress[];
  readonly inReplyTo: string | undefined;
  readonly messageId: string | undefined;
}

/**
 * Sender and Reply-To are those of From where the header has none. Of a field that stands twice the
 * first counts; people are those of all.
 */
export function readEnvelopeFields(message: Uint8Array, list: FieldList): EnvelopeFields {
  const value = (name: string): string | undefined => fieldValue(message, list, name);
  const people = (name: string): EnvelopeAddress[] =>
    list.fields
      .filter((field) => field.name === name)
      .flatMap((field) => readEnvelopeAddresses(spanValue(message, field)))
      .slice(0, MAX_ADDRESSES);
  const from = people('from');
  const orFrom = (name: string): EnvelopeAddress[] => {
    const found = people(name);
    return found.length > 0 ? found : from;
  };
  return {
    date: value('date'),
    subject: value('subject'),
    from,
    sender: orFrom('sender'),
    replyTo: orFrom('reply-to'),
    to: people('to'),
    cc: people('cc'),
    bcc: people('bcc'),
    inReplyTo: value('in-reply-to'),
    messageId: value('message-id'),
  };
}

/** Reads an address list of RFC 5322. Never throws. */
export function readEnvelopeAddresses(value: string): EnvelopeAddress[] {
  return new AddressReader(value.slice(0, MAX_VALUE)).read();
}

/** A piece of an address: a run of words or one of the characters that separate. */
type Piece =
  | { readonly kind: 'words'; readonly text: string }
  | { readonly kind: 'angle'; readonly text: string }
  | { readonly kind: 'comment'; readonly text: string }
  | { readonly kind: ',' | ':' | ';' };

class AddressReader {
  readonly #value: string;
  readonly #found: EnvelopeAddress[] = [];
  #entry: Piece[] = [];
  #isInGroup = false;

  constructor(value: string) {
    this.#value = value;
  }

  read(): EnvelopeAddress[] {
    for (const piece of pieces(this.#value)) {
      if (this.#found.length >= MAX_ADDRESSES) break;
      if (piece.kind === ',') this.#close();
      else if (piece.kind === ':') this.#openGroup();
      else if (piece.kind === ';') this.#closeGroup();
      else this.#entry.push(piece);
    }
    this.#close();
    if (this.#isInGroup) this.#closeGroup();
    return this.#found;
  }

  #openGroup(): void {
    if (this.#isInGroup) this.#closeGroup();
    const name = textOf(this.#entry, 'words');
    this.#entry = [];
    this.#isInGroup = true;
    this.#found.push({ name: undefined, mailbox: name, host: undefined });
  }

  #closeGroup(): void {
    this.#close();
    if (!this.#isInGroup) return;
    this.#isInGroup = false;
    this.#found.push({ name: undefined, mailbox: undefined, host: undefined });
  }

  #close(): void {
    const entry = this.#entry;
    this.#entry = [];
    if (entry.length === 0) return;
    const angle = entry.find((piece) => piece.kind === 'angle');
    const words = textOf(entry, 'words');
    const comment = textOf(entry, 'comment');
    const inside = angle === undefined ? words : textOf([angle], 'angle');
    const route = angle === undefined ? '' : (/^@[^:]*(?=:)/.exec(inside)?.[0] ?? '');
    const spec = route === '' ? inside : inside.slice(route.length + 1);
    const name = (angle === undefined ? comment : words) || comment;
    // A comment alone is nobody.
    if (spec === '' && (name === '' || angle === undefined)) return;
    const address = { name: name || undefined, ...split(spec) };
    this.#found.push(route === '' ? address : { ...address, route });
  }
}

function textOf(entry: readonly Piece[], kind: 'words' | 'angle' | 'comment'): string {
  const texts = entry.flatMap((piece) => (piece.kind === kind ? [piece.text] : []));
  return texts.join(' ').trim();
}

function split(spec: string): { readonly mailbox: string; readonly host: string } {
  const at = spec.lastIndexOf('@');
  if (at < 0) return { mailbox: unquoted(spec), host: '' };
  const host = spec.slice(at + 1).replaceAll(/\s+/g, '');
  return { mailbox: unquoted(spec.slice(0, at)), host };
}

/** A local part without its quotes, or without white space around its dots. */
function unquoted(local: string): string {
  const text = local.trim();
  const inside = /^"(.*)"$/s.exec(text)?.[1];
  return inside === undefined ? text.replaceAll(/\s+/g, '') : inside.replaceAll(/\\(.)/gs, '$1');
}

function* pieces(value: string): Generator<Piece> {
  let at = 0;
  while (at < value.length) {
    const character = value[at] ?? '';
    if (character === ',' || character === ':' || character === ';') {
      yield { kind: character };
      at++;
    } else if (character === '"') {
      const end = closing(value, at + 1, '"');
      yield* quoted(value, at, end);
      at = end + 1;
      while (at < value.length && !/[\s"(),:;<]/.test(value[at] ?? '')) at++;
    } else if (character === '<') {
      const end = closing(value, at + 1, '>');
      yield { kind: 'angle', text: withoutComments(value.slice(at + 1, end)).trim() };
      at = end + 1;
    } else if (character === '(') {
      const end = commentEnd(value, at);
      const text = value
        .slice(at + 1, end - 1)
        .replaceAll(/\\(.)/gs, '$1')
        .trim();
      yield { kind: 'comment', text };
      at = end;
    } else {
      const match = /^[^"(),:;<]+/.exec(value.slice(at, at + 1_024));
      const text = match?.[0] ?? character;
      yield { kind: 'words', text: text.trim().replaceAll(/\s+/g, ' ') };
      at += text.length;
    }
  }
}

/** A quoted name, or a quoted local part with what follows it without white space. */
function* quoted(value: string, start: number, end: number): Generator<Piece> {
  const rest = /^[^\s"(),:;<]*/.exec(value.slice(end + 1, end + 1_025))?.[0] ?? '';
  const isLocalPart = rest.startsWith('@');
  const inside = value.slice(start + 1, end).replaceAll(/\\(.)/gs, '$1');
  yield {
    kind: 'words',
    text: isLocalPart ? `${value.slice(start, end + 1)}${rest}` : inside + rest,
  };
}

/** The index of `end`, quotes and backslash pairs skipped; the text's length if it never comes. */
function closing(value: string, start: number, end: '"' | '>'): number {
  let at = start;
  while (at < value.length && value[at] !== end) {
    if (value[at] === '\\') at++;
    else if (end === '>' && value[at] === '"') at = closing(value, at + 1, '"');
    at++;
  }
  return Math.min(at, value.length);
}

/** What stands between brackets may have comments too, outside of quotes. */
function withoutComments(text: string): string {
  let kept = '';
  for (let at = 0; at < text.length;) {
    const character = text[at] ?? '';
    const end =
      character === '('
        ? commentEnd(text, at)
        : character === '"'
          ? closing(text, at + 1, '"') + 1
          : at + 1;
    if (character !== '(') kept += text.slice(at, end);
    at = end;
  }
  return kept;
}

/** Behind a comment that begins at `start`; comments nest. */
function commentEnd(value: string, start: number): number {
  let depth = 0;
  for (let at = start; at < value.length; at++) {
    if (value[at] === '\\') at++;
    else if (value[at] === '(') depth++;
    else if (value[at] === ')' && --depth === 0) return at + 1;
  }
  return value.length + 1;
}
