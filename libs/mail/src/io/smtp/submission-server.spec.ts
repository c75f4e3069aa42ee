/** Transcripts of the submission server over a real socket, and hostile bytes at its door. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { LineDialog } from '../testing/line-dialog.ts';
import { SmtpRefused, type Submission } from './hooks.ts';
import {
  listenForSubmissions,
  MAX_SMTP_RECIPIENTS,
  type RunningSubmission,
} from './submission-server.ts';

let server: RunningSubmission;
let taken: Submission[];
let faults: unknown[];

beforeEach(async () => {
  taken = [];
  faults = [];
  const account = {
    checkSender: (address: string) => {
      if (address !== 'alice@tangle.alt') throw new SmtpRefused(550, '5.7.1', 'not yours');
    },
    checkRecipient: async (address: string) => {
      if (address === 'broken@tangle.alt') throw new Error('a fault');
      if (!address.startsWith('bob')) throw new SmtpRefused(550, '5.1.1', 'nobody of this name');
    },
    submit: async (submission: Submission) => {
      taken.push(submission);
      return '2.0.0 queued';
    },
  };
  server = await listenForSubmissions(
    { host: '127.0.0.1', port: 0, tls: 'none' },
    {
      allowsPlainLogin: true,
      maxMessageBytes: 10_000,
      maxConnections: 10,
      idleTimeoutMs: 60_000,
      serverName: 'localhost',
    },
    {
      login: {
        login: async (user, password) =>
          user === 'alice' && password === 'p' ? account : undefined,
      },
      onFault: (error) => faults.push(error),
    },
  );
});
afterEach(() => server.close());

async function open(): Promise<LineDialog> {
  const dialog = await LineDialog.open(server.port);
  await dialog.until(/\n/);
  await run(dialog, 'EHLO test');
  return dialog;
}

async function run(dialog: LineDialog, line: string): Promise<string> {
  dialog.say(`${line}\r\n`);
  return (await dialog.until(/(^|\n)\d{3} [^\n]*\n/)).trimEnd();
}

const PLAIN = `AUTH PLAIN ${Buffer.from('\0alice\0p').toString('base64')}`;

describe('a submission', () => {
  it('arrives byte for byte, with who it goes to', async () => {
    const dialog = await open();
    expect(await run(dialog, PLAIN)).toMatch(/^235/);
    expect(await run(dialog, 'MAIL FROM:<alice@tangle.alt> BODY=8BITMIME')).toMatch(/^250/);
    expect(await run(dialog, 'RCPT TO:<bob@tangle.alt> NOTIFY=SUCCESS,FAILURE')).toMatch(/^250/);
    expect(await run(dialog, 'DATA')).toMatch(/^354/);
    const raw = 'Subject: x\r\n\r\n.dot\r\n caf\u00c3\u00a9 \r\n';
    dialog.say(`${raw.replace('\r\n.', '\r\n..')}.\r\n`);
    expect(await dialog.until(/\n/)).toBe('250 2.0.0 queued\r\n');
    expect(taken).toHaveLength(1);
    expect(Buffer.from(taken[0]!.raw).toString('latin1')).toBe(raw);
    expect(taken[0]!.recipients).toEqual([
      { address: 'bob@tangle.alt', notify: ['SUCCESS', 'FAILURE'] },
    ]);
    dialog.close();
  });

  it('is refused with the code that says why', async () => {
    const dialog = await open();
    expect(await run(dialog, 'MAIL FROM:<alice@tangle.alt>')).toMatch(/^530/);
    const wrong = `AUTH PLAIN ${Buffer.from('\0alice\0no').toString('base64')}`;
    expect(await run(dialog, wrong)).toBe('535 5.7.8 name or password is wrong');
    await run(dialog, PLAIN);
    expect(await run(dialog, 'MAIL FROM:<eve@tangle.alt>')).toBe('550 5.7.1 not yours');
    await run(dialog, 'MAIL FROM:<alice@tangle.alt>');
    expect(await run(dialog, 'RCPT TO:<eve@tangle.alt>')).toBe('550 5.1.1 nobody of this name');
    expect(await run(dialog, 'RCPT TO:<broken@tangle.alt>')).toMatch(/^451 4\.3\.0/);
    expect(faults).toEqual([new Error('a fault')]);
    await run(dialog, 'RCPT TO:<bob@tangle.alt>');
    await run(dialog, 'DATA');
    dialog.say(`${'x'.repeat(20_000)}\r\n.\r\n`);
    expect(await dialog.until(/\n/)).toMatch(/^552 5\.3\.4/);
    expect(await run(dialog, 'MAIL FROM:<alice@tangle.alt> SIZE=20000')).toMatch(/^552/);
    expect(taken).toEqual([]);
    dialog.close();
  });
});

describe('a submission session', () => {
  const rows: (readonly [line: string, answer: RegExp])[] = [
    ['NOOP', /^250/],
    ['MAIL FROM:<alice@tangle.alt>', /^503/],
    ['EHLO', /^501/],
    ['EHLO test', /^250/],
    ['HELO test', /^250/],
    ['VRFY bob@tangle.alt', /^252/],
    ['HELP', /^214/],
    ['STARTTLS', /^500/],
    ['NONSENSE', /^500/],
    ['', /^500/],
  ];

  it.each(rows)('answers %j before the login', async (line, answer) => {
    const dialog = await LineDialog.open(server.port);
    await dialog.until(/\n/);
    expect(await run(dialog, line)).toMatch(answer);
    dialog.close();
  });

  it('takes commands in their order only, and goes on after errors', async () => {
    const dialog = await open();
    const steps: (readonly [line: string, answer: RegExp])[] = [
      ['RCPT TO:<bob@tangle.alt>', /^5(03|30)/],
      ['AUTH NONSENSE', /^504/],
      ['AUTH PLAIN !!!', /^5\d\d/],
      [PLAIN, /^235/],
      [PLAIN, /^503/],
      ['DATA', /^503/],
      ['RCPT TO:<bob@tangle.alt>', /^503/],
      ['MAIL FROM:alice', /^501/],
      ['MAIL FROM:<alice@tangle.alt> NONSENSE=1', /^555 5\.5\.4/],
      ['MAIL FROM:<alice@tangle.alt> SIZE=10001', /^552/],
      ['MAIL FROM:<alice@tangle.alt> SIZE=100 SMTPUTF8', /^250/],
      ['MAIL FROM:<alice@tangle.alt>', /^503/],
      ['DATA', /^503/],
      ['RCPT TO:bob', /^501/],
      ['RCPT TO:<nobody@tangle.alt>', /^550 5\.1\.1/],
      ['DATA', /^503/],
      ['RCPT TO:<bob@tangle.alt> NOTIFY=NONSENSE', /^501/],
      ['RCPT TO:<bob@tangle.alt> NONSENSE', /^555/],
      ['RCPT TO:<bob@tangle.alt>', /^250/],
      ['RSET', /^250/],
      ['DATA', /^503/],
      ['QUIT', /^221/],
    ];
    for (const [line, answer] of steps) {
      expect([line, await run(dialog, line)]).toEqual([line, expect.stringMatching(answer)]);
    }
    await dialog.over();
    expect(taken).toEqual([]);
  });

  it('takes a hundred recipients, and two mails one after the other', async () => {
    const dialog = await open();
    await run(dialog, PLAIN);
    await run(dialog, 'MAIL FROM:<alice@tangle.alt>');
    for (let at = 0; at < MAX_SMTP_RECIPIENTS; at++) await run(dialog, `RCPT TO:<bob${at}@x.alt>`);
    expect(await run(dialog, 'RCPT TO:<bob@x.alt>')).toMatch(/^452 4\.5\.3/);
    // All at once, as a program may that saw PIPELINING.
    dialog.say('DATA\r\n');
    await dialog.until(/^354[^\n]*\n/);
    dialog.say('Subject: a\r\n\r\na\r\n.\r\n');
    expect(await dialog.until(/\n/)).toMatch(/^250/);
    dialog.say('MAIL FROM:<alice@tangle.alt>\r\nRCPT TO:<bob@x.alt>\r\nDATA\r\n');
    await dialog.until(/^354[^\n]*\n/m);
    dialog.say('Subject: b\r\n\r\nb\r\n.\r\nQUIT\r\n');
    expect(await dialog.over()).toMatch(/^250[^\n]*\n221/m);
    expect(taken.map((one) => one.recipients.length)).toEqual([MAX_SMTP_RECIPIENTS, 1]);
  });

  it('ends what speaks nonsense, and lines without end', async () => {
    const dialog = await LineDialog.open(server.port);
    dialog.say('GET / HTTP/1.1\r\n'.repeat(20));
    expect(await dialog.over()).toMatch(/421/);
    const other = await LineDialog.open(server.port);
    other.say('a'.repeat(200_000));
    expect(await other.over()).toMatch(/421/);
  });

  it('takes nothing of a mail whose connection breaks', async () => {
    const dialog = await open();
    await run(dialog, PLAIN);
    await run(dialog, 'MAIL FROM:<alice@tangle.alt>');
    await run(dialog, 'RCPT TO:<bob@tangle.alt>');
    await run(dialog, 'DATA');
    dialog.say('Subject: half\r\n\r\nof it\r\n');
    dialog.close();
    const other = await open();
    expect(await run(other, PLAIN)).toMatch(/^235/);
    other.close();
    await server.close();
    expect(taken).toEqual([]);
  });

  it('answers hostile bytes, in pieces of any size, and others as before', async () => {
    const words =
      'EHLO x|HELO x|MAIL FROM:<alice@tangle.alt>|MAIL FROM:<>|MAIL FROM:|RCPT TO:<bob@x.alt>|' +
      'RCPT TO:<broken@tangle.alt>|RCPT TO:<@>|DATA|.|..|RSET|NOOP|AUTH LOGIN|AUTH PLAIN|=|AAAA|' +
      `${PLAIN}|SIZE=99999999999|BDAT 1 LAST|XCLIENT ADDR=1|\0|\u00ff\u00fe|Subject: x||*`;
    const line = fc.constantFrom(...words.split('|')).map((word) => `${word}\r\n`);
    const noise = fc
      .uint8Array({ maxLength: 60 })
      .map((bytes) => Buffer.from(bytes).toString('latin1'));
    const speech = fc.array(fc.oneof(line, line, noise), { maxLength: 40 });
    const witness = await open();
    await run(witness, PLAIN);
    await fc.assert(
      fc.asyncProperty(speech, fc.integer({ min: 1, max: 9 }), async (said, pieces) => {
        const dialog = await LineDialog.open(server.port);
        // Who speaks before the greeting is left at once.
        await dialog.until(/\n/);
        const text = `EHLO x\r\n${PLAIN}\r\n${said.join('')}`;
        const size = Math.ceil(text.length / pieces);
        for (let at = 0; at < text.length; at += size) dialog.say(text.slice(at, at + size));
        await dialog.until(/^235[^\n]*\n/m);
        // Others are served, whatever became of this one.
        expect(await run(witness, 'RSET')).toMatch(/^250/);
        dialog.close();
      }),
      { numRuns: 40 },
    );
    // An account that fails is the only fault there is.
    const others = faults.filter((one) => !(one instanceof Error) || one.message !== 'a fault');
    expect(others).toEqual([]);
    witness.close();
  });
});
