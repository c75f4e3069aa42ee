/** Reports about mails, read back by the parts reader that programs are shown them with. */
import { describe, expect, it } from '@jest/globals';
import { readParts } from '../core/mime/part.ts';
import { deliveryFields, dispositionFields } from '../core/report/fields.ts';
import { composeReport, MAX_RETURNED_BYTES, type ReportInput } from './report.ts';

const ORIGINAL = Buffer.from('Subject: h\u00e4\r\nMessage-ID: <o@x>\r\n\r\nwhole text\r\n');
const INPUT: ReportInput = {
  kind: 'delivery-status',
  from: { name: 'Mail delivery', address: 'mailer-daemon@tangle.alt' },
  to: 'me@tangle.alt',
  subject: 'Not delivered: h\u00e4',
  text: 'It failed.\n',
  fields: 'Reporting-MTA: dns; localhost\r\n',
  original: ORIGINAL,
  isFull: true,
  messageId: '<r@tangle.alt>',
  aboutId: '<o@x>',
  dateMs: 1_800_000_000_000,
};

describe('a report', () => {
  it('has a text, fields, and the mail or its header', async () => {
    const typesOf = async (input: ReportInput): Promise<string[]> => {
      const part = readParts(await composeReport(input));
      expect(`${part.type}/${part.subtype}`.toLowerCase()).toBe('multipart/report');
      return part.children.map((one) => `${one.type}/${one.subtype}`.toLowerCase());
    };
    const [text, status] = ['text/plain', 'message/delivery-status'];
    expect(await typesOf(INPUT)).toEqual([text, status, 'message/rfc822']);
    expect(await typesOf({ ...INPUT, isFull: false })).toEqual([
      text,
      status,
      'text/rfc822-headers',
    ]);
    const large = Buffer.concat([ORIGINAL, Buffer.alloc(MAX_RETURNED_BYTES, 0x61)]);
    expect(await typesOf({ ...INPUT, original: large })).toContain('text/rfc822-headers');
    expect(await typesOf({ ...INPUT, original: undefined })).toEqual([text, status]);
    const raw = Buffer.from(await composeReport({ ...INPUT, isFull: false })).toString();
    expect(raw).not.toContain('whole text');
  });
});

describe('fields of a report', () => {
  it('are those of RFC 3464, one block for each recipient', () => {
    const arrivedMs = Date.UTC(2026, 10, 23, 1, 2, 3);
    const recipient = { finalRecipient: 'b@tangle.alt', originalRecipient: 'rfc822;B@x' };
    const late = { ...recipient, action: 'delayed' as const, status: '4.4.1' };
    const failed = { ...recipient, action: 'failed' as const, status: '5.1.1' };
    const retry = { ...late, retryUntilMs: arrivedMs + 1_000 };
    const facts = { reporter: 'localhost', arrivedMs, recipients: [retry, failed] };
    expect(deliveryFields(facts).split('\r\n')).toEqual([
      'Reporting-MTA: dns; localhost',
      'Arrival-Date: Mon, 23 Nov 2026 01:02:03 +0000',
      '',
      'Original-Recipient: rfc822;B@x',
      'Final-Recipient: rfc822; b@tangle.alt',
      'Action: delayed',
      'Status: 4.4.1',
      'Will-Retry-Until: Mon, 23 Nov 2026 01:02:04 +0000',
      '',
      'Original-Recipient: rfc822;B@x',
      'Final-Recipient: rfc822; b@tangle.alt',
      'Action: failed',
      'Status: 5.1.1',
      '',
    ]);
  });

  it('let nothing of a value end a line', () => {
    const diagnostic = 'a\r\nAction: delivered\r\n\r\nb\u00fc';
    const envelopeId = 'x\nStatus: 2.0.0';
    const one = { finalRecipient: 'b@x', action: 'failed' as const, status: '5.0.0', diagnostic };
    const text = deliveryFields({ reporter: 'r', envelopeId, arrivedMs: 0, recipients: [one] });
    expect(text.match(/^(?:Action|Status): .*$/gm)).toEqual(['Action: failed', 'Status: 5.0.0']);
    expect(text.split('\r\n\r\n')).toHaveLength(2);
    const read = { reporter: 'r', finalRecipient: 'b@x', messageId: '<a>\r\nX: y' };
    expect(dispositionFields(read)).not.toContain('\nX:');
  });
});
