/** Transcripts of the submission server over a real socket. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { LineDialog } from '../testing/line-dialog.ts';
import { SmtpRefused, type Submission } from './hooks.ts';
import { listenForSubmissions, type RunningSubmission } from './submission-server.ts';

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
