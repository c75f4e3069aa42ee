/**
 * The items of one message in answer to FETCH. The message is read once, and only for items that
 * need its bytes. Before: fetch.ts; after: core/mime and syntax/body-structure.ts.
 */
import type { FolderMessage } from '../../../core/folder/folder.ts';
import { decodedPart } from '../../../core/mime/transfer-encoding.ts';
import { type MimePart, readParts } from '../../../core/mime/part.ts';
import { CommandRefused } from '../session/command.ts';
import type { ImapSession } from '../session/session.ts';
import { octetsOf, utf8Octets } from '../syntax/arguments.ts';
import { formatSection, partAt, sectionBytes } from '../syntax/body-section.ts';
import { formatEnvelope, formatStructure } from '../syntax/body-structure.ts';
import type { FetchItem, Partial } from '../syntax/fetch-items.ts';
import { formatDateTime } from '../syntax/imap-date.ts';
import { type Octets, string } from '../syntax/imap-text.ts';
import { previewOf } from './preview.ts';

interface Loaded {
  readonly bytes: Uint8Array;
  readonly root: MimePart;
}

export class FetchAnswer {
  readonly #session: ImapSession;
  readonly #message: FolderMessage;
  #loaded: Loaded | undefined;
  #preview = '';

  constructor(session: ImapSession, message: FolderMessage) {
    this.#session = session;
    this.#message = message;
  }

  /** The items with their values; undefined when the message is gone. */
  async format(items: readonly FetchItem[]): Promise<Octets | undefined> {
    if (items.some(needsBytes)) {
      const bytes = await this.#session.store.read(this.#message);
      if (bytes === undefined) return undefined;
      this.#loaded = { bytes, root: readParts(bytes) };
      const hasPreview = items.some(({ kind }) => kind === 'PREVIEW');
      this.#preview = hasPreview ? await previewOf(bytes) : '';
    }
    return items.map((item) => this.#format(item)).join(' ');
  }

  #format(item: FetchItem): Octets {
    const { emailId, internalDate, modseq, savedAt, uid } = this.#message;
    switch (item.kind) {
      case 'UID':
        return `UID ${uid}`;
      case 'FLAGS':
        return `FLAGS ${this.#session.flagsOf(this.#message)}`;
      case 'INTERNALDATE':
        return `INTERNALDATE ${formatDateTime(internalDate)}`;
      case 'SAVEDATE':
        return `SAVEDATE ${savedAt === undefined ? 'NIL' : formatDateTime(savedAt)}`;
      case 'RFC822.SIZE':
        return `RFC822.SIZE ${this.#session.store.sizeOf(this.#message)}`;
      case 'MODSEQ':
        return `MODSEQ (${modseq})`;
      case 'EMAILID':
        return `EMAILID (${emailId})`;
      case 'THREADID':
        return `THREADID ${idOrNil(this.#session.store.threadId(this.#message))}`;
      default:
        return this.#formatContent(item, this.#content);
    }
  }

  get #content(): Loaded {
    if (this.#loaded === undefined) throw new Error('broken invariant: the message was read');
    return this.#loaded;
  }

  #formatContent(item: FetchItem, { bytes, root }: Loaded): Octets {
    const mode = this.#session.textMode;
    switch (item.kind) {
      case 'ENVELOPE':
        return `ENVELOPE ${formatEnvelope(bytes, root, mode)}`;
      case 'BODY':
        return `BODY ${formatStructure(bytes, root, { ...mode, isExtended: false })}`;
      case 'BODYSTRUCTURE':
        return `BODYSTRUCTURE ${formatStructure(bytes, root, { ...mode, isExtended: true })}`;
      case 'PREVIEW':
        return `PREVIEW ${string(utf8Octets(this.#preview), mode)}`;
      case 'section': {
        const section = sectionBytes(bytes, root, item.section);
        const name = item.name === 'BODY' ? `BODY${formatSection(item.section)}` : item.name;
        return `${name}${originOf(item.partial)} ${literal(cut(section, item.partial), '')}`;
      }
      case 'binary':
        return formatBinary(bytes, root, item);
      default:
        throw new Error(`broken invariant: ${item.kind} is no content`);
    }
  }
}

function needsBytes({ kind }: FetchItem): boolean {
  return ['BODY', 'BODYSTRUCTURE', 'ENVELOPE', 'PREVIEW', 'binary', 'section'].includes(kind);
}

function formatBinary(
  bytes: Uint8Array,
  root: MimePart,
  item: Extract<FetchItem, { kind: 'binary' }>,
): Octets {
  const part = partAt(root, item.path);
  const numbers = `[${item.path.join('.')}]`;
  const decoded = part && (item.path.length === 0 ? bytes : decodedPart(bytes, part));
  if (decoded === 'unknown') {
    throw new CommandRefused('the part is encoded in an unknown way', 'UNKNOWN-CTE');
  }
  if (item.isSize) return `BINARY.SIZE${numbers} ${decoded?.length ?? 0}`;
  const content = cut(decoded, item.partial);
  // literal8 is for octets that a literal must not hold (RFC 3516 §4.2).
  const mark = content?.includes(0) === true ? '~' : '';
  return `BINARY${numbers}${originOf(item.partial)} ${literal(content, mark)}`;
}

function originOf(partial: Partial | undefined): Octets {
  return partial === undefined ? '' : `<${partial.from}>`;
}

function cut(bytes: Uint8Array | undefined, partial: Partial | undefined): Uint8Array | undefined {
  if (bytes === undefined || partial === undefined) return bytes;
  return bytes.subarray(partial.from, partial.from + partial.length);
}

function literal(bytes: Uint8Array | undefined, mark: '' | '~'): Octets {
  return bytes === undefined ? 'NIL' : `${mark}{${bytes.length}}\r\n${octetsOf(bytes)}`;
}

function idOrNil(id: string | undefined): Octets {
  return id === undefined ? 'NIL' : `(${id})`;
}
