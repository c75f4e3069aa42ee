/** ENVELOPE and BODYSTRUCTURE against what a well-kept server answers for the same bytes. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { readParts } from '../../../core/mime/part.ts';
import { readImapValues } from '../../../testing/imap-answer.ts';
import { formatEnvelope, formatStructure } from './body-structure.ts';

interface Recorded {
  readonly name: string;
  readonly message: string;
  readonly bodystructure: string;
  readonly envelope: string;
}

const url = new URL('../../../../../../test/vectors/imap-structure.json', import.meta.url);
const { messages } = JSON.parse(readFileSync(url, 'utf8')) as { messages: Recorded[] };
const mode = { isUtf8: false, isExtended: true } as const;
const bytesOf = (recorded: Recorded): Uint8Array => Buffer.from(recorded.message, 'base64');
const octets = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

/** The line break in front of a delimiter is the delimiter's, behind another delimiter too. */
const theirs = ({ name, bodystructure }: Recorded): string =>
  name === 'forwarded'
    ? bodystructure.replace('"7bit" 293', '"7bit" 291').replace(' 16 NIL', ' 15 NIL')
    : octets(bodystructure);

/** Where our answer differs on purpose; docs/spec/45-mail-programs.md §3 says why. */
const OTHER_STRUCTURE: Record<string, string> = {
  nested:
    '(("text" "html" ("charset" "us-ascii") NIL NIL "7bit" 17 0 NIL NIL NIL NIL)' +
    '("image" "png" ("name" "a b.png") "<1@example.org>" "a picture" "base64" 12 NIL ' +
    '("inline" ("filename" "a b.png")) NIL NIL) "related" ("boundary" "inner" "type" "text/html")' +
    ' NIL NIL NIL)("application" "pdf" NIL NIL NIL "BASE64" 14014 "Q2hlY2sgSW50ZWdyaXR5IQ==" ' +
    '("attachment" ("filename*0" "very long " "filename*1" "name.pdf" "size" "12")) ("en" "de") ' +
    '"http://example.org/x.pdf") "mixed" ("boundary" "outer") NIL NIL NIL',
  'no parts':
    '("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0) "mixed" ("boundary" "b") ' +
    'NIL NIL NIL',
  'prefix boundaries':
    '(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 5 0 NIL NIL NIL NIL) "mixed" ' +
    '("boundary" "bb") NIL NIL NIL)("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 36 2 ' +
    'NIL NIL NIL NIL) "mixed" ("boundary" "b") NIL NIL NIL',
  'type without subtype':
    '"text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 3 1 NIL ("attachment" NIL) NIL NIL',
  'broken type': '"text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 3 1 NIL NIL NIL NIL',
};
const OTHER_ENVELOPE: Record<string, string> = {
  'odd addresses':
    'NIL NIL (("Joe \\"the\\" Q" NIL "joe" "example.org")) ((NIL NIL "sec" "example.org")) ' +
    '(("Reply" NIL "r" "example.org")) ((NIL NIL "quoted local" "example.org")' +
    '(NIL "@a.example,@b.example" "route" "example.org")' +
    '(NIL NIL "no-domain" "")("name only" NIL "" "")' +
    '(NIL NIL "a@b" "example.org")) NIL ((NIL NIL "hidden" "example.org")) "<0@example.org>" NIL',
};

describe('BODYSTRUCTURE', () => {
  it.each(messages)('of "$name"', (recorded) => {
    const message = bytesOf(recorded);
    const answer = formatStructure(message, readParts(message), mode);
    const expected = OTHER_STRUCTURE[recorded.name] ?? theirs(recorded);
    expect(readImapValues(answer)).toEqual([readImapValues(expected)]);
  });

  it('without its extension fields is BODY', () => {
    const message = bytesOf(messages[0]!);
    const answer = formatStructure(message, readParts(message), { ...mode, isExtended: false });
    expect(answer).toBe('("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 13 2)');
  });
});

describe('ENVELOPE', () => {
  it.each(messages.filter(({ name }) => name !== 'two of a field'))('of "$name"', (recorded) => {
    const message = bytesOf(recorded);
    const answer = formatEnvelope(message, readParts(message), mode);
    const expected = OTHER_ENVELOPE[recorded.name] ?? octets(recorded.envelope);
    expect(readImapValues(answer)).toEqual([readImapValues(expected)]);
  });

  it('takes the first subject, and the people of all fields', () => {
    const message = bytesOf(messages.find(({ name }) => name === 'two of a field')!);
    const [envelope] = readImapValues(formatEnvelope(message, readParts(message), mode));
    expect(envelope?.[1]).toBe('first');
    expect(envelope?.[5]).toHaveLength(2);
  });
});
