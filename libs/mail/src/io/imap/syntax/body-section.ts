/**
 * Sections of BODY[…] and BINARY[…]: which bytes of a message a program asks for. Source: RFC 3501
 * §6.4.5, RFC 3516. Before: core/mime/part.ts; next: the command FETCH.
 */
import type { FieldSpan } from '../../../core/mime/fields.ts';
import type { MimePart } from '../../../core/mime/part.ts';
import type { Arguments } from './arguments.ts';
import { SyntaxProblem } from './arguments.ts';
import { astring } from './imap-text.ts';
import type { Octets } from './imap-text.ts';

/** Names of header fields in one section. */
const MAX_FIELD_NAMES = 500;

export interface BodySection {
  /** Numbers of parts from the outermost inward; empty for the message. */
  readonly path: readonly number[];
  readonly what: 'ALL' | 'HEADER' | 'HEADER.FIELDS' | 'HEADER.FIELDS.NOT' | 'MIME' | 'TEXT';
  /** As written, for HEADER.FIELDS. */
  readonly names: readonly Octets[];
}

/** Reads what stands between the brackets, and the brackets. */
export function readSection(args: Arguments): BodySection {
  args.expect('[');
  const path = readPath(args);
  const isBare = args.next === ']';
  if (isBare) {
    args.expect(']');
    return { path, what: 'ALL', names: [] };
  }
  const what = args.run(/[A-Za-z.]/, 'a section is missing').toUpperCase();
  if (!isText(what) || (what === 'MIME' && path.length === 0)) {
    throw new SyntaxProblem('a section is unknown');
  }
  let names: Octets[] = [];
  if (what.startsWith('HEADER.')) {
    args.space();
    names = args.list(() => args.astring(), true);
    if (names.length > MAX_FIELD_NAMES) throw new SyntaxProblem('too many header fields');
  }
  args.expect(']');
  return { path, what, names };
}

/** Numbers of parts, a dot behind each that something follows. */
export function readPath(args: Arguments): number[] {
  const path: number[] = [];
  while (/\d/.test(args.next)) {
    path.push(args.nzNumber());
    if (args.next === ']' || !args.take('.')) return path;
  }
  if (path.length > 0 && args.next === ']') throw new SyntaxProblem('a section ends in a dot');
  return path;
}

function isText(what: string): what is Exclude<BodySection['what'], 'ALL'> {
  return ['HEADER', 'HEADER.FIELDS', 'HEADER.FIELDS.NOT', 'MIME', 'TEXT'].includes(what);
}

/** The section as the answer names it. */
export function formatSection(section: BodySection): Octets {
  const { path, what, names } = section;
  const numbers = path.join('.');
  if (what === 'ALL') return `[${numbers}]`;
  const list =
    names.length === 0 ? '' : ` (${names.map((one) => astring(one, { isUtf8: false })).join(' ')})`;
  return `[${numbers}${numbers === '' ? '' : '.'}${what}${list}]`;
}

/** The part that numbers name; undefined when there is none. */
export function partAt(root: MimePart, path: readonly number[]): MimePart | undefined {
  let part = root;
  // Whose parts the next number counts; a message that is no multipart has itself as part 1.
  let counted: MimePart | undefined = root;
  let isMessage = true;
  for (const number of path) {
    if (counted === undefined) return undefined;
    const isMultipart: boolean = counted.type.toLowerCase() === 'multipart';
    const found: MimePart | undefined = isMultipart
      ? counted.children[number - 1]
      : isMessage && number === 1
        ? counted
        : undefined;
    if (found === undefined) return undefined;
    part = found;
    isMessage = found.isMessage;
    counted = isMessage ? found.children[0] : isMultipart ? found : undefined;
  }
  return part;
}

/** The bytes of a section; undefined when the message has no such part. */
export function sectionBytes(
  message: Uint8Array,
  root: MimePart,
  section: BodySection,
): Uint8Array | undefined {
  const { path, what } = section;
  const part = partAt(root, path);
  if (part === undefined) return undefined;
  if (what === 'ALL') {
    return path.length === 0 ? message : message.subarray(part.bodyStart, part.bodyEnd);
  }
  if (what === 'MIME') return message.subarray(part.headerStart, part.bodyStart);
  // HEADER and TEXT are those of a message: of the whole one, or of one that is attached.
  const inner = path.length === 0 ? root : part.isMessage ? part.children[0] : undefined;
  if (inner === undefined) return undefined;
  if (what === 'TEXT') return message.subarray(inner.bodyStart, inner.bodyEnd);
  if (what === 'HEADER') return message.subarray(inner.headerStart, inner.bodyStart);
  const names = new Set(section.names.map((name) => name.toLowerCase()));
  const isWanted = what === 'HEADER.FIELDS';
  return chosenFields(message, inner.fields.fields, (name) => names.has(name) === isWanted);
}

/** Header fields as they stand, and the blank line, which is always there. */
function chosenFields(
  message: Uint8Array,
  fields: readonly FieldSpan[],
  isChosen: (name: string) => boolean,
): Uint8Array {
  const spans = fields.filter((field) => isChosen(field.name));
  const pieces = spans.map((field) => message.subarray(field.start, field.end));
  return Buffer.concat([...pieces, Buffer.from('\r\n')]);
}
