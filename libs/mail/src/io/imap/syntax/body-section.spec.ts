/** BODY[…] against what a well-kept server answers for the same bytes. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { readParts } from '../../../core/mime/part.ts';
import { Arguments } from './arguments.ts';
import { readSection, sectionBytes } from './body-section.ts';

interface Recorded {
  readonly sections: readonly string[];
  readonly messages: readonly {
    readonly name: string;
    readonly sections: Record<string, string>;
  }[];
}

const read = (name: string): unknown => {
  const url = new URL(`../../../../../../test/vectors/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(url, 'utf8'));
};
const recorded = read('imap-sections') as Recorded;
const { messages: sources } = read('imap-structure') as {
  messages: { readonly name: string; readonly message: string }[];
};

/**
 * Where our answer differs on purpose: a line break in front of a delimiter, and lines that only
 * begin with one, as docs/spec/45-mail-programs.md §3 says; a header always ends in a blank line;
 * a line that is no field is none of the others.
 */
const OTHER: Record<string, string> = {
  'no blank line HEADER.FIELDS.NOT (SUBJECT FROM CONTENT-TYPE)': '\r\n',
  'forwarded 2': 'a line break less',
  'forwarded 2.TEXT': 'a line break less',
  'empty parts 1.MIME': '\r\n',
  'prefix boundaries 1': '--bb\r\n\r\ninner\r\n--bb--',
  'prefix boundaries 2': '-- \r\nsignature\r\n--bx is no delimiter',
  'not a field HEADER.FIELDS.NOT (SUBJECT FROM CONTENT-TYPE)': '\r\n',
};

const shown = (bytes: Uint8Array): string =>
  bytes.length > 60
    ? `sha256:${createHash('sha256').update(bytes).digest('hex')}`
    : Buffer.from(bytes).toString('base64');

describe.each(recorded.messages)('BODY of "$name"', ({ name, sections }) => {
  const source = sources.find((one) => one.name === name);
  const message = Buffer.from(source?.message ?? '', 'base64');
  const root = readParts(message);

  it.each(recorded.sections)('[%s]', (section) => {
    const args = new Arguments({ text: `[${section}]`, literals: [] });
    const ours = sectionBytes(message, root, readSection(args));
    const theirs = sections[section];
    const other = OTHER[`${name} ${section}`];
    const isShorter = other === 'a line break less';
    const lineBreak = Buffer.from(isShorter ? '\r\n' : '');
    const bytes = Buffer.concat([ours ?? new Uint8Array(0), lineBreak]);
    // Dovecot has a part 1 in every part; RFC 3501 §6.4.5 in messages alone.
    const isLeaf = ours === undefined && isBelowLeaf(section);
    const isPartOne = isLeaf && theirs === sections[parentOf(section)];
    const expected = isPartOne ? '' : (theirs ?? '');
    const own = other === undefined || isShorter ? undefined : shown(Buffer.from(other));
    expect(shown(bytes)).toBe(own ?? expected);
  });
});

function isBelowLeaf(section: string): boolean {
  return /^\d+(\.\d+)+/.test(section);
}

function parentOf(section: string): string {
  return section.replace(/\.\d+(\.MIME)?$/, '$1');
}
