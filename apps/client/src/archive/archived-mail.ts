/**
 * One message in an archive, and the lines of JSON that carry it with everything that mbox has no
 * place for. Before: importer.ts, exporter.ts, the command line; after: mail core, message/mbox.ts.
 * Spec: docs/spec/41-client-api.md §20.
 */
import { readHeaders, valuesOf } from '@tanglemail/mail/core/message/headers.ts';
import { MAX_MESSAGE_SIZE } from '@tanglemail/mail/core/limits.ts';
import { z } from 'zod';
import { ClientError } from '../client-error.ts';

const LF = 0x0a;
/** Base64 of the largest message, and what stands around it. */
export const MAX_ARCHIVE_LINE = Math.ceil(MAX_MESSAGE_SIZE / 3) * 4 + 65_536;

const archiveLine = z.object({
  folder: z.string().max(255).optional(),
  flags: z.array(z.string().max(128)).max(64).default([]),
  /** Unix seconds. */
  receivedAt: z.int().min(0).max(0xffff_ffff).optional(),
  raw: z.base64(),
});

/** A message on its way into or out of an archive. */
export interface ArchivedMail {
  readonly raw: Uint8Array;
  readonly flags: readonly string[];
  /** Unix seconds. */
  readonly receivedAt?: number;
  /** Its folder's whole name. */
  readonly folder?: string;
}

/** A message as one line. */
export function encodeLine({ raw, ...facts }: ArchivedMail): Uint8Array {
  const line = JSON.stringify({ ...facts, raw: Buffer.from(raw).toString('base64') });
  return Buffer.from(`${line}\n`);
}

/** Reads one line. Throws ClientError `archive-invalid`. */
export function decodeLine(line: Uint8Array): ArchivedMail {
  try {
    const { raw, receivedAt, folder, flags } = archiveLine.parse(
      JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(line)),
    );
    return {
      raw: new Uint8Array(Buffer.from(raw, 'base64')),
      flags,
      ...(receivedAt === undefined ? {} : { receivedAt }),
      ...(folder === undefined ? {} : { folder }),
    };
  } catch (cause) {
    throw new ClientError('archive-invalid', 'a line is no message', { cause });
  }
}

/** The lines of a stream. Throws ClientError `archive-invalid` for one that is too long. */
export async function* linesOf(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let parts: Uint8Array[] = [];
  let length = 0;
  for await (const piece of source) {
    let rest = piece;
    for (let end = rest.indexOf(LF); end >= 0; end = rest.indexOf(LF)) {
      const line = Buffer.concat([...parts, rest.subarray(0, end)]);
      if (line.length > 0) yield line;
      [parts, length, rest] = [[], 0, rest.subarray(end + 1)];
    }
    length += rest.length;
    if (length > MAX_ARCHIVE_LINE) throw new ClientError('archive-invalid', 'a line is too long');
    if (rest.length > 0) parts.push(rest.slice());
  }
  if (length > 0) yield Buffer.concat(parts);
}

/** Flags that mbox programs keep in headers: Status, X-Status and X-Keywords. */
export function flagsOfHeaders(raw: Uint8Array): string[] {
  const headers = readHeaders(raw);
  if (!headers.ok) return [];
  const letters = ['status', 'x-status'].flatMap((name) => valuesOf(headers.value, name)).join('');
  const known = { R: '\\Seen', A: '\\Answered', F: '\\Flagged', T: '\\Draft' };
  const flags = Object.entries(known).flatMap(([letter, flag]) =>
    letters.includes(letter) ? [flag] : [],
  );
  const keywords = valuesOf(headers.value, 'x-keywords').flatMap((value) => value.split(/[\s,]+/));
  return [...flags, ...keywords.filter((one) => /^[A-Za-z0-9$_-]{1,64}$/.test(one))].slice(0, 64);
}
