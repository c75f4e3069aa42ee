/**
 * Archives on the disk, read message by message: an mbox file, lines of JSON, a Maildir with the
 * folders inside it, and `.eml` files in folders, as an export writes them.
 * Before: archive-commands.ts; after: archive/archived-mail.ts.
 */
import { createReadStream } from 'node:fs';
import { open, readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { MAX_MESSAGE_SIZE } from '@tanglemail/mail/core/limits.ts';
import { MboxReader, separatorDate } from '@tanglemail/mail/core/message/mbox.ts';
import {
  type ArchivedMail,
  decodeLine,
  flagsOfHeaders,
  linesOf,
} from '../archive/archived-mail.ts';
import { ClientError } from '../client-error.ts';
import { MAX_FOLDER_DEPTH } from '../messages/folder-name.ts';

/** Letters behind `:2,` in the name of a file of a Maildir. */
const MAILDIR_FLAGS: Readonly<Record<string, string>> = {
  D: '\\Draft',
  F: '\\Flagged',
  P: '$Forwarded',
  R: '\\Answered',
  S: '\\Seen',
  T: '\\Deleted',
};

/** A message of an archive, or one that is too large to be taken. */
export type SourceMail = ArchivedMail | { readonly tooLarge: number };

/** The messages at `path`. Throws ClientError `archive-invalid`, `file-unusable`. */
export async function* archiveAt(path: string): AsyncGenerator<SourceMail> {
  try {
    const isFolder = (await stat(path)).isDirectory();
    if (isFolder) yield* folderAt(path);
    else if (/\.eml$/i.test(path)) yield await fileAt(path);
    else if (await beginsWithBrace(path)) {
      for await (const line of linesOf(createReadStream(path))) yield decodeLine(line);
    } else yield* mboxAt(path);
  } catch (cause) {
    if (!isDiskError(cause)) throw cause;
    throw new ClientError('file-unusable', path, { cause });
  }
}

/** Whether the file system said no: a name, a right, a full disk. */
function isDiskError(cause: unknown): boolean {
  return typeof cause === 'object' && cause !== null && 'syscall' in cause;
}

async function beginsWithBrace(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(1), 0, 1, 0);
    return bytesRead === 1 && buffer[0] === 0x7b;
  } finally {
    await file.close();
  }
}

async function* mboxAt(path: string): AsyncGenerator<SourceMail> {
  const reader = new MboxReader(MAX_MESSAGE_SIZE);
  let hasAny = false;
  const take = function* (found: ReturnType<MboxReader['push']>): Generator<SourceMail> {
    for (const { raw, sizeBytes, separator } of found) {
      hasAny = true;
      const receivedAt = separatorDate(separator);
      if (raw === undefined) yield { tooLarge: sizeBytes };
      else
        yield {
          raw,
          flags: flagsOfHeaders(raw),
          ...(receivedAt === undefined ? {} : { receivedAt }),
        };
    }
  };
  for await (const piece of createReadStream(path)) yield* take(reader.push(piece as Uint8Array));
  yield* take(reader.end());
  if (!hasAny) throw new ClientError('archive-invalid', `${path} does not begin with "From …"`);
}

async function* folderAt(path: string): AsyncGenerator<SourceMail> {
  const names = (await readdir(path)).toSorted();
  if (names.includes('cur')) {
    yield* maildirAt(path, names);
    return;
  }
  let hasAny = false;
  for await (const mail of filesBelow(path, [])) {
    hasAny = true;
    yield mail;
  }
  if (hasAny) return;
  throw new ClientError('archive-invalid', `${path} is no Maildir, and holds no .eml files`);
}

/** The `.eml` files of a folder and of those in it, whose names are those of the mails' folders. */
async function* filesBelow(path: string, above: readonly string[]): AsyncGenerator<SourceMail> {
  const entries = await readdir(path, { withFileTypes: true });
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const inside = join(path, entry.name);
    if (entry.isDirectory() && above.length < MAX_FOLDER_DEPTH) {
      yield* filesBelow(inside, [...above, entry.name]);
    } else if (entry.isFile() && /\.eml$/i.test(entry.name)) {
      const mail = await fileAt(inside);
      yield above.length === 0 ? mail : { ...mail, folder: above.join('/') };
    }
  }
}

async function fileAt(path: string): Promise<SourceMail> {
  const { size } = await stat(path);
  if (size > MAX_MESSAGE_SIZE) return { tooLarge: size };
  const raw = await readFile(path);
  return { raw, flags: flagsOfHeaders(raw) };
}

/** `cur` and `new` of the Maildir, and of the folders in it: `.Work.Invoices` is Work/Invoices. */
async function* maildirAt(path: string, names: readonly string[]): AsyncGenerator<SourceMail> {
  yield* maildirFolder(path, undefined);
  for (const name of names) {
    if (!name.startsWith('.') || name === '.' || name === '..') continue;
    const inside = await readdir(join(path, name)).catch((): string[] => []);
    if (!inside.includes('cur')) continue;
    yield* maildirFolder(join(path, name), name.slice(1).replaceAll('.', '/'));
  }
}

async function* maildirFolder(
  path: string,
  folder: string | undefined,
): AsyncGenerator<SourceMail> {
  for (const part of ['cur', 'new']) {
    const names = await readdir(join(path, part)).catch((): string[] => []);
    for (const name of names.toSorted()) {
      const file = join(path, part, name);
      const { size, mtimeMs } = await stat(file);
      if (size > MAX_MESSAGE_SIZE) {
        yield { tooLarge: size };
        continue;
      }
      const raw = await readFile(file);
      const flags = maildirFlags(basename(name));
      const receivedAt = Math.max(0, Math.floor(mtimeMs / 1_000));
      yield { raw, flags, receivedAt, ...(folder === undefined ? {} : { folder }) };
    }
  }
}

function maildirFlags(name: string): string[] {
  const [, letters = ''] = /[:!;]2,([A-Za-z]*)$/.exec(name) ?? [];
  return letters.split('').flatMap((letter) => MAILDIR_FLAGS[letter] ?? []);
}
