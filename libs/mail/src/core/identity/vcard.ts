/**
 * Address books in and out: vCard 4.0 (RFC 6350), of which a contact needs the name, the addresses
 * and the note; 3.0 is read too, whose lines look the same. Everything else in a card is left out.
 * Spec: docs/spec/20-identity.md, "vCards".
 */
import { fail, succeed } from '../outcome.ts';
import type { MailOutcome } from '../outcome.ts';

/** Characters of a file. Bounds what an import holds in memory. */
export const MAX_VCARD_FILE = 524_288;
/** Cards of a file. */
export const MAX_VCARDS = 5_000;
/** Addresses of each kind that are taken from one card. */
const MAX_ADDRESSES = 16;
/** RFC 6350 section 3.2: octets of a line without its CRLF. */
const LINE_OCTETS = 75;

export interface VCard {
  /** The formatted name; may be empty. */
  readonly name: string;
  /** Values of IMPP (URIs), in their order. */
  readonly impps: readonly string[];
  /** Values of EMAIL, in their order. */
  readonly emails: readonly string[];
  readonly note?: string;
}

/** A card while it is read. */
interface OpenCard {
  name: string | undefined;
  hasVersion: boolean;
  readonly impps: string[];
  readonly emails: string[];
  note: string | undefined;
}

/** Writes cards in vCard 4.0, lines folded and ended by CRLF. */
export function formatVcards(cards: readonly VCard[]): string {
  const lines = cards.flatMap(({ name, impps, emails, note }) => [
    'BEGIN:VCARD',
    'VERSION:4.0',
    `FN:${escapeText(name)}`,
    ...impps.map((one) => `IMPP:${plainText(one)}`),
    ...emails.map((one) => `EMAIL:${escapeText(one)}`),
    ...(note === undefined ? [] : [`NOTE:${escapeText(note)}`]),
    'END:VCARD',
  ]);
  return lines.map((line) => `${fold(line)}\r\n`).join('');
}

/** Reads the cards of a file. `vcard-invalid` with the line where it stops to be one. */
export function parseVcards(text: string): MailOutcome<VCard[]> {
  if (text.length > MAX_VCARD_FILE) return invalid(0, 'too large');
  const cards: VCard[] = [];
  let open: OpenCard | undefined;
  for (const { line, number } of unfold(text)) {
    const content = readLine(line);
    if (content === undefined) return invalid(number, 'no content line');
    const { name, value } = content;
    const isBegin = name === 'BEGIN' && value.toUpperCase() === 'VCARD';
    if (open === undefined) {
      if (!isBegin) return invalid(number, 'outside of a card');
      if (cards.length >= MAX_VCARDS) return invalid(number, `more than ${MAX_VCARDS} cards`);
      open = { name: undefined, hasVersion: false, impps: [], emails: [], note: undefined };
    } else if (name === 'END' && value.toUpperCase() === 'VCARD') {
      if (!open.hasVersion || open.name === undefined) return invalid(number, 'card not whole');
      const { note } = open;
      const card = { name: open.name, impps: open.impps, emails: open.emails };
      cards.push(note === undefined ? card : { ...card, note });
      open = undefined;
    } else if (isBegin || !takeProperty(open, name, value)) {
      return invalid(number, 'not vCard 3.0 or 4.0');
    }
  }
  return open === undefined ? succeed(cards) : invalid(0, 'the last card does not end');
}

function invalid(line: number, what: string): MailOutcome<never> {
  return fail('vcard-invalid', line === 0 ? what : `line ${line}: ${what}`);
}

/** Takes a property into the card; false when the card is of another version. */
function takeProperty(card: OpenCard, name: string, value: string): boolean {
  if (name === 'VERSION') {
    card.hasVersion = true;
    return value === '4.0' || value === '3.0';
  }
  if (name === 'FN') card.name ??= unescapeText(value);
  else if (name === 'NOTE') card.note ??= unescapeText(value);
  else if (name === 'IMPP' && card.impps.length < MAX_ADDRESSES) card.impps.push(value);
  else if (name === 'EMAIL' && card.emails.length < MAX_ADDRESSES) {
    card.emails.push(unescapeText(value));
  }
  return true;
}

/** Logical lines with the number of the line where each begins; empty lines are left out. */
function unfold(text: string): { line: string; number: number }[] {
  const found: { parts: string[]; number: number }[] = [];
  const lines = text.replace(/^\ufeff/, '').split(/\r?\n/);
  for (const [at, line] of lines.entries()) {
    const last = found.at(-1);
    if (/^[ \t]/.test(line) && last !== undefined) last.parts.push(line.slice(1));
    else if (line !== '') found.push({ parts: [line], number: at + 1 });
  }
  return found.map(({ parts, number }) => ({ line: parts.join(''), number }));
}

/** `group.NAME;PARAM="a:b":value`; parameters are left out. */
function readLine(line: string): { name: string; value: string } | undefined {
  let isQuoted = false;
  let end = -1;
  for (let at = 0; at < line.length && end < 0; at++) {
    if (line[at] === '"') isQuoted = !isQuoted;
    else if (line[at] === ':' && !isQuoted) end = at;
  }
  const head = /^(?:[A-Za-z0-9-]+\.)?([A-Za-z0-9-]+)(?:;|$)/.exec(line.slice(0, Math.max(end, 0)));
  const name = head?.[1];
  return name === undefined ? undefined : { name: name.toUpperCase(), value: line.slice(end + 1) };
}

/** Control characters have no place in a line. */
function plainText(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, '');
}

function escapeText(text: string): string {
  const lines = text.split(/\r\n|[\r\n]/).map((line) => plainText(line));
  return lines.map((line) => line.replaceAll(/[\\,;]/g, (one) => `\\${one}`)).join('\\n');
}

function unescapeText(text: string): string {
  return text.replaceAll(/\\([\s\S])/g, (_all, one: string) =>
    one === 'n' || one === 'N' ? '\n' : one,
  );
}

/** Breaks a line between characters so that none has more than 75 octets. */
function fold(line: string): string {
  let folded = '';
  let octets = 0;
  for (const character of line) {
    const size = octetsOf(character);
    if (octets + size > LINE_OCTETS) {
      folded += '\r\n ';
      octets = 1;
    }
    folded += character;
    octets += size;
  }
  return folded;
}

function octetsOf(character: string): number {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x80) return 1;
  if (code < 0x800) return 2;
  return code < 0x1_0000 ? 3 : 4;
}
