/** Answers, forwarded messages, and the field that never leaves. */
import { describe, expect, it } from '@jest/globals';
import { utf8ToBytes } from '@noble/ciphers/utils.js';
import fc from 'fast-check';
import {
  forwardSubject,
  forwardText,
  MAX_THREAD_IDS,
  quoteText,
  replySubject,
  threadOf,
} from './answer.ts';
import { withBcc, withoutBcc } from './blind-copies.ts';
import { readHeaders, valuesOf } from './headers.ts';

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const bccOf = (message: Uint8Array): string[] => {
  const headers = readHeaders(message);
  return headers.ok ? valuesOf(headers.value, 'bcc') : [];
};

describe('the thread of an answer', () => {
  it('is the parent’s, and the parent', () => {
    expect(threadOf({ messageId: 'c@x', references: ['a@x', 'b@x'] })).toEqual({
      inReplyTo: '<c@x>',
      references: ['<a@x>', '<b@x>', '<c@x>'],
    });
    expect(threadOf({ references: ['a@x'] })).toEqual({ references: ['<a@x>'] });
  });

  it('keeps the first id and the newest of a long one', () => {
    const references = Array.from({ length: 50 }, (_, at) => `${at}@x`);
    const thread = threadOf({ messageId: 'me@x', references });
    expect(thread.references).toHaveLength(MAX_THREAD_IDS);
    expect(thread.references[0]).toBe('<0@x>');
    expect(thread.references.slice(-2)).toEqual(['<49@x>', '<me@x>']);
  });
});

describe('the subject', () => {
  it('has one prefix, whatever the language of those before', () => {
    expect(replySubject('lunch')).toBe('Re: lunch');
    expect(replySubject('RE: Re[2]: AW: lunch')).toBe('Re: lunch');
    expect(replySubject('Regarding: lunch')).toBe('Re: Regarding: lunch');
    expect(forwardSubject('Fwd: WG: lunch')).toBe('Fwd: lunch');
    expect(replySubject('')).toBe('Re:');
  });
});

describe('quoted text', () => {
  it('stands behind signs, deeper ones without a space between', () => {
    expect(quoteText('one\r\n\r\n> two\r\n', 'Alice wrote:')).toBe(
      'Alice wrote:\n> one\n>\n>> two\n',
    );
  });

  it('is forwarded as it came; no line of the head can be forged by a subject', () => {
    const head = { from: 'a', date: 'd', subject: 'x\nFrom: evil', to: 'b' };
    const lines = forwardText('Hi.\n', head).split('\n');
    expect(lines.filter((line) => line.startsWith('From:'))).toEqual(['From: a']);
    expect(lines.at(-2)).toBe('Hi.');
  });
});

describe('the Bcc field', () => {
  const raw = utf8ToBytes(
    'From: a@x\r\nBcc: b@x,\r\n c@x\r\nbCC : d@x\r\nSubject: Bcc: no\r\n\r\nBcc: body\r\n',
  );

  it('goes with its folded lines, and nothing else', () => {
    expect(text(withoutBcc(raw))).toBe('From: a@x\r\nSubject: Bcc: no\r\n\r\nBcc: body\r\n');
    const plain = utf8ToBytes('Subject: x\r\n\r\nBcc: body\r\n');
    expect(withoutBcc(plain)).toBe(plain);
  });

  it('put in and taken out gives the same bytes', () => {
    const names = fc.array(fc.emailAddress(), { minLength: 1, maxLength: 5 });
    const bodies = fc.uint8Array({ maxLength: 200 });
    fc.assert(
      fc.property(names, bodies, (addresses, body) => {
        const message = Uint8Array.from([...utf8ToBytes('Subject: x\r\n\r\n'), ...body]);
        const copy = withBcc(message, addresses);
        expect(bccOf(copy)[0]?.split(', ')).toEqual(addresses);
        expect(withoutBcc(copy)).toEqual(message);
      }),
    );
  });

  it('is found in no bytes that are left, and no bytes make it throw', () => {
    const lines = fc.constantFrom('Bcc: a@b', ' folded', 'BCC:', 'To: x', '', '\t', 'Bcc', ':');
    const messages = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc
        .array(fc.tuple(lines, fc.constantFrom('\r\n', '\n')), { maxLength: 12 })
        .map((all) => utf8ToBytes(all.map((one) => one.join('')).join(''))),
    );
    fc.assert(
      fc.property(messages, (message) => {
        expect(bccOf(withoutBcc(message))).toEqual([]);
        expect(withoutBcc(withoutBcc(message))).toEqual(withoutBcc(message));
      }),
      { numRuns: 500 },
    );
  });
});
