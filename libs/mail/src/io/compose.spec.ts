import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { MAX_MESSAGE_SIZE } from '../core/limits.ts';
import { checkMessage } from '../core/message/check.ts';
import { readFacts, readHeaders } from '../core/message/headers.ts';
import { codeOf, fromHex, valueOf } from '../testing/vectors.ts';
import type { ComposeInput } from './compose.ts';
import { composeMessage } from './compose.ts';
import { MailError } from './mail-error.ts';
import { parseMessage } from './parse.ts';

const input: ComposeInput = {
  from: 'Ada Lovelace <ada@tangle.alt>',
  to: ['bob@tangle.alt', 'Cy <cy@tangle.alt>'],
  subject: 'Grüße aus Zürich — 你好',
  text: 'Line one\nline two ü\n.\nFrom the start\n',
  messageId: '<1d1d@tangle.alt>',
  inReplyTo: '<0c0c@tangle.alt>',
  references: ['<0b0b@tangle.alt>', '<0c0c@tangle.alt>'],
  dateMs: 1_795_323_600_000,
};

describe('composed message', () => {
  it('keeps the rules of a message, and its headers read as they were written', async () => {
    const bytes = await composeMessage(input);
    expect(codeOf(checkMessage(bytes))).toBe('ok');
    expect(readFacts(valueOf(readHeaders(bytes)))).toMatchObject({
      from: ['ada@tangle.alt'],
      to: ['bob@tangle.alt', 'cy@tangle.alt'],
      messageId: '1d1d@tangle.alt',
      references: ['0b0b@tangle.alt', '0c0c@tangle.alt'],
      date: 1_795_323_600,
    });
  });

  it('comes back as it was written: text, HTML and attachments byte for byte', async () => {
    const content = Uint8Array.from({ length: 5_000 }, (_, n) => (n * 7) & 255);
    const attachments = [
      { filename: 'größe.bin', content },
      { filename: '../../etc/passwd', contentType: 'text/plain', content: fromHex('0d0a00ff') },
    ];
    const cc = ['dee@tangle.alt'];
    const bytes = await composeMessage({ ...input, cc, html: '<p>ü</p>', attachments });
    const shown = await parseMessage(bytes);
    expect(shown).toMatchObject({
      subject: input.subject,
      from: [{ name: 'Ada Lovelace', address: 'ada@tangle.alt' }],
      cc: [{ address: 'dee@tangle.alt' }],
      attachmentsLeftOut: 0,
    });
    expect(shown.text.trimEnd()).toBe(input.text.trimEnd());
    expect(shown.html).toContain('<p>ü</p>');
    expect(shown.attachments.map((one) => one.content)).toEqual([content, fromHex('0d0a00ff')]);
    expect(shown.attachments[1]?.filename).not.toMatch(/[/\\]/);
  });

  it('does not let a subject or address write headers', async () => {
    const subject = 'x\r\nBcc: evil@tangle.alt';
    const bytes = await composeMessage({ ...input, subject, to: ['a@b\r\nX-Evil: 1'] });
    const names = valueOf(readHeaders(bytes)).fields.map((field) => field.name);
    expect(names).not.toContain('bcc');
    expect(names).not.toContain('x-evil');
  });
});

describe('shown message', () => {
  it('is read whatever the bytes are', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 500 }), async (bytes) => {
        const shown = await parseMessage(bytes);
        expect(typeof shown.text).toBe('string');
      }),
    );
  });

  it('parse-failed: parts nested without end', async () => {
    const depth = 80;
    const open = Array.from(
      { length: depth },
      (_, n) => `Content-Type: multipart/mixed; boundary=b${n}\r\n\r\n--b${n}\r\n`,
    );
    const bytes = Buffer.from(`${open.join('')}\r\nx`);
    await expect(parseMessage(bytes)).rejects.toMatchObject({ code: 'parse-failed' });
  });

  it('message-too-large', async () => {
    const bytes = new Uint8Array(MAX_MESSAGE_SIZE + 1);
    await expect(parseMessage(bytes)).rejects.toMatchObject({ code: 'message-too-large' });
  });

  it('flattens groups and leaves out what is too much', async () => {
    const part = '--b\r\nContent-Type: a/b\r\nContent-Disposition: attachment\r\n\r\nx\r\n';
    const head = 'To: G: a@b, C <c@d>;\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n';
    const shown = await parseMessage(Buffer.from(`${head}${part.repeat(510)}--b--\r\n`));
    expect(shown.to).toEqual([
      { name: '', address: 'a@b' },
      { name: 'C', address: 'c@d' },
    ]);
    expect([shown.attachments.length, shown.attachmentsLeftOut]).toEqual([500, 10]);
  });
});

describe('mail error', () => {
  it('is made from a verdict, with its code and detail', () => {
    const outcome = checkMessage(new Uint8Array(9), 5);
    const error = outcome.ok ? undefined : MailError.from(outcome);
    expect(error).toMatchObject({
      name: 'MailError',
      code: 'message-too-large',
      message: 'message-too-large: at most 5 bytes',
    });
    expect(MailError.from({ ok: false, action: 'ignore', code: 'not-for-us' }).message).toBe(
      'not-for-us',
    );
  });
});
