/** The tree of parts: offsets that tile the message, whatever the bytes. */
import { describe, expect, it } from '@jest/globals';
import { utf8ToBytes } from '@noble/ciphers/utils.js';
import fc from 'fast-check';
import { MAX_PART_DEPTH, type MimePart, readParts } from './part.ts';

const textOf = (message: Uint8Array, part: MimePart): string =>
  new TextDecoder().decode(message.subarray(part.bodyStart, part.bodyEnd));

function* all(part: MimePart): Generator<MimePart> {
  yield part;
  for (const child of part.children) yield* all(child);
}

/** What does not hold of the parts that should tile these bytes. */
function problemsOf(
  message: Uint8Array,
  part = readParts(message),
  end = message.length,
): string[] {
  const problems: string[] = [];
  const { headerStart, bodyStart, bodyEnd, lines } = part;
  if (headerStart > bodyStart || bodyStart > bodyEnd || bodyEnd > end) problems.push('order');
  const breaks = message.subarray(bodyStart, bodyEnd).filter((byte) => byte === 10).length;
  if (lines !== breaks) problems.push(`${lines} lines of ${breaks}`);
  let last = bodyStart;
  for (const child of part.children) {
    if (child.headerStart < last) problems.push('overlap');
    problems.push(...problemsOf(message, child, bodyEnd));
    last = child.bodyEnd;
  }
  return problems;
}

const LINES = [
  '',
  'text',
  '--',
  '--a',
  '--a--',
  '--b',
  '--b--',
  '--a ',
  ' folded',
  'From: x@y',
  '.',
  'Content-Type: multipart/mixed; boundary=a',
  'Content-Type: multipart/digest; boundary="b"',
  'Content-Type: message/rfc822',
  'Content-Type: text/html; charset="',
  'Content-Type: a/b; (x',
  'Content-Transfer-Encoding: base64',
];

describe('the parts of a message', () => {
  it('lie where they stand', () => {
    const message = utf8ToBytes(
      'Content-Type: multipart/mixed; boundary=a\r\n\r\npreamble\r\n--a\r\n\r\none\r\n--a\r\n' +
        'Content-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\ntwo\r\n--a--\r\nepilogue\r\n',
    );
    const root = readParts(message);
    const [one, attached] = root.children;
    expect(textOf(message, one!)).toBe('one');
    expect(textOf(message, attached!)).toBe('Subject: in\r\n\r\ntwo');
    expect(textOf(message, attached!.children[0]!)).toBe('two');
    expect(root.bodyEnd).toBe(message.length);
  });

  it('are found within their parent, lines counted, whatever the bytes', () => {
    const lines = fc.array(fc.constantFrom(...LINES), { maxLength: 40 });
    const breaks = fc.constantFrom('\r\n', '\n');
    fc.assert(
      fc.property(lines, breaks, fc.boolean(), (some, end, hasEnd) => {
        const message = utf8ToBytes(some.join(end) + (hasEnd ? end : ''));
        expect(problemsOf(message)).toEqual([]);
      }),
      { numRuns: 2_000 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (message) => {
        expect(problemsOf(message)).toEqual([]);
      }),
    );
  });

  it('end at a depth that no honest mail has', () => {
    const deep = 'Content-Type: message/rfc822\r\n\r\n'.repeat(1_000);
    expect([...all(readParts(utf8ToBytes(deep)))].length).toBe(MAX_PART_DEPTH + 1);
    const head = (at: number): string =>
      `Content-Type: multipart/mixed; boundary=b${at}\r\n\r\n--b${at}\r\n`;
    const nested = Array.from({ length: 1_000 }, (_, at) => head(at)).join('');
    const depth = [...all(readParts(utf8ToBytes(nested)))].length;
    expect(depth).toBe(MAX_PART_DEPTH + 1);
  });

  it('are counted up to a bound', () => {
    const many = `Content-Type: multipart/mixed; boundary=a\r\n\r\n${'--a\r\n\r\n'.repeat(20_000)}`;
    const root = readParts(utf8ToBytes(many));
    expect(root.children.length).toBeLessThan(10_001);
  });
});
