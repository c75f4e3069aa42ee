/**
 * The tree of a message's MIME parts, found in one pass over its lines and without decoding a
 * byte: where each part's header and body lie, and what its header says of it. IMAP's
 * BODYSTRUCTURE and BODY[…] answer from it. Stop before: the stored message; next: io/imap. Spec:
 * docs/spec/45-mail-programs.md §3; RFC 2045, 2046.
 */
import { asciiOf, fieldValue, lineEnd, listFields } from './fields.ts';
import type { FieldList } from './fields.ts';
import { readParameters } from './parameters.ts';
import type { Parameter, ParameterValue } from './parameters.ts';

/** Depth of nested parts; what lies deeper is shown as one part without an inside. */
export const MAX_PART_DEPTH = 50;
/** Parts of one message; what follows them belongs to the last. */
export const MAX_PARTS = 10_000;

const MAX_DELIMITER = 1_000;
const LF = 0x0a;
const CR = 0x0d;
const DASH = 0x2d;

/** One part; the message itself is the root. All offsets count from the message's first byte. */
export interface MimePart {
  readonly headerStart: number;
  /** Behind the header's blank line. */
  readonly bodyStart: number;
  /** In front of the line break that belongs to the delimiter behind the part. */
  readonly bodyEnd: number;
  /** Line breaks in the body. */
  readonly lines: number;
  /** As written, for example `text` and `PLAIN`. */
  readonly type: string;
  readonly subtype: string;
  readonly parameters: readonly Parameter[];
  readonly id: string | undefined;
  readonly description: string | undefined;
  /** Content-Transfer-Encoding as written; `7bit` when the header says none. */
  readonly encoding: string;
  readonly disposition: ParameterValue | undefined;
  readonly languages: readonly string[];
  readonly location: string | undefined;
  readonly md5: string | undefined;
  /** Parts of a multipart; of a message/rfc822 the one message in it. */
  readonly children: readonly MimePart[];
  /** Whether it is a message/rfc822 (or global) whose inside was read. */
  readonly isMessage: boolean;
  readonly fields: FieldList;
}

type Growing = { -readonly [Key in keyof MimePart]: MimePart[Key] } & { children: Growing[] };

/** A part that is being read, with the boundary of what is inside it. */
interface Open {
  readonly part: Growing;
  /** Two dashes and the boundary; undefined for what is no multipart. */
  readonly delimiter: string | undefined;
  readonly isDigest: boolean;
  /** Line breaks in front of its body. */
  readonly breaksBefore: number;
}

/** Reads the tree of a whole message. Never throws: what is broken is text. */
export function readParts(message: Uint8Array): MimePart {
  return new PartReader(message).read();
}

/** Reads only the header of a whole message: its fields and where its body begins. */
export function readHeaderPart(message: Uint8Array): MimePart {
  return new PartReader(message).readHeader();
}

class PartReader {
  readonly #message: Uint8Array;
  /** From the root to the part that is being read. */
  readonly #open: Open[] = [];
  #count = 0;
  /** How far lines were read, and how many line breaks lie before. */
  #at = 0;
  #breaks = 0;

  constructor(message: Uint8Array) {
    this.#message = message;
  }

  readHeader(): MimePart {
    return this.#begin(false);
  }

  read(): MimePart {
    const root = this.#begin(false);
    while (this.#at < this.#message.length) {
      const owner = this.#ownerOf(this.#at);
      if (owner === undefined) {
        this.#skipLine();
        continue;
      }
      this.#closeAbove(owner.depth);
      this.#skipLine();
      const open = this.#open[owner.depth];
      if (open === undefined) break;
      // What follows the last delimiter is the epilogue: there it has no meaning any more.
      if (owner.isLast) this.#open[owner.depth] = { ...open, delimiter: undefined };
      else open.part.children.push(this.#begin(open.isDigest));
    }
    this.#closeAbove(-1);
    return root;
  }

  /** Reads a part's header, and that of the message inside it, and leaves them open. */
  #begin(isDigest: boolean): Growing {
    const start = this.#at;
    this.#skipHeader();
    const fields = listFields(this.#message, start, this.#at);
    const part = describe(this.#message, fields, start, isDigest);
    this.#count++;
    const mayNest = this.#open.length < MAX_PART_DEPTH;
    const isMultipart = part.type.toLowerCase() === 'multipart';
    const boundary = part.parameters.find(({ name }) => name.toLowerCase() === 'boundary')?.value;
    this.#open.push({
      part,
      delimiter: isMultipart && mayNest && boundary ? `--${boundary}` : undefined,
      isDigest: isMultipart && part.subtype.toLowerCase() === 'digest',
      breaksBefore: this.#breaks,
    });
    if (mayNest && isMessageType(part)) {
      part.isMessage = true;
      part.children.push(this.#begin(false));
    }
    return part;
  }

  /** Moves behind the blank line, or to the delimiter of an outer part, which ends a header too. */
  #skipHeader(): void {
    while (this.#at < this.#message.length && this.#ownerOf(this.#at) === undefined) {
      const start = this.#at;
      this.#skipLine();
      if (beforeBreak(this.#message, this.#at) <= start) return;
    }
  }

  #skipLine(): void {
    this.#at = lineEnd(this.#message, this.#at, this.#message.length);
    if (this.#message[this.#at - 1] === LF) this.#breaks++;
  }

  /** Which open multipart the line at `start` is a delimiter of, innermost first. */
  #ownerOf(start: number): { readonly depth: number; readonly isLast: boolean } | undefined {
    if (this.#message[start] !== DASH || this.#message[start + 1] !== DASH) return undefined;
    if (this.#count >= MAX_PARTS) return undefined;
    // A boundary has at most 70 characters; longer ones that exist are read as far as this.
    const limit = Math.min(this.#message.length, start + MAX_DELIMITER);
    const line = asciiOf(this.#message, start, lineEnd(this.#message, start, limit)).trimEnd();
    for (let depth = this.#open.length - 1; depth >= 0; depth--) {
      const delimiter = this.#open[depth]?.delimiter;
      if (delimiter === undefined) continue;
      if (line === delimiter) return { depth, isLast: false };
      if (line === `${delimiter}--`) return { depth, isLast: true };
    }
    return undefined;
  }

  /** Ends all parts that lie deeper than `depth`; what comes next is not theirs. */
  #closeAbove(depth: number): void {
    while (this.#open.length - 1 > depth) {
      const { part, breaksBefore } = this.#open.pop() ?? {};
      if (part === undefined || breaksBefore === undefined) return;
      // The line break in front of a delimiter is the delimiter's.
      const stop = depth < 0 ? this.#at : beforeBreak(this.#message, this.#at);
      const hasBreak = stop < this.#at && stop >= part.bodyStart;
      part.bodyEnd = Math.max(part.bodyStart, stop);
      part.lines = this.#breaks - breaksBefore - (hasBreak ? 1 : 0);
    }
  }
}

/** The offset in front of the line break that ends at `end`. */
function beforeBreak(message: Uint8Array, end: number): number {
  if (message[end - 1] !== LF) return end;
  return message[end - 2] === CR ? end - 2 : end - 1;
}

function isMessageType(part: MimePart): boolean {
  const subtype = part.subtype.toLowerCase();
  if (part.type.toLowerCase() !== 'message' || !['rfc822', 'global'].includes(subtype)) {
    return false;
  }
  // An encoded message cannot be read without decoding (RFC 2046 §5.2.1 forbids it anyway).
  return ['7bit', '8bit', 'binary'].includes(part.encoding.toLowerCase());
}

function describe(
  message: Uint8Array,
  fields: FieldList,
  start: number,
  isDigest: boolean,
): Growing {
  const value = (name: string): string | undefined => fieldValue(message, fields, name);
  const content = readParameters(value('content-type') ?? '');
  const [type, subtype] = typeOf(content.word, isDigest);
  const isKnown = content.word.includes('/');
  const disposition = value('content-disposition');
  return {
    headerStart: start,
    bodyStart: fields.bodyStart,
    bodyEnd: fields.bodyStart,
    lines: 0,
    type,
    subtype,
    parameters: parametersOf(content, type, isKnown),
    id: value('content-id'),
    description: value('content-description'),
    encoding: readParameters(value('content-transfer-encoding') ?? '').word || '7bit',
    disposition: disposition ? readParameters(disposition) : undefined,
    languages: (value('content-language') ?? '')
      .split(',')
      .map((tag) => tag.trim())
      .filter(Boolean),
    location: value('content-location'),
    md5: value('content-md5'),
    children: [],
    isMessage: false,
    fields,
  };
}

function typeOf(word: string, isDigest: boolean): readonly [string, string] {
  const slash = word.indexOf('/');
  if (slash > 0 && slash < word.length - 1) return [word.slice(0, slash), word.slice(slash + 1)];
  return isDigest ? ['message', 'rfc822'] : ['text', 'plain'];
}

/** Text without a charset is US-ASCII (RFC 2045 §5.2). */
function parametersOf(
  content: ParameterValue,
  type: string,
  isKnown: boolean,
): readonly Parameter[] {
  const given = isKnown ? content.parameters : [];
  const hasCharset = given.some(({ name }) => name.toLowerCase() === 'charset');
  if (type.toLowerCase() !== 'text' || hasCharset) return given;
  return [...given, { name: 'charset', value: 'us-ascii' }];
}
