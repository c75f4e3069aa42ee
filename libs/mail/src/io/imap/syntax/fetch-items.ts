/**
 * What FETCH asks for, read from its arguments. Source: RFC 3501 §6.4.5, 7162, 8474, 3516, 8970.
 */
import type { Arguments } from './arguments.ts';
import { SyntaxProblem } from './arguments.ts';
import { type BodySection, readPath, readSection } from './body-section.ts';

/** Items of one FETCH. */
const MAX_ITEMS = 200;

/** Octets `from` up to `from + length` of a section. */
export interface Partial {
  readonly from: number;
  readonly length: number;
}

export type FetchItem =
  | {
      readonly kind:
        | 'BODY'
        | 'BODYSTRUCTURE'
        | 'EMAILID'
        | 'ENVELOPE'
        | 'FLAGS'
        | 'INTERNALDATE'
        | 'MODSEQ'
        | 'PREVIEW'
        | 'RFC822.SIZE'
        | 'SAVEDATE'
        | 'THREADID'
        | 'UID';
    }
  | {
      readonly kind: 'section';
      /** The name in the answer: `BODY` with its section, or one of the RFC822 family. */
      readonly name: 'BODY' | 'RFC822' | 'RFC822.HEADER' | 'RFC822.TEXT';
      readonly section: BodySection;
      /** Sets no \Seen. */
      readonly isPeek: boolean;
      readonly partial: Partial | undefined;
    }
  | {
      readonly kind: 'binary';
      readonly path: readonly number[];
      readonly isPeek: boolean;
      readonly isSize: boolean;
      readonly partial: Partial | undefined;
    };

const SIMPLE = new Set([
  'BODYSTRUCTURE',
  'EMAILID',
  'ENVELOPE',
  'FLAGS',
  'INTERNALDATE',
  'MODSEQ',
  'RFC822.SIZE',
  'SAVEDATE',
  'THREADID',
  'UID',
]);
const FAST = ['FLAGS', 'INTERNALDATE', 'RFC822.SIZE'];
const MACROS: Record<string, readonly string[]> = {
  FAST,
  ALL: [...FAST, 'ENVELOPE'],
  FULL: [...FAST, 'ENVELOPE', 'BODY'],
};

/** One item, a macro, or a list of items. */
export function readFetchItems(args: Arguments): FetchItem[] {
  if (args.next === '(') {
    const items = args.list(() => readItem(args), true);
    if (items.length > MAX_ITEMS) throw new SyntaxProblem('too many items');
    return items;
  }
  const name = readName(args);
  const macro = MACROS[name];
  return macro === undefined ? [itemOf(args, name)] : macro.map((one) => itemOf(args, one));
}

function readItem(args: Arguments): FetchItem {
  return itemOf(args, readName(args));
}

function readName(args: Arguments): string {
  return args.run(/[A-Za-z0-9.]/, 'an item is missing').toUpperCase();
}

function itemOf(args: Arguments, name: string): FetchItem {
  if (SIMPLE.has(name)) return { kind: name } as FetchItem;
  if (name === 'BODY' && args.next !== '[') return { kind: 'BODY' };
  switch (name) {
    case 'BODY':
    case 'BODY.PEEK': {
      const section = readSection(args);
      const isPeek = name === 'BODY.PEEK';
      return { kind: 'section', name: 'BODY', section, isPeek, partial: readPartial(args) };
    }
    case 'PREVIEW':
      // Ours is made at once or not at all; LAZY may as well have it.
      if (args.take(' (')) {
        if (args.keyword() !== 'LAZY') throw new SyntaxProblem('a modifier is unknown');
        args.expect(')');
      }
      return { kind: 'PREVIEW' };
    case 'RFC822':
      return whole('RFC822', 'ALL', false);
    case 'RFC822.HEADER':
      return whole('RFC822.HEADER', 'HEADER', true);
    case 'RFC822.TEXT':
      return whole('RFC822.TEXT', 'TEXT', false);
    case 'BINARY':
    case 'BINARY.PEEK':
    case 'BINARY.SIZE':
      return readBinary(args, name);
    default:
      throw new SyntaxProblem('an item is unknown');
  }
}

function whole(
  name: 'RFC822' | 'RFC822.HEADER' | 'RFC822.TEXT',
  what: BodySection['what'],
  isPeek: boolean,
): FetchItem {
  const section = { path: [], what, names: [] };
  return { kind: 'section', name, section, isPeek, partial: undefined };
}

function readBinary(args: Arguments, name: string): FetchItem {
  args.expect('[');
  const path = readPath(args);
  args.expect(']');
  const isSize = name === 'BINARY.SIZE';
  const partial = isSize ? undefined : readPartial(args);
  return { kind: 'binary', path, isPeek: name !== 'BINARY', isSize, partial };
}

function readPartial(args: Arguments): Partial | undefined {
  if (!args.take('<')) return undefined;
  const from = args.number();
  args.expect('.');
  const length = args.nzNumber();
  args.expect('>');
  return { from, length };
}
